import { expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import {
  clusterNode,
  clusterPod,
  clusterSource,
  podContainer,
  workload,
} from '../../shared/fixture-clusters.ts';
import { collect } from './collect.ts';

const now = new Date('2026-11-26T12:00:00Z');
const ago = (minutes: number) => new Date(now.getTime() - minutes * 60_000);

async function collectFrom(clusters: readonly ports.Cluster[], args: Parameters<typeof collect>[1] = {}) {
  const gaps: string[] = [];
  const unrelated: string[] = [];
  const notes: string[] = [];
  const seen: Record<string, number> = {};
  const gap: ReadContext['gap'] = (what, error, more = {}) =>
    void (more.unrelated === true ? unrelated : gaps).push(`${what}: ${error.message}`);
  const context: ReadContext<'clusters'> = {
    read: { clusters },
    now,
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    gap,
    attempt: async (what, fallback, read) => {
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        gap(what, error);
        return fallback;
      }
    },
    note: (text) => void notes.push(text),
    saw: (source, count = 1) => void (seen[source] = (seen[source] ?? 0) + count),
  };
  const facts = await collect(context, args);
  return { facts, gaps, unrelated, notes, seen };
}

function podOf(name: string, known: Partial<ports.Pod> = {}): ports.Pod {
  return clusterPod(name, {
    controller: { kind: 'ReplicaSet', name: 'web-6c5d' },
    createdAt: ago(30),
    ...known,
  });
}

const LOW = 'The node was low on resource: nodefs.';
const evicted = (name: string, known: Partial<ports.Pod> = {}) =>
  podOf(name, { phase: 'Failed', reason: 'Evicted', message: LOW, ...known });
const lab = (pods: readonly ports.Pod[], known: Partial<Parameters<typeof clusterSource>[0]> = {}) =>
  clusterSource({ name: 'lab', nodes: [clusterNode('node-a'), clusterNode('node-b')], pods, ...known });

test('keeps evicted pods and counts the others of their controllers, wherever they are in the list', async () => {
  const { facts, seen, gaps } = await collectFrom([
    lab([
      podOf('web-6c5d-first', { createdAt: ago(5) }),
      evicted('web-6c5d-evicted'),
      podOf('web-6c5d-pending', { phase: 'Pending', createdAt: ago(4) }),
      podOf('web-6c5d-done', { phase: 'Succeeded', createdAt: ago(9) }),
      podOf('web-6c5d-leaving', { deletingSince: ago(1), createdAt: ago(1) }),
      podOf('other', { controller: { kind: 'ReplicaSet', name: 'other' } }),
    ]),
  ]);
  const [cluster] = facts.clusters;
  expect(cluster?.evicted.map(({ name }) => name)).toEqual(['web-6c5d-evicted']);
  expect(cluster?.controllers).toEqual([
    {
      namespace: 'shop',
      controller: { kind: 'ReplicaSet', name: 'web-6c5d' },
      owner: { kind: 'ReplicaSet', name: 'web-6c5d' },
      running: 1,
      pending: 1,
      succeeded: 0,
      newestAt: ago(4),
      oldestPendingAt: ago(4),
      newestLiveAt: ago(5),
    },
  ]);
  expect(cluster?.nodes.map(({ name }) => name)).toEqual(['node-a']);
  expect(seen).toEqual({ lab: 6 });
  expect(gaps).toEqual([]);
});

