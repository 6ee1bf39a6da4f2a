import { beforeEach, expect, test } from 'vitest';
import type { Finding, Report } from '../../check/finding.ts';
import { fingerprint } from '../../check/finding.ts';
import { findingIdOf } from '../../check/finding-id.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import { openFindingHistory } from './finding-history.ts';
import type { FindingHistory, Question } from './tracked-findings.ts';

const DAY_MS = 86_400_000;
const RETENTION_MS = 30 * DAY_MS;
const PROD: Question = { check: 'certs/expiring', environment: 'prod', questionId: 'q1' };
const LOCKET = {
  reason: 'certificate-expiring',
  severity: 'warning',
  target: 'vault:cf/locket',
  summary: 'cf/locket expires in 6 days',
} as const satisfies Finding;
const ROUTER = { ...LOCKET, target: 'vault:cf/röuter ☂\n"1"' } as const;

const redis = useRedis();
let history: FindingHistory;
let startedMs: number;
beforeEach(() => {
  history = openFindingHistory(redis.connect(), '{test}', RETENTION_MS);
  startedMs = Date.now();
});

/** The report of a run that began `agoMs` ago. */
function reportOf(findings: readonly Finding<never>[], agoMs = 0, more: Partial<Report> = {}): Report {
  return {
    check: 'certs/expiring',
    environment: 'prod',
    args: {},
    status: 'found',
    verdict: 'as found',
    examined: 41,
    findings,
    gaps: [],
    coverage: [],
    // As recorded by a wrong clock.
    at: '2001-01-01T00:00:00.000Z',
    durationMs: agoMs,
    ...more,
  };
}

const idOf = ({ check, environment }: Question, finding: Pick<Finding, 'reason' | 'target'>) =>
  findingIdOf(fingerprint({ check, environment }, finding));

test('what a run finds is recorded and loaded, with times by the clock of Redis', async () => {
  const recorded = await history.record(PROD, reportOf([LOCKET, ROUTER], 60_000));

  expect(recorded).toMatchObject([
    { ...LOCKET, state: 'found' },
    { ...ROUTER, state: 'found' },
  ]);
  expect(await history.load(PROD)).toEqual(recorded);
  for (const { since, lastFound } of recorded) {
    expect(since).toBe(lastFound);
    expect(Date.parse(since)).toBeGreaterThan(startedMs - 70_000);
    expect(Date.parse(since)).toBeLessThanOrEqual(Date.now() - 60_000);
  }
});

test('a question that was never run has no history, and one that never found anything is not stored', async () => {
  expect(await history.load(PROD)).toEqual([]);
  expect(await history.record(PROD, reportOf([]))).toEqual([]);
  expect(await history.list()).toEqual([]);
  expect(await redis.connect().keys('*')).toEqual([]);
});

test('each question has its own history', async () => {
  const other = { ...PROD, questionId: 'q2' };
  await history.record(PROD, reportOf([LOCKET], 60_000));
  await history.record(other, reportOf([], 30_000));

  expect(await history.load(other)).toEqual([]);
  expect(await history.load(PROD)).toMatchObject([{ state: 'found' }]);
});

test('a run that began earlier and ends later changes nothing, and returns the stored findings', async () => {
  await history.record(PROD, reportOf([LOCKET], 120_000));
  const known = await history.record(PROD, reportOf([], 10_000));

  expect(known).toMatchObject([{ target: LOCKET.target, state: 'gone' }]);
  expect(await history.record(PROD, reportOf([LOCKET, ROUTER], 60_000))).toEqual(known);
});

test('runs that end at the same time are recorded one after another', async () => {
  const own = openFindingHistory(redis.connect(), '{test}', RETENTION_MS);
  await Promise.all(
    Array.from({ length: 20 }, (_, run) =>
      (run % 2 === 0 ? history : own).record(
        PROD,
        reportOf([{ ...LOCKET, target: `vault:${run}` }], run * 60_000),
      ),
    ),
  );

  // The last one to begin decides; the others are known only if they were recorded before it.
  const known = await history.load(PROD);
  expect(known.filter(({ state }) => state === 'found').map(({ target }) => target)).toEqual(['vault:0']);
  for (const { state, lastFound, goneAt = '' } of known)
    expect(state === 'found' || lastFound < goneAt).toBe(true);
});

test('a clock of Redis that was ahead once does not block later runs', async () => {
  await history.record(PROD, reportOf([LOCKET], -DAY_MS));

  expect(await history.record(PROD, reportOf([]))).toMatchObject([{ state: 'gone' }]);
});

