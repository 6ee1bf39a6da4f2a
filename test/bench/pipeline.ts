import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { z } from 'zod';
import type { Catalogue } from '../../src/request/catalogue.ts';
import { defineCheck } from '../../src/check/define-check.ts';
import { makeRedact } from '../../src/text/redact.ts';
import { connectFailFast, connectBlocking, waitUntilReady } from '../../src/queue/connection.ts';
import type { CheckJob, OutboxJob } from '../../src/queue/jobs.ts';
import { openQueues, PREFIX, runIdOf } from '../../src/queue/queues.ts';
import { startCheckWorker, startOutboxWorker } from '../../src/queue/workers.ts';
import { openClaims } from '../../src/store/claims/claims.ts';
import { openFindingHistory } from '../../src/store/history/finding-history.ts';
import { openHistory } from '../../src/store/history/history.ts';
import { openSilences } from '../../src/store/silences/open-silences.ts';
import { deduplicationIdOf } from '../../src/slack/commands/router.ts';
import { makeLog } from '../../src/telemetry/log.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { handleCheck } from '../../src/worker/check-handler.ts';
import { startRedis } from '../world/redis.ts';
import { type Figure, percentile } from './figure.ts';

const JOBS = 2_000;
const ROUNDS = 7;
/** Jobs that each worker takes at once, and that the producer has in flight. */
const AT_ONCE = 50;

/** Sends this many jobs through both queues, up to the point where they would be posted. */
type Send = (jobs: number) => Promise<void>;

/**
 * A check that does nothing, from its request to the report in the outbox, against plain BullMQ with the
 * same payloads.
 */
export async function benchPipeline(cleanup: AsyncDisposableStack): Promise<Figure[]> {
  const redis = await startRedis();
  cleanup.defer(redis.close);
  let report: OutboxJob | undefined;
  const ours = await openOurs(cleanup, redis.url, (reporting) => (report ??= reporting));
  await ours(JOBS / 4);
  if (!report) throw new Error('no report came through');
  const bare = openBare(cleanup, redis.url, report);
  await bare(JOBS / 4);
  const rates = { ours: [] as number[], bare: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    rates.bare.push(await rateOf(bare));
    rates.ours.push(await rateOf(ours));
  }
  const ratios = rates.ours.map((rate, at) => rate / (rates.bare[at] ?? Number.NaN));
  return [
    {
      name: `jobs through both queues, ${AT_ONCE} at once`,
      ours: percentile(rates.ours, 0.5),
      bare: percentile(rates.bare, 0.5),
      unit: 'jobs/s',
      ratio: percentile(ratios, 0.5),
      goal: 'ratio >= 0.7',
    },
  ];
}

async function rateOf(send: Send): Promise<number> {
  const startedAt = performance.now();
  await send(JOBS);
  return (JOBS * 1_000) / (performance.now() - startedAt);
}

/** Wrench's own queues, handler and settings, combined as in its roles. */
async function openOurs(
  cleanup: AsyncDisposableStack,
  url: string,
  onReport: (report: OutboxJob) => void,
): Promise<Send> {
  const [asking, working, posting] = [
    connectFailFast({ url }, fail),
    connectBlocking({ url }, fail),
    connectBlocking({ url }, fail),
  ];
  cleanup.defer(() => {
    for (const connection of [asking, working, posting]) connection.disconnect();
  });
  const asked = openQueues(asking, fail);
  const reporting = openQueues(working, fail);
  cleanup.defer(async () => void (await Promise.all([asked.close(), reporting.close()])));
  const log = makeLog({ level: 'silent', secrets: [] });
  const handling = {
    catalogue,
    readersOf: () => ({}),
    enqueueOutbox: reporting.enqueueOutbox,
    audiences: reporting.audiences,
    remediations: { saveOffers: async () => undefined },
    historyOf: openHistory(working, PREFIX),
    findings: openFindingHistory(working, PREFIX, 30 * 86_400_000),
    silences: openSilences(working, PREFIX),
    claims: openClaims(working, PREFIX),
    redact: makeRedact(['not-a-secret-but-as-long-as-one']),
    deadlineMs: 30_000,
    log,
    metrics: makeMetrics(),
  };
  const common = { concurrency: AT_ONCE, lockMs: 30_000, onFailed: failed, onError: fail };
  const worker = startCheckWorker({
    ...common,
    connection: working,
    handle: (job) => handleCheck(handling, job),
  });
  const arrivals = countArrivals();
  const outbox = startOutboxWorker({
    ...common,
    connection: posting,
    handle: async ({ data }) => {
      onReport(data);
      arrivals.arrived();
    },
  });
  cleanup.defer(async () => void (await Promise.all([worker.close(1_000), outbox.close(1_000)])));
  await waitUntilReady(asking, 5_000);
  return async (jobs) => {
    const all = arrivals.after(jobs);
    await runConcurrently(jobs, () => {
      const job = nextJob();
      return asked.enqueueCheck(job, deduplicationIdOf(catalogue, job));
    });
    await all;
  };
}