test.each([
  [
    'the Deployment, if the label has the hash',
    { labels: { 'pod-template-hash': '6c5d' } },
    'Deployment web',
  ],
  ['the ReplicaSet without the label', {}, 'ReplicaSet web-6c5d'],
  [
    'the ReplicaSet if the label is of something else',
    { labels: { 'pod-template-hash': 'c5d' } },
    'ReplicaSet web-6c5d',
  ],
  ['the Rollout, by its own label', { labels: { 'rollouts-pod-template-hash': '6c5d' } }, 'Rollout web'],
  ['the ReplicaSet if the label is empty', { labels: { 'pod-template-hash': '' } }, 'ReplicaSet web-6c5d'],
  ['a manifest on the node', { name: 'proxy-node-a', isMirror: true }, 'Static proxy'],
  ['a custom controller', { controller: { kind: 'Workflow', name: 'build' } }, 'Workflow build'],
])('the owner is %s', async (_, known, owner) => {
  const { facts } = await collectFrom([lab([evicted('web-6c5d-x', known)])]);
  const [pod] = facts.clusters[0]?.evicted ?? [];
  expect(`${pod?.owner.kind ?? ''} ${pod?.owner.name ?? ''}`).toBe(owner);
});

test.each([
  'Terminated',
  'NodeShutdown',
  'Shutdown',
  'NodeLost',
  'Preempting',
  'OutOfcpu',
  'NodeAffinity',
  'UnexpectedAdmissionError',
])('%s is not an eviction, and is mentioned', async (reason) => {
  const { facts, notes, gaps } = await collectFrom([
    lab([evicted('web-6c5d-x', { reason, message: 'Pod was rejected: something' })]),
  ]);
  expect(facts.clusters[0]?.evicted).toEqual([]);
  expect(notes).toEqual([`lab: other failed pods are not evictions: 1 ${reason}`]);
  expect(gaps).toEqual([]);
});

test('counts the pods of a Job that have succeeded', async () => {
  const job = { controller: { kind: 'Job', name: 'backup' } };
  const { facts } = await collectFrom([
    lab([evicted('backup-x', job), podOf('backup-y', { ...job, phase: 'Succeeded', createdAt: ago(3) })]),
  ]);
  expect(facts.clusters[0]?.controllers).toMatchObject([{ running: 0, succeeded: 1, newestLiveAt: ago(3) }]);
});

test('a failed pod without a reason is evicted if its message says so', async () => {
  const { reason: _, ...withoutReason } = evicted('web-6c5d-x');
  const { facts } = await collectFrom([
    lab([withoutReason, { ...withoutReason, name: 'web-6c5d-y', message: 'Error' }]),
  ]);
  expect(facts.clusters[0]?.evicted.map(({ name }) => name)).toEqual(['web-6c5d-x']);
});

test.each(['', 'Unknown', 'Hibernated'])(
  'the phase "%s" is a gap, unless the pod was evicted',
  async (phase) => {
    const { facts, gaps } = await collectFrom([
      lab([podOf('odd', { phase }), evicted('web-6c5d-x', { phase }), podOf('web-6c5d-y')]),
    ]);
    expect(facts.clusters[0]?.evicted).toHaveLength(1);
    expect(gaps).toEqual(['lab: status of shop/odd: the phase is unknown']);
  },
);

test('when a container ended is kept, but not what the kubelet made up for one that it lost', async () => {
  const ended = (finishedAt?: Date) => [
    podContainer('app', {
      status: {
        isReady: false,
        state: { kind: 'terminated', exitCode: 137, ...(finishedAt && { finishedAt }) },
      },
    }),
  ];
  const { facts } = await collectFrom([
    lab([
      evicted('a', { containers: ended(ago(7)) }),
      evicted('b', { containers: ended() }),
      evicted('c', { containers: [...ended(ago(7)), ...ended()] }),
      evicted('d', { containers: [...ended(ago(7)), ...ended(ago(6))] }),
    ]),
  ]);
  expect(facts.clusters[0]?.evicted.map(({ endedAt }) => endedAt)).toEqual([
    ago(7),
    undefined,
    undefined,
    ago(6),
  ]);
});

const REFUSED = 'Pod was rejected: The node had condition: [DiskPressure]. ';
const refused = [3, 2, 1].map((minutes) =>
  evicted(`web-6c5d-${minutes}`, { message: REFUSED, createdAt: ago(minutes) }),
);

