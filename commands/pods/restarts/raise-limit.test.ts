import { describe, expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { clusterSource, workload } from '../../shared/fixture-clusters.ts';
import { probe } from './builders.ts';
import type { LimitChange } from './limit-rules.ts';
import { raiseLimit } from './raise-limit.ts';

const LIVENESS = probe({
  initialDelaySeconds: 10,
  periodSeconds: 30,
  timeoutSeconds: 10,
  failureThreshold: 5,
});

const ASKED: LimitChange = {
  cluster: 'lab',
  namespace: 'airflow',
  kind: 'Deployment',
  name: 'scheduler',
  container: 'scheduler',
  probe: 'liveness',
  field: 'failureThreshold',
  from: 5,
  to: 15,
};

const ALLOWED: ports.WorkloadPermission = { allowed: true, managed: false };

const scheduler = (known: Partial<ports.Workload> = {}): ports.Workload =>
  workload('scheduler', {
    namespace: 'airflow',
    containers: [{ name: 'scheduler', kind: 'main', liveness: LIVENESS }],
    ...known,
  });

interface Stored {
  readonly workloads?: readonly ports.Workload[];
  readonly replicaSets?: readonly ports.Workload[];
  readonly adjust?: ports.WorkloadPermission;
  readonly rejects?: string;
}

/** A cluster with this Deployment, and the changes that it was asked to validate. */
function context({
  workloads = [scheduler()],
  replicaSets = [],
  adjust = ALLOWED,
  rejects,
}: Stored = {}): ReadContext<'clusters'> & { readonly tried: ports.ProbeChange[] } {
  const tried: ports.ProbeChange[] = [];
  const source = clusterSource({ name: 'lab', nodes: [], workloads, replicaSets, adjust });
  const tryProbeChange: ports.Cluster['tryProbeChange'] = async (change) => {
    tried.push(change);
    if (rejects !== undefined) throw new SourceError('lab', 'refused', rejects);
  };
  return {
    tried,
    read: { clusters: [{ ...source, tryProbeChange }] },
    now: new Date('2026-11-26T12:00:00Z'),
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    note: () => undefined,
    saw: () => undefined,
  };
}

const planOf = (stored: Stored = {}, asked = ASKED) => raiseLimit.plan(context(stored), asked);

/** Plans and applies it. */
async function apply(stored: Stored = {}, asked = ASKED, fails?: Error) {
  const read = context(stored);
  const plan = await raiseLimit.plan(read, asked);
  const done: (readonly [source: string, change: ports.ProbeChange, by: unknown])[] = [];
  const steps: string[] = [];
  const notThis = () => Promise.reject(new Error('it changes a probe, and nothing else'));
  const applyContext = { idempotencyKey: 'm0123456789abcdef', signal: read.signal };
  const applying = raiseLimit.apply(
    {
      ...read,
      write: {
        clusters: (source) => ({
          cordon: notThis,
          uncordon: notThis,
          restartWorkload: () => Promise.reject(new Error('restarts nothing')),
          deletePod: notThis,
          deleteRunningPod: notThis,
          changeImage: notThis,
          changeProbe: async (change, by) => {
            if (fails) throw fails;
            done.push([source, change, by]);
          },
        }),
      },
      applyContext,
      recordStep: async (line) => void steps.push(line),
    },
    asked,
    plan,
  );
  return { applying, applyContext, done, steps };
}

describe('the plan', () => {
  test('says what is set, what that replaces and how long it takes to prove, and is bound to the probe', async () => {
    expect(await planOf()).toEqual({
      lines: ['Set livenessProbe.failureThreshold of scheduler from 5 to 15 in Deployment airflow/scheduler'],
      targets: ['lab:Deployment airflow/scheduler'],
      precondition: {
        uid: 'uid-of-scheduler',
        'liveness probe': 'delay 10 s, period 30 s, timeout 10 s, threshold 5',
      },
      impact: 'Starts a rollout of Deployment airflow/scheduler, which replaces both pods',
      // 10 + 15 × 30 s until it would have been killed, one period of 10 s later if it times out, and 30 s to end.
      untilVerified: [
        'Counts as fixed once scheduler has run for 8 minutes 20 seconds in each new pod without being killed.',
      ],
      afterwards: [
        'Change it where the workload is defined too, or the next deployment resets it.',
        'Find out why the probe fails: this only gives it more time.',
      ],
      settlesWithinSeconds: 500 + 300,
      provenAfterSeconds: 500,
      details: { kind: 'Deployment', name: 'scheduler', uid: 'uid-of-scheduler' },
    });
  });

  test('is the same each time, and needs another approval once the workload or its probe is another', async () => {
    expect(await planOf()).toEqual(await planOf());
    const { precondition } = await planOf();
    const slower = { ...LIVENESS, periodSeconds: 60 };
    const changed = scheduler({ containers: [{ name: 'scheduler', kind: 'main', liveness: slower }] });
    expect((await planOf({ workloads: [changed] })).precondition).not.toEqual(precondition);
    expect((await planOf({ workloads: [scheduler({ uid: 'another' })] })).precondition).not.toEqual(
      precondition,
    );
  });

  test('is validated by the API server, as the change that would be applied', async () => {
    const read = context();
    await raiseLimit.plan(read, ASKED);
    const { done, applying } = await apply();
    await applying;
    expect(read.tried).toEqual(done.map(([, change]) => change));
  });

  test.each<[string, Partial<ports.Workload>, string]>([
    ['one pod', { replicas: 1 }, 'replaces the only pod'],
    ['40 pods', { replicas: 40 }, 'replaces all 40 pods'],
  ])('says that %s are replaced', async (_, known, words) => {
    expect((await planOf({ workloads: [scheduler(known)] })).impact).toContain(words);
  });

  test('gives workloads that replace their pods one after the other more time', async () => {
    const secondsOf = async (known: Partial<ports.Workload>) => {
      const { replicas: _, ...rest } = scheduler(known);
      const one = known.kind === 'DaemonSet' ? rest : scheduler(known);
      return (await planOf({ workloads: [one] }, { ...ASKED, kind: one.kind })).settlesWithinSeconds;
    };
    expect(await secondsOf({ kind: 'StatefulSet', replicas: 2 })).toBe(800);
    expect(await secondsOf({ kind: 'StatefulSet', replicas: 20 })).toBe(500 + 20 * 60);
    expect(await secondsOf({ kind: 'DaemonSet' })).toBe(500 + 1_800);
    // Before the hour is over in which a changed pod counts as unproven.
    expect(await secondsOf({ kind: 'StatefulSet', replicas: 200 })).toBe(3_300);
  });

  test('counts as fixed once it has run for twice as long as before, if its probe failed later', async () => {
    const proofOf = async (lifeSeconds: number) => {
      const {
        settlesWithinSeconds: within,
        provenAfterSeconds: from,
        untilVerified: [text] = [],
      } = await planOf({}, { ...ASKED, lifeSeconds });
      return { within, from, text };
    };
    expect(await proofOf(149)).toMatchObject({ within: 800, from: 500 });
    expect(await proofOf(1_200)).toEqual({
      within: 2_700,
      from: 2_400,
      text: 'Counts as fixed once scheduler has run for 40 minutes in each new pod without being killed.',
    });
    // Too long to wait for: an hour would prove nothing.
    expect(await proofOf(7_200)).toEqual({
      within: 800,
      from: 14_400,
      text: "Wrench can't wait long enough to verify it. Check again once scheduler has run for 4 hours in each new pod without being killed.",
    });
  });

  test('counts the startup probe, because a liveness probe begins after it', async () => {
    const startup = probe({
      initialDelaySeconds: 0,
      periodSeconds: 10,
      timeoutSeconds: 1,
      failureThreshold: 6,
    });
    const both = scheduler({
      containers: [{ name: 'scheduler', kind: 'main', liveness: LIVENESS, startup }],
    });
    expect((await planOf({ workloads: [both] })).settlesWithinSeconds).toBe(500 + 61 + 300);
    const asked = { ...ASKED, probe: 'startup', from: 6, to: 18 } as const;
    const { lines, settlesWithinSeconds } = await planOf({ workloads: [both] }, asked);
    expect(lines).toEqual([
      'Set startupProbe.failureThreshold of scheduler from 6 to 18 in Deployment airflow/scheduler',
    ]);
    expect(settlesWithinSeconds).toBe(181 + 170 + 30 + 300);
  });

  test('finds the Deployment of a ReplicaSet', async () => {
    const replicaSet = workload('scheduler-6b9d8', {
      namespace: 'airflow',
      kind: 'ReplicaSet',
      controller: { kind: 'Deployment', name: 'scheduler' },
    });
    const asked = { ...ASKED, kind: 'ReplicaSet', name: 'scheduler-6b9d8' } as const;
    const { targets } = await planOf({ replicaSets: [replicaSet] }, asked);
    expect(targets).toEqual(['lab:Deployment airflow/scheduler']);
    const { applying, done } = await apply({ replicaSets: [replicaSet] }, asked);
    await applying;
    expect(done[0]?.[1].workload).toMatchObject({
      kind: 'Deployment',
      name: 'scheduler',
      uid: 'uid-of-scheduler',
    });
  });
});

describe('a plan is refused', () => {
  /** `refused: …` or `missing: …` */
  const refusalOf = (stored: Stored, asked = ASKED) =>
    planOf(stored, asked).then(
      () => 'planned',
      (error: unknown) => (error instanceof SourceError ? `${error.kind}: ${error.message}` : 'a bug'),
    );
  const managedBy = 'Argo CD (airflow)';

  test.each<[string, Partial<ports.Workload>, string]>([
    [
      'its rollout is paused',
      { isPaused: true },
      'Resume it first: `kubectl rollout resume deployment/scheduler -n airflow`',
    ],
    ['it has no pods', { replicas: 0 }, 'is scaled to 0'],
    ['a GitOps tool manages it', { managedBy }, 'Argo CD (airflow) manages Deployment airflow/scheduler'],
    [
      'an operator owns it',
      { controller: { kind: 'Airflow', name: 'prod' } },
      'belongs to Airflow prod, whose operator would revert the change',
    ],
    [
      'it replaces no pods by itself',
      { kind: 'StatefulSet', isUpdatedOnDelete: true },
      'StatefulSet airflow/scheduler replaces its pods only when someone deletes them',
    ],
    [
      'it replaces only some of its pods',
      { kind: 'StatefulSet', partition: 2 },
      'the rollout of StatefulSet airflow/scheduler is limited to pods from number 2 on',
    ],
    [
      'an operator applies the field',
      { fieldManagers: [{ ...ASKED, manager: 'airflow', operation: 'Apply' }] },
      'airflow sets this field of Deployment airflow/scheduler',
    ],
    [
      'an operator updates the field',
      { fieldManagers: [{ ...ASKED, manager: 'prometheus-operator', operation: 'Update' }] },
      'prometheus-operator sets this field',
    ],
  ])('if %s', async (_, known, because) => {
    const one = scheduler(known);
    const refusal = await refusalOf({ workloads: [one] }, { ...ASKED, kind: one.kind });
    expect(refusal).toMatch(/^refused: /);
    expect(refusal).toContain(because);
  });

  test('if the configuration does not allow it, with its reason', async () => {
    const because = '`allow.adjust` is not configured for the source lab';
    const refusal = await refusalOf({ adjust: { allowed: false, because } });
    expect(refusal).toMatch(/^refused: /);
    expect(refusal).toContain(because);
  });

  test('if the API server rejects it, with the reason of the admission webhook', async () => {
    const rejects = 'admission webhook "policy.example" denied the request: use at most 10';
    const refusal = await refusalOf({ rejects });
    expect(refusal).toMatch(/^refused: /);
    expect(refusal).toContain(rejects);
  });

  test.each<[string, Stored, string]>([
    ['the workload is gone', { workloads: [] }, 'no longer exists'],
    [
      'the container is gone',
      { workloads: [scheduler({ containers: [] })] },
      'has no container scheduler any more',
    ],
    [
      'the probe is gone',
      { workloads: [scheduler({ containers: [{ name: 'scheduler', kind: 'main' }] })] },
      'has no liveness probe any more',
    ],
    [
      'someone changed the limit',
      {
        workloads: [
          scheduler({
            containers: [{ name: 'scheduler', kind: 'main', liveness: { ...LIVENESS, failureThreshold: 8 } }],
          }),
        ],
      },
      'livenessProbe.failureThreshold of scheduler in Deployment airflow/scheduler is 8 now, not 5',
    ],
    [
      'it was applied before',
      {
        workloads: [
          scheduler({
            containers: [
              { name: 'scheduler', kind: 'main', liveness: { ...LIVENESS, failureThreshold: 15 } },
            ],
          }),
        ],
      },
      'is 15 now, not 5',
    ],
  ])('if %s', async (_, stored, because) => {
    const refusal = await refusalOf(stored);
    expect(refusal).toMatch(/^missing: /);
    expect(refusal).toContain(because);
  });

  test('if its proof takes longer than an unproven change is watched', async () => {
    const refusal = await refusalOf({}, { ...ASKED, to: 360 });
    expect(refusal).toMatch(/^refused: /);
    expect(refusal).toContain('a container must run for 3 hours');
  });

  test('if nothing replaces the pods of a ReplicaSet', async () => {
    const asked = { ...ASKED, kind: 'ReplicaSet', name: 'bare' } as const;
    const bare = workload('bare', { namespace: 'airflow', kind: 'ReplicaSet' });
    expect(await refusalOf({ replicaSets: [bare] }, asked)).toMatch(/^refused: .* belongs to no Deployment/);
    const rollout = { ...bare, controller: { kind: 'Rollout', name: 'web' } };
    expect(await refusalOf({ replicaSets: [rollout] }, asked)).toMatch(/^refused: .* belongs to Rollout web/);
  });
});

describe('what other tools manage', () => {
  const managed: ports.WorkloadPermission = { allowed: true, managed: true };
  const afterwardsOf = async (known: Partial<ports.Workload>, adjust = ALLOWED) =>
    (await planOf({ workloads: [scheduler(known)], adjust })).afterwards?.[0];

  test('is changed if the configuration allows it, and the plan says that the change may be reverted', async () => {
    expect(await afterwardsOf({ managedBy: 'Flux' }, managed)).toBe(
      'Change it in the repository of Flux too, or it reverts the change.',
    );
    expect(await afterwardsOf({ controller: { kind: 'Airflow', name: 'prod' } }, managed)).toContain(
      'Change it in Airflow prod too',
    );
    const fieldManagers = [{ ...ASKED, manager: 'airflow', operation: 'Apply' as const }];
    expect(await afterwardsOf({ fieldManagers }, managed)).toContain('airflow');
    // A paused rollout would not replace any pod.
    await expect(afterwardsOf({ isPaused: true }, managed)).rejects.toThrow('is paused');
  });

  test.each<[string, ports.FieldManager['operation'], string]>([
    ['kubectl-client-side-apply', 'Update', 'Change it in the manifest too'],
    ['kubectl', 'Apply', 'Change it in the manifest too'],
    ['kubectl-edit', 'Update', 'last set with kubectl-edit'],
    ['Terraform', 'Apply', 'Change it in the manifest too'],
    ['helm', 'Update', 'Change it in the values of the Helm chart too'],
    ['helm', 'Apply', 'Change it in the values of the Helm chart too'],
    ['wrench', 'Update', 'Change it where the workload is defined too'],
  ])('does not include what people set with %s (%s)', async (manager, operation, words) => {
    expect(await afterwardsOf({ fieldManagers: [{ ...ASKED, manager, operation }] })).toContain(words);
  });

  test('does not include an operator that sets another field of the workload', async () => {
    const other = { ...ASKED, field: 'timeoutSeconds', manager: 'my-operator', operation: 'Apply' } as const;
    expect(await afterwardsOf({ fieldManagers: [other] })).toContain(
      'Change it where the workload is defined',
    );
  });
});

describe('applying', () => {
  test('changes exactly that field of that workload, and records it', async () => {
    const { applying, applyContext, done, steps } = await apply();
    await applying;
    expect(done).toEqual([
      [
        'lab',
        {
          workload: { kind: 'Deployment', namespace: 'airflow', name: 'scheduler', uid: 'uid-of-scheduler' },
          container: 'scheduler',
          probe: 'liveness',
          field: 'failureThreshold',
          from: 5,
          to: 15,
        },
        applyContext,
      ],
    ]);
    expect(steps).toEqual([
      'livenessProbe.failureThreshold of scheduler set to 15 in Deployment airflow/scheduler',
    ]);
  });

  test('if the cluster refuses it, it fails and nothing is recorded', async () => {
    const error = new SourceError('lab', 'refused', 'needs `patch deployments`');
    const { applying, steps } = await apply({}, ASKED, error);
    await expect(applying).rejects.toBe(error);
    expect(steps).toEqual([]);
  });
});

describe('that no loop is found proves nothing', () => {
  const ID = 'm0123456789abcdef';
  const changed = (known: Partial<ports.Workload> = {}) =>
    scheduler({
      adjusted: { by: ID },
      containers: [{ name: 'scheduler', kind: 'main', liveness: { ...LIVENESS, failureThreshold: 15 } }],
      rollout: { desired: 3, updated: 3, total: 3 },
      ...known,
    });
  const unproven = async (known: Partial<ports.Workload>) =>
    raiseLimit.whyUnproven?.(context({ workloads: [changed(known)] }), ASKED, {
      plan: await planOf(),
      idempotencyKey: ID,
    });
  const reverted = [{ name: 'scheduler', kind: 'main', liveness: LIVENESS }] as const;

  test('unless all of its pods have the change', async () => {
    expect(await unproven({})).toBeUndefined();
    // Scaled meanwhile, which is not complete: the pods that are there have it.
    expect(await unproven({ rollout: { desired: 2, updated: 3, total: 3 } })).toBeUndefined();
  });

  const { rollout: _, ...unseen } = changed();

  test.each<[string, Partial<ports.Workload>, string]>([
    [
      'it was reverted, so the pods are new again',
      { containers: reverted },
      'livenessProbe.failureThreshold of scheduler in Deployment airflow/scheduler is 5 now, not 15',
    ],
    ['its container is gone', { containers: [] }, 'is not set now, not 15'],
    ['another template has the same limit', { adjusted: { by: 'm1' } }, 'something else has changed'],
    ['a rollback removed the mark', { adjusted: undefined! }, 'something else has changed'],
    ['it was scaled down', { rollout: { desired: 0, updated: 0, total: 0 } }, 'has no pods now'],
    [
      'no new pod can be created, and the old ones are gone',
      { rollout: { desired: 2, updated: 0, total: 0 } },
      'has 0 of 2 new pods: see `kubectl rollout status deployment/scheduler -n airflow`',
    ],
    [
      'one of many was not replaced',
      { rollout: { desired: 3, updated: 2, total: 3 } },
      'has 2 of 3 new pods',
    ],
    [
      'an old one is kept until the new one is ready',
      { rollout: { desired: 3, updated: 3, total: 4 } },
      'still has 1 pod without the change',
    ],
    [
      'it was paused meanwhile',
      { isPaused: true, rollout: { desired: 3, updated: 1, total: 3 } },
      'has 1 of 3 new pods, and its rollout is paused',
    ],
    ['it was replaced', { uid: 'another' }, 'was replaced by another one'],
  ])('if %s', async (__, known, because) => {
    expect(await unproven(known)).toContain(because);
  });

  test('if new pods could not be told from others', async () => {
    const asked = { ...ASKED, kind: 'ReplicaSet', name: 'scheduler-6b9d8' } as const;
    const applied = { plan: await planOf(), idempotencyKey: ID };
    const because = await raiseLimit.whyUnproven?.(context({ workloads: [changed()] }), asked, applied);
    expect(because).toContain('have no label `pod-template-hash`');
  });

  test('if its controller has not seen the change, or it is gone', async () => {
    const applied = { plan: await planOf(), idempotencyKey: ID };
    const ask = (workloads: readonly ports.Workload[]) =>
      raiseLimit.whyUnproven?.(context({ workloads }), ASKED, applied);
    expect(await ask([unseen])).toContain('has not started');
    await expect(ask([])).rejects.toMatchObject({ kind: 'missing' });
  });
});

test('the button names the workload, if that fits', () => {
  expect(raiseLimit.title(ASKED)).toBe('Raise failureThreshold of airflow/scheduler to 15');
  expect(raiseLimit.title({ ...ASKED, name: 'x'.repeat(60) })).toBe('Raise failureThreshold to 15');
});