/** BullMQ as its documentation shows it: add, process, add, process. */
function openBare(cleanup: AsyncDisposableStack, url: string, report: OutboxJob): Send {
  const connect = () => {
    const connection = new Redis({ path: url.slice('unix://'.length), maxRetriesPerRequest: null });
    cleanup.defer(() => connection.disconnect());
    return connection;
  };
  const [asking, working, posting] = [connect(), connect(), connect()];
  const first = new Queue<CheckJob>('bare-checks', { connection: asking });
  const second = new Queue<OutboxJob>('bare-outbox', { connection: working });
  const arrivals = countArrivals();
  const workers = [
    new Worker('bare-checks', () => second.add('report', report), {
      connection: working,
      concurrency: AT_ONCE,
    }),
    new Worker('bare-outbox', async () => arrivals.arrived(), {
      connection: posting,
      concurrency: AT_ONCE,
    }),
  ];
  for (const worker of workers) worker.on('error', fail);
  cleanup.defer(async () => void (await Promise.all([first, second, ...workers].map((one) => one.close()))));
  return async (jobs) => {
    const all = arrivals.after(jobs);
    await runConcurrently(jobs, () => first.add('check', nextJob()));
    await all;
  };
}

const check = defineCheck({
  title: 'Nothing',
  why: 'Measures everything except the check.',
  uses: [],
  args: z.object({ size: z.string().prefault('1').meta({ description: 'anything' }) }),
  collect: async ({ saw }) => saw('bench', 1),
  diagnose: () => ({ examined: 1, verdict: 'Nothing was checked', findings: [] }),
});

const catalogue: Catalogue = {
  commands: new Map([['bench', { title: 'Benches' }]]),
  checks: new Map([['bench/nothing', check]]),
};

let jobsMade = 0;

/** Each has different arguments, so that none joins another. */
function nextJob(): CheckJob {
  jobsMade += 1;
  return {
    runId: runIdOf(`bench ${jobsMade}`),
    check: 'bench/nothing',
    environment: 'prod',
    args: { size: String(jobsMade) },
    asked: {
      by: 'U0123ADA',
      teamId: 'T0123DEMO',
      teamDomain: 'demo',
      channelId: 'C0123INCIDENT',
      as: `/bench nothing ${jobsMade}`,
      at: new Date().toISOString(),
      responseUrl: 'https://hooks.slack.example/commands/T0123DEMO/1/x',
    },
  };
}

function countArrivals(): { arrived: () => void; after: (count: number) => Promise<void> } {
  let left = 0;
  let done: () => void = () => undefined;
  return {
    arrived: () => {
      left -= 1;
      if (left === 0) done();
    },
    after: (count) => {
      left = count;
      return new Promise((resolve) => (done = resolve));
    },
  };
}

async function runConcurrently(jobs: number, add: () => Promise<unknown>): Promise<void> {
  let left = jobs;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await add();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

function fail(error: Error): never {
  throw error;
}

function failed({ error }: { error: Error }): never {
  throw error;
}
