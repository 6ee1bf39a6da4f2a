import type { ports } from '../../kit.ts';
import {
  clusterNode,
  clusterPod,
  clusterSource,
  podContainer,
  workload,
} from '../../shared/fixture-clusters.ts';
import { hostSource, logSource } from '../../shared/fixture-hosts.ts';
import { certificateSource, type Fixture, liveSite, processSource } from '../../shared/fixture-sources.ts';
import { automated, leaf, managed } from './builders.ts';

const now = new Date('2026-11-26T12:00:00Z');
const OLD = { from: '2025-11-19T09:00:00Z', until: '2026-11-19T09:00:00Z' };
const RENEWED = { from: '2026-11-25T09:00:00Z', until: '2027-11-25T09:00:00Z' };
const NAME = 'cell.service.cf.internal';
const DOPPLER = leaf('doppler', RENEWED);

/** A Vault, a CredHub with its director, a cluster, and what they serve. The second cell serves the version `served`. */
function environment(
  second: ports.Certificate,
  nginxStarted = new Date('2026-11-25T09:06:00Z'),
): Partial<ports.Readers> {
  const site = (place: string, one: ports.Certificate, host: string) => ({
    ...liveSite(`edge:${place}`, one, { clientCertificateRequired: true, address: place }),
    host,
  });
  return {
    certificates: [
      certificateSource({
        name: 'edge',
        role: 'served',
        places: [
          site('10.0.32.21:1801', leaf(NAME, RENEWED), 'diego-cell/0a rep'),
          site('10.0.32.22:1801', second, 'diego-cell/1b rep'),
          site('10.0.16.31:8082', DOPPLER, 'doppler/1'),
        ],
      }),
      certificateSource({
        name: 'vault',
        role: 'stored',
        storedIn: 'secrets',
        places: [
          {
            kind: 'seen',
            place: 'vault:secret/cf/rep/server:certificate',
            chain: [leaf(NAME, RENEWED)],
            version: '7',
          },
        ],
        history: {
          'vault:secret/cf/rep/server:certificate': [{ id: '6', chain: [leaf(NAME, OLD)], trusts: [] }],
        },
      }),
      certificateSource({
        name: 'credhub',
        role: 'stored',
        places: [],
        managed: [
          managed('credhub:/bosh/cf/doppler', [
            { id: 'v2', until: RENEWED.until },
            { id: 'v1', until: OLD.until },
          ]),
        ],
        contents: { 'credhub:/bosh/cf/doppler': [{ id: 'v2', chain: [DOPPLER], trusts: [] }] },
      }),
      ...['hosts', 'hosts-lab'].map((name) =>
        certificateSource({
          name,
          role: 'stored',
          storedIn: 'files',
          places: [
            {
              kind: 'seen',
              place: `${name}:web-1:/etc/nginx/tls/web.pem`,
              host: 'web-1',
              storedSince: new Date('2026-11-25T09:05:00Z'),
              chain: [leaf('web', RENEWED)],
            },
          ],
        }),
      ),
      certificateSource({
        name: 'prod',
        role: 'stored',
        storedIn: 'secrets',
        places: [{ kind: 'seen', place: 'prod:shop/shop-tls:tls.crt', chain: [leaf('shop', RENEWED)] }],
        managed: [automated('shop/shop', 'shop-tls')],
      }),
    ],
    processes: ['bosh', 'bosh-lab'].map((name) => ({
      ...processSource(name, 'director', []),
      deployedCertificates: async () =>
        name === 'bosh'
          ? [{ deployment: 'cf', certificates: [{ name: '/bosh/cf/doppler', version: 'v2' }] }]
          : [],
      directorCertificates: async () => [],
      tasks: async () => [],
    })),
    hosts: ['hosts', 'hosts-lab'].map((name) =>
      hostSource({
        name,
        now,
        hosts: [{ name: 'web-1', processes: [{ pid: 812, program: 'nginx', startedAt: nginxStarted }] }],
      }),
    ),
    clusters: ['prod', 'lab'].map((name) =>
      clusterSource({
        name,
        nodes: [clusterNode('node-a')],
        pods: [
          clusterPod('shop-0', {
            volumes: [{ name: 'tls', secrets: ['shop-tls'] }],
            containers: [podContainer('shop', { mounts: [{ volume: 'tls', path: '/etc/tls' }] })],
          }),
        ],
        ingresses: [{ namespace: 'shop', name: 'shop', tls: [{ hosts: ['shop'], secret: 'shop-tls' }] }],
      }),
    ),
    logs: [
      logSource({
        name: 'syslog',
        contains: ['system'],
        lines: [{ host: 'diego-cell/1b', at: now, text: 'remote error: tls: expired certificate' }],
      }),
      logSource({ name: 'switches', contains: ['switch'], lines: [] }),
    ],
  };
}

