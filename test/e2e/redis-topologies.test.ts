import { afterEach, expect, test } from 'vitest';
import { connectImpatiently, connectPatiently, waitUntilReady } from '../../src/queue/connection.ts';
import type { CheckJob, OutboxJob } from '../../src/queue/contracts.ts';
import { openQueues, PREFIX, runIdOf } from '../../src/queue/queues.ts';
import { workChecks, workOutbox } from '../../src/queue/work.ts';
import { openPace } from '../../src/memory/pace.ts';
import { openThreads } from '../../src/memory/threads.ts';
import { WAIT_AT_MOST_MS } from '../wait-at-most.ts';
import { startCluster, startSentinels, startTlsRedis, type Topology } from '../world/redis-topologies.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of cleanUp.splice(0).toReversed()) await close();
});

const ignore = () => undefined;

/** Both sides of both queues on one topology; `posted` is what came out at the end. */
async function open({ settings }: Topology) {
  const asking = connectImpatiently(settings, ignore);
  const working = connectPatiently(settings, ignore);
  cleanUp.push(
    () => asking.disconnect(),
    () => working.disconnect(),
  );
  await waitUntilReady(asking, WAIT_AT_MOST_MS);
  const bot = openQueues(asking, ignore);
  const worker = openQueues(working, ignore);
  // Long enough that a busy machine does not make a worker count as dead that is alive.
  const hands = { connection: working, atOnce: 5, takeOverMs: 10_000, onFailed: ignore, onError: ignore };
  const posted: OutboxJob[] = [];
  const checks = workChecks({
    ...hands,
    handle: ({ data: { runId, check, environment, asked } }) =>
      worker.tell(`report-${runId}`, { kind: 'bug', runId, check, environment, asked, jobId: runId }),
  });
  const outbox = workOutbox({
    ...hands,
    handle: async ({ data }) => {
      posted.push(data);
    },
  });
  cleanUp.push(
    () => Promise.all([bot.close(), worker.close()]),
    () => Promise.all([checks.close(1_000), outbox.close(1_000)]),
  );
  return { bot, posted, threads: openThreads(working, PREFIX), pace: openPace(working, PREFIX) };
}

function jobOf(delivery: string): CheckJob {
  const asked = { by: 'U1', teamId: 'T1', channelId: 'C1', as: '/lab broken', at: new Date().toISOString() };
  return { runId: runIdOf(delivery), check: 'lab/broken', environment: 'prod', args: {}, asked };
}

test.each([
  ['over TLS with a private authority and a password', startTlsRedis],
  ['behind Sentinels', startSentinels],
  ['as a Cluster', startCluster],
])('Redis %s carries checks and answers, remembers threads, and keeps the pace', async (_, start) => {
  const topology = await start();
  cleanUp.push(topology.close);
  const { bot, posted, threads, pace } = await open(topology);

  expect((await bot.ask(jobOf('one'), 'one')).kind).toBe('queued');
  await expect.poll(() => posted.length).toBe(1);

  const runId = runIdOf('one');
  await threads.begin(runId, 'root');
  expect((await threads.read(runId)).part('root')).toBe('maybe');
  await threads.done(runId, 'root', { channelId: 'C1', ts: '1.2' });
  expect((await threads.read(runId)).root).toEqual({ channelId: 'C1', ts: '1.2' });
  const taken = await threads.take(runId);
  expect(await threads.take(runId)).toBeUndefined();
  await taken?.free();
  expect(await threads.take(runId)).toBeDefined();
  const turns = await Promise.all(Array.from({ length: 100 }, () => pace.turn('chat.postMessage', 'C1')));
  const atOnce = turns.filter((waitMs) => waitMs === 0).length;
  // A burst of five, and one more for every second that asking took.
  expect(atOnce).toBeGreaterThanOrEqual(5);
  expect(atOnce).toBeLessThan(100);
});

test('the primary behind Sentinels dies: what was asked before and after is answered, each once', async () => {
  const topology = await startSentinels();
  cleanUp.push(topology.close);
  const { bot, posted } = await open(topology);
  await bot.ask(jobOf('before'), 'before');
  await expect.poll(() => posted.length).toBe(1);

  await topology.killPrimary?.();
  const ask = () =>
    bot.ask(jobOf('after'), 'after').then(
      ({ kind }) => kind,
      () => 'away',
    );
  await expect.poll(ask, { interval: 500 }).toBe('queued');

  await expect.poll(() => posted.map(({ runId }) => runId)).toEqual([runIdOf('before'), runIdOf('after')]);
});
