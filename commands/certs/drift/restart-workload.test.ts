import { expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { clusterPod, clusterSource, podContainer, workload } from '../../shared/fixture-clusters.ts';
import { restartWorkload, type RestartWorkloadParams } from './restart-workload.ts';

const ASKED: RestartWorkloadParams = {
  cluster: 'prod',
  namespace: 'mon',
  kind: 'StatefulSet',
  name: 'alertmanager',
  secret: 'alerts-tls',
  pod: 'alertmanager-0',
  podUid: 'uid-of-alertmanager-0',
};

const alertmanager = (known: Partial<ports.Workload> = {}) =>
  workload('alertmanager', { namespace: 'mon', kind: 'StatefulSet', replicas: 1, ...known });

interface Stored {
  readonly workloads?: readonly ports.Workload[];
  readonly pods?: readonly ports.Pod[];
  readonly restart?: ports.WorkloadPermission;
}

function context({
  workloads = [alertmanager()],
  pods = [clusterPod('alertmanager-0', { namespace: 'mon' })],
  restart = { allowed: true, managed: false },
}: Stored): ReadContext<'clusters'> {
  return {
    read: { clusters: [clusterSource({ name: 'prod', nodes: [], workloads, pods, restart })] },
    now: new Date('2026-11-26T12:00:00Z'),
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    note: () => undefined,
    saw: () => undefined,
  };
}

const planOf = (stored: Stored = {}, asked = ASKED) => restartWorkload.plan(context(stored), asked);

test('the plan names the workload, what it stops, and the pod that must still be there', async () => {
  const plan = await planOf();
  expect(plan).toMatchObject({
    lines: [expect.stringContaining('Restart StatefulSet mon/alertmanager')],
    targets: ['prod:StatefulSet mon/alertmanager'],
    precondition: { uid: 'uid-of-alertmanager', pod: 'uid-of-alertmanager-0' },
    impact: 'Stops its only pod until the new one is ready',
  });
  expect(await planOf()).toEqual(plan);
});

test.each<[string, Stored, RegExp]>([
  [
    'is not allowed',
    { restart: { allowed: false, because: '`allow.restart` is not set' } },
    /allow\.restart/,
  ],
  [
    'has replaced its pod, as this fix does',
    { pods: [clusterPod('alertmanager-0', { namespace: 'mon', uid: 'other' })] },
    /replaced/,
  ],
  ['is gone', { workloads: [] }, /no longer exists/],
  ['is paused', { workloads: [alertmanager({ isPaused: true })] }, /paused/],
  ['only replaces deleted pods', { workloads: [alertmanager({ isUpdatedOnDelete: true })] }, /OnDelete/],
  ['keeps some pods', { workloads: [alertmanager({ partition: 2 })] }, /partition/],
  [
    'is managed by a GitOps tool',
    { workloads: [alertmanager({ managedBy: 'Argo CD (mon)' })] },
    /^cannot restart StatefulSet mon\/alertmanager: Argo CD \(mon\) manages it\. Restart it there, or set `allow\.restart\.managed`$/,
  ],
  [
    'belongs to an operator',
    { workloads: [alertmanager({ controller: { kind: 'Alertmanager', name: 'main' } })] },
    /belongs to Alertmanager main, whose operator manages it\. Restart it there/,
  ],
])('there is no plan if the workload %s', async (_, stored, because) => {
  await expect(planOf(stored)).rejects.toThrow(because);
});

test.each([{ managedBy: 'Flux' }, { controller: { kind: 'Alertmanager', name: 'main' } }])(
  'what other tools manage is restarted if the configuration allows that: %j',
  async (known) => {
    const restart = { allowed: true, managed: true } as const;

    expect(await planOf({ workloads: [alertmanager(known)], restart })).toEqual(await planOf());
    await expect(
      planOf({ workloads: [alertmanager({ ...known, isPaused: true })], restart }),
    ).rejects.toThrow('paused');
  },
);

test('the workload with the planned uid is restarted once, and the step is recorded', async () => {
  const restarted: unknown[] = [];
  const steps: string[] = [];
  const writer = { restartWorkload: async (one: unknown) => void restarted.push(one) };
  await restartWorkload.apply(
    {
      write: { clusters: () => writer as unknown as ports.ClusterWriter },
      applyContext: { idempotencyKey: 'one', signal: new AbortController().signal },
      recordStep: async (step: string) => void steps.push(step),
    } as unknown as Parameters<typeof restartWorkload.apply>[0],
    ASKED,
    await planOf(),
  );
  expect(restarted).toEqual([
    { namespace: 'mon', kind: 'StatefulSet', name: 'alertmanager', uid: 'uid-of-alertmanager' },
  ]);
  expect(steps).toEqual(['rollout of StatefulSet mon/alertmanager started']);
});

const ROLLED_OUT = { desired: 1, updated: 1, total: 1 };
const replaced = [clusterPod('alertmanager-0', { namespace: 'mon', uid: 'other' })];

test.each<[string, Stored, RegExp]>([
  ['nothing is left', { workloads: [alertmanager({ rollout: ROLLED_OUT })], pods: replaced }, /^proven$/],
  ['no rollout was seen', { pods: replaced }, /hasn't begun/],
  [
    'the new pods are missing',
    { workloads: [alertmanager({ rollout: { ...ROLLED_OUT, updated: 0 } })], pods: [] },
    /StatefulSet mon\/alertmanager has replaced 0 of 1 pod/,
  ],
  [
    'another old pod is left',
    { workloads: [alertmanager({ rollout: { ...ROLLED_OUT, total: 2 } })], pods: replaced },
    /hasn't ended yet/,
  ],
  [
    'the old pod is ending, and may still serve',
    {
      workloads: [alertmanager({ rollout: ROLLED_OUT })],
      pods: [
        clusterPod('alertmanager-0', { namespace: 'mon', deletingSince: new Date('2026-11-26T12:00:00Z') }),
      ],
    },
    /pod mon\/alertmanager-0 or another old one/,
  ],
  [
    'the new pod is not ready',
    {
      workloads: [alertmanager({ rollout: ROLLED_OUT })],
      pods: [
        clusterPod('alertmanager-0', {
          namespace: 'mon',
          uid: 'other',
          controller: { kind: 'StatefulSet', name: 'alertmanager' },
          containers: [{ ...podContainer('app'), status: { isReady: false, state: { kind: 'unknown' } } }],
        }),
      ],
    },
    /1 new pod of StatefulSet mon\/alertmanager isn't ready yet/,
  ],
  [
    'it is another workload by now',
    { workloads: [alertmanager({ uid: 'another', rollout: ROLLED_OUT })], pods: replaced },
    /replaced by another one/,
  ],
])('without the finding, a restart is proven after the rollout: %s', async (_, stored, because) => {
  const applied = { plan: await planOf(), idempotencyKey: 'm1' };
  const why = await restartWorkload.whyUnproven?.(context(stored), ASKED, applied);
  expect(why ?? 'proven').toMatch(because);
});

test('a refusal of the API server is passed on, and no step is recorded', async () => {
  const steps: string[] = [];
  const refusal = new SourceError('prod', 'refused', 'forbidden');
  const writer = { restartWorkload: async () => Promise.reject(refusal) };
  const applying = restartWorkload.apply(
    {
      write: { clusters: () => writer as unknown as ports.ClusterWriter },
      applyContext: { idempotencyKey: 'one', signal: new AbortController().signal },
      recordStep: async (step: string) => void steps.push(step),
    } as unknown as Parameters<typeof restartWorkload.apply>[0],
    ASKED,
    await planOf(),
  );
  await expect(applying).rejects.toBe(refusal);
  expect(steps).toEqual([]);
});
