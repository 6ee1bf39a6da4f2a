import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  DUE,
  type DigestStage,
  killed,
  NIGHTLY,
  setDigestStage,
  trackedPump,
} from '../../../test/world/digest-worker.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import type { CheckJob } from '../../queue/jobs.ts';
import { PREFIX } from '../../queue/queues.ts';
import { tickDigests } from './digest-schedule.ts';
import { type DigestWorkerDeps, partIdOf } from './finish-run.ts';

const server = useRedis();
let redis: Redis;
let stage: DigestStage;
beforeEach(async () => {
  redis = server.connect();
  await redis.ping();
  stage = setDigestStage(redis);
});
afterEach(() => stage.close());

test('a digest that is due runs its checks, and is queued for the bot once', async () => {
  const deps = stage.deps();
  stage.startProcess(deps);
  await tickDigests(deps);
  await stage.passTo('2026-11-28T06:29:59Z', deps);
  expect(stage.asked).toEqual([]);

  await stage.passTo('2026-11-28T06:30:02Z', deps);
  const run = await stage.finished();

  const origin = { by: 'wrench', as: 'digest nightly', channelId: 'C0PLATFORM' };
  expect(stage.outbox).toMatchObject([{ job: { asked: origin, run: { name: 'nightly', due: DUE } } }]);
  expect(run).toMatchObject({ at: '2026-11-28T06:30:02.000Z', isQuiet: false, endedSilences: [] });
  expect(run.parts).toMatchObject([
    { check: 'lab/disk', environment: 'prod', report: { status: 'found' }, tracked: [{ state: 'found' }] },
    { check: 'lab/disk', environment: 'stage', report: { status: 'found' } },
  ]);
  const { runId } = await stage.run();
  expect(stage.asked.map((job) => `${job.environment} ${job.digestRun}`).toSorted()).toEqual([
    `prod ${runId}`,
    `stage ${runId}`,
  ]);
  expect(await stage.digests.lastRun('nightly')).toEqual(run);
  expect(await deps.metrics.registry.metrics()).toContain(
    'wrench_digests_total{digest="nightly",outcome="complete"} 1',
  );

  await stage.passTo('2026-11-28T06:40:00Z', deps);
  expect((await stage.run()).due).toBe(DUE);
  expect(stage.outbox).toHaveLength(1);
});

test('two workers start a digest once, and after a month without workers they catch it up once', async () => {
  const [one, other] = [stage.deps(), stage.deps()];
  stage.startProcess(one);
  stage.startProcess(other);
  await Promise.all([tickDigests(one), tickDigests(other)]);
  for (const [count, time] of ['2026-11-28T06:30:02Z', '2026-12-30T12:00:00Z'].entries()) {
    await stage.passTo(time, one, other, one, other);
    await stage.finished(count + 1);
    await Promise.all([one, other].map(tickDigests));
  }

  expect(stage.outbox.map(({ job }) => job.run.due)).toEqual([DUE, '2026-12-30T06:30:00.000Z']);
  expect(stage.asked).toHaveLength(4);
});

test.each<[string, (deps: DigestWorkerDeps) => Partial<DigestWorkerDeps>]>([
  ['claimed it', ({ flows: { read, remove } }) => ({ flows: { read, remove, add: killed } })],
  [
    'queued its checks',
    ({ flows: { read, remove, add } }) => ({
      flows: { read, remove, add: async (...flow) => add(...flow).then(killed) },
    }),
  ],
])('if its worker is killed when it has %s, another continues', async (_, broken) => {
  const deps = stage.deps();
  await tickDigests(deps);
  await stage.passTo('2026-11-28T06:30:02Z', stage.deps(broken(deps)));
  expect((await stage.run()).state).toBe('claimed');

  stage.startProcess(deps);
  await stage.passTo('2026-11-28T06:30:14Z', deps);
  const run = await stage.finished();

  expect(run.due).toBe(DUE);
  expect(stage.asked).toHaveLength(2);
  await stage.passTo('2026-11-28T06:45:00Z', deps);
  expect(stage.outbox).toHaveLength(1);
});

