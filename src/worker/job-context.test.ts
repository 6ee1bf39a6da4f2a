import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RemediationStage, setRemediationStage } from '../../test/world/remediation-worker.ts';
import { useRedis } from '../../test/world/use-redis.ts';
import { POLICY } from '../../test/world/remediation.ts';
import { reject, requestPlan } from '../store/remediation/transitions/approval.ts';
import { commitTransition, definitionOf, readersOf } from './job-context.ts';

const server = useRedis();
let redis: Redis;
let stage: RemediationStage;
beforeEach(async () => {
  redis = server.connect();
  stage = await setRemediationStage(redis);
});
afterEach(() => stage.close());

test('a committed transition is announced with the revision that it made', async () => {
  const before = await stage.remediations.read(stage.id);

  const result = await commitTransition(await stage.job(), requestPlan('U0ADA', POLICY));

  const revision = (before?.revision ?? 0) + 1;
  expect(result).toMatchObject({ kind: 'changed', revision });
  expect(await stage.queued()).toEqual({
    jobs: [`plan-${stage.id}`],
    cards: [`card-${stage.id}-${revision}`],
  });
});

test('a refused transition is logged with its reason, and nothing is queued', async () => {
  const result = await commitTransition(await stage.job(), reject('U0GRACE', ''));

  expect(result).toMatchObject({ kind: 'refused', because: "it hasn't been requested yet" });
  expect(await stage.queued()).toEqual({ jobs: [], cards: [] });
  expect(stage.log.filter((line) => line.includes("it hasn't been requested yet"))).toHaveLength(1);
});

test('a check or a fix that this worker does not know is an error that names the cause', async () => {
  const record = await stage.read();

  expect(definitionOf(stage.deps, record).remediation.about).toBe('Mends one thing');
  expect(() => definitionOf(stage.deps, { ...record, remediation: 'grease' })).toThrow(
    /lab\/things:grease.*versions/,
  );
  expect(() => definitionOf(stage.deps, { ...record, check: 'lab/x' })).toThrow(/lab\/x:mend.*versions/);
});

test('an environment that this worker does not know is an error that names it', () => {
  expect(readersOf(stage.deps, 'prod')).toEqual({});
  expect(() => readersOf({ ...stage.deps, readersOf: () => undefined }, 'staging')).toThrow(
    /staging.*configurations/,
  );
});
