import { expect, test } from 'vitest';
import type { Audited } from '../../src/store/audit/entry.ts';
import type { Remediation } from '../../src/store/remediation/record.ts';
import type { Evidence, Told } from './evidence.ts';
import { APPROVERS, LEAVERS, OUTSIDERS, REQUESTERS } from './people.ts';
import { tally } from './tally.ts';

/** A count that could only say zero would prove nothing: each row is made to say otherwise. */

const [ASKER = ''] = REQUESTERS;
const [, , APPROVER = ''] = APPROVERS;
const [LEAVER = ''] = LEAVERS;
const [OUTSIDER = ''] = OUTSIDERS;
const ID = 'm0123456789abcdef';
const HASH = 'a'.repeat(64);
const VALUE = `${ID} ${HASH}`;
const CHANNEL = 'C0CHAOS0';
const START_MS = Date.parse('2026-01-05T08:00:00.000Z');
const iso = (afterMs: number) => new Date(START_MS + afterMs).toISOString();

const told = (afterMs: number, kind: Audited['kind'], who: string, more: Partial<Audited> = {}): Told => ({
  atMs: START_MS + afterMs,
  entry: {
    kind,
    at: iso(afterMs),
    who: [who],
    what: 'Mend pump-0-1',
    remediation: ID,
    planHash: HASH,
    ...more,
  },
});

const LIFE: readonly Told[] = [
  told(1_000, 'asked', ASKER),
  told(2_000, 'planned', ASKER),
  told(3_000, 'approved', APPROVER),
  told(4_000, 'applying', ASKER),
  told(5_000, 'applied', ASKER, { deeds: ['mended pump-0-1'] }),
  told(6_000, 'outcome', ASKER, { outcome: 'fixed', deeds: ['mended pump-0-1'] }),
];

const FIXED: Remediation = {
  id: ID,
  runId: 'r0123456789abcdef',
  check: 'lab/things',
  environment: 'prod',
  args: {},
  asked: { by: ASKER, teamId: 'T0123DEMO', channelId: CHANNEL, as: '/lab things', at: iso(0) },
  remediation: 'mend',
  title: 'Mend pump-0-1',
  about: 'Mends one thing',
  risk: 'disruptive',
  params: { thing: 'pump-0-1' },
  finding: { reason: 'thing-broken', target: 'lab:pump-0-1', summary: 'pump-0-1 is broken' },
  state: 'fixed',
  requested: { by: ASKER, at: iso(1_000) },
  planHash: HASH,
  approvals: [{ by: APPROVER, at: iso(3_000) }],
  deeds: [{ at: iso(4_500), line: 'mended pump-0-1' }],
};

const click = (userId: string, button: 'request' | 'approve', value: string) => ({
  userId,
  channelId: CHANNEL,
  button,
  value,
  deliveries: 1,
  atMs: START_MS,
  isForged: false,
  isAcknowledged: true,
});

const DEED = { order: ID, thing: 'pump-0-1', atMs: START_MS + 4_500, pid: 1 };

const CLEAN: Evidence = {
  remediations: [FIXED],
  entries: LIFE,
  chain: { kind: 'whole', entries: LIFE.length },
  deeds: [DEED],
  begun: [DEED],
  cards: [{ word: 'FIXED', id: ID }],
  buttons: [],
  clicks: [click(ASKER, 'request', ID), click(APPROVER, 'approve', VALUE)],
  notTaken: [],
  shown: { posts: [], messages: [] },
  crashes: [],
  counted: {},
  havoc: { workerKills: 0, redisKills: 0, malformed: 0, freezes: [], leftAtMs: undefined },
  limits: { approveWithinSeconds: 30, applyWithinSeconds: 10, membershipSeconds: 20, takeOverSeconds: 3 },
  restMs: 0,
};

