import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type RemediationStage,
  type RemediationStageOptions,
  setRemediationStage,
} from '../../test/world/remediation-worker.ts';
import { useRedis } from '../../test/world/use-redis.ts';
import type { WriteContext } from '../check/define-remediation.ts';
import { SourceError } from '../ports/source-error.ts';
import { PREFIX } from '../queue/queues.ts';
import type { Durability } from '../store/remediation/durability.ts';
import { planHashOf, recordToJson, type RemediationRecord } from '../store/remediation/record.ts';
import { approve } from '../store/remediation/transitions/approval.ts';
import { isRefused, type Transition } from '../store/remediation/transitions/common.ts';
import { endOverdue, requestPause } from '../store/remediation/transitions/execution.ts';
import { applyApproved } from './apply.ts';

const server = useRedis();
let redis: Redis;
let stage: RemediationStage;
beforeEach(() => {
  redis = server.connect();
});
afterEach(() => stage.close());

/** A stage with an approved plan. */
async function setApproved(options: RemediationStageOptions = {}): Promise<void> {
  stage = await setRemediationStage(redis, options);
  await stage.approve();
}

const apply = async (signal?: AbortSignal) => applyApproved(await stage.job(signal));
const linesWith = (words: string) => stage.log.filter((line) => line.includes(words));
const stepsIn = ({ steps }: RemediationRecord) => steps.map(({ line }) => line);
/** Ends it like a sweep that finds it overdue. The lease may be renewed first. */
const endAsOverdue = async () => {
  const end = async () => {
    await redis.zadd(`${PREFIX}:remediations:due`, 1, stage.id);
    return stage.remediations.transition(stage.id, endOverdue(stage.deps.policy));
  };
  await expect.poll(end).toMatchObject({ kind: 'changed' });
};

test('an approved plan is applied once, recorded step by step, and fixed once the finding is gone', async () => {
  await setApproved();
  const before = await stage.remediations.read(stage.id);

  await apply();
  await apply();

  const after = await stage.remediations.read(stage.id);
  expect(after?.record).toMatchObject({ state: 'fixed', after: { finding: 'gone' } });
  expect(after && stepsIn(after.record)).toEqual(['mended pump']);
  expect(stage.system.applied).toEqual([{ thing: 'pump', order: stage.id }]);
  // Started, one step, applied, verified: each change has its card.
  const { cards } = await stage.queued();
  const revisions = [1, 2, 3, 4].map((more) => (before?.revision ?? 0) + more);
  expect(cards).toEqual(expect.arrayContaining(revisions.map((revision) => `card-${stage.id}-${revision}`)));
  expect(after?.revision).toBe(revisions.at(-1));
  expect(await stage.deps.metrics.registry.metrics()).toMatch(
    /wrench_remediations_total\{remediation="lab\/things:mend",outcome="fixed"\} 1/,
  );
});

test('a job that was queued before the approval was used applies nothing', async () => {
  await setApproved();
  const job = await stage.job();
  await apply();

  await applyApproved(job);

  expect(stage.system.applied).toHaveLength(1);
  expect(await stage.read()).toMatchObject({ state: 'fixed' });
});

test('a finding that is still there after the time to settle is unverified', async () => {
  await setApproved();
  stage.system.fixWorks = false;

  await apply();

  expect(await stage.read()).toMatchObject({ state: 'unverified', after: { finding: 'found' } });
});

test('the check is repeated until the finding is gone', async () => {
  let checks = 0;
  await setApproved({ settlesWithinSeconds: 600 });
  stage.system.fixWorks = false;
  const readersOf = () => {
    checks += 1;
    // Preflight and applying ask for readers too.
    if (checks === 8) stage.system.broken.clear();
    return {};
  };

  await applyApproved(await stage.job(undefined, { readersOf }));

  expect(await stage.read()).toMatchObject({ state: 'fixed' });
  expect(checks).toBe(8);
});