test('a run whose jobs are gone from Redis is started again', async () => {
  const deps = stage.deps();
  await tickDigests(deps);
  await stage.passTo('2026-11-28T06:30:02Z', deps);
  const runId = (await stage.run()).runId;
  await stage.flows.remove(runId);
  expect(await stage.flows.read(runId)).toBeUndefined();

  stage.startProcess(deps);
  await stage.passTo('2026-11-28T06:30:20Z', deps);

  expect((await stage.finished()).parts).toHaveLength(2);
});

test('a run that takes longer than its checks may is posted as incomplete, and the next one runs', async () => {
  const never = Promise.withResolvers<unknown>();
  stage.work = async (job) =>
    job.environment === 'stage' ? never.promise : { report: stage.reportOf(job), tracked: [] };
  const deps = stage.deps({ findings: { load: async () => [trackedPump()] } });
  stage.startProcess(deps);
  await tickDigests(deps);
  await stage.passTo('2026-11-28T06:30:02Z', deps);
  const runId = (await stage.run()).runId;
  await expect.poll(async () => (await stage.flows.read(runId))?.results.size).toBe(1);
  await stage.passTo('2026-11-28T06:40:00Z', deps);
  expect(stage.outbox).toEqual([]);

  await stage.passTo('2026-11-28T08:00:00Z', deps);
  const { parts } = await stage.finished();

  expect(parts).toMatchObject([
    { environment: 'prod', report: { status: 'found' } },
    {
      environment: 'stage',
      failure: `the check did not finish in time (job ${partIdOf(runId, 1)})`,
      tracked: [{ state: 'unseen' }],
    },
  ]);
  never.resolve({ report: stage.reportOf(stage.asked[0] as CheckJob), tracked: [] });
  stage.work = async (job) => ({ report: stage.reportOf(job), tracked: [] });
  await stage.passTo('2026-11-29T06:30:01Z', deps);
  expect((await stage.finished(2)).parts.every(({ failure }) => failure === undefined)).toBe(true);
});

test('a run of many checks has enough time if each lasts until its deadline', async () => {
  const questions = Array.from({ length: 30 }, (_, at) => ({
    check: 'lab/disk',
    environment: 'prod',
    args: { size: String(at) },
  }));
  const deps = stage.deps({ definitions: [{ ...NIGHTLY, questions }] });
  await tickDigests(deps);
  await stage.passTo('2026-11-28T06:30:02Z', deps);

  await stage.passTo('2026-11-28T07:00:02Z', deps);
  expect((await stage.run()).state).toBe('started');
  await stage.passTo('2026-11-28T07:30:02Z', deps);
  expect((await stage.run()).state).toBe('finished');
});

test('a digest whose state another version stored does not keep the others from running', async () => {
  await redis.hset(`${PREFIX}:digest:nightly`, 'rev', 1, 'state', '{"of":"another version"}');
  const weekly = { ...NIGHTLY, name: 'weekly' };
  const deps = stage.deps({ definitions: [NIGHTLY, weekly] });
  await tickDigests(deps);

  expect(await stage.digests.read('weekly')).toMatchObject({ restarts: 0 });
  expect(stage.log.join('\n')).toContain('digest-not-scheduled');
  expect(await stage.digests.lastTickMs()).toBeUndefined();
});

test('a digest that was removed while it ran is still posted, and then stops', async () => {
  const deps = stage.deps();
  await tickDigests(deps);
  await stage.passTo('2026-11-28T06:30:02Z', deps);
  const later = stage.deps({ definitions: [] });
  stage.startProcess(later);
  await stage.finished();
  await stage.passTo('2026-11-29T12:00:00Z', later);

  expect(stage.outbox).toHaveLength(1);
  expect(await redis.pttl(`${PREFIX}:digest:nightly`)).toBeGreaterThan(0);
});
