import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type RemediationStage,
  type RemediationStageOptions,
  setRemediationStage,
} from '../../test/world/remediation-worker.ts';
import { useRedis } from '../../test/world/use-redis.ts';
import type { Plan } from '../check/define-remediation.ts';
import { SourceError } from '../ports/source-error.ts';
import { PREFIX } from '../queue/queues.ts';
import { provenOutcome } from '../store/remediation/observation.ts';
import type { RemediationRecord } from '../store/remediation/record.ts';
import { endOverdue } from '../store/remediation/transitions/execution.ts';
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
/** Ends it like a sweep that finds it overdue. The lease may be renewed first. */
const endAsOverdue = async () => {
  const end = async () => {
    await redis.zadd(`${PREFIX}:remediations:due`, 1, stage.id);
    return stage.remediations.transition(stage.id, endOverdue(stage.deps.policy));
  };
  await expect.poll(end).toMatchObject({ kind: 'changed' });
};

/** A fix whose plan says how long its proof takes; the remediation itself says that it is immediate. */
const planWith = (settlesWithinSeconds: number, more: Partial<Plan> = {}) => ({
  settlesWithinSeconds: 0,
  fix: {
    plan: async () => ({
      lines: ['Mend pump'],
      targets: ['lab:pump'],
      precondition: {},
      impact: 'Stops it',
      settlesWithinSeconds,
      ...more,
    }),
  },
});

test('the time to settle of the approved plan replaces that of the remediation', async () => {
  await setApproved(planWith(60));
  stage.system.fixWorks = false;
  const applying = apply();
  await expect.poll(async () => (await stage.read()).settling?.observed).toBeDefined();
  const { settling } = await stage.read();
  // Checked again less often than usual, because it takes longer.
  expect(settling).toMatchObject({ everySeconds: 0.5, observed: { finding: 'found' } });
  stage.system.broken.clear();
  await applying;

  expect(await stage.read()).toMatchObject({ state: 'fixed' });
});

test('before the plan says that it can be proven, nothing is fixed, although the finding is gone', async () => {
  await setApproved(planWith(20, { provenAfterSeconds: 2 }));

  await apply();

  const { after, steps, state } = await stage.read();
  expect(state).toBe('fixed');
  const provenMs = Date.parse(after?.at ?? '') - Date.parse(steps.at(-1)?.at ?? '');
  expect(provenMs).toBeGreaterThanOrEqual(2_000);
});

test('a finding that is only absent for a moment is not fixed', async () => {
  let checks = 0;
  await setApproved(planWith(30, { provenAfterSeconds: 1 }));
  const readersOf = () => {
    checks += 1;
    // What is replaced is absent now and then.
    if (checks % 2 === 0 || checks > 20) stage.system.broken.clear();
    else stage.system.broken.add('pump');
    return {};
  };
  const applying = applyApproved(await stage.job(undefined, { readersOf }));
  await expect.poll(() => checks, { timeout: 30_000 }).toBeGreaterThan(16);
  expect(await stage.read()).toMatchObject({ state: 'settling' });
  await applying;

  expect(await stage.read()).toMatchObject({ state: 'fixed' });
  expect(checks).toBeGreaterThan(20);
});

test('what is still found after the time of its plan is unverified', async () => {
  await setApproved(planWith(1));
  stage.system.fixWorks = false;

  await apply();

  expect(await stage.read()).toMatchObject({
    state: 'unverified',
    because: '1 s after it was applied: 1 of 3 things are broken',
  });
});

