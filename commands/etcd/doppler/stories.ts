import { type ports, SourceError, type Story } from '../../kit.ts';
import { certificate } from '../../shared/builders.ts';
import type { Facts } from './collect.ts';
import { announced, deployment, doppler, endpointsOf, etcd, factsOf, instance, members } from './builders.ts';

const Z1 = { name: 'doppler_z1/0', id: '4c738367-8eb1-4a57-b44e-771f4870db0e', address: '10.160.55.25' };
const Z2 = { name: 'doppler_z2/0', id: 'abe6a4e9-cd8f-4b1c-8a0e-5f6a3c1b7e02', address: '10.160.56.25' };
const Z3 = { name: 'doppler_z3/0', id: '0b7f1c52-36c5-4d9e-9a43-1d2e7c90aa31', address: '10.160.57.25' };

const NODES = ['etcd_z1_0', 'etcd_z2_0', 'etcd_z3_0'];

const OTHERS = [
  'api_z1/0',
  'api_z2/0',
  'cell_z1/0',
  'cell_z2/0',
  'cell_z3/0',
  'etcd_z1/0',
  'router_z1/0',
  'router_z2/0',
  'uaa_z1/0',
];

/** The 3 dopplers and 9 other VMs, with metron_agent in the same state on all of them. */
function everyVm(
  metron: ports.RunningProcess['state'],
  known: Parameters<typeof doppler>[0][] = [Z1, Z2, Z3],
) {
  const state = metron === 'running' ? ('running' as const) : ('failing' as const);
  return [
    ...known.map((one) => doppler({ state, ...one, processes: { metron_agent: metron, ...one.processes } })),
    ...OTHERS.map((name) => instance({ name, state, processes: { metron_agent: metron } })),
  ];
}

const key = ({ name, id, address }: typeof Z1, known: Parameters<typeof announced>[2] = {}) => {
  const [group = ''] = name.split('/');
  return announced(`${group.slice(-2)}/${group}/${id}`, address, known);
};

/** One directory in etcd was empty, and metron_agent was down on every VM of a Cloud Foundry. */
export const everyVmBroken: Story<Facts> = {
  title: 'The Day I Broke Every VM in Cloud Foundry',
  source: 'https://cweibel.github.io/blog/2016/12/06/the-day-i-broke-every-vm-in-cloud-foundry',
  now: new Date('2016-12-06T19:42:26Z'),
  facts: factsOf(
    [etcd([key(Z1), key(Z3)], { empty: ['/doppler/meta/z2/doppler_z2'] })],
    [deployment(everyVm('unmonitored'))],
  ),
};

/** Half a minute after the restart. */
export const everyVmMended: Story<Facts> = {
  title: 'Half a minute after doppler_z2/0 was restarted',
  source: 'The end of https://cweibel.github.io/blog/2016/12/06/the-day-i-broke-every-vm-in-cloud-foundry',
  now: new Date('2016-12-06T19:43:30Z'),
  facts: factsOf(
    [etcd([key(Z1), key(Z2, { created: 56_766_900, before: 'absent' }), key(Z3)])],
    [deployment(everyVm('running'))],
  ),
};

/** 2 of 3 members are down. The last one still serves plain reads, with negative TTLs. */
export const quorumLost: Story<Facts> = {
  title: 'etcd has lost its majority, and every doppler seems to be missing',
  source:
    'https://github.com/cloudfoundry/loggregator-release/issues/127: panics of metron_agent while etcd elected leaders on slow disks',
  now: new Date('2016-05-31T09:00:00Z'),
  facts: factsOf(
    [
      {
        name: 'etcd',
        members: members(
          ['etcd_z1_0', 'etcd_z2_0', 'etcd_z3_0'],
          {
            etcd_z1_0: { healthy: false, hasLeader: false, unhealthyBecause: 'RAFT NO LEADER' },
            etcd_z2_0: silent(),
            etcd_z3_0: silent(),
          },
          { hasQuorum: false, quorumError: 'etcdserver: request timed out' },
        ),
      },
    ],
    [deployment(everyVm('unmonitored'))],
  ),
};

