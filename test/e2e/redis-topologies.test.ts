import { afterEach, expect, test } from 'vitest';
import { connectFailFast, connectBlocking, waitUntilReady } from '../../src/queue/connection.ts';
import type { CheckJob, OutboxJob } from '../../src/queue/jobs.ts';
import { openQueues, PREFIX, runIdOf } from '../../src/queue/queues.ts';
import { startCheckWorker, startOutboxWorker } from '../../src/queue/workers.ts';
import { openChannelOrder } from '../../src/store/thread/channel-order.ts';
import { openThreads } from '../../src/store/thread/threads.ts';
import { MAX_WAIT_MS } from '../timeouts.ts';
import { startCluster, startSentinels, startTlsRedis, type Topology } from '../world/redis-topologies.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of cleanUp.splice(0).toReversed()) await close();
});

const ignore = () => undefined;

/** Both sides of both queues on one topology; `posted` contains the messages that were posted. */
async function open({ settings }: Topology) {
  const asking = connectFailFast(settings, ignore);
  const working = connectBlocking(settings, ignore);
  cleanUp.push(
    () => asking.disconnect(),
    () => working.disconnect(),
  );
  await waitUntilReady(asking, MAX_WAIT_MS);
  const bot = openQueues(asking, ignore);
  const worker = openQueues(working, ignore);
  // Long enough that a live worker on a busy machine does not count as dead.
  const options = { connection: working, concurrency: 5, lockMs: 10_000, onFailed: ignore, onError: ignore };
  const posted: OutboxJob[] = [];
  const checks = startCheckWorker({
    ...options,
    handle: ({ data: { runId, check, environment, asked } }) =>
      worker.enqueueOutbox(`report-${runId}`, {
        kind: 'bug',
        runId,
        check,
        environment,
        asked,
        jobId: runId,
      }),
  });
  const outbox = startOutboxWorker({
    ...options,
    handle: async ({ data }) => {
      posted.push(data);
    },
  });
  cleanUp.push(
    () => Promise.all([bot.close(), worker.close()]),
    () => Promise.all([checks.close(1_000), outbox.close(1_000)]),
  );
  return { bot, posted, threads: openThreads(working, PREFIX), order: openChannelOrder(working, PREFIX) };
}

function jobOf(delivery: string): CheckJob {
  const asked = { by: 'U1', teamId: 'T1', channelId: 'C1', as: '/lab broken', at: new Date().toISOString() };
  return { runId: runIdOf(delivery), check: 'lab/broken', environment: 'prod', args: {}, asked };
}

test.each([
  ['as a Cluster over TLS with a private CA and a password', startTlsRedis],
  ['behind Sentinels', startSentinels],
  ['as a Cluster', startCluster],
])(
  'Redis %s delivers checks and reports, remembers threads, and keeps order and rate limits',
  async (_, start) => {
    const topology = await start();
    cleanUp.push(topology.close);
    const { bot, posted, threads, order } = await open(topology);

    expect((await bot.enqueueCheck(jobOf('one'), 'one')).kind).toBe('queued');
    await expect.poll(() => posted.length).toBe(1);

    const runId = runIdOf('one');
    const taken = await threads.acquireLease(runId);
    expect(await threads.acquireLease(runId)).toBeUndefined();
    expect(await taken?.beginPost('root')).toBe(true);
    expect((await threads.read(runId)).part('root')).toBe('maybe');
    await taken?.recordPosted('root', { channelId: 'C1', ts: '1.2' });
    expect((await threads.read(runId)).root).toEqual({ channelId: 'C1', ts: '1.2' });
    await taken?.release();
    expect(await threads.acquireLease(runId)).toMatchObject({ fence: (taken?.fence ?? 0) + 1 });
    expect(await bot.audiences.join(runId, { runId, asked: jobOf('one').asked })).toMatchObject({ runId });
    expect(await bot.audiences.close(runId)).toHaveLength(1);
    const lane = { method: 'chat.postMessage', channelId: 'C1' } as const;
    expect(await order.requestTurn(lane, 'first')).toBe(0);
    expect(await order.requestTurn(lane, 'second')).toBeGreaterThan(0);
    await order.leave(lane, 'first');
    expect(await order.requestTurn(lane, 'second')).toBe(0);
  },
);

test('commands before and after the failure of the primary behind Sentinels each get one report', async () => {
  const topology = await startSentinels();
  cleanUp.push(topology.close);
  const { bot, posted } = await open(topology);
  await bot.enqueueCheck(jobOf('before'), 'before');
  await expect.poll(() => posted.length).toBe(1);

  await topology.killPrimary?.();
  const ask = () =>
    bot.enqueueCheck(jobOf('after'), 'after').then(
      ({ kind }) => kind,
      () => 'away',
    );
  await expect.poll(ask, { interval: 500 }).toBe('queued');

  await expect.poll(() => posted.map(({ runId }) => runId)).toEqual([runIdOf('before'), runIdOf('after')]);
});