/** The rows that are not zero. */
const wrong = (changed: Partial<Evidence>) =>
  tally({ ...CLEAN, ...changed })
    .filter(({ cases }) => cases.length > 0)
    .map(({ what }) => what);
const without = (kind: Audited['kind']) => LIFE.filter(({ entry }) => entry.kind !== kind);
const approvedBy = (userId: string): Partial<Evidence> => ({
  entries: LIFE.map((one) => (one.entry.kind === 'approved' ? told(3_000, 'approved', userId) : one)),
  clicks: [click(ASKER, 'request', ID), click(userId, 'approve', VALUE)],
});
const ended = (state: Remediation['state'], word: string): Partial<Evidence> => ({
  remediations: [{ ...FIXED, state }],
  cards: [{ word, id: ID }],
});

test('a life as it should be leaves every row at zero', () => {
  expect(wrong({})).toEqual([]);
});

test('two deeds in one name are counted, and two of one thing in two names as well', () => {
  expect(wrong({ deeds: [DEED, { ...DEED, atMs: DEED.atMs + 1 }] })).toContain('deeds done twice');
  expect(wrong({ deeds: [DEED, { ...DEED, order: 'm1' }] })).toContain('deeds done twice');
  expect(wrong({ begun: [DEED, DEED] })).toEqual(['deeds done twice']);
});

test.each([
  ['nobody', { entries: without('approved') }],
  ['who asked for it', approvedBy(ASKER)],
  ['somebody without the role', approvedBy(OUTSIDER)],
  [
    'somebody who had left the group',
    { ...approvedBy(LEAVER), havoc: { ...CLEAN.havoc, leftAtMs: START_MS - 20_000 } },
  ],
  [
    'a forged value',
    { clicks: [click(ASKER, 'request', ID), { ...click(APPROVER, 'approve', VALUE), isForged: true }] },
  ],
  ['a click on another plan', { remediations: [{ ...FIXED, planHash: 'b'.repeat(64) }] }],
  ['somebody, after it was done', { deeds: [{ ...DEED, atMs: START_MS + 3_500 }] }],
] satisfies [string, Partial<Evidence>][])('a deed that was approved by %s is counted', (_, changed) => {
  expect(wrong(changed)).toContain('deeds without a valid approval');
});

test('somebody who left the group a moment before could still be taken for a member', () => {
  const havoc = { ...CLEAN.havoc, leftAtMs: START_MS + 2_000 };
  expect(wrong({ ...approvedBy(LEAVER), havoc })).toEqual([]);
});

test('a deed that was begun, or a plan that was approved, too late is counted', () => {
  const limits = CLEAN.limits;
  expect(wrong({ limits: { ...limits, applyWithinSeconds: 0.5 } })).toEqual(['deeds after expiry']);
  expect(wrong({ limits: { ...limits, approveWithinSeconds: 0.5 } })).toEqual(['deeds after expiry']);
});

test('a deed that was begun after a freeze is counted, whether the audit or the clock says so', () => {
  const frozen: Told = {
    atMs: START_MS + 3_500,
    entry: { kind: 'frozen', at: iso(3_500), who: ['terminal'], what: 'everything' },
  };
  const freezes = [{ fromMs: START_MS + 3_500, untilMs: START_MS + 9_000 }];
  expect(wrong({ entries: LIFE.toSpliced(3, 0, frozen) })).toEqual(['deeds begun while frozen']);
  expect(wrong({ havoc: { ...CLEAN.havoc, freezes } })).toEqual(['deeds begun while frozen']);
});

test('a deed that was rejected is counted', () => {
  expect(wrong({ entries: [...LIFE, told(7_000, 'rejected', APPROVER)] })).toContain(
    'deeds after a rejection',
  );
});

test.each(['asked', 'planned', 'approved', 'applying', 'outcome'] as const)(
  'a life whose "%s" is not in the audit is counted',
  (kind) => {
    expect(wrong({ entries: without(kind) })).toContain('moves without their audit entry');
  },
);