test('while it settles, its card shows what the last check found, until when it is checked, and how often', async () => {
  await setApproved({ settlesWithinSeconds: 600 });
  stage.system.fixWorks = false;
  const settling = apply();
  const observed = async () => (await stage.read()).settling?.observed;
  await expect.poll(observed).toBeDefined();

  const record = await stage.read();
  expect(record).toMatchObject({
    state: 'settling',
    settling: { everySeconds: 0.01, observed: { finding: 'found', verdict: '1 of 3 things are broken' } },
  });
  const leftMs = Date.parse(record.settling?.until ?? '') - Date.parse(record.settling?.observed?.at ?? '');
  expect(leftMs).toBeGreaterThan(0);
  expect(leftMs).toBeLessThanOrEqual(600_000);
  const { revision = 0 } = (await stage.remediations.read(stage.id)) ?? {};
  await expect.poll(async () => (await stage.queued()).cards).toContain(`card-${stage.id}-${revision}`);

  stage.system.broken.clear();
  await settling;
  const fixed = await stage.read();
  expect(fixed).toMatchObject({ state: 'fixed' });
  expect(fixed).not.toHaveProperty('settling');
});

test('that what it waits for cannot be recorded says nothing about the fix', async () => {
  await setApproved({ settlesWithinSeconds: 600 });
  stage.system.fixWorks = false;
  const { remediations } = stage.deps;
  const isTick = (transition: Transition, record: RemediationRecord) => {
    const change = transition(record, 0);
    return !isRefused(change) && change.next.state === 'settling' && record.state === 'settling';
  };
  const failing: typeof remediations = {
    ...remediations,
    transition: async (id, transition) => {
      const stored = await remediations.read(id);
      if (!stored || !isTick(transition, stored.record)) return remediations.transition(id, transition);
      stage.system.broken.clear();
      throw new Error('Redis is busy');
    },
  };

  await applyApproved(await stage.job(undefined, { remediations: failing }));

  expect(await stage.read()).toMatchObject({ state: 'fixed' });
  expect(linesWith('settling-not-shown')).toHaveLength(1);
});

