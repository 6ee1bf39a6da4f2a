import { describe, expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { clusterPod, clusterSource, podContainer } from '../../shared/fixture-clusters.ts';
import { deployment, digestOf } from './builders.ts';
import { deleteStalePod } from './delete-stale-pod.ts';
import { pinImage } from './pin-image.ts';
import { restartReplicas } from './restart-replicas.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const ALLOWED = { allowed: true, managed: false } as const;
const NOT_ALLOWED = { allowed: false, because: '`allow` is not set' } as const;
const LATEST = 'registry.example/api:latest';

function rolloutOf(known: Parameters<typeof deployment>[1] = {}): ports.Rollout {
  const { newest: _, container: __, ...rollout } = deployment('api', { image: LATEST, ...known });
  return rollout;
}

const setOf = (name: string, known: Partial<ports.Rollout> = {}): ports.Rollout => ({
  ...rolloutOf(),
  kind: 'ReplicaSet',
  name,
  uid: `uid-of-${name}`,
  controller: { kind: 'Deployment', name: 'api', uid: 'uid-of-api' },
  ...known,
});

const podIn = (name: string, set = 'api-7c', known: Partial<ports.Pod> = {}): ports.Pod =>
  clusterPod(name, {
    controller: { kind: 'ReplicaSet', name: set, uid: `uid-of-${set}` },
    containers: [podContainer('api')],
    ...known,
  });

type Stored = Partial<Parameters<typeof clusterSource>[0]>;

function context(stored: Stored): ReadContext<'clusters'> {
  const cluster = clusterSource({
    name: 'prod',
    nodes: [],
    rollouts: [rolloutOf(), setOf('api-7c'), setOf('api-6d', { revision: '6', replicas: 0 })],
    pods: [podIn('api-1'), podIn('api-2'), podIn('old-1', 'api-6d')],
    restart: ALLOWED,
    pin: ALLOWED,
    remove: { allowed: true, running: true },
    ...stored,
  });
  return {
    read: { clusters: [cluster] },
    now: NOW,
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    note: () => undefined,
    saw: () => undefined,
  };
}

const WORKLOAD = { cluster: 'prod', namespace: 'shop', kind: 'Deployment', name: 'api' } as const;
const RESTART = { ...WORKLOAD, pod: 'api-1', podUid: 'uid-of-api-1' };
const PIN = {
  ...WORKLOAD,
  container: 'api',
  from: LATEST,
  to: `registry.example/api@${digestOf('412')}`,
  build: '412',
};
const DELETE = { cluster: 'prod', namespace: 'shop', pod: 'old-1', uid: 'uid-of-old-1' };

const rolling = rolloutOf({
  status: { total: 4, updated: 1, ready: 3, available: 3 },
  conditions: [{ type: 'Progressing', status: 'True', updatedAt: NOW }],
});

const BLOCKED: readonly [string, ports.Rollout, RegExp][] = [
  ['is paused', rolloutOf({ isPaused: true }), /paused/],
  ['is managed by another tool', rolloutOf({ managedBy: 'Flux' }), /Flux manages it/],
  ['belongs to an operator', rolloutOf({ controller: { kind: 'Database', name: 'db' } }), /operator/],
  ['is being rolled out', rolling, /not complete/],
  [
    'has a rollout that is stuck',
    rolloutOf({ conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }] }),
    /not complete/,
  ],
  ['replaces deleted pods only', rolloutOf({ isUpdatedOnDelete: true }), /OnDelete/],
];

