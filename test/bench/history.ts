import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import type { Cluster, Redis } from 'ioredis';
import type { Report } from '../../src/check/finding.ts';
import { connectBlocking } from '../../src/queue/connection.ts';
import { openFindingHistory } from '../../src/store/history/finding-history.ts';
import { startRedis } from '../world/redis.ts';
import { type Figure, percentile } from './figure.ts';

const FINDINGS = 1_000;
/** More than a series keeps, so that every series is full before the measurement. */
const RUNS_BEFORE = 30;
const MEASURED_RUNS = 15;
const DAY_MS = 86_400_000;
/** All runs fit into a month. */
const BETWEEN_RUNS_MS = 16 * 3_600_000;
const QUESTION = { check: 'certs/expiring', environment: 'prod', questionId: 'q0123456789abcdef01234567' };
const HISTORY_KEY = `{bench}:findings:${QUESTION.questionId}`;

/**
 * The cost of recording a run with many findings that have existed for a month, each with a full series of
 * levels.
 */
export async function benchHistory(cleanup: AsyncDisposableStack): Promise<Figure[]> {
  const server = await startRedis();
  cleanup.defer(server.close);
  const redis = connectBlocking({ url: server.url }, (error) => {
    throw error;
  });
  cleanup.defer(() => redis.disconnect());
  const history = openFindingHistory(redis, '{bench}', 30 * DAY_MS);
  const oursMs: number[] = [];
  const hashMs: number[] = [];
  const allMs: number[] = [];
  const runs = RUNS_BEFORE + MEASURED_RUNS;
  for (let run = runs; run > 0; run--) {
    const report = reportOf(run * BETWEEN_RUNS_MS);
    const ourMs = await timeMs(() => history.record(QUESTION, report));
    if (run > MEASURED_RUNS) continue;
    // Alternating on the same server, so that anything slow slows all of them.
    oursMs.push(ourMs);
    const value = (await redis.hget(HISTORY_KEY, 'history')) ?? '';
    hashMs.push(await timeMs(() => redis.hset('{bare}:hash', { rev: run, history: value })));
    allMs.push(await timeMs(() => recordWithoutDeciding(redis, run)));
  }
  const bytes = await bytesOf(redis, '{bench}:*');
  const found = await history.load(QUESTION);
  if (found.length !== FINDINGS || !found.every(({ before }) => before))
    throw new Error(`${found.length} findings are kept`);
  const name = `recording a run with ${FINDINGS.toLocaleString('en')} findings`;
  const ours = percentile(oursMs, 0.5);
  return [
    ...(
      [
        ['HSET of the same bytes', hashMs],
        ['the same reads and writes, compressed, of a history that is parsed and not changed', allMs],
      ] as const
    ).map(([bare, ms]) => ({
      name: `${name} (bare: ${bare})`,
      ours,
      bare: percentile(ms, 0.5),
      ratio: percentile(ms, 0.5) / ours,
      unit: 'ms',
    })),
    {
      name: `history of ${FINDINGS.toLocaleString('en')} findings with a month of levels, in Redis`,
      ours: bytes / 1_000,
      unit: 'kB',
    },
  ];
}

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** The cost of recording without deciding what to record: the minimum without Wrench. */
async function recordWithoutDeciding(redis: Redis | Cluster, run: number): Promise<void> {
  const stored = await redis.hget(HISTORY_KEY, 'history');
  const known = JSON.parse((await inflate(Buffer.from(stored ?? '', 'base64'))).toString()) as object;
  const value = (await deflate(JSON.stringify(known))).toString('base64');
  const writes = redis.multi().hset('{bare}:history', { rev: run, history: value });
  const question = JSON.stringify(QUESTION);
  for (let at = 0; at < FINDINGS; at++) writes.set(`{bare}:finding:${at}`, question, 'PX', 90 * DAY_MS);
  await writes.exec();
}

async function timeMs(what: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await what();
  return performance.now() - startedMs;
}

async function bytesOf(redis: Redis | Cluster, pattern: string): Promise<number> {
  let bytes = 0;
  for (const key of await redis.keys(pattern)) bytes += (await redis.memory('USAGE', key, 'SAMPLES', 0)) ?? 0;
  return bytes;
}

function reportOf(agoMs: number): Report {
  return {
    check: 'certs/expiring',
    environment: 'prod',
    args: { within: '30d' },
    status: 'found',
    verdict: `${FINDINGS} certificates expire within 30 days`,
    examined: 5_000,
    findings: Array.from({ length: FINDINGS }, (_, at) => ({
      reason: 'certificate-expiring',
      severity: 'warning',
      target: `vault:secret/cf/service-${at}/certificate-${(at * 7_919) % 1_000}`,
      summary: `service-${at}.internal.example.com expires in ${at % 30} days (vault:secret/cf/service-${at}/certificate)`,
      level: { value: ((at * 31 + agoMs / BETWEEN_RUNS_MS) % 100) + at / 997, unit: 'days left' },
    })),
    gaps: [],
    coverage: [{ source: 'vault', examined: 5_000 }],
    at: new Date(Date.now() - agoMs).toISOString(),
    // The start of a run is recorded as its end minus its duration, by the clock of Redis.
    durationMs: agoMs,
  };
}
