import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { useRedis } from '../../test/world/use-redis.ts';
import type { DigestRun } from '../check/digest-run.ts';
import { openQueues, PREFIX } from '../queue/queues.ts';
import { type DigestStore, openDigests } from '../store/digests/open-digests.ts';
import { advanceRun, claimRequestedRun } from '../store/digests/schedule.ts';
import { digest } from './digest.ts';
import { type RunningDemo, runningDemoFile } from './shared/demo.ts';

const CONFIG = `
environments:
  prod: { sources: [{ kind: tls, sites: ["a:443"] }] }
digests:
  nightly: { cron: '30 7 * * 1-5', timeZone: Europe/Berlin, channel: C0123ABC, checks: [{ check: certs/expiring }] }
  weekly: { cron: '0 8 * * 1', channel: C0123ABC, quiet: true, checks: [{ check: certs/expiring }] }
`;
const AT = '2026-11-28T06:30:00.000Z';

const server = useRedis();
let folder: string;
let redis: Redis;
let digests: DigestStore;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'wrench-digest-'))));
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  redis = server.connect();
  digests = openDigests(redis, PREFIX);
  const path = join(folder, 'wrench.yaml');
  writeFileSync(path, CONFIG);
  vi.stubEnv('WRENCH_CONFIG', path);
  vi.stubEnv('REDIS_URL', server.url);
});
afterEach(() => vi.unstubAllEnvs());

async function type(...words: readonly string[]) {
  let out = '';
  let error = '';
  const code = await digest(words, {
    out: (text) => (out += text),
    error: (text) => (error += text),
    color: false,
    columns: 100,
  });
  return { code, out, error };
}

/** `nightly` has run, and found this. */
async function ran(part: Partial<DigestRun['parts'][number]>): Promise<DigestRun> {
  const runId = 'r0123456789abcdef';
  const definition = {
    name: 'nightly',
    cron: '30 7 * * 1-5',
    timeZone: 'Europe/Berlin',
    channel: 'C0123ABC',
    isQuiet: false,
    questions: [],
  };
  const asked = { by: 'U0ADA', teamId: 'T1', channelId: 'C1', as: '/wrench digest run nightly', at: AT };
  const run: DigestRun = {
    name: 'nightly',
    at: AT,
    durationMs: 1,
    isQuiet: false,
    parts: [{ check: 'certs/expiring', environment: 'prod', args: {}, tracked: [], ...part }],
    endedSilences: [],
  };
  await digests.change('nightly', (state) =>
    claimRequestedRun(state, definition, { runId, asked }, { nowMs: Date.now(), tickedMs: undefined }),
  );
  await digests.saveRun('nightly', runId, run);
  await digests.change('nightly', (state) => state && advanceRun(state, runId, 'finished'));
  return run;
}

const CLEAR: NonNullable<DigestRun['parts'][number]['report']> = {
  check: 'certs/expiring',
  environment: 'prod',
  args: {},
  status: 'clear',
  verdict: 'All 41 certificates are valid',
  examined: 41,
  findings: [],
  gaps: [],
  coverage: [{ source: 'edge', examined: 41 }],
  at: AT,
  durationMs: 1,
};

test('lists all digests, including those that never ran', async () => {
  await ran({ report: CLEAR });
  const { code, out } = await type('list');

  expect(code).toBe(0);
  expect(out).toMatch(/^NAME +CHANNEL +SCHEDULE +NEXT RUN +LAST RUN +FOUND\n/);
  expect(out).toMatch(/nightly +C0123ABC +30 7 \* \* 1-5 Europe\/Berlin .* CLEAR/);
  expect(out).toMatch(/weekly +C0123ABC +0 8 \* \* 1 UTC \(quiet\) .* UTC +- +-/);
});

test.each<[string, number, Partial<DigestRun['parts'][number]>]>([
  ['nothing', 0, { report: CLEAR }],
  ["something that couldn't be checked", 2, { failure: 'the worker was lost' }],
])('exit code of `show` if the last run found %s: %i', async (_, expected, part) => {
  const run = await ran(part);

  expect(await type('show', 'nightly')).toMatchObject({ code: expected, error: '' });
  const { out } = await type('show', 'nightly', '--json');
  expect(JSON.parse(out)).toEqual(run);
});

test('`--env demo` uses the running demo', async () => {
  await ran({ report: CLEAR });
  vi.stubEnv('WRENCH_CONFIG', join(folder, 'missing.yaml'));
  vi.stubEnv('REDIS_URL', 'redis://127.0.0.1:1');
  vi.stubEnv('WRENCH_DATA', folder);
  await expect(type('list', '--env', 'demo')).rejects.toThrow("The demo isn't running");

  const configPath = join(folder, 'wrench.yaml');
  const demo: RunningDemo = { pid: process.pid, configPath, redisUrl: server.url };
  writeFileSync(runningDemoFile(folder), JSON.stringify(demo));

  expect(await type('list', '--env', 'demo')).toMatchObject({ code: 0, error: '' });
  expect(await type('show', 'nightly', '--env=demo')).toMatchObject({ code: 0, error: '' });
});

test('a digest that never ran is unknown', async () => {
  expect(await type('show', 'weekly')).toEqual({
    code: 2,
    out: '',
    error: "wrench: weekly hasn't run yet. To run it now: wrench digest run weekly\n",
  });
});

test('`run` queues one run', async () => {
  const queues = openQueues(redis, () => undefined);
  expect(await type('run', 'nightly')).toEqual({
    code: 0,
    out: 'Running the digest nightly. Wrench will post it in C0123ABC.\n',
    error: '',
  });

  expect(await queues.depth()).toContainEqual({ queue: 'digests', state: 'waiting', jobs: 1 });
  await queues.close();
});

test.each([
  [['lst'], 'Unknown command `lst`. Did you mean `list`?'],
  [['run'], 'Missing the name of a digest. To list them: wrench digest list'],
  [['run', 'nigtly'], 'Unknown digest `nigtly`. Did you mean `nightly`?'],
  [['show', 'nightly', 'again'], 'Unexpected argument `again`.'],
  [['list', '--json'], '`--json` only works with `wrench digest show`.'],
  [
    ['list', '--env', 'prod'],
    'Invalid environment `prod` for `--env`. Only `demo` is possible: a digest has its own environments.',
  ],
  [['show', '--jsn'], 'Unknown flag `--jsn`. Did you mean `--json`?'],
])('wrench digest %j is a usage error', async (words, expected) => {
  const { code, out, error } = await type(...words);

  expect({ code, out }).toEqual({ code: 64, out: '' });
  expect(error).toContain(`wrench: ${expected}\n`);
});