describe('a restart', () => {
  const planOf = (stored: Stored = {}) => restartReplicas.plan(context(stored), RESTART);

  test('is planned once for what runs', async () => {
    const plan = await planOf();
    expect(plan).toMatchObject({
      targets: ['prod:Deployment shop/api'],
      precondition: { uid: 'uid-of-api', pod: 'uid-of-api-1' },
      impact: 'Replaces all 3 pods, in steps',
    });
    expect(await planOf()).toEqual(plan);
    await expect(planOf({ pods: [podIn('api-1', 'api-7c', { uid: 'other' })] })).rejects.toThrow(
      /replaced since/,
    );
  });

  test.each(BLOCKED)('is refused for a workload that %s', async (_, workload, message) => {
    await expect(planOf({ rollouts: [workload] })).rejects.toThrow(message);
  });

  test('is refused without permission', async () => {
    await expect(planOf({ restart: NOT_ALLOWED })).rejects.toThrow('`allow` is not set');
  });

  test('of what another tool manages says so, if it is allowed', async () => {
    const { afterwards } = await planOf({
      rollouts: [rolloutOf({ managedBy: 'Flux' })],
      restart: { allowed: true, managed: true },
    });
    expect(afterwards).toEqual([expect.stringContaining('Flux manages it')]);
  });

  test.each<[string, Stored, RegExp]>([
    ['the rollout has not begun', { rollouts: [rolloutOf({ isObserved: false })] }, /hasn't begun/],
    ['it is not complete', { rollouts: [rolling] }, /replaced 1 of 3 pods/],
    ['an old pod is left', {}, /1 old pod of Deployment shop\/api hasn't ended yet/],
    [
      'a new pod is not ready',
      {
        pods: [
          podIn('api-1', 'api-7c', {
            containers: [podContainer('api', { status: { isReady: false, state: { kind: 'running' } } })],
          }),
        ],
      },
      /isn't ready yet/,
    ],
    ['all are new', { pods: [podIn('api-1')] }, /^proven$/],
  ])('is proven only when everything has been replaced: %s', async (_, stored, message) => {
    const plan = await planOf();
    const why = await restartReplicas.whyUnproven?.(context(stored), RESTART, { plan, idempotencyKey: 'm1' });
    expect(why ?? 'proven').toMatch(message);
  });
});

describe('pinning an image', () => {
  const planOf = (stored: Stored = {}) => pinImage.plan(context(stored), PIN);

  test('names both images, and the build that people must confirm', async () => {
    const plan = await planOf();
    expect(plan.lines).toEqual([
      `Set the image of container api in Deployment shop/api from ${LATEST} to ${PIN.to}, which runs build 412`,
    ]);
    expect(plan.precondition).toEqual({ uid: 'uid-of-api', image: LATEST });
    expect(await planOf()).toEqual(plan);
  });

  test('is not planned twice, nor for an image that has changed', async () => {
    await expect(planOf({ rollouts: [rolloutOf({ image: PIN.to })] })).rejects.toThrow(/no longer/);
  });

  test.each(BLOCKED)('is refused for a workload that %s', async (_, workload, message) => {
    await expect(planOf({ rollouts: [workload] })).rejects.toThrow(message);
  });

  test('is refused without permission', async () => {
    await expect(planOf({ pin: NOT_ALLOWED })).rejects.toThrow('`allow` is not set');
  });
});

describe('deleting a pod', () => {
  const planOf = (stored: Stored = {}) => deleteStalePod.plan(context(stored), DELETE);
  const refusal = async (stored: Stored) =>
    planOf(stored).then(
      () => 'planned',
      (error: unknown) => (error instanceof SourceError ? error.message : 'a bug'),
    );

  test('is bound to its uid, and says what is lost', async () => {
    const plan = await planOf({
      pods: [podIn('old-1', 'api-6d'), podIn('api-1')],
    }).catch((error: unknown) => error);
    expect(plan).toMatchObject({
      precondition: { uid: 'uid-of-old-1' },
      impact: 'Stops 1 of 2 ready pods of Deployment shop/api',
      irreversible: [expect.stringContaining('lost')],
      safety: ['At least one other pod of Deployment shop/api is ready'],
    });
  });

  test.each<[string, Stored, RegExp]>([
    ['another pod has its name', { pods: [podIn('old-1', 'api-6d', { uid: 'other' })] }, /no longer exists/],
    [
      'it is already being deleted',
      { pods: [podIn('old-1', 'api-6d', { deletingSince: NOW })] },
      /no longer exists/,
    ],
    ['no other pod is ready', { pods: [podIn('old-1', 'api-6d')] }, /no other pod/],
    [
      'its ReplicaSet would create it again',
      {
        rollouts: [rolloutOf(), setOf('api-7c'), setOf('api-6d', { revision: '6', replicas: 1 })],
      },
      /would not replace it/,
    ],
    [
      'it has the current template',
      { rollouts: [rolloutOf(), setOf('api-7c'), setOf('api-6d', { replicas: 0 })] },
      /would not replace it/,
    ],
    ['running pods may not be deleted', { remove: { allowed: true, running: false } }, /running pods/],
    ['it is not allowed', { remove: NOT_ALLOWED }, /`allow` is not set/],
  ])('is refused if %s', async (_, stored, message) => {
    expect(await refusal(stored)).toMatch(message);
  });

  test('is proven once the pod is gone', async () => {
    const plan = await planOf();
    const why = (stored: Stored) =>
      deleteStalePod.whyUnproven?.(context(stored), DELETE, { plan, idempotencyKey: 'm1' });
    expect(await why({})).toMatch(/hasn't ended yet/);
    expect(await why({ pods: [podIn('api-1')] })).toBeUndefined();
  });
});

test('each fix applies its plan once, and records its step', async () => {
  const applied: unknown[] = [];
  const steps: string[] = [];
  const record = (name: string) => async (change: object) => void applied.push([name, change]);
  const writer = {
    restartWorkload: record('restart'),
    changeImage: record('pin'),
    deleteRunningPod: record('delete'),
  } as unknown as ports.ClusterWriter;
  const reading = context({});
  const writing = {
    ...reading,
    write: { clusters: () => writer },
    applyContext: { idempotencyKey: 'm1', signal: reading.signal },
    recordStep: async (line: string) => void steps.push(line),
  };
  await restartReplicas.apply(writing, RESTART, await restartReplicas.plan(reading, RESTART));
  await pinImage.apply(writing, PIN, await pinImage.plan(reading, PIN));
  await deleteStalePod.apply(writing, DELETE, await deleteStalePod.plan(reading, DELETE));
  const workload = { namespace: 'shop', kind: 'Deployment', name: 'api', uid: 'uid-of-api' };
  expect(applied).toEqual([
    ['restart', workload],
    ['pin', { workload, container: 'api', from: LATEST, to: PIN.to }],
    ['delete', { namespace: 'shop', name: 'old-1', uid: 'uid-of-old-1' }],
  ]);
  expect(steps).toHaveLength(3);
});
