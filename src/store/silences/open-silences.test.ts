import type { Redis } from 'ioredis';
import { beforeEach, describe, expect, test } from 'vitest';
import { runScriptsTwice } from '../../../test/world/lossy-redis.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import type { TrackedFinding } from '../../check/tracked-finding.ts';
import { type AuditLog, openAuditLog } from '../audit/audit-log.ts';
import type { AuditEntry } from '../audit/entry.ts';
import { readWhole } from '../audit/read.ts';
import { verifyAudit } from '../audit/verify.ts';
import type { KnownFinding, Question } from '../history/tracked-findings.ts';
import { openSilences } from './open-silences.ts';
import type { Silence, Silences, SilenceScope } from './silences.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const QUESTION: Question = { check: 'certs/expiring', environment: 'prod', questionId: 'q1' };
const ONE: SilenceScope = {
  kind: 'finding',
  check: 'certs/expiring',
  environment: 'prod',
  reason: 'expired',
  target: 'old/a',
};
const PATTERN: SilenceScope = { kind: 'pattern', reason: 'expired', targetPattern: 'old/*' };

const redis = useRedis();
let prefix: string;
let connection: Redis;
let chain: AuditLog;
let silences: Silences;
beforeEach(() => {
  prefix = `{${crypto.randomUUID()}}`;
  connection = redis.connect();
  chain = openAuditLog(connection, prefix);
  silences = openSilences(connection, prefix, chain);
});

const inFuture = (ms: number) => new Date(Date.now() + ms).toISOString();

function aFinding(changed: Partial<TrackedFinding> = {}): TrackedFinding {
  return {
    reason: 'expired',
    target: 'old/a',
    state: 'found',
    severity: 'warning',
    summary: 'old/a has expired',
    since: inFuture(-DAY_MS),
    lastFound: inFuture(-MINUTE_MS),
    ...changed,
  };
}
const gone = (changed: Partial<TrackedFinding> = {}) =>
  aFinding({ state: 'gone', goneAt: inFuture(0), ...changed });
const known = (...findings: readonly TrackedFinding[]): readonly KnownFinding[] =>
  findings.map((finding) => ({ check: 'certs/expiring', environment: 'prod', finding }));

const saidBy = (by = 'U0ADA', until?: string) => ({
  by,
  because: 'the migration is on Friday',
  ...(until !== undefined && { until }),
});
async function add(scope = ONE, until?: string, ...findings: readonly TrackedFinding[]): Promise<Silence> {
  const baseline = known(...(findings.length > 0 ? findings : [aFinding()]));
  const silence = await silences.add(scope, saidBy('U0ADA', until), baseline);
  if (typeof silence === 'string') throw new Error(silence);
  return silence;
}
const refusal = async (scope: SilenceScope, by: Partial<Silence>, ...findings: readonly TrackedFinding[]) =>
  silences.add(scope, { ...saidBy(), ...by }, known(...findings));
const applied = async (...findings: readonly TrackedFinding[]) =>
  (await silences.apply(QUESTION, findings)).map(({ silence }) => silence?.id);
const audited = async () =>
  (await chain.page()).map(({ raw }) => {
    const { kind, who, what, because } = (JSON.parse(raw) as AuditEntry).entry;
    return [kind, who.join(), what, because].join(' | ');
  });
/** Moves the end of a silence into the past, as if it had expired. */
async function endTime(id: string): Promise<string> {
  const until = inFuture(-MINUTE_MS);
  const stored = JSON.parse((await connection.hget(`${prefix}:silences`, id)) ?? '') as object;
  await connection.hset(`${prefix}:silences`, id, JSON.stringify({ ...stored, until }));
  return until;
}

test('a silence is shown on its finding, listed and audited until someone ends it', async () => {
  const { id, at } = await add();
  const said = { id, by: 'U0ADA', at, because: 'the migration is on Friday' };

  expect(id).toMatch(/^s[0-9a-f]{10}$/);
  expect(await silences.apply(QUESTION, [aFinding(), aFinding({ target: 'old/b' })])).toMatchObject([
    { silence: said },
    { target: 'old/b' },
  ]);
  expect(await applied(aFinding({ target: 'old/b' }))).toEqual([undefined]);
  expect(await silences.list()).toEqual([{ ...said, scope: ONE }]);
  expect(await silences.remove(id, 'U0GRACE')).toBe(true);
  expect(await silences.remove(id, 'U0GRACE')).toBe(false);
  expect(await applied(aFinding())).toEqual([undefined]);
  expect(await silences.endedSince(0, [QUESTION])).toEqual([]);
  expect(await audited()).toEqual([
    'silenced | U0ADA | old/a has expired | until it is gone: the migration is on Friday',
    'unsilenced | U0GRACE | old/a has expired | ',
  ]);
});