/** "etcd's logic assumes that nodes have zero clock drift, which caused metron to go a bit insane." */
export const clocksApart: Story<Facts> = {
  title: "The clocks of etcd's members differ, and keys expire before they are refreshed",
  source: 'https://github.com/cloudfoundry/loggregator-release/issues/127',
  now: new Date('2016-06-07T09:00:00Z'),
  facts: factsOf(
    [
      etcd([key(Z1)], {
        empty: ['/doppler/meta/z2/doppler_z2', '/doppler/meta/z3/doppler_z3'],
        members: members(['etcd_z1_0', 'etcd_z2_0', 'etcd_z3_0'], { etcd_z2_0: { clockAheadMs: 41_300 } }),
      }),
    ],
    [deployment(everyVm('failing'))],
  ),
};

/** Dopplers that cannot reach etcd say "sync cluster failed" and die: all of them at once. */
export const syncClusterFailed: Story<Facts> = {
  title: 'No doppler can reach etcd',
  source:
    'https://github.com/cloudfoundry-attic/cf-release/issues/1120: doppler_z1/0 is not running after update, "panic: sync cluster failed"',
  now: new Date('2016-12-07T10:00:00Z'),
  facts: factsOf(
    [
      etcd([], {
        empty: ['/doppler/meta/z1/doppler_z1', '/doppler/meta/z2/doppler_z2', '/doppler/meta/z3/doppler_z3'],
      }),
    ],
    [
      deployment(
        everyVm('running', [
          { ...Z1, state: 'failing', processes: { doppler: 'failing' } },
          { ...Z2, state: 'failing', processes: { doppler: 'failing' } },
          Z3,
        ]),
      ),
    ],
  ),
};

/** From CF v251 on, metron_agent finds dopplers by DNS, and dopplers do not write to etcd. */
export const since251: Story<Facts> = {
  title: 'A Cloud Foundry whose dopplers no longer use etcd',
  source:
    'https://github.com/cloudfoundry/loggregator-release/issues/175 and 200, after which metron_agent no longer used etcd',
  now: new Date('2017-04-10T10:00:00Z'),
  facts: factsOf([etcd([])], [deployment(everyVm('running'), { version: 'cf/252' })]),
};

/** One member lost its disk and was bootstrapped again with a list of itself alone: now clients reach one cluster or the other. */
export const twoClusters: Story<Facts> = {
  title: 'Two dopplers are missing, and the endpoints of etcd are two clusters',
  source:
    'https://github.com/bitnami/charts/issues/901 and https://github.com/etcd-io/etcd/issues/8788: members that are restarted without their data form clusters of their own',
  now: new Date('2018-11-06T10:00:00Z'),
  facts: factsOf(
    [
      etcd([key(Z1)], {
        empty: ['/doppler/meta/z2/doppler_z2', '/doppler/meta/z3/doppler_z3'],
        members: members(
          NODES.slice(0, 2),
          {},
          { endpoints: endpointsOf({ 2: { clusterId: '92a3e1bb18b2aac8', leaderId: 'ce2a822cea30bfc2' } }) },
        ),
      }),
    ],
    [deployment(everyVm('unmonitored'))],
  ),
};

/** The certificates of all members expire on the same day, a year after they were issued. */
export const certificatesExpired: Story<Facts> = {
  title: 'The certificates of all members of etcd have expired',
  source:
    'https://github.com/kubernetes/kubeadm/issues/2177 and https://github.com/etcd-io/etcd/issues/15740',
  now: new Date('2020-06-15T09:00:00Z'),
  facts: factsOf(
    [
      {
        name: 'etcd',
        members: {
          members: [],
          alarms: [],
          endpoints: [5, 6, 7].map((last) => ({
            address: `10.0.16.${last}:4001`,
            certificate: certificate(
              `etcd-z${last - 4}-0.cf-etcd.service.cf.internal`,
              '2020-06-14T09:00:00Z',
            ),
            error: new SourceError('etcd', 'refused', 'certificate has expired'),
            failureMode: 'rejected' as const,
          })),
        },
      },
    ],
    [deployment(everyVm('unmonitored'))],
  ),
};

