import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  DUE,
  type DigestStage,
  Killed,
  killed,
  NIGHTLY,
  setDigestStage,
  trackedPump,
} from '../../../test/world/digest-worker.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import { NoRetry } from '../../queue/workers.ts';
import { tickDigests } from './digest-schedule.ts';
import { type DigestWorkerDeps, finishRun, partIdOf } from './finish-run.ts';

const server = useRedis();
let redis: Redis;
let stage: DigestStage;
beforeEach(async () => {
  redis = server.connect();
  await redis.ping();
  stage = setDigestStage(redis);
});
afterEach(() => stage.close());

test('the fixes of its findings are saved, with ids that differ by environment, and none for what is silenced', async () => {
  const silence = {
    id: 's0123456789',
    by: 'U0ADA',
    at: DUE,
    until: '2026-12-01T00:00:00.000Z',
    because: 'known',
  };
  stage.work = async (job) => ({
    report: stage.reportOf(job),
    tracked: [trackedPump(job.environment === 'stage' ? { silence } : {})],
  });
  const deps = stage.deps({
    definitions: [
      {
        ...NIGHTLY,
        questions: [...NIGHTLY.questions, { check: 'lab/disk', environment: 'test', args: { size: '1' } }],
      },
    ],
  });
  stage.startProcess(deps);
  await tickDigests(deps);
  await stage.passTo('2026-11-28T06:30:02Z', deps);
  await stage.finished();

  const runId = stage.outbox[0]?.job.runId;
  expect(stage.offers.map((offer) => [offer.runId, offer.environment])).toEqual([
    [runId, 'prod'],
    [runId, 'test'],
  ]);
  expect(new Set(stage.offers.map(({ id }) => id)).size).toBe(2);
  expect(stage.offers.every(({ until }) => Date.parse(until ?? '') > Date.parse(DUE) + 23 * 3_600_000)).toBe(
    true,
  );
});

test('a check that cannot be run is a failed part: its findings are unseen, and the digest is posted', async () => {
  stage.work = async (job) => {
    if (job.environment === 'stage')
      throw new NoRetry('this worker knows no environment stage, password hunter2');
    return { report: stage.reportOf(job), tracked: [trackedPump()] };
  };
  const gone = trackedPump({ target: 'lab:fan', state: 'gone', goneAt: DUE });
  const deps = stage.deps({
    findings: {
      load: async ({ environment }) => (environment === 'stage' ? [trackedPump(), gone] : []),
    },
  });
  stage.startProcess(deps);
  await tickDigests(deps);
  await stage.passTo('2026-11-28T06:30:02Z', deps);
  const { parts } = await stage.finished();

  expect(parts[0]).toMatchObject({ environment: 'prod', report: { status: 'found' } });
  expect(parts[1]).toEqual({
    check: 'lab/disk',
    environment: 'stage',
    args: { size: '1' },
    failure: `this worker knows no environment stage, password [redacted] (job ${partIdOf(stage.outbox[0]?.job.runId ?? '', 1)})`,
    tracked: [trackedPump({ state: 'unseen' }), gone],
  });
  expect(await deps.metrics.registry.metrics()).toContain('outcome="incomplete"} 1');
});

test('a report that cannot be read is a failed part', async () => {
  stage.work = async (job) =>
    job.environment === 'stage'
      ? { report: 'of another version' }
      : { report: stage.reportOf(job), tracked: [] };
  const deps = stage.deps();
  stage.startProcess(deps);
  await tickDigests(deps);
  await stage.passTo('2026-11-28T06:30:02Z', deps);

  expect((await stage.finished()).parts[1]?.failure).toMatch(/another version of Wrench ran it/);
});

test.each<[string, (deps: DigestWorkerDeps) => Partial<DigestWorkerDeps>]>([
  ['gathered the reports', ({ digests: store }) => ({ digests: { ...store, saveRun: killed } })],
  ['saved the run', () => ({ enqueueOutbox: killed })],
  [
    'queued it for the bot',
    ({ enqueueOutbox }) => ({ enqueueOutbox: async (...job) => enqueueOutbox(...job).then(killed) }),
  ],
])('if its worker is killed when it has %s, the run is finished again and posted once', async (_, broken) => {
  const deps = stage.deps();
  stage.startProcess(deps, 'checks');
  await tickDigests(deps);
  await stage.passTo('2026-11-28T06:30:02Z', deps);
  const runId = (await stage.run()).runId;
  await stage.untilAsked(2);
  await expect.poll(async () => (await stage.flows.read(runId))?.results.size).toBe(2);

  await expect(finishRun(stage.deps(broken(deps)), 'nightly', runId)).rejects.toThrow(Killed);
  await finishRun(deps, 'nightly', runId);
  await finishRun(deps, 'nightly', runId);

  expect((await stage.run()).state).toBe('finished');
  expect(new Set(stage.outbox.map(({ id }) => id))).toEqual(new Set([`digest-${runId}`]));
  expect(await stage.queues.depth()).toContainEqual({ queue: 'outbox', state: 'waiting', jobs: 1 });
});
