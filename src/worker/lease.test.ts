import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RemediationStage, setRemediationStage } from '../../test/world/remediation-worker.ts';
import { OBSERVATION } from '../../test/world/remediation.ts';
import { useRedis } from '../../test/world/use-redis.ts';
import { PREFIX } from '../queue/queues.ts';
import type { RemediationRecord } from '../store/remediation/record.ts';
import { failExecution, startExecution } from '../store/remediation/transitions/execution.ts';
import { type ExecutionLease, holdLease } from './lease.ts';

const LEASE_MS = 3_000;
const LOST = 'lost';

const server = useRedis();
let redis: Redis;
let stage: RemediationStage;
let record: RemediationRecord;
let stop: AbortController;
let lease: ExecutionLease;
beforeEach(async () => {
  redis = server.connect();
  stage = await setRemediationStage(redis);
  await stage.approve();
  record = await stage.change(startExecution(7, OBSERVATION, stage.deps.policy, LEASE_MS));
  stop = new AbortController();
});
afterEach(async () => {
  lease.release();
  await stage.close();
});

const hold = (remediations = stage.remediations, leaseMs = LEASE_MS) => {
  lease = holdLease(remediations, record, leaseMs, stop.signal);
};
const dueMs = async () => Number(await redis.zscore(`${PREFIX}:remediations:due`, stage.id));
const lost = () =>
  new Promise<string>((resolve) => lease.signal.addEventListener('abort', () => resolve(LOST)));

test('while it is held, the deadline and the locks of the targets move on', async () => {
  const first = await dueMs();
  const [lockKey = ''] = await redis.keys(`${PREFIX}:target:*`);

  hold();

  await expect.poll(dueMs).toBeGreaterThan(first);
  expect(await redis.pttl(lockKey)).toBeGreaterThan(LEASE_MS);
  expect(lease.signal.aborted).toBe(false);
});

test('it is lost once the remediation has ended', async () => {
  hold();
  await stage.change(failExecution(7, 'it was ended', undefined));

  await expect(lost()).resolves.toBe(LOST);

  expect(lease.signal.reason).toMatchObject({ message: expect.stringContaining('holds the lease') });
});

test('it is lost once another worker has a newer fencing token', async () => {
  hold();
  await stage.change((now) => ({ next: { ...now, token: 8 }, lockTargetsForMs: LEASE_MS }));

  await expect(lost()).resolves.toBe(LOST);
});

test('it is lost if Redis does not respond for as long as the lease lasts', async () => {
  const never = new Promise<boolean>(() => undefined);
  hold({ ...stage.remediations, renewLease: () => never }, 60);

  await expect(lost()).resolves.toBe(LOST);
});

test('it is counted from when it was requested', async () => {
  lease = holdLease(stage.remediations, record, LEASE_MS, stop.signal, performance.now() - LEASE_MS);

  expect(() => lease.throwIfLost()).toThrow('could not be renewed');
});

test('a process that was busy for as long as it lasts loses it immediately', () => {
  const never = new Promise<boolean>(() => undefined);
  hold({ ...stage.remediations, renewLease: () => never }, 30);
  expect(() => lease.throwIfLost()).not.toThrow();

  for (const untilMs = performance.now() + 60; performance.now() < untilMs;);

  // No timer has run yet.
  expect(lease.signal.aborted).toBe(false);
  expect(() => lease.throwIfLost()).toThrow('could not be renewed');
  expect(lease.signal.aborted).toBe(true);
});

test('one renewal that fails loses nothing', async () => {
  let calls = 0;
  const renewLease = async () => {
    calls += 1;
    if (calls === 1) throw new Error('Connection is closed.');
    return true;
  };
  hold({ ...stage.remediations, renewLease });

  await expect.poll(() => calls).toBeGreaterThan(2);
  expect(lease.signal.aborted).toBe(false);
});

test('a worker that stops aborts the work under it', () => {
  hold();

  stop.abort(new Error('this worker stops'));

  expect(lease.signal.reason).toMatchObject({ message: 'this worker stops' });
});

test('a lease that was released is not renewed anymore', async () => {
  const renewals: string[] = [];
  const countAs = (name: string) => ({
    ...stage.remediations,
    renewLease: async () => {
      renewals.push(name);
      return true;
    },
  });
  hold(countAs('released'), 300);
  lease.release();

  // The next one is renewed as often.
  hold(countAs('held'), 300);

  await expect.poll(() => renewals.length).toBeGreaterThan(2);
  expect(renewals).not.toContain('released');
});