describe('a worker that stops while it verifies', () => {
  /** Applied, and its worker has stopped: its job is queued again. */
  async function stopWhileSettling(settlesWithinSeconds: number): Promise<RemediationRecord> {
    await setApproved({ settlesWithinSeconds });
    stage.system.fixWorks = false;
    const stop = new AbortController();
    const applying = apply(stop.signal);
    await expect.poll(async () => (await stage.read()).settling?.observed).toBeDefined();
    stop.abort(new Error('this worker stops'));
    await expect(applying).rejects.toThrow(/abort|stop/);
    return stage.read();
  }

  test('leaves it to the next one, which continues until the same time and applies nothing again', async () => {
    const before = await stopWhileSettling(600);
    expect(before).toMatchObject({ state: 'settling' });

    const resumed = apply();
    await expect.poll(async () => (await stage.read()).token).not.toBe(before.token);
    expect((await stage.read()).settling?.until).toBe(before.settling?.until);
    stage.system.broken.clear();
    await resumed;

    expect(await stage.read()).toMatchObject({ state: 'fixed', after: { finding: 'gone' } });
    expect(stage.system.applied).toHaveLength(1);
  });

  test('the next one checks once more, although the time is over', async () => {
    const before = await stopWhileSettling(600);
    const late = () => Promise.resolve(Date.parse(before.settling?.until ?? '') + 1_000);

    await applyApproved(await stage.job(undefined, { readClock: late }));

    expect(await stage.read()).toMatchObject({
      state: 'unverified',
      because: '10 minutes after it was applied: 1 of 3 things are broken',
      after: { finding: 'found' },
    });
  });

  test('the next one does nothing if the sweep has ended it meanwhile', async () => {
    await stopWhileSettling(600);
    const job = await stage.job();
    await endAsOverdue();
    stage.system.broken.clear();

    await applyApproved(job);

    expect(await stage.read()).toMatchObject({ state: 'unverified' });
  });
});

test('a worker that lost its lease while it verified records no outcome, which is not a bug', async () => {
  await setApproved({ settlesWithinSeconds: 600, deps: { leaseMs: 3_000 } });
  stage.system.fixWorks = false;

  const applying = apply();
  await expect.poll(async () => (await stage.read()).state).toBe('settling');
  await endAsOverdue();
  await applying;

  expect(await stage.read()).toMatchObject({ state: 'unverified' });
  expect(await stage.read()).not.toHaveProperty('after');
  expect(linesWith('lease-lost')).toHaveLength(1);
  expect(linesWith('a bug in Wrench')).toEqual([]);
});

describe('a fix that says why it is not proven', () => {
  let unproven: string | undefined | Error;
  const whyUnproven = async () => {
    if (unproven instanceof Error) throw unproven;
    return unproven;
  };
  const fix = { ...planWith(1).fix, whyUnproven };

  test('is not fixed, although its finding is gone', async () => {
    unproven = 'it has 1 of 2 new pods, with hunter2';
    await setApproved({ fix });

    await apply();

    expect(await stage.read()).toMatchObject({
      state: 'unverified',
      because: '1 s after it was applied: it has 1 of 2 new pods, with [redacted]',
      after: { finding: 'gone', unproven: 'it has 1 of 2 new pods, with [redacted]' },
    });
    // Nor for someone who checks again.
    expect(provenOutcome(await stage.read(), (await stage.read()).after!)).toBeUndefined();
  });

  test('is not fixed while that cannot be read', async () => {
    unproven = new SourceError('lab', 'unreachable', 'connection refused');
    await setApproved({ fix });

    await apply();

    expect(await stage.read()).toMatchObject({
      state: 'unverified',
      because: '1 s after it was applied: connection refused',
    });
  });

  test('is fixed once it is in effect', async () => {
    unproven = 'it has 1 of 2 new pods';
    await setApproved({ fix: { ...planWith(60).fix, whyUnproven } });
    const applying = apply();
    await expect.poll(async () => (await stage.read()).settling?.observed?.unproven).toBe(unproven);
    unproven = undefined;
    await applying;

    const { state, after } = await stage.read();
    expect(state).toBe('fixed');
    expect(after).not.toHaveProperty('unproven');
  });
});

test('the clock of a worker that is ahead proves nothing earlier', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
  try {
    await setApproved(planWith(20, { provenAfterSeconds: 2 }));
    await apply();
  } finally {
    vi.useRealTimers();
  }

  const { after, steps, state } = await stage.read();
  expect(state).toBe('fixed');
  const provenMs = Date.parse(after?.at ?? '') - Date.parse(steps.at(-1)?.at ?? '');
  expect(provenMs).toBeGreaterThanOrEqual(2_000);
  expect(provenMs).toBeLessThan(600_000);
});