test('reads ReplicaSets only for refused pods, and stops at the last that matters', async () => {
  let pages = 0;
  const replicaSets = async function* () {
    for (const name of ['a', 'web-6c5d', 'z']) {
      pages += 1;
      yield [
        workload(name, {
          kind: 'ReplicaSet',
          templateNode: 'node-a',
          controller: { kind: 'Deployment', name: 'web' },
        }),
      ];
    }
  };
  const none = await collectFrom([{ ...lab([evicted('web-6c5d-x')]), replicaSets }]);
  expect([none.facts.clusters[0]?.replicaSets, pages]).toEqual([[], 0]);
  const elsewhere = evicted('web-6c5d-9', { message: REFUSED, createdAt: ago(9), node: 'node-b' });
  const { facts } = await collectFrom([{ ...lab([elsewhere, ...refused]), replicaSets }]);
  expect(facts.clusters[0]?.replicaSets).toEqual([
    {
      namespace: 'shop',
      name: 'web-6c5d',
      owner: { kind: 'Deployment', name: 'web' },
      templateNode: 'node-a',
    },
  ]);
  expect(pages).toBe(2);
});

test('asks once for each namespace whether pods may be deleted, and only where one could be', async () => {
  const asked: string[] = [];
  const removePermission: ports.Cluster['removePermission'] = async ({ namespace }) => {
    asked.push(namespace);
    return { allowed: true, running: false };
  };
  const pods = [
    ...refused,
    evicted('b-1', { namespace: 'other', createdAt: ago(9) }),
    evicted('c-1', { namespace: 'third', createdAt: ago(9) }),
    evicted('c-2', { namespace: 'third', createdAt: ago(8) }),
  ];
  const { facts } = await collectFrom([{ ...lab(pods), removePermission }]);
  expect(asked).toEqual(['shop', 'third']);
  expect(facts.clusters[0]?.removal).toMatchObject({ shop: { allowed: true }, third: { allowed: true } });
  expect(Object.keys(facts.clusters[0]?.removal ?? {})).toEqual(['shop', 'third']);
});

test('if the permission cannot be read, nothing is offered, and the rest is reported', async () => {
  const removePermission = () => Promise.reject(new SourceError('lab', 'refused', 'no reviews'));
  const { facts, unrelated, gaps } = await collectFrom([{ ...lab(refused), removePermission }]);
  expect(facts.clusters[0]?.evicted).toHaveLength(3);
  expect([facts.clusters[0]?.removal, unrelated, gaps]).toEqual([
    {},
    ['lab: permission to delete pods: no reviews'],
    [],
  ]);
});

test('keeps the pods that were listed before the list failed', async () => {
  const pods = async function* () {
    yield [evicted('web-6c5d-x')];
    throw new SourceError('lab', 'unreachable', 'connection lost');
  };
  const { facts, gaps } = await collectFrom([{ ...lab([]), pods }]);
  expect(facts.clusters[0]).toMatchObject({ arePodsComplete: false, evicted: [{ name: 'web-6c5d-x' }] });
  expect(gaps).toEqual(['lab: pods: connection lost']);
});

test('reads only the namespace that is asked for, and a namespace without pods is a gap', async () => {
  const clusters = [lab([evicted('web-6c5d-x'), podOf('cart', { namespace: 'cart' })])];
  expect((await collectFrom(clusters, { namespace: 'cart' })).facts.clusters[0]).toMatchObject({
    pods: 1,
    evicted: [],
  });
  const { gaps } = await collectFrom(clusters, { namespace: 'carts' });
  expect(gaps).toEqual(['lab: pods: namespace carts of lab has no pods']);
});

test('reads only the clusters that --source names, and keeps their names in targets', async () => {
  const two = [lab([evicted('a')]), clusterSource({ name: 'prod', nodes: [], pods: [evicted('b')] })];
  const { facts } = await collectFrom(two, { source: 'prod' });
  expect(facts.clusters.map(({ name, isOnly }) => ({ name, isOnly }))).toEqual([
    { name: 'prod', isOnly: false },
  ]);
});