/** A pod that started before its Secret was renewed, and still serves what it loaded then. */
function withStalePod(): Partial<ports.Readers> {
  const { certificates = [], clusters = [], ...others } = environment(leaf(NAME, RENEWED));
  const former = leaf('shop', { from: '2026-09-01T00:00:00Z', until: '2027-09-01T00:00:00Z' });
  const pod = clusterPod('shop-0', {
    addresses: ['10.244.1.4'],
    startedAt: new Date('2026-10-01T00:00:00Z'),
    controller: { kind: 'StatefulSet', name: 'shop' },
    volumes: [{ name: 'tls', secrets: ['shop-tls'] }],
    containers: [podContainer('shop', { mounts: [{ volume: 'tls', path: '/etc/tls' }] })],
  });
  return {
    ...others,
    certificates: [
      ...certificates,
      certificateSource({
        name: 'pods',
        role: 'served',
        places: [liveSite('pods:10.244.1.4:443', former, { address: '10.244.1.4:443' })],
      }),
    ],
    clusters: [
      clusterSource({
        name: 'prod',
        nodes: [],
        pods: [pod],
        workloads: [workload('shop', { kind: 'StatefulSet', replicas: 1 })],
        restart: { allowed: true, managed: false },
      }),
      ...clusters.slice(1),
    ],
  };
}

const EVIDENCE = "a director that doesn't have them is too old to know them";

const ENDS = [
  { answer: /^\S+\.(?:tasks|directorCertificates)\(.*\) is missing/, because: EVIDENCE },
  {
    answer: /^credhub\.managed\(\): \S+ has no expiry date in v2/,
    because: 'its content is read, and is what the site serves',
  },
  {
    answer: /^credhub\.managed\(\): \S+ has no expiry date in v1/,
    because: 'every site serves a version that is known',
  },
];

const answeredOtherwise = [
  {
    answer: /^\S+\.(?:ingresses|pods)\(.*\) is missing/,
    because: "an API that the server doesn't have has no objects",
  },
  {
    answer: /^\S+\.(?:processes|deployments)\(.*\) is missing/,
    because: 'without `ps` or instances, what sites serve shows what was loaded',
  },
  ...ENDS,
  {
    answer: /^credhub\.contents\(.*\) is refused/,
    because:
      'if the configuration forbids reading contents, sites are compared by the end of their certificate',
  },
];

export const fixtures: readonly Fixture[] = [
  {
    title: 'everything serves what is stored',
    status: 'clear',
    now,
    read: () => environment(leaf(NAME, RENEWED)),
    answeredOtherwise,
  },
  {
    title: 'one cell serves the former version',
    status: 'found',
    now,
    read: () => environment(leaf(NAME, OLD)),
    answeredOtherwise: ENDS,
  },
  {
    title: 'one pod has not loaded its Secret',
    status: 'found',
    now,
    read: withStalePod,
    answeredOtherwise: [
      ...ENDS,
      {
        answer: /^\S+\.workload\(.*\) is missing/,
        because:
          'what is wrong is known without the workload, and the plan of a restart says that it is gone',
      },
    ],
  },
  {
    title: 'nginx is older than its certificate',
    status: 'found',
    now,
    read: () => environment(leaf(NAME, RENEWED), new Date('2026-10-01T00:00:00Z')),
    answeredOtherwise: ENDS,
  },
];