test('a deed that is remembered but not audited is counted, and a broken chain', () => {
  const deeds = [...FIXED.deeds, { at: iso(4_600), line: 'mended twice' }];
  expect(wrong({ remediations: [{ ...FIXED, deeds }] })).toEqual(['moves without their audit entry']);
  expect(wrong({ chain: { kind: 'broken', because: 'entry 3' } })).toEqual(['breaks in the audit chain']);
});

test.each([
  ['another state than there is', { cards: [{ word: 'APPLYING', id: ID }] }],
  ['nothing, for there is no card', { cards: [] }],
  ['two things, on two cards', { cards: [...CLEAN.cards, { word: 'PLAN', id: ID }] }],
  ['fixed, and nothing was done', { deeds: [] }],
  ['expired, and it was done', ended('expired', 'EXPIRED')],
  ['rejected, and it was done', ended('rejected', 'REJECTED')],
] satisfies [string, Partial<Evidence>][])('a thread that says %s is counted', (_, changed) => {
  expect(wrong(changed)).toContain('threads without a true last word');
});

test('what is still under way is counted', () => {
  expect(wrong(ended('settling', 'LOOKING AGAIN'))).toContain('remediations that never ended');
});

test('a button that can do nothing any more is counted', () => {
  expect(wrong({ buttons: [{ button: 'approve', value: VALUE }] })).toEqual(['buttons left on ended cards']);
  expect(wrong({ buttons: [{ button: 'request', value: ID }] })).toEqual(['buttons left on ended cards']);
  expect(wrong({ buttons: [{ button: 'look', value: ID }] })).toEqual(['buttons left on ended cards']);
});

test('a click that nobody answered is counted, and one that was refused or not taken is not', () => {
  const clicks = [...CLEAN.clicks, click(OUTSIDER, 'approve', VALUE), click(OUTSIDER, 'approve', 'nonsense')];
  const refusals = [
    told(3_100, 'refused', OUTSIDER, { because: 'approve: no role includes them' }),
    {
      atMs: START_MS,
      entry: {
        kind: 'refused',
        at: iso(0),
        who: [OUTSIDER],
        what: 'a click on approve',
        because: 'no button',
      },
    } satisfies Told,
  ];
  expect(wrong({ clicks })).toEqual(['clicks without an answer']);
  expect(wrong({ clicks, entries: [...LIFE, ...refusals] })).toEqual([]);
  const notTaken = { userId: OUTSIDER, channelId: CHANNEL };
  expect(wrong({ clicks, notTaken: [notTaken] })).toEqual(['clicks without an answer']);
  expect(wrong({ clicks, notTaken: [notTaken, notTaken] })).toEqual([]);
  expect(wrong({ clicks, notTaken: [notTaken], counted: { [OUTSIDER]: 1 } })).toEqual([]);
  const summedUp = {
    atMs: START_MS,
    entry: { kind: 'refused', at: iso(0), who: [OUTSIDER], what: '1 more refused', count: 1 },
  } satisfies Told;
  expect(wrong({ clicks, notTaken: [notTaken], entries: [...LIFE, summedUp] })).toEqual([]);
});

test('what must not be seen in a channel is counted, and so is a process that a request ends', () => {
  const post = (ts: string, fence: number, text: string) => ({
    runId: 'r1',
    part: 'root',
    fence,
    channel: CHANNEL,
    ts,
    threadTs: undefined,
    text,
    isLost: false,
  });
  const posts = [post('1', 2, 'CHECKING in prod: things.'), post('2', 1, 'CLEAR: all is well')];
  const messages = posts.map(({ channel, ts, text }) => ({ channel, ts, text }));

  expect(wrong({ shown: { posts, messages }, crashes: ['bot 1 exited with 70'] })).toEqual([
    'doubled roots',
    'progress messages left behind',
    'posts by the holder of a lost lease',
    'crashes by a request',
  ]);
});
