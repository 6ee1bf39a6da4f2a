import type { Redis } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';
import { runScriptsTwice } from '../../../test/world/lossy-redis.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import { fingerprint } from '../../check/finding.ts';
import type { TrackedFinding } from '../../check/tracked-finding.ts';
import type { Question } from '../history/tracked-findings.ts';
import { type Claims, openClaims } from './claims.ts';

const MINUTE_MS = 60_000;
const DAY_SECONDS = 86_400;
const QUESTION: Question = { check: 'node/disk', environment: 'prod', questionId: 'q1' };

const redis = useRedis();
let prefix: string;
let connection: Redis;
let claims: Claims;
beforeEach(() => {
  prefix = `{${crypto.randomUUID()}}`;
  connection = redis.connect();
  claims = openClaims(connection, prefix);
});

const fromNow = (ms: number) => new Date(Date.now() + ms).toISOString();
function aFinding(changed: Partial<TrackedFinding> = {}): TrackedFinding {
  return {
    reason: 'disk-full',
    target: 'node-1',
    state: 'found',
    severity: 'critical',
    summary: 'The disk of node-1 is full',
    since: fromNow(-60 * MINUTE_MS),
    lastFound: fromNow(-MINUTE_MS),
    ...changed,
  };
}
const gone = (changed: Partial<TrackedFinding> = {}) =>
  aFinding({ state: 'gone', goneAt: fromNow(MINUTE_MS), ...changed });
const PRINT = fingerprint(QUESTION, aFinding());
const ADA = { by: 'U0ADA', at: '2026-11-20T14:03:07.000Z', comment: 'on my way' };
const GRACE = { by: 'U0GRACE', at: '2026-11-20T14:01:00.000Z' };
const claimOf = async (finding: TrackedFinding) =>
  (await claims.apply(QUESTION, [finding])).map(({ claim }) => claim);
const key = async () => (await connection.keys(`${prefix}:claim:*`))[0] ?? '';

test('the newest claim counts, and taking returns the claim that it replaces', async () => {
  expect(await claims.take(PRINT, ADA)).toBeUndefined();
  expect(await claims.take(PRINT, { ...ADA, comment: 'almost there' })).toBeUndefined();
  expect(await claims.take(PRINT, GRACE)).toEqual({ ...ADA, comment: 'almost there' });

  expect(await claims.read(PRINT)).toEqual(GRACE);
  expect(await claimOf(aFinding())).toEqual([GRACE]);
  expect(await claimOf(aFinding({ target: 'node-2' }))).toEqual([undefined]);
});

test('a claim is released once', async () => {
  await claims.take(PRINT, ADA);

  expect(await claims.release(PRINT)).toBe(true);
  expect(await claims.release(PRINT)).toBe(false);
  expect(await claims.read(PRINT)).toBeUndefined();
  expect(await claimOf(aFinding({ claim: ADA }))).toEqual([undefined]);
});

test('a claim ends with its finding, but not while the finding is unseen', async () => {
  await claims.take(PRINT, ADA);

  expect(await claimOf(aFinding({ state: 'unseen' }))).toEqual([ADA]);
  expect(await claimOf(gone())).toEqual([undefined]);
  expect(await claimOf(aFinding())).toEqual([undefined]);
  expect(await connection.keys('*')).toEqual([]);
});

test('a finding that was gone before it was taken ends no claim, because another question may have found it since', async () => {
  await claims.take(PRINT, ADA);

  expect(await claimOf(gone({ goneAt: fromNow(-60 * MINUTE_MS) }))).toEqual([undefined]);
  expect(await claims.read(PRINT)).toEqual(ADA);
});

test('a claim that was taken during a run ends if that run proves its finding gone', async () => {
  await claims.take(PRINT, ADA);

  await claims.apply(QUESTION, [gone({ goneAt: fromNow(-5 * MINUTE_MS) })]);

  expect(await claims.read(PRINT)).toBeUndefined();
});

test('a claim dated in the future by a wrong clock ends with its finding', async () => {
  await claims.take(PRINT, ADA);
  const stored = (await connection.get(await key())) ?? '';
  const later = Date.now() + 1_000 * DAY_SECONDS * 365;
  await connection.set(await key(), stored.replace(/^\d+/, String(later)));

  await claims.apply(QUESTION, [gone()]);

  expect(await claims.read(PRINT)).toBeUndefined();
});

test('a fault that is now part of another finding keeps its claim, unless someone works on that finding', async () => {
  const replaced = gone({ replacedBy: { reason: 'node-down', target: 'node-1' } });
  const successor = aFinding({ reason: 'node-down' });
  await claims.take(PRINT, ADA);

  const follow = async () => (await claims.apply(QUESTION, [replaced, successor])).map(({ claim }) => claim);

  expect(await follow()).toEqual([undefined, ADA]);
  expect(await claims.read(PRINT)).toBeUndefined();
  await claims.take(PRINT, GRACE);
  expect(await follow()).toEqual([undefined, ADA]);
  expect(await claims.read(PRINT)).toBeUndefined();
});

test('a claim is kept for 14 days after its finding was last found', async () => {
  await claims.take(PRINT, ADA);
  const ttlSeconds = async () => connection.ttl(await key());
  expect(await ttlSeconds()).toBeGreaterThan(13 * DAY_SECONDS);

  await connection.expire(await key(), DAY_SECONDS);
  await claims.apply(QUESTION, [aFinding({ state: 'unseen' })]);
  expect(await ttlSeconds()).toBeLessThanOrEqual(DAY_SECONDS);
  await claims.apply(QUESTION, [aFinding()]);
  expect(await ttlSeconds()).toBeGreaterThan(13 * DAY_SECONDS);
});

test.each([
  ['  on\u202E my\nway ', 'on my way'],
  ['x'.repeat(900), 'x'.repeat(300)],
  [' \u200B', undefined],
])('the comment %j is kept as %j', async (comment, kept) => {
  await claims.take(PRINT, { ...GRACE, comment });

  expect(await claims.read(PRINT)).toEqual({ ...GRACE, ...(kept !== undefined && { comment: kept }) });
});

test('a claim whose reply was lost still returns the one that it replaces', async () => {
  await claims.take(PRINT, ADA);
  const twice = openClaims(runScriptsTwice(redis.connect()), prefix);

  expect(await twice.take(PRINT, GRACE)).toEqual(ADA);
});

test('claims of thousands of findings are read together', async () => {
  const many = Array.from({ length: 2_500 }, (_, at) => aFinding({ target: `node-${at}` }));
  const print = fingerprint(QUESTION, aFinding({ target: 'node-2499' }));
  await claims.take(print, ADA);

  const withClaims = (await claims.apply(QUESTION, many)).filter(({ claim }) => claim);

  expect(withClaims.map(({ target }) => target)).toEqual(['node-2499']);
});

test('a claim that cannot be read counts as none', async () => {
  await claims.take(PRINT, ADA);
  await connection.set(await key(), '1\n{"by":"U0ADA"}\n');

  expect(await claims.read(PRINT)).toBeUndefined();
  expect(await claims.take(PRINT, GRACE)).toBeUndefined();
});
