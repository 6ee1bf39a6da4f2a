import type { ports } from '../../kit.ts';
import { buildSource } from '../../shared/fixture-builds.ts';
import { clusterNode, clusterPod, clusterSource, podContainer } from '../../shared/fixture-clusters.ts';
import { containerId, engineSource } from '../../shared/fixture-engines.ts';
import type { Fixture } from '../../shared/fixture-sources.ts';
import { deployment, digestOf } from './builders.ts';

const now = new Date('2026-11-26T12:00:00Z');

const NAMES = ['api-a', 'api-b', 'api-c'];

const addressOf = (at: number) => `10.0.0.${at + 1}`;

function pod(name: string, at: number, image: string, set = 'api-7c'): ports.Pod {
  return clusterPod(name, {
    labels: { app: 'api' },
    addresses: [addressOf(at)],
    controller: { kind: 'ReplicaSet', name: set, uid: `uid-of-${set}` },
    containers: [
      podContainer('api', {
        image: 'registry.example/api:prod',
        ports: [{ port: 8080 }],
        status: {
          restarts: 0,
          isReady: true,
          imageId: `registry.example/api@${digestOf(image)}`,
          state: { kind: 'running', startedAt: new Date('2026-11-20T08:00:00Z') },
        },
      }),
    ],
  });
}

const endpoint = (name: string, at: number): ports.Endpoint => ({
  addressType: 'IPv4',
  addresses: [addressOf(at)],
  isReady: true,
  isServing: true,
  isTerminating: false,
  node: 'node-a',
  pod: { namespace: 'shop', name, uid: `uid-of-${name}` },
  ports: [{ port: 8080, protocol: 'TCP' }],
});

/** One cluster with a Service, and another without. */
function clusters(images: readonly string[], former: readonly string[]): readonly ports.Cluster[] {
  const {
    newest: _,
    container: __,
    ...api
  } = deployment('api', {
    image: 'registry.example/api:prod',
    pullPolicy: 'Always',
    labels: { 'app.kubernetes.io/version': '209' },
  });
  const set: ports.Rollout = {
    ...api,
    kind: 'ReplicaSet',
    name: 'api-7c',
    uid: 'uid-of-api-7c',
    controller: { kind: 'Deployment', name: 'api', uid: 'uid-of-api' },
  };
  return [
    clusterSource({
      name: 'lab',
      nodes: [clusterNode('node-a')],
      pods: NAMES.map((name, at) =>
        pod(name, at, images[at] ?? '', former.includes(name) ? 'api-6d' : 'api-7c'),
      ),
      services: [
        {
          namespace: 'shop',
          name: 'api',
          type: 'ClusterIP',
          selector: { app: 'api' },
          ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }],
        },
      ],
      endpoints: { 'shop/api': NAMES.map(endpoint) },
      rollouts: [api, set, { ...set, name: 'api-6d', uid: 'uid-of-api-6d', revision: '6', replicas: 0 }],
      restart: { allowed: true, managed: false },
      pin: { allowed: true, managed: false },
      remove: { allowed: true, running: true },
    }),
    clusterSource({ name: 'spare', nodes: [] }),
  ];
}

function engines(): readonly ports.ContainerEngines[] {
  const quote: ports.EngineContainer = {
    id: containerId('quote'),
    name: 'quote',
    image: 'node:22',
    imageId: `sha256:${containerId('node:22')}`,
    labels: {},
    state: 'running',
    ports: [{ port: 3000, published: 3000, address: '0.0.0.0', protocol: 'tcp' }],
  };
  return [
    engineSource({ name: 'hosts', engines: [{ name: 'host-1', containers: [quote] }] }),
    engineSource({ name: 'laptop', engines: [{ name: 'laptop' }] }),
  ];
}

const json = (body: object): Omit<ports.BuildAnswer, 'url'> => ({
  status: 200,
  contentType: 'application/json',
  body: JSON.stringify(body),
});

/** `numbers` are those of the pods. */
function environment(
  numbers: readonly number[],
  images: readonly string[],
  former: readonly string[] = [],
): Partial<ports.Readers> {
  return {
    builds: [
      buildSource({
        name: 'shop',
        services: [
          {
            name: 'shop/api',
            replicas: { kind: 'kubernetes', cluster: 'lab', namespace: 'shop', service: 'api' },
            build: { kind: 'auto' },
            expected: { kind: 'label', name: 'app.kubernetes.io/version' },
          },
        ],
        answers: Object.fromEntries(
          numbers.map((number, at) => [`${addressOf(at)}:8080`, json({ buildNumber: number })]),
        ),
      }),
      buildSource({
        name: 'quotes',
        services: [
          {
            name: 'quotes/quote',
            replicas: { kind: 'containers', engines: 'hosts', name: 'quote', port: 3000 },
            build: { kind: 'pointer', pointer: '/version' },
          },
          {
            name: 'quotes/push',
            replicas: { kind: 'addresses', addresses: ['http://10.1.0.1:8080', 'http://10.1.0.2:8080'] },
            build: { kind: 'auto' },
          },
        ],
        answers: {
          'host-1:3000': json({ version: '1.77.4' }),
          '10.1.0.1:8080': json({ commit: '8f1c0de' }),
          '10.1.0.2:8080': json({ commit: '8f1c0de' }),
        },
      }),
    ],
    clusters: clusters(images, former),
    engines: engines(),
  };
}

const restartCount = {
  answer: /the restart count of api of api-\w is unknown/,
  because: 'how often a container was restarted says nothing about its build',
};

export const fixtures: readonly Fixture[] = [
  {
    title: 'all replicas run the expected build',
    status: 'clear',
    now,
    read: () => environment([209, 209, 209], ['209', '209', '209']),
    answeredOtherwise: [
      restartCount,
      {
        answer: /the status of api of api-\w is unknown/,
        because: 'each replica itself says which build it runs',
      },
    ],
  },
  {
    title: 'one replica runs the former image of a tag that has moved, and one has an earlier template',
    status: 'found',
    now,
    read: () => environment([209, 208, 207], ['209', '208', '207'], ['api-c']),
    answeredOtherwise: [restartCount],
  },
];