describe('preflight', () => {
  test.each<[string, (system: RemediationStage['system']) => void, RegExp]>([
    ['the finding is gone', ({ broken }) => broken.clear(), /finding is gone: All 3 things are healthy/],
    [
      'the finding cannot be checked',
      (system) => {
        system.broken.clear();
        system.unreachable = 'no route to host';
      },
      /couldn't check whether the finding is still there/,
    ],
    [
      'the plan has changed',
      (system) => (system.version = '2'),
      /it has changed since the plan was approved \(version: 1 -> 2\)/,
    ],
  ])('it is skipped if %s, and nothing is applied', async (_, change, because) => {
    await setApproved();
    change(stage.system);

    await apply();

    expect(await stage.read()).toMatchObject({
      state: 'skipped',
      because: expect.stringMatching(because),
      after: { verdict: expect.any(String) },
    });
    expect(stage.system.applied).toEqual([]);
  });

  const planWith = (others: number) => ({
    lines: ['Mend pump'],
    targets: ['lab:pump'],
    precondition: { version: '1' },
    impact: `Stops pump; ${others} others run`,
    ...(others > 0 && { safety: ['At least one other pump runs'] }),
  });

  test('it is skipped if a condition that approvers relied on is no longer true', async () => {
    let others = 2;
    await setApproved({ fix: { plan: async () => planWith(others) } });
    others = 0;

    await apply();

    expect(await stage.read()).toMatchObject({
      state: 'skipped',
      because: 'no longer true: At least one other pump runs (now: Stops pump; 0 others run)',
    });
    expect(stage.system.applied).toEqual([]);
  });

  test.each([
    ['more', 1, 2],
    ['less, as long as its condition is true', 2, 1],
    ['something where nothing was', 0, 1],
  ])('it is applied if meanwhile %s stays up', async (_, before, now) => {
    let others = before;
    await setApproved({ fix: { plan: async () => planWith(others) } });
    others = now;

    await apply();

    expect(await stage.read()).toMatchObject({
      state: 'fixed',
      plan: { impact: `Stops pump; ${before} others run` },
    });
    expect(stage.system.applied).toHaveLength(1);
  });

  test('a plan of 0.11 is applied although this version describes it in other words', async () => {
    await setApproved({
      fix: { plan: async () => ({ ...planWith(1), irreversible: ['Its logs are lost'] }) },
    });
    const record = await stage.read();
    const { lines, targets, precondition } = planWith(1);
    const plan = {
      lines,
      targets,
      precondition,
      safety: ['Its volumes are kept'],
      afterwards: ['Look at it'],
    };
    const old = recordToJson({ ...record, plan, planHash: planHashOf(record, plan) });
    await redis.hset(`${PREFIX}:remediation:${stage.id}`, 'record', old);

    await apply();

    expect(await stage.read()).toMatchObject({ state: 'fixed' });
  });

  test('it is skipped if it can no longer be planned, with a reason without secrets', async () => {
    let isLocked = false;
    const plan = async () => {
      if (isLocked) throw new SourceError('lab', 'refused', 'locked with hunter2');
      return {
        lines: ['Mend pump'],
        targets: ['lab:pump'],
        precondition: { version: '1' },
        impact: 'Stops pump',
      };
    };
    await setApproved({ fix: { plan } });
    isLocked = true;

    await apply();

    expect(await stage.read()).toMatchObject({
      state: 'skipped',
      because: expect.stringMatching(/couldn't plan it again: .*locked with \[redacted\]/),
    });
  });

  test.each<[string, (person: object) => object | undefined, RegExp]>([
    [
      'is deactivated',
      (person) => ({ ...person, isDeleted: true }),
      /<@U0GRACE>: the account is deactivated/,
    ],
    ['was last read too long ago', (person) => ({ ...person, atMs: 1 }), /<@U0GRACE>: .*too long/],
    ['is not known', () => undefined, /<@U0GRACE>: couldn't look up the account/],
  ])('it is refused if the account of an approver %s', async (_, changed, because) => {
    await setApproved();
    const key = `${PREFIX}:person:U0GRACE`;
    const person = changed(JSON.parse((await redis.get(key)) ?? '{}') as object);
    if (person) await redis.set(key, JSON.stringify(person));
    else await redis.del(key);

    await apply();

    expect(await stage.read()).toMatchObject({ state: 'refused', because: expect.stringMatching(because) });
    expect(stage.system.applied).toEqual([]);
  });

  test('it is refused if an approver or the requester has lost the role', async () => {
    await setApproved();
    const roles = { ...stage.deps.policy.roles, requester: [] };
    const policy = { ...stage.deps.policy, roles };

    await applyApproved(await stage.job(undefined, { policy }));

    expect(await stage.read()).toMatchObject({
      state: 'refused',
      because: expect.stringMatching(/<@U0ADA>: needs the requester role/),
    });
  });

  test('it is refused if the bot has not stored its workspace', async () => {
    await setApproved();
    await redis.del(`${PREFIX}:workspace`);

    await apply();

    expect(await stage.read()).toMatchObject({
      state: 'refused',
      because: expect.stringMatching(/workspace/),
    });
  });

  test('a record with fewer valid approvals than it needs is refused', async () => {
    await setApproved();
    await stage.change((record) => ({ next: { ...record, approvalsNeeded: 2 }, lockTargetsForMs: 60_000 }));

    await apply();

    expect(await stage.read()).toMatchObject({ state: 'refused', because: 'it has too few valid approvals' });
  });

  test('it is refused if Redis could lose the record of its start', async () => {
    await setApproved({ deps: { confirmDurability: async () => 'never' } });

    await apply();

    expect(await stage.read()).toMatchObject({ state: 'refused', because: expect.stringMatching(/Redis/) });
  });

  test.each<[string, (system: RemediationStage['system']) => void]>([
    ['could be applied', () => undefined],
    ['would be skipped', ({ broken }) => broken.clear()],
  ])('an approval that expires meanwhile is expired, also if the plan %s', async (_, change) => {
    await setApproved();
    change(stage.system);
    const expire = async (): Promise<Durability> => {
      await stage.change((record, nowMs) => ({
        next: { ...record, until: new Date(nowMs - 1).toISOString() },
        lockTargetsForMs: 60_000,
      }));
      return 'on-disk';
    };

    await applyApproved(await stage.job(undefined, { confirmDurability: expire }));

    expect(await stage.read()).toMatchObject({ state: 'expired' });
    expect(stage.system.applied).toEqual([]);
  });

  test('a bug in Wrench ends it before anything is applied, and is logged once with the id of the job', async () => {
    await setApproved();
    const confirmDurability = async () => {
      throw new TypeError('x is not a function');
    };

    await applyApproved(await stage.job(undefined, { confirmDurability }));

    expect(await stage.read()).toMatchObject({ state: 'refused', because: expect.stringContaining('job-7') });
    expect(linesWith('x is not a function')).toHaveLength(1);
    expect(linesWith('x is not a function')[0]).toContain('"jobId":"job-7"');
    expect(await stage.deps.metrics.registry.metrics()).toMatch(/wrench_bugs_total\{role="worker"\} 1/);
  });

  test('a worker that stops requeues the job, and the approval stays', async () => {
    await setApproved();
    const stop = new AbortController();
    const readersOf = () => {
      stop.abort(new Error('this worker stops'));
      return {};
    };

    await expect(applyApproved(await stage.job(stop.signal, { readersOf }))).rejects.toThrow('stops');

    expect(await stage.read()).toMatchObject({ state: 'approved' });
    expect(linesWith('a bug in Wrench')).toEqual([]);
  });
});

describe('acquire', () => {
  test('while frozen it is refused', async () => {
    await setApproved();
    await stage.freeze();

    await apply();

    expect(await stage.read()).toMatchObject({ state: 'refused', because: expect.stringMatching(/frozen/) });
    expect(stage.system.applied).toEqual([]);
  });

  test('it fails before anything is applied if Redis does not confirm that the start is on disk', async () => {
    await setApproved();
    const answers: Durability[] = ['on-disk', 'never'];

    await applyApproved(
      await stage.job(undefined, { confirmDurability: async () => answers.shift() ?? 'never' }),
    );

    expect(await stage.read()).toMatchObject({
      state: 'failed',
      because: expect.stringMatching(/nothing was changed/),
    });
    expect(stage.system.applied).toEqual([]);
  });

  test('nothing is applied if the lease expired while Redis confirmed that the start is on disk', async () => {
    await setApproved();
    const leaseMs = 50;
    let isStarted = false;
    const confirmDurability = async (): Promise<Durability> => {
      if (isStarted) await sleep(leaseMs * 2);
      isStarted = true;
      return 'on-disk';
    };

    await applyApproved(await stage.job(undefined, { confirmDurability, leaseMs }));

    expect(stage.system.applied).toEqual([]);
    expect(await stage.read()).toMatchObject({ state: 'interrupted' });
  });

  test('of two workers with the same job one applies it', async () => {
    await setApproved();

    await Promise.all([apply(), apply()]);

    expect(stage.system.applied).toHaveLength(1);
    expect(await stage.read()).toMatchObject({ state: 'fixed' });
  });
});

describe('execute', () => {
  test('a step after a lost lease is refused: nothing more is recorded, and no further step is started', async () => {
    const begun: string[] = [];
    const twoSteps = async ({ recordStep }: WriteContext) => {
      begun.push('first');
      await recordStep('first');
      await endAsOverdue();
      begun.push('second');
      await recordStep('second');
      begun.push('third');
    };
    await setApproved({ fix: { apply: twoSteps } });

    await apply();

    const record = await stage.read();
    expect(begun).toEqual(['first', 'second']);
    expect(record).toMatchObject({ state: 'interrupted' });
    expect(stepsIn(record)).toEqual(['first']);
    expect(linesWith('a bug in Wrench')).toEqual([]);
  });

  test('a freeze between two steps fails it: the first step is recorded, the second is not started', async () => {
    const begun: string[] = [];
    const twoSteps = async ({ recordStep, applyContext }: WriteContext) => {
      begun.push('first');
      await stage.freeze();
      await recordStep('first');
      applyContext.signal.throwIfAborted();
      begun.push('second');
    };
    await setApproved({ fix: { apply: twoSteps } });

    await apply();

    const record = await stage.read();
    expect(begun).toEqual(['first']);
    expect(record).toMatchObject({ state: 'failed', because: expect.stringMatching(/frozen/) });
    expect(stepsIn(record)).toEqual(['first']);
  });

  test('a freeze during the last step lets the fix be verified', async () => {
    await setApproved();
    stage.system.beforeApply = () => stage.freeze();

    await apply();

    expect(await stage.read()).toMatchObject({ state: 'fixed' });
  });

  test('a step that fails ends it as failed, with the steps before it, what the check says now, and no secret', async () => {
    const failSecond = async ({ recordStep }: WriteContext) => {
      await recordStep('first with hunter2');
      throw new SourceError('lab', 'refused', 'task 7 failed with hunter2');
    };
    await setApproved({ fix: { apply: failSecond } });

    await apply();

    const record = await stage.read();
    expect(record).toMatchObject({
      state: 'failed',
      because: expect.stringContaining('task 7 failed with [redacted]'),
      after: { finding: 'found' },
    });
    expect(stepsIn(record)).toEqual(['first with [redacted]']);
  });

  test('a bug in Wrench interrupts it, and is logged once with the id of the job', async () => {
    const fail = async () => {
      throw new TypeError('x is not a function');
    };
    await setApproved({ fix: { apply: fail } });

    await apply();

    expect(await stage.read()).toMatchObject({
      state: 'interrupted',
      because: expect.stringContaining('job-7'),
    });
    expect(linesWith('x is not a function')).toHaveLength(1);
    expect(linesWith('x is not a function')[0]).toContain('"jobId":"job-7"');
  });

  test('a worker that stops during a step leaves it interrupted, and the approval cannot be used again', async () => {
    await setApproved();
    const stop = new AbortController();
    stage.system.beforeApply = async (_, signal) => {
      stop.abort(new Error('this worker stops'));
      signal.throwIfAborted();
    };

    await apply(stop.signal);

    const { planHash = '', ...record } = await stage.read();
    expect(record).toMatchObject({ state: 'interrupted' });
    expect(stage.system.applied).toEqual([]);
    await expect(stage.change(approve('U0KATE', planHash, stage.deps.policy))).rejects.toThrow(
      'it was interrupted',
    );
  });
});

describe('a plan for many targets', () => {
  const things = ['pump', 'fan', 'lamp'];

  test('is applied line by line, and fixed once no target is found anymore', async () => {
    await setApproved({ things });

    await apply();

    const record = await stage.read();
    expect(record).toMatchObject({ state: 'fixed', after: { finding: 'gone', targets: [] } });
    expect(stepsIn(record)).toEqual(['mended pump', 'mended fan', 'mended lamp']);
    const orders = things.map((thing, at) => ({ thing, order: `${stage.id}-${at + 1}` }));
    expect(stage.system.applied).toEqual(orders);
  });

  test('skips what the check no longer finds, what is gone and what has changed, and fixes the rest', async () => {
    await setApproved({ things });
    stage.system.broken.delete('pump');
    stage.system.removed.add('fan');
    stage.system.beforeApply = async () => void stage.system.broken.delete('fan');

    await apply();

    const record = await stage.read();
    expect(record.state).toBe('fixed');
    expect(stepsIn(record)).toEqual([
      'Skipped lab:pump: the check no longer finds it',
      'Skipped lab:fan: fan was removed',
      'mended lamp',
    ]);
  });

  test('is skipped as a whole if none of its targets is found anymore', async () => {
    await setApproved({ things });
    stage.system.broken.clear();

    await apply();

    expect(await stage.read()).toMatchObject({ state: 'skipped', steps: [] });
  });

  test('stops at the first failure, with the steps before it recorded', async () => {
    await setApproved({ things });
    stage.system.beforeApply = async (thing) => {
      if (thing === 'fan') throw new SourceError('lab', 'unreachable', 'fan does not respond');
    };

    await apply();

    const record = await stage.read();
    expect(record).toMatchObject({ state: 'failed', because: 'fan does not respond' });
    expect(stepsIn(record)).toEqual(['mended pump']);
    expect(record.after).toMatchObject({ finding: 'found', targets: ['lab:fan', 'lab:lamp'] });
  });

  test('is not fixed while one of its targets is still found', async () => {
    await setApproved({ things });
    stage.system.removed.add('lamp');

    await apply();

    expect(await stage.read()).toMatchObject({
      state: 'unverified',
      after: { finding: 'found', targets: ['lab:lamp'] },
    });
  });

  test('does not wait for targets that could not be planned, and says that they were left out', async () => {
    stage = await setRemediationStage(redis, { things, settlesWithinSeconds: 3_600 });
    stage.system.removed.add('lamp');
    await stage.approve();

    await apply();

    const record = await stage.read();
    expect(record).toMatchObject({
      state: 'unverified',
      because: "all targets of the plan are fixed; the others weren't in the plan",
      plan: { leftOut: [{ target: 'lab:lamp', because: 'lamp was removed' }] },
      after: { targets: ['lab:lamp'] },
    });
    expect(stepsIn(record)).toEqual(['mended pump', 'mended fan']);
  });

  test('does not call its targets fixed while one of them may be hidden', async () => {
    stage = await setRemediationStage(redis, { things });
    stage.system.removed.add('lamp');
    await stage.approve();
    stage.system.fixWorks = false;
    stage.system.beforeApply = async (thing) => {
      if (thing === 'pump') stage.system.hidden.add('pump');
      else stage.system.broken.delete(thing);
    };

    await apply();

    expect(await stage.read()).toMatchObject({
      state: 'unverified',
      because: expect.stringContaining('after it was applied'),
    });
  });

  test('is not fixed while a target may be hidden, although the gap was there before it was applied', async () => {
    await setApproved({ things });
    stage.system.hidden.add('lamp');

    await apply();

    const record = await stage.read();
    expect(record).toMatchObject({ state: 'unverified', after: { finding: 'unseen' } });
    expect(stepsIn(record)).toEqual([
      'mended pump',
      'mended fan',
      'Skipped lab:lamp: the check no longer finds it',
    ]);
  });

  test('has failed if every line is skipped: nothing was applied that could be verified', async () => {
    await setApproved({ things });
    stage.system.version = '2';

    await apply();

    expect(await stage.read()).toMatchObject({
      state: 'failed',
      because: 'nothing was applied: every line of the plan was skipped',
    });
    expect(stage.system.applied).toEqual([]);
  });

  test('is refused if its stored lines or their params are not the approved ones', async () => {
    await setApproved({ things });
    const key = `${PREFIX}:remediation:${stage.id}`;
    const stored = await stage.read();
    const each = stored.each?.map((one) => ({ ...one, params: { thing: 'database' } }));
    await redis.hset(key, 'record', recordToJson({ ...stored, ...(each && { each }) }));

    await apply();

    expect(await stage.read()).toMatchObject({
      state: 'refused',
      because: "its stored plan isn't the one that was approved",
    });
    expect(stage.system.applied).toEqual([]);
  });

  test('stops between two lines when remediations are frozen', async () => {
    await setApproved({ things });
    stage.system.beforeApply = async () => stage.freeze();

    await apply();

    const record = await stage.read();
    expect(record.state).toBe('failed');
    expect(stepsIn(record)).toEqual(['mended pump']);
  });

  test('stops when remediations are frozen while a line is planned again', async () => {
    let plans = 0;
    const plan = async (_: unknown, { thing }: { readonly thing: string }) => {
      plans += 1;
      // Each of them is planned once before the approval.
      if (plans === things.length + 2) await stage.freeze();
      return {
        lines: [`Mend ${thing}`],
        targets: [`lab:${thing}`],
        precondition: { version: '1' },
        impact: `Stops ${thing}`,
      };
    };
    await setApproved({ things, fix: { plan } });

    await apply();

    const record = await stage.read();
    expect(record).toMatchObject({ state: 'failed', because: expect.stringMatching(/frozen/) });
    expect(stepsIn(record)).toEqual(['mended pump']);
    expect(stage.system.applied).toHaveLength(1);
  });

  test('is refused when it is planned if it has more lines than the caps allow', async () => {
    stage = await setRemediationStage(redis, { things });
    const policy = { ...stage.deps.policy, perRun: 2 };
    await stage.request();

    await stage.run('plan', { policy });

    expect(await stage.read()).toMatchObject({
      state: 'refused',
      because:
        'the plan has 3 lines, but `remediations.perRun` allows 2: raise it, or set a cap for `lab/things:mend` in `remediations.lines`',
    });
  });
});

describe('a mitigation', () => {
  const mitigation = (value: number) => ({ provenBy: () => ({ label: 'things', value }) });

  test('ends as mitigated once its measure is reached, with the finding still there', async () => {
    await setApproved({ fix: mitigation(2) });
    stage.system.fixWorks = false;

    await apply();

    expect(await stage.read()).toMatchObject({
      state: 'mitigated',
      after: { finding: 'found', isMitigated: true },
    });
  });

  test('is never fixed: without its measure it is unverified, even if the finding is gone', async () => {
    await setApproved({ fix: mitigation(17) });

    await apply();

    expect(await stage.read()).toMatchObject({ state: 'unverified', after: { finding: 'gone' } });
  });
});

describe('a fix that may remove only a part of the fault', () => {
  const partial = (below?: number) => ({
    reduces: () => ({ label: 'things', ...(below !== undefined && { below }) }),
  });

  test('is fixed once the finding is gone', async () => {
    await setApproved({ fix: partial(1_000) });

    await apply();

    expect(await stage.read()).toMatchObject({ state: 'fixed', after: { finding: 'gone' } });
  });

  test('ends as mitigated if the finding stays and its measure is lower', async () => {
    await setApproved({ fix: partial(3) });
    stage.system.fixWorks = false;

    await apply();

    expect(await stage.read()).toMatchObject({
      state: 'mitigated',
      after: { finding: 'found', isMitigated: true },
    });
  });

  test('is unverified if its measure is as before', async () => {
    await setApproved({ fix: partial() });
    stage.system.fixWorks = false;

    await apply();

    expect(await stage.read()).toMatchObject({ state: 'unverified', after: { finding: 'found' } });
  });

  test.each([2, 0])('is unverified if its measure is not below %i', async (below) => {
    await setApproved({ fix: partial(below) });
    stage.system.fixWorks = false;

    await apply();

    expect(await stage.read()).toMatchObject({ state: 'unverified', after: { finding: 'found' } });
  });

  test('is unverified if there is no such measure', async () => {
    await setApproved({ fix: { reduces: () => ({ label: 'others', below: 1_000 }) } });
    stage.system.fixWorks = false;

    await apply();

    expect(await stage.read()).toMatchObject({ state: 'unverified' });
  });
});

describe('pause', () => {
  /** Mends in as many batches as are left, and goes on where the last fix ended. */
  function inBatches(total: number, between: (batch: number) => Promise<unknown>) {
    const state = { done: 0 };
    const fix = {
      pausable: true as const,
      apply: async ({ applyContext, recordStep }: WriteContext) => {
        while (state.done < total) {
          applyContext.signal.throwIfAborted();
          state.done += 1;
          await between(state.done);
          await recordStep(`batch ${state.done}`);
        }
        stage.system.broken.clear();
      },
    };
    return { state, fix };
  }

  const pauseBy = (by: string) => stage.change(requestPause(by));

  test('it ends after the current step, and nothing of the next one is applied', async () => {
    const { state, fix } = inBatches(10, async (batch) => batch === 3 && pauseBy('U0GRACE'));
    await setApproved({ fix });

    await apply();
    await apply();

    const record = await stage.read();
    expect(record).toMatchObject({ state: 'paused', pause: { by: 'U0GRACE' } });
    expect(stepsIn(record)).toEqual(['batch 1', 'batch 2', 'batch 3']);
    expect(state.done).toBe(3);
    expect(await redis.keys(`${PREFIX}:target:*`)).toEqual([]);
    expect(await stage.deps.metrics.registry.metrics()).toMatch(/outcome="paused"\} 1/);
  });

  test('if that was its last step, it is verified as usual', async () => {
    const { fix } = inBatches(2, async (batch) => batch === 2 && pauseBy('U0ADA'));
    await setApproved({ fix });

    await apply();

    expect(await stage.read()).toMatchObject({ state: 'fixed', pause: { by: 'U0ADA' } });
  });

  test('a step that fails while it is being paused ends it as failed', async () => {
    const { fix } = inBatches(5, async (batch) => {
      if (batch !== 2) return;
      await pauseBy('U0ADA');
      throw new SourceError('lab', 'refused', 'the database is read-only');
    });
    await setApproved({ fix });

    await apply();

    const record = await stage.read();
    expect(record).toMatchObject({ state: 'failed', because: expect.stringContaining('read-only') });
    expect(stepsIn(record)).toEqual(['batch 1']);
  });

  test('a freeze in the same step stops it too', async () => {
    const { state, fix } = inBatches(5, async (batch) => {
      if (batch !== 2) return;
      await pauseBy('U0ADA');
      await stage.freeze();
    });
    await setApproved({ fix });

    await apply();

    expect(await stage.read()).toMatchObject({ state: 'failed', because: expect.stringContaining('frozen') });
    expect(state.done).toBe(2);
  });

  test('a request to pause shortens neither the lease nor the locks', async () => {
    const due = `${PREFIX}:remediations:due`;
    const seen: (string | number | null)[] = [];
    const read = async () => {
      const [lock = ''] = await redis.keys(`${PREFIX}:target:*`);
      seen.push(await redis.zscore(due, stage.id), await redis.get(lock));
    };
    const { fix } = inBatches(2, async (batch) => {
      if (batch !== 1) return;
      await redis.zadd(due, 9_999_999_999_999, stage.id);
      await read();
      await pauseBy('U0ADA');
      await read();
    });
    await setApproved({ fix });

    await apply();

    expect(seen).toEqual(['9999999999999', stage.id, '9999999999999', stage.id]);
  });

  test('if its worker is lost while pausing, it ends as interrupted, and no later step is recorded', async () => {
    const { state, fix } = inBatches(5, async (batch) => {
      if (batch !== 2) return;
      await pauseBy('U0ADA');
      await endAsOverdue();
    });
    await setApproved({ fix });

    await apply();

    const record = await stage.read();
    expect(record).toMatchObject({ state: 'interrupted' });
    expect(stepsIn(record)).toEqual(['batch 1']);
    expect(state.done).toBe(2);
  });

  test('hundreds of steps queue few cards', async () => {
    const { fix } = inBatches(300, async () => undefined);
    await setApproved({ fix });
    const before = (await stage.queued()).cards.length;

    await apply();

    const record = await stage.read();
    expect(record).toMatchObject({ state: 'fixed', earlierSteps: 290 });
    expect(record.steps).toHaveLength(10);
    // Started, applied and verified, and a step every few seconds.
    expect((await stage.queued()).cards.length - before).toBeLessThan(100);
  });
});
