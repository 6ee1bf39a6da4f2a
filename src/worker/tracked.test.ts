import { afterEach, expect, test, vi } from 'vitest';
import { makeCheck } from '../../test/world/lab-checks.ts';
import type { AnyCheck } from '../check/define-check.ts';
import type { Report } from '../check/finding.ts';
import type { TrackedFinding } from '../check/tracked-finding.ts';
import { makeLog } from '../telemetry/log.ts';
import { loadPrevious, NotRecorded, trackDigestPart, type TrackingDeps, trackReport } from './tracked.ts';

const AT = '2026-11-26T12:00:00.000Z';
const QUESTION = { check: 'lab/disk', environment: 'prod', questionId: 'q1' };
const finding = { reason: 'full', target: 'a', severity: 'warning', summary: 'a is full' } as const;
const FOUND: TrackedFinding = { ...finding, state: 'found', since: AT, lastFound: AT };
const GONE: TrackedFinding = { ...FOUND, target: 'b', state: 'gone', goneAt: AT };
const UNSEEN: TrackedFinding = { ...FOUND, target: 'c', state: 'unseen' };
const ALL = [FOUND, UNSEEN, GONE];
const report: Report = {
  ...QUESTION,
  args: {},
  status: 'found',
  verdict: '1 disk is full',
  examined: 3,
  findings: [finding],
  gaps: [],
  coverage: [],
  at: AT,
  durationMs: 5,
};
const explaining: AnyCheck = { ...makeCheck(), resolved: () => undefined };

/** What it takes, with what was logged. */
function deps(changed: Partial<TrackingDeps> = {}) {
  const logged: string[] = [];
  return {
    findings: { load: async () => ALL, record: async () => ALL },
    silences: { apply: async (_: unknown, all: readonly TrackedFinding[]) => all },
    claims: { apply: async (_: unknown, all: readonly TrackedFinding[]) => all },
    logged,
    log: makeLog({ level: 'debug', secrets: [], to: { write: (line) => logged.push(line) } }),
    ...changed,
  };
}

const never = async () => new Promise<never>(() => undefined);
const failing = async () => Promise.reject(new Error('LOADING'));

afterEach(() => {
  vi.useRealTimers();
});

test('a check that says how findings were resolved gets those not yet gone', async () => {
  expect(await loadPrevious(deps(), explaining, QUESTION)).toEqual({ previous: [FOUND, UNSEEN] });
});

test("nothing is loaded for a check that doesn't say how findings were resolved", async () => {
  const findings = { load: vi.fn<TrackingDeps['findings']['load']>(), record: never };

  expect(await loadPrevious(deps({ findings }), makeCheck(), QUESTION)).toEqual({});
  expect(findings.load).not.toHaveBeenCalled();
});

test('a report gets the history of its own findings, and a part of a digest that of all', async () => {
  expect(await trackReport(deps(), QUESTION, report)).toEqual({ tracked: [FOUND] });
  expect(await trackDigestPart(deps(), QUESTION, report)).toEqual(ALL);
});

test('the silences that remain are applied before the claims', async () => {
  const silence = { id: 's1', by: 'U1', at: AT, because: 'known' };
  const given = deps({
    silences: { apply: async (_, all) => all.map((one) => ({ ...one, silence })) },
    claims: { apply: async (_, all) => all.filter((one) => one.silence) },
  });

  expect(await trackDigestPart(given, QUESTION, report)).toHaveLength(ALL.length);
});

test.each<[string, Partial<TrackingDeps>]>([
  ['history', { findings: { load: failing, record: failing } }],
  ['silences', { silences: { apply: failing } }],
  ['claims', { claims: { apply: failing } }],
])('without the %s a report goes out as it is, and a part of a digest is run again', async (_, changed) => {
  const given = deps(changed);

  expect(await trackReport(given, QUESTION, report)).toEqual({});
  expect(given.logged).toHaveLength(1);
  expect(given.logged[0]).toContain('findings-not-recorded');
  const failed = trackDigestPart(given, QUESTION, report);
  await expect(failed).rejects.toBeInstanceOf(NotRecorded);
  await expect(failed).rejects.toThrow("couldn't record its findings: LOADING");
});

test('nothing waits long for Redis', async () => {
  vi.useFakeTimers();
  const given = deps({ findings: { load: never, record: never } });
  const previous = loadPrevious(given, explaining, QUESTION);
  const tracked = trackReport(given, QUESTION, report);
  const part = trackDigestPart(given, QUESTION, report).catch((error: unknown) => error);

  await vi.advanceTimersByTimeAsync(2_000);
  expect(await Promise.all([previous, tracked])).toEqual([{}, {}]);
  expect(given.logged).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(13_000);
  expect(await part).toMatchObject({ message: expect.stringContaining('no response in 15 s') });
});
