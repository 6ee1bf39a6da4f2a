import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { useRedis } from '../../../test/world/use-redis.ts';
import { type AnyCheck, defineCheck } from '../../check/define-check.ts';
import { type CheckRun, runCheck } from '../../check/run-check.ts';
import { readConfig, readEnvironment } from '../../config/read-config.ts';
import { startLocalRedis } from '../../queue/local-redis.ts';
import { withSamples } from './samples.ts';

const NOWHERE = 'unix:///nowhere/redis.sock';
const redis = useRedis();
let folder: string;
let errors: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wrench-samples-'));
  writeFileSync(join(folder, 'wrench.yaml'), 'environments: { prod: {} }\n');
  errors = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A disk of which 10 bytes more are used at each run. */
const check: AnyCheck = defineCheck({
  title: 'Test',
  why: 'Tests.',
  uses: [],
  args: z.object({}),
  collect: async ({ earlier, saw }) => {
    saw('lab');
    return earlier.map(({ usedBytes }) => usedBytes);
  },
  remembers: {
    sample: z.strictObject({ usedBytes: z.number() }),
    target: () => 'a',
    samples: (before) => [{ usedBytes: 10 * (before.length + 1) }],
    everySeconds: 0,
  },
  diagnose: (before) => ({ examined: 1, verdict: `before: ${before.join(', ')}`, findings: [] }),
});

/** Runs the check once with the Redis at `url`, if there is one. */
function run(
  url?: string,
  asked: AnyCheck = check,
  meanwhile: () => Promise<unknown> = async () => undefined,
) {
  const settings = readEnvironment({ WRENCH_DATA: folder, ...(url !== undefined && { REDIS_URL: url }) });
  const config = readConfig(join(folder, 'wrench.yaml'), {}, { sources: 'skip' });
  const about = { check: 'lab/disk', environment: 'prod', now: new Date() };
  return withSamples(
    { settings, config, error: (text) => errors.push(text) },
    asked,
    about,
    async (samples) => {
      await meanwhile();
      const signal = new AbortController().signal;
      const run: CheckRun = { ...about, ...samples, args: {}, read: {}, signal, deadlineMs: 10_000 };
      return runCheck(asked, run);
    },
  );
}

test('runs at a terminal continue the samples in the configured Redis', async () => {
  await run(redis.url);
  await run(redis.url);
  const report = await run(redis.url);

  expect(report.verdict).toBe('before: 10, 20');
  expect(report).not.toHaveProperty('notes');
  expect(errors).toEqual([]);
});

test('without REDIS_URL the samples are in the private Redis of a Wrench that runs in this folder', async () => {
  const local = await startLocalRedis(folder, () => undefined);
  try {
    await run();
    expect((await run()).verdict).toBe('before: 10');
  } finally {
    await local.close();
  }
});

test('without Redis there are no earlier samples, and the report says so', async () => {
  const report = await run();

  expect(report).toMatchObject({ status: 'clear', notes: ['No earlier samples: no Redis is configured'] });
});

test('with a Redis that is unreachable there are no earlier samples, and the report says so', async () => {
  const report = await run(NOWHERE);

  expect(report).toMatchObject({ status: 'clear', notes: ['No earlier samples: Redis could not be read'] });
});

test('samples that cannot be saved are reported, and the report is unchanged', async () => {
  const connection = redis.connect();
  const report = await run(redis.url, check, () =>
    connection.set('{wrench}:history:lab/disk:prod', 'no hash'),
  );

  expect(report.status).toBe('clear');
  expect(errors).toEqual(["wrench: Couldn't save the samples of this run in Redis\n"]);
});

test('a check that remembers nothing needs no Redis', async () => {
  const { remembers: _, ...rest } = check;
  const report = await run(NOWHERE, { ...rest, collect: async () => [] });

  expect(report).not.toHaveProperty('notes');
});
