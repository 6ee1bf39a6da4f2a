import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { useRedis } from '../../../test/world/use-redis.ts';
import { openSavedReports, type SavedReport } from './saved-reports.ts';

const server = useRedis();

const RUN = 'r0123456789abcdef';

const savedWith = (summary: string): SavedReport => ({
  report: {
    check: 'lab/broken',
    environment: 'prod',
    args: {},
    status: 'found',
    verdict: '1 of 41 things is broken',
    examined: 41,
    findings: [{ reason: 'thing-broken', severity: 'critical', target: 'lab:thing', summary }],
    gaps: [],
    coverage: [],
    at: '2026-11-21T03:00:00.000Z',
    durationMs: 12,
  },
  tracked: [],
  asked: { by: 'U1', teamId: 'T1', channelId: 'C1', as: '/lab broken', at: '2026-11-21T03:00:00.000Z' },
});

test('a report is read as it was saved, and kept for a week', async () => {
  const redis = server.connect();
  const reports = openSavedReports(redis, '{test}');

  await reports.save(RUN, savedWith('thing is broken'));

  expect(await reports.read(RUN)).toEqual(savedWith('thing is broken'));
  expect(await reports.read('rfedcba9876543210')).toBeUndefined();
  const leftS = await redis.ttl(`{test}:report:${RUN}`);
  expect(leftS).toBeGreaterThan(6 * 86_400);
  expect(leftS).toBeLessThanOrEqual(7 * 86_400);
});

test('a report of another version or one that is damaged counts as not saved', async () => {
  const redis = server.connect();
  const reports = openSavedReports(redis, '{test}');
  await reports.save(RUN, { ...savedWith('thing is broken'), since: '0.99' } as SavedReport);
  expect(await reports.read(RUN)).toBeUndefined();

  await redis.set(`{test}:report:${RUN}`, 'not compressed');
  expect(await reports.read(RUN)).toBeUndefined();
});

test('a report that is too large even when compressed is not saved', async () => {
  const reports = openSavedReports(server.connect(), '{test}');

  await reports.save(RUN, savedWith(randomBytes(600_000).toString('base64')));

  expect(await reports.read(RUN)).toBeUndefined();
});

test('only the newest reports are kept', async () => {
  const redis = server.connect();
  const reports = openSavedReports(redis, '{test}');
  const runs = Array.from({ length: 510 }, (_, at) => `r${at.toString(16).padStart(16, '0')}`);

  for (const runId of runs) await reports.save(runId, savedWith('thing is broken'));

  expect(await redis.keys('{test}:report:*')).toHaveLength(500);
  expect(await reports.read(runs.at(-1) ?? '')).toBeDefined();
  expect(await redis.zcard('{test}:saved-reports')).toBe(500);
});
