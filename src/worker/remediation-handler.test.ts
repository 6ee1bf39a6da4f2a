import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type RemediationStage,
  type RemediationStageOptions,
  setRemediationStage,
} from '../../test/world/remediation-worker.ts';
import { anOffer, OBSERVATION, PLAN, POLICY } from '../../test/world/remediation.ts';
import { useRedis } from '../../test/world/use-redis.ts';
import { SourceError } from '../ports/source-error.ts';
import { recordPlan, requestPlan } from '../store/remediation/transitions/approval.ts';
import { handleRemediation } from './remediation-handler.ts';

const server = useRedis();
let redis: Redis;
let stage: RemediationStage;
beforeEach(() => {
  redis = server.connect();
});
afterEach(() => stage.close());

const linesWith = (words: string) => stage.log.filter((line) => line.includes(words));
const set = async (options?: RemediationStageOptions) => {
  stage = await setRemediationStage(redis, options);
};

test('a job about a remediation that Redis no longer has is logged, and does nothing', async () => {
  await set();
  const { signal } = new AbortController();
  const data = { kind: 'apply', id: 'm0000000000000000' } as const;

  await handleRemediation(stage.deps, { id: 'apply-x', data, attempt: 1, queuedAtMs: 0, signal });

  expect(linesWith('remediation-missing')).toHaveLength(1);
});

test('the record decides, not the job: nothing is applied before it is approved, and nothing planned twice', async () => {
  await set();
  await stage.plan();
  const planned = await stage.read();
  stage.system.version = '2';

  await stage.run('apply');
  await stage.run('plan');

  expect(await stage.read()).toEqual(planned);
  expect(stage.system.applied).toEqual([]);
});

describe('the job `plan`', () => {
  test('records the plan and what the check found, and queues its card', async () => {
    await set();

    await stage.plan();

    expect(await stage.read()).toMatchObject({
      state: 'planned',
      plan: { lines: ['Mend pump, version 1'], targets: ['lab:pump'] },
      planHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      before: { finding: 'found', verdict: '1 of 3 things are broken' },
    });
    const { revision } = (await stage.remediations.read(stage.id)) ?? {};
    expect(await stage.queued()).toEqual({ jobs: [], cards: [`card-${stage.id}-${revision}`] });
  });

  test('a safe fix is approved by its request and queued to be applied', async () => {
    await set({ risk: 'safe' });

    await stage.plan();

    expect(await stage.read()).toMatchObject({ state: 'approved', approvals: [{ by: 'U0ADA' }] });
    expect(await stage.queued()).toMatchObject({ jobs: [`apply-${stage.id}`] });
  });

  test('a safe fix that is planned while everything is frozen is refused', async () => {
    await set({ risk: 'safe' });
    await stage.request();
    await stage.freeze();

    await stage.run('plan');

    expect(await stage.read()).toMatchObject({ state: 'refused', because: expect.stringMatching(/frozen/) });
    expect(await stage.queued()).toMatchObject({ jobs: [] });
  });

  test('a finding that is gone is skipped', async () => {
    await set();
    stage.system.broken.clear();

    await stage.plan();

    expect(await stage.read()).toMatchObject({
      state: 'skipped',
      because: 'the finding is gone: All 3 things are healthy',
    });
  });

  test('a finding that cannot be checked is refused', async () => {
    await set();
    stage.system.broken.clear();
    stage.system.unreachable = 'no route to host';

    await stage.plan();

    expect(await stage.read()).toMatchObject({ state: 'refused' });
  });

  test('a plan that a source refuses is refused, with a reason without secrets', async () => {
    const plan = async () => {
      throw new SourceError('lab', 'refused', 'locked with hunter2');
    };
    await set({ fix: { plan } });

    await stage.plan();

    expect(await stage.read()).toMatchObject({
      state: 'refused',
      because: expect.stringContaining('locked with [redacted]'),
    });
    expect(linesWith('a bug in Wrench')).toEqual([]);
  });

  test('a plan whose target another remediation has locked is refused', async () => {
    await set();
    const other = anOffer({ runId: 'r1' });
    await stage.remediations.saveOffers([other]);
    await stage.remediations.transition(other.id, requestPlan('U0ADA', POLICY));
    const lockPump = recordPlan({ ...PLAN, targets: ['lab:pump'] }, OBSERVATION, POLICY);
    await stage.remediations.transition(other.id, lockPump);

    await stage.plan();

    expect(await stage.read()).toMatchObject({
      state: 'refused',
      because: expect.stringContaining(other.id),
    });
  });

  test('a bug in Wrench refuses it, and is logged once with the id of the job', async () => {
    const plan = async () => {
      throw new TypeError('x is not a function');
    };
    await set({ fix: { plan } });

    await stage.plan();

    expect(await stage.read()).toMatchObject({ state: 'refused', because: expect.stringContaining('job-7') });
    expect(linesWith('x is not a function')).toHaveLength(1);
    expect(linesWith('x is not a function')[0]).toContain('"jobId":"job-7"');
    expect(await stage.deps.metrics.registry.metrics()).toMatch(/wrench_bugs_total\{role="worker"\} 1/);
  });

  test('a worker that stops requeues the job', async () => {
    await set();
    await stage.request();
    const signal = AbortSignal.abort(new Error('this worker stops'));
    const data = { kind: 'plan', id: stage.id } as const;

    const handled = handleRemediation(stage.deps, { id: 'x', data, attempt: 1, queuedAtMs: 0, signal });

    await expect(handled).rejects.toThrow('stops');
    expect(await stage.read()).toMatchObject({ state: 'planning' });
  });
});

describe('the job `look`', () => {
  const look = async () => {
    const { signal } = new AbortController();
    const data = { kind: 'look', id: stage.id, by: 'U0KATE' } as const;
    await handleRemediation(stage.deps, { id: 'x', data, attempt: 1, queuedAtMs: 0, signal });
  };
  const setUnverified = async () => {
    await set();
    stage.system.fixWorks = false;
    await stage.approve();
    await stage.run('apply');
    expect(await stage.read()).toMatchObject({ state: 'unverified' });
  };

  test('a finding that has gone makes an unverified fix fixed, and applies nothing', async () => {
    await setUnverified();
    stage.system.broken.clear();

    await look();

    expect(await stage.read()).toMatchObject({ state: 'fixed', after: { finding: 'gone' } });
    expect(stage.system.applied).toHaveLength(1);
  });

  test('a finding that is still there leaves it as it is', async () => {
    await setUnverified();

    await look();

    expect(await stage.read()).toMatchObject({ state: 'unverified', after: { finding: 'found' } });
  });

  test('a remediation that has not ended is not changed', async () => {
    await set();
    await stage.plan();
    stage.system.broken.clear();

    await look();

    expect(await stage.read()).toMatchObject({ state: 'planned' });
  });
});