test('a finding is found by its id, as in its latest record', async () => {
  const shorter = { ...PROD, questionId: 'q2' };
  const id = idOf(PROD, LOCKET);
  expect(await history.find(id)).toBeUndefined();

  await history.record(PROD, reportOf([LOCKET, ROUTER], 90_000));
  expect(await history.find(idOf(PROD, ROUTER))).toMatchObject({ finding: ROUTER });

  await history.record(shorter, reportOf([{ ...LOCKET, severity: 'critical' }], 60_000));
  expect(await history.find(id)).toMatchObject({
    check: 'certs/expiring',
    environment: 'prod',
    finding: { target: LOCKET.target, state: 'found', severity: 'critical' },
  });

  await history.record(
    PROD,
    reportOf([], 30_000, { gaps: [{ what: 'vault', because: 'no', kind: 'refused' }] }),
  );
  expect(await history.find(id)).toMatchObject({ finding: { severity: 'critical' } });

  await history.record(shorter, reportOf([]));
  expect(await history.find(id)).toMatchObject({ finding: { state: 'gone' } });
  expect(await history.find('f0000000000')).toBeUndefined();
});

test('findings that are stored and not gone are listed, each once, as in its latest record', async () => {
  const shorter = { ...PROD, questionId: 'q2' };
  const staging = { ...PROD, environment: 'staging', questionId: 'q3' };
  await history.record(PROD, reportOf([LOCKET, ROUTER], 90_000));
  await history.record(staging, reportOf([LOCKET], 80_000));
  await history.record(shorter, reportOf([{ ...LOCKET, severity: 'critical' }], 60_000));
  await history.record(staging, reportOf([], 40_000, { examined: 0 }));
  await history.record(PROD, reportOf([LOCKET], 30_000));
  // It never found the router, so it doesn't report it as gone.
  await history.record(shorter, reportOf([], 10_000));

  const listed = await history.list();
  expect(listed).toMatchObject([{ environment: 'staging', finding: { ...LOCKET, state: 'unseen' } }]);
});

test('everything expires 60 days after the retention', async () => {
  const connection = redis.connect();
  await history.record(PROD, reportOf([LOCKET]));

  const ttlMs = RETENTION_MS + 60 * DAY_MS;
  const keys = await connection.keys('*');
  expect(keys.toSorted()).toEqual(
    ['{test}:findings', '{test}:findings:q1', `{test}:finding:${idOf(PROD, LOCKET)}`].toSorted(),
  );
  for (const key of keys) {
    expect(await connection.pttl(key)).toBeGreaterThan(ttlMs - 60_000);
    expect(await connection.pttl(key)).toBeLessThanOrEqual(ttlMs);
  }
});

test('a thousand questions are kept, and the least recently run is removed first with its findings', async () => {
  const asked = (number: number): Question => ({ ...PROD, questionId: `q${number}` });
  const connection = redis.connect();
  await history.record(asked(0), reportOf([LOCKET, { ...LOCKET, target: 'vault:0' }], 60_000));
  await history.record(asked(1), reportOf([LOCKET], 50_000));
  // As if these two were last run before all others.
  const others = Array.from({ length: 1_000 }, (_, number) => [
    String(startedMs - 2_000 + number),
    JSON.stringify(asked(number)),
  ]);
  await connection.zadd('{test}:findings', ...others.flat());
  await history.record(asked(2_000), reportOf([ROUTER]));

  expect(await connection.zcard('{test}:findings')).toBe(1_000);
  expect(await history.load(asked(0))).toEqual([]);
  expect(await history.find(idOf(PROD, { ...LOCKET, target: 'vault:0' }))).toBeUndefined();
  expect(await connection.exists(`{test}:finding:${idOf(PROD, { ...LOCKET, target: 'vault:0' })}`)).toBe(0);
  expect(await history.find(idOf(PROD, LOCKET))).toMatchObject({ finding: { state: 'found' } });
});

test('data that this version did not write counts as no history, and is replaced', async () => {
  const connection = redis.connect();
  for (const stored of ['nothing of ours', '', 'q1ZKSy0qzs/TUbJSUErJzE0FAA==']) {
    await connection.hset('{test}:findings:q1', { rev: '7', history: stored });

    expect(await history.load(PROD)).toEqual([]);
    expect(await history.record(PROD, reportOf([LOCKET]))).toMatchObject([{ state: 'found' }]);
    expect(await history.load(PROD)).toMatchObject([{ state: 'found' }]);
  }
});

test('findings with a month of levels take a few hundred bytes each', async () => {
  const count = 300;
  const findings = (run: number) =>
    Array.from({ length: count }, (_, number) => ({
      ...LOCKET,
      target: `vault:secret/service-${number}/certificate`,
      summary: `service-${number} expires in ${number % 30} days`,
      level: { value: ((number * 31 + run) % 100) + number / 997, unit: 'days left' },
    }));
  const connection = redis.connect();
  for (let days = 26; days >= 0; days--) await history.record(PROD, reportOf(findings(days), days * DAY_MS));

  const known = await history.load(PROD);
  expect(known).toHaveLength(count);
  expect(known.every(({ before }) => before)).toBe(true);
  const bytes = await Promise.all((await connection.keys('*')).map((key) => connection.memory('USAGE', key)));
  expect(bytes.reduce<number>((sum, one) => sum + (one ?? 0), 0) / count).toBeLessThan(500);
});
