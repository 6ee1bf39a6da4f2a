import { describe, expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { clusterPod, clusterSource, workload } from '../../shared/fixture-clusters.ts';
import { deleteEvicted } from './delete-evicted.ts';
import type { PodParams } from './find-evicted.ts';

const now = new Date('2026-11-26T12:00:00Z');
const ago = (hours: number) => new Date(now.getTime() - hours * 3_600_000);

const controller = { kind: 'ReplicaSet', name: 'web-6c5d' };
const evicted = (name: string, hours: number, known: Partial<ports.Pod> = {}) =>
  clusterPod(name, {
    controller,
    phase: 'Failed',
    reason: 'Evicted',
    message: 'The node was low on resource: nodefs.',
    createdAt: ago(hours),
    ...known,
  });

const oldest = evicted('web-6c5d-old', 3);
const second = evicted('web-6c5d-second', 2);
const newest = evicted('web-6c5d-newest', 1);
const asked: PodParams = {
  cluster: 'lab',
  namespace: 'shop',
  pod: oldest.name,
  uid: oldest.uid,
  kind: 'ReplicaSet',
  controller: 'web-6c5d',
  owner: 'web-6c5d',
};

interface Given extends Partial<ports.Cluster> {
  readonly stored?: readonly ports.Pod[];
}

function contextOf({ stored = [oldest, second, newest], ...known }: Given = {}): ReadContext<'clusters'> {
  const source = clusterSource({
    name: 'lab',
    nodes: [],
    pods: stored,
    replicaSets: [workload('web-6c5d', { kind: 'ReplicaSet' })],
    remove: { allowed: true, running: false },
  });
  return {
    read: { clusters: [{ ...source, ...known }] },
    now,
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    note: () => undefined,
    saw: () => undefined,
  };
}

describe('the plan', () => {
  test('names the pod, says what is lost, and is bound to its uid and its controller', async () => {
    const plan = await deleteEvicted.plan(contextOf(), asked);
    expect(plan).toEqual({
      lines: ['Delete shop/web-6c5d-old, evicted from node-a, created 2026-11-26 09:00 UTC'],
      targets: ['lab:shop/web-6c5d-old'],
      precondition: { uid: oldest.uid, phase: 'Failed', controller: 'uid-of-web-6c5d' },
      impact: 'Deletes 1 evicted pod of shop/web-6c5d; stops nothing that runs',
      irreversible: [expect.stringMatching(/message that says why it was evicted/) as unknown],
      safety: [expect.stringMatching(/The newest evicted pod of each owner is kept/) as unknown],
      afterwards: [expect.stringMatching(/only tidies up/) as unknown],
    });
    expect(await deleteEvicted.plan(contextOf(), asked)).toEqual(plan);
  });

  test('does not say that a pod was evicted from a node that never started it', async () => {
    const refused = { ...oldest, message: 'Pod was rejected: The node had condition: [DiskPressure]. ' };
    const { lines } = await deleteEvicted.plan(contextOf({ stored: [refused, newest] }), asked);
    expect(lines).toEqual(['Delete shop/web-6c5d-old, refused by node-a, created 2026-11-26 09:00 UTC']);
  });

  test('does not change when another line has deleted its pod', async () => {
    const plan = await deleteEvicted.plan(contextOf(), { ...asked, pod: second.name, uid: second.uid });
    const later = contextOf({ stored: [second, newest] });
    expect(await deleteEvicted.plan(later, { ...asked, pod: second.name, uid: second.uid })).toEqual(plan);
  });

  test.each<readonly [string, readonly ports.Pod[]]>([
    ['no longer exists', [second, newest]],
    ['no longer exists', [{ ...oldest, uid: 'another' }, second, newest]],
    ['is not evicted any more', [{ ...oldest, phase: 'Running', reason: '' }, second, newest]],
    ['is already being deleted', [{ ...oldest, deletingSince: now }, second, newest]],
    ['is the mirror of a static pod', [{ ...oldest, isMirror: true }, second, newest]],
    ['has not been replaced by web-6c5d', [oldest]],
    [
      'is the newest evicted pod of web-6c5d',
      [oldest, clusterPod('web-6c5d-live', { controller, createdAt: ago(1) })],
    ],
    [
      'is the newest evicted pod of web-6c5d',
      [
        oldest,
        { ...newest, deletingSince: now },
        clusterPod('web-6c5d-live', { controller, createdAt: ago(0.5) }),
      ],
    ],
    ['has no controller', [withoutController(oldest), second, newest]],
    [
      'belongs to a StatefulSet',
      [{ ...oldest, controller: { kind: 'StatefulSet', name: 'web' } }, second, newest],
    ],
    [
      'has another controller now',
      [oldest, second, newest].map((pod) => ({ ...pod, controller: { ...controller, name: 'web-77cc' } })),
    ],
  ])('leaves out a pod that %s', async (because, stored) => {
    const planning = deleteEvicted.plan(contextOf({ stored }), asked);
    await expect(planning).rejects.toThrow(because);
    await expect(planning).rejects.toMatchObject({ kind: 'missing' });
  });

  test('leaves out a pod without a uid, which nothing distinguishes from a later one', async () => {
    const stored = [{ ...oldest, uid: '' }, second, newest];
    await expect(deleteEvicted.plan(contextOf({ stored }), { ...asked, uid: '' })).rejects.toMatchObject({
      kind: 'missing',
      message: 'shop/web-6c5d-old has no uid',
    });
  });

  test('leaves out a pod whose controller no longer exists', async () => {
    const workload404 = () => Promise.reject(new SourceError('lab', 'missing', 'not found'));
    await expect(deleteEvicted.plan(contextOf({ workload: workload404 }), asked)).rejects.toMatchObject({
      kind: 'missing',
      message: 'the ReplicaSet shop/web-6c5d no longer exists, so nothing replaces its pods',
    });
  });

  test('is refused if the controller cannot be read', async () => {
    const forbidden = () =>
      Promise.reject(new SourceError('lab', 'refused', 'missing permission: get replicasets'));
    await expect(deleteEvicted.plan(contextOf({ workload: forbidden }), asked)).rejects.toMatchObject({
      kind: 'refused',
      message:
        "couldn't read the ReplicaSet shop/web-6c5d, which must still exist: missing permission: get replicasets",
    });
  });

  test('is refused if pods may not be deleted, or the source is gone', async () => {
    const because = '`allow.remove` is not configured';
    const removePermission = async () => ({ allowed: false, because }) as const;
    const planning = deleteEvicted.plan(contextOf({ removePermission }), asked);
    await expect(planning).rejects.toMatchObject({ kind: 'refused', message: because });
    const elsewhere = deleteEvicted.plan(contextOf(), { ...asked, cluster: 'gone' });
    await expect(elsewhere).rejects.toMatchObject({ kind: 'refused' });
  });

  test('needs a running pod of a ReplicationController, which cannot be read itself', async () => {
    const kind = 'ReplicationController';
    const changed = [oldest, second, newest].map((pod) => ({ ...pod, controller: { ...controller, kind } }));
    const params = { ...asked, kind };
    await expect(deleteEvicted.plan(contextOf({ stored: changed }), params)).rejects.toThrow(
      'has not been replaced',
    );
    const live = clusterPod('web-6c5d-live', { controller: { ...controller, kind }, createdAt: ago(0.5) });
    const plan = await deleteEvicted.plan(contextOf({ stored: [...changed, live] }), params);
    expect(plan.precondition['controller']).toBe('web-6c5d');
  });

  test('reads the pods of the namespace and the controller once for all its lines', async () => {
    const calls: string[] = [];
    const { read, ...context } = contextOf();
    const [source] = read.clusters;
    const counting = (source ? [source] : []).map((one) => ({
      ...one,
      pods: (options: Parameters<ports.Cluster['pods']>[0]) => {
        calls.push(`pods ${options.namespace ?? 'all'}`);
        return one.pods(options);
      },
      workload: (...args: Parameters<ports.Cluster['workload']>) => {
        calls.push('workload');
        return one.workload(...args);
      },
    }));
    const shared = { ...context, read: { clusters: counting } };
    await deleteEvicted.plan(shared, asked);
    await deleteEvicted.plan(shared, { ...asked, pod: second.name, uid: second.uid });
    expect(calls).toEqual(['pods shop', 'workload']);
  });
});

test('deletes the pod by its uid, and records it', async () => {
  const deleted: unknown[] = [];
  const steps: string[] = [];
  const applyContext = {
    remediation: 'm0123456789abcdef',
    idempotencyKey: 'key',
    signal: new AbortController().signal,
  } as unknown as Parameters<ports.ClusterWriter['deletePod']>[1];
  const write = {
    clusters: () => ({ deletePod: async (pod: unknown) => void deleted.push(pod) }),
  } as unknown as Parameters<typeof deleteEvicted.apply>[0]['write'];
  const context = {
    ...contextOf(),
    write,
    applyContext,
    recordStep: async (line: string) => void steps.push(line),
  };
  await deleteEvicted.apply(context, asked, await deleteEvicted.plan(contextOf(), asked));
  expect(deleted).toEqual([{ namespace: 'shop', name: 'web-6c5d-old', uid: oldest.uid }]);
  expect(steps).toEqual(['shop/web-6c5d-old deleted']);
});

test('the plan for several names their owners', () => {
  const all = [asked, { ...asked, owner: 'api' }];
  expect(deleteEvicted.many?.impact(all, [])).toBe(
    'Deletes 2 evicted pods of shop/web-6c5d and shop/api; stops nothing that runs',
  );
  expect(deleteEvicted.many?.title(all)).toBe('Delete 2 evicted pods');
});

function withoutController(pod: ports.Pod): ports.Pod {
  const { controller: _, ...bare } = pod;
  return bare;
}