/** v3 writes fail, but dopplers continue, because their v2 keys are stored separately. */
export const noSpace: Story<Facts> = {
  title: 'etcd has run out of space, and dopplers still refresh their keys',
  source:
    'https://etcd.io/docs/v3.4/op-guide/maintenance/#space-quota, tried with etcd 3.4.23 and --enable-v2',
  now: new Date('2022-05-01T18:20:00Z'),
  facts: factsOf(
    [
      etcd([key(Z1), key(Z2), key(Z3)], {
        members: members(NODES, Object.fromEntries(NODES.map((name) => [name, { healthy: false }])), {
          alarms: [{ kind: 'NOSPACE', memberId: 'ce2a822cea30bfc1' }],
        }),
      }),
    ],
    [deployment(everyVm('running'))],
  ),
};

/** One example of each other fault of a registration. */
export const oneOfEach: Story<Facts> = {
  title: 'Each way in which a registration can be wrong',
  source:
    'The announcer and the finder of https://github.com/cloudfoundry/loggregator-release at d11b9f1, and what they do not expect',
  now: new Date('2016-12-06T19:42:26Z'),
  facts: factsOf(
    [
      etcd(
        [
          announced('z1/doppler_z1/id-1', '10.0.1.1', { before: { modified: 56_766_863 }, ttl: 3 }),
          announced('z1/doppler_z1/id-2', '10.0.1.2', { before: { created: 1 } }),
          announced('z2/doppler_z2/id-6', '10.0.99.9'),
          announced('z2/doppler_z2/gone', '10.0.2.77'),
          { key: '/doppler/meta/z2/doppler_z2/id-7', value: 'not json', ttl: 7 },
          announced('z3/doppler_z3/id-8', '10.0.3.1', { ttl: null }),
          announced('z3/doppler_z3/id-9', '10.0.3.2', { schemes: ['ws'] }),
          { key: '/healthstatus/doppler/z3/doppler_z3/id-10', value: '10.0.3.3', ttl: 7 },
        ],
        { members: members(['etcd_z1_0', 'etcd_z2_0', 'etcd_z3_0'], { etcd_z3_0: { healthy: false } }) },
      ),
    ],
    [
      deployment([
        doppler({ name: 'doppler_z1/0', id: 'id-1', address: '10.0.1.1' }),
        doppler({ name: 'doppler_z1/1', id: 'id-2', address: '10.0.1.2' }),
        doppler({
          name: 'doppler_z1/2',
          id: 'id-3',
          address: '10.0.1.3',
          state: 'failing',
          processes: { doppler: 'unmonitored' },
        }),
        {
          ...doppler({ name: 'doppler_z1/3', id: 'id-4', address: '10.0.1.4', state: 'unresponsive' }),
          processes: [],
        },
        doppler({
          name: 'doppler_z1/4',
          id: 'id-5',
          address: '10.0.1.5',
          state: 'starting',
          processes: { doppler: 'starting' },
        }),
        doppler({ name: 'doppler_z2/0', id: 'id-6', address: '10.0.2.1' }),
        doppler({ name: 'doppler_z2/1', id: 'id-7', address: '10.0.2.2' }),
        doppler({ name: 'doppler_z3/0', id: 'id-8', address: '10.0.3.1' }),
        doppler({ name: 'doppler_z3/1', id: 'id-9', address: '10.0.3.2' }),
        doppler({ name: 'doppler_z3/2', id: 'id-10', address: '10.0.3.3' }),
      ]),
    ],
  ),
};

function silent(): Partial<ports.StoreMember> {
  const error = new SourceError('etcd', 'unreachable', 'connection refused');
  return { error, failureMode: 'not-listening' };
}