test.each<[string, TrackedFinding, string, string]>([
  ['gone', gone(), 'gone', 'it is gone'],
  [
    'worse',
    aFinding({ severity: 'critical' }),
    'worse',
    'it got worse: old/a was warning and is now critical',
  ],
  ['spread', aFinding({ targets: ['old/a', 'x', 'y'] }), 'spread', 'it has spread to x and 1 more target'],
])('of several workers, one ends a silence whose finding is %s', async (_, finding, because, inWords) => {
  const { id } = await add();
  const workers = Array.from({ length: 4 }, () => openSilences(redis.connect(), prefix));

  const seen = await Promise.all(
    Array.from({ length: 20 }, async (__, at) => workers[at % 4]?.apply(QUESTION, [finding])),
  );

  expect(seen.flat().map((one) => one?.silence)).toEqual(seen.map(() => undefined));
  expect(await silences.list()).toEqual([]);
  expect(await silences.endedSince(0, [QUESTION])).toEqual([
    { id, about: 'old/a has expired', by: 'U0ADA', at: expect.any(String), because },
  ]);
  expect((await audited()).slice(1)).toEqual([`unsilenced | wrench | old/a has expired | ${inWords}`]);
  const { head, entries } = await readWhole(chain);
  expect(await verifyAudit(entries, head)).toMatchObject({ kind: 'intact', entries: 2 });
});

test('an unseen finding ends no silence, and is silenced', async () => {
  const { id } = await add(ONE, undefined, aFinding({ state: 'unseen' }));

  expect(await applied(aFinding({ state: 'unseen' }))).toEqual([id]);
  expect(await applied(aFinding())).toEqual([id]);
  expect(await applied()).toEqual([]);
  expect(await silences.list()).toHaveLength(1);
});

test('a finding that was gone before a silence does not end it, because another question may have found it since', async () => {
  const { id } = await add();
  const longGone = gone({ lastFound: inFuture(-3 * DAY_MS), goneAt: inFuture(-2 * DAY_MS) });

  expect(await applied(longGone)).toEqual([undefined]);
  expect(await applied(aFinding())).toEqual([id]);
});

test('a pattern covers new matches, and ends when the last is gone, with two workers at once', async () => {
  const { id } = await add(PATTERN, inFuture(DAY_MS));
  const other = openSilences(redis.connect(), prefix);
  const inStaging = { ...QUESTION, environment: 'staging' };

  await Promise.all([
    silences.apply(QUESTION, [aFinding({ target: 'old/b' })]),
    other.apply(inStaging, [aFinding({ target: 'old/c' })]),
  ]);
  expect(await applied(gone(), gone({ target: 'old/b' }))).toEqual([undefined, undefined]);
  expect((await silences.list()).map((silence) => silence.id)).toEqual([id]);
  await other.apply(inStaging, [gone({ target: 'old/c' })]);

  expect(await silences.endedSince(0, [inStaging])).toMatchObject([
    { about: 'expired on old/*', because: 'gone' },
  ]);
});

describe('once it has expired', () => {
  test('a silence covers nothing, whether or not a check runs, and one entry says so', async () => {
    const { id } = await add(ONE, inFuture(DAY_MS));
    expect(await applied(aFinding())).toEqual([id]);
    const until = await endTime(id);

    const [one] = known(aFinding());
    expect(one && (await silences.covering(one))).toBeUndefined();
    const readers = Array.from({ length: 4 }, () => openSilences(redis.connect(), prefix));
    await Promise.all(readers.map(({ list }) => list()));

    expect(await applied(aFinding())).toEqual([undefined]);
    expect(await silences.remove(id, 'U0ADA')).toBe(false);
    expect(await silences.endedSince(0, [QUESTION])).toMatchObject([{ id, at: until, because: 'expired' }]);
    const [, ...ended] = await audited();
    expect(ended).toEqual([
      expect.stringMatching(
        /^unsilenced \| wrench \| old\/a has expired \| the silence expired at \d{4}-.* UTC$/,
      ),
    ]);
  });

  test('its end is reported without a further read', async () => {
    const { id } = await add(ONE, inFuture(DAY_MS));
    await endTime(id);

    expect(await silences.endedSince(Date.now() - 5_000, [QUESTION])).toMatchObject([{ id }]);
  });
});

test('ended silences are reported to the questions about their check and environment, since a time', async () => {
  const staging = { ...QUESTION, environment: 'staging' };
  await add();
  await applied(gone());

  expect(await silences.endedSince(0, [staging])).toEqual([]);
  expect(await silences.endedSince(0, [])).toEqual([]);
  expect(await silences.endedSince(0, [staging, QUESTION])).toHaveLength(1);
  expect(await silences.endedSince(Date.now() + DAY_MS, [QUESTION])).toEqual([]);
});

test.each<[string, SilenceScope, Partial<Silence>, readonly TrackedFinding[], string]>([
  ['no finding', ONE, {}, [], 'No finding matches'],
  ['a finding that is gone', ONE, {}, [gone()], 'No finding matches'],
  ['another finding', ONE, {}, [aFinding({ target: 'old/b' })], 'No finding matches'],
  ['no match', PATTERN, { until: inFuture(DAY_MS) }, [aFinding({ target: 'new' })], 'No finding matches'],
  ['a critical finding without an end', ONE, {}, [aFinding({ severity: 'critical' })], 'for a limited time'],
  [
    'an unseen critical finding without an end',
    ONE,
    {},
    [aFinding({ severity: 'critical', state: 'unseen' })],
    'for a limited time',
  ],
  ['a pattern without an end', PATTERN, {}, [aFinding()], 'needs an end'],
  ['an end in the past', ONE, { until: inFuture(-MINUTE_MS) }, [aFinding()], 'must be in the future'],
  ['an end that is not a time', ONE, { until: 'tomorrow' }, [aFinding()], 'must be in the future'],
  ['more than 90 days', ONE, { until: inFuture(91 * DAY_MS) }, [aFinding()], 'at most 90 days'],
  ['no reason', ONE, { because: ' \u200B' }, [aFinding()], 'needs a reason'],
  [
    'a long pattern',
    { ...PATTERN, targetPattern: '*a'.repeat(300) },
    {},
    [aFinding()],
    'at most 500 characters',
  ],
])('%s is refused, and not audited', async (_, scope, by, findings, words) => {
  expect(await refusal(scope, by, ...findings)).toContain(words);
  expect(await silences.list()).toEqual([]);
  expect(await audited()).toEqual([]);
});

test('a critical finding can be silenced for a limited time', async () => {
  const critical = aFinding({ severity: 'critical' });
  const { id } = await add(ONE, inFuture(90 * DAY_MS - MINUTE_MS), critical);

  expect(await applied(critical)).toEqual([id]);
});

test('silences are listed by their end, and a finding shows the one that ends last', async () => {
  const endless = await add();
  const late = await add({ ...PATTERN }, inFuture(3 * DAY_MS));
  const early = await add({ ...PATTERN, environment: 'prod' }, inFuture(DAY_MS));
  const [one] = known(aFinding());

  expect((await silences.list()).map(({ id }) => id)).toEqual([early.id, late.id, endless.id]);
  expect(await applied(aFinding())).toEqual([endless.id]);
  expect(one && (await silences.covering(one))).toEqual(endless);
  await silences.remove(endless.id, 'U0ADA');
  expect(await applied(aFinding())).toEqual([late.id]);
});

test('a silence with the same scope replaces the one before', async () => {
  const first = await add();
  const second = await add(ONE, inFuture(DAY_MS));

  expect(await silences.list()).toEqual([second]);
  expect(await silences.remove(first.id, 'U0ADA')).toBe(false);
});

test('the reason is cleaned and bounded', async () => {
  const silence = await silences.add(
    ONE,
    { by: 'U0ADA', because: `a\u202Eb\n${'x'.repeat(900)}` },
    known(aFinding()),
  );

  expect(silence).toMatchObject({ because: `ab ${'x'.repeat(497)}` });
});

test('at most 500 silences are kept', async () => {
  await Promise.all(
    Array.from({ length: 500 }, (_, at) =>
      connection.hset(`${prefix}:silences`, `s${at}`, JSON.stringify({ id: `s${at}` })),
    ),
  );

  expect(await refusal(ONE, {}, aFinding())).toContain('There are 500 silences already');
  expect(await audited()).toEqual([]);
});

test('a silence that cannot be read covers nothing, and the others still apply', async () => {
  await connection.hset(`${prefix}:silences`, 's0', '{', 's1', '{"id":"s1","because":"newer"}');
  const { id } = await add();

  expect(await applied(aFinding())).toEqual([id]);
  expect(await silences.list()).toHaveLength(1);
  expect(await connection.hlen(`${prefix}:silences`)).toBe(3);
});

test('if the replies are lost, silencing and ending take effect once, with one entry each', async () => {
  const twice = openSilences(runScriptsTwice(redis.connect()), prefix);

  const silence = await twice.add(PATTERN, saidBy('U0ADA', inFuture(DAY_MS)), known(aFinding()));
  expect(silence).toMatchObject({ by: 'U0ADA' });
  expect(await twice.apply(QUESTION, [aFinding({ target: 'old/b' })])).toMatchObject([{ silence: {} }]);
  await twice.apply(QUESTION, [gone(), gone({ target: 'old/b' })]);

  expect((await audited()).map((line) => line.split(' ')[0])).toEqual(['silenced', 'unsilenced']);
  expect(await silences.endedSince(0, [QUESTION])).toHaveLength(1);
});
