import { expect, test } from 'vitest';
import type { AuditEvent } from '../../src/store/audit/entry.ts';
import type { RemediationRecord } from '../../src/store/remediation/record.ts';
import {
  APPROVER,
  ASKER,
  CHANNEL,
  CLEAN,
  click,
  FIX,
  FIXED,
  ID,
  iso,
  LIFE,
  record,
  START_MS,
  VALUE,
  violated,
} from './clean-evidence.ts';
import type { CardEdit } from './card-edits.ts';
import type { AuditRecord, Evidence } from './evidence.ts';
import { checkInvariants } from './invariants.ts';
import { LEAVERS, OUTSIDERS } from './people.ts';

/** Each invariant must hold for a clean run, and report a violation. */

const [LEAVER = ''] = LEAVERS;
const [OUTSIDER = ''] = OUTSIDERS;
const without = (kind: AuditEvent['kind']) => LIFE.filter(({ entry }) => entry.kind !== kind);
const approvedBy = (userId: string): Partial<Evidence> => ({
  entries: LIFE.map((one) => (one.entry.kind === 'approved' ? record(3_000, 'approved', userId) : one)),
  clicks: [click(ASKER, 'request', ID), click(userId, 'approve', VALUE)],
});
const ended = (state: RemediationRecord['state'], word: string): Partial<Evidence> => ({
  remediations: [{ ...FIXED, state }],
  cards: [{ word, id: ID }],
});

test('a clean run violates no invariant', () => {
  expect(violated({})).toEqual([]);
});

test('reports a fix applied twice for one remediation, and one thing fixed by two remediations', () => {
  expect(violated({ applied: [FIX, { ...FIX, atMs: FIX.atMs + 1 }] })).toContain('fixes applied twice');
  expect(violated({ applied: [FIX, { ...FIX, remediationId: 'm1' }] })).toContain('fixes applied twice');
  expect(violated({ started: [FIX, FIX] })).toEqual(['fixes applied twice']);
});

test.each([
  ['nobody', { entries: without('approved') }],
  ['its requester', approvedBy(ASKER)],
  ['someone without the role', approvedBy(OUTSIDER)],
  [
    'someone who had left the group',
    { ...approvedBy(LEAVER), faults: { ...CLEAN.faults, leftAtMs: START_MS - 20_000 } },
  ],
  [
    'a forged value',
    { clicks: [click(ASKER, 'request', ID), { ...click(APPROVER, 'approve', VALUE), isForged: true }] },
  ],
  ['a click on another plan', { remediations: [{ ...FIXED, planHash: 'b'.repeat(64) }] }],
  ['someone, after it was applied', { applied: [{ ...FIX, atMs: START_MS + 3_500 }] }],
] satisfies [string, Partial<Evidence>][])('reports a fix that was approved by %s', (_, changed) => {
  expect(violated(changed)).toContain('fixes without a valid approval');
});

test('someone who left the group a moment earlier may still count as a member', () => {
  const faults = { ...CLEAN.faults, leftAtMs: START_MS + 2_000 };
  expect(violated({ ...approvedBy(LEAVER), faults })).toEqual([]);
});

test('reports a fix started too late, and a plan approved too late', () => {
  const limits = CLEAN.limits;
  expect(violated({ limits: { ...limits, applyWithinSeconds: 0.5 } })).toEqual(['fixes after expiry']);
  expect(violated({ limits: { ...limits, approveWithinSeconds: 0.5 } })).toEqual(['fixes after expiry']);
});

test('reports a fix started after a freeze, by the audit or by the clock', () => {
  const frozen: AuditRecord = {
    atMs: START_MS + 3_500,
    entry: { kind: 'frozen', at: iso(3_500), who: ['terminal'], what: 'everything' },
  };
  const freezes = [{ fromMs: START_MS + 3_500, untilMs: START_MS + 9_000 }];
  expect(violated({ entries: LIFE.toSpliced(3, 0, frozen) })).toEqual(['fixes started while frozen']);
  expect(violated({ faults: { ...CLEAN.faults, freezes } })).toEqual(['fixes started while frozen']);
});

test('reports a fix that was rejected', () => {
  expect(violated({ entries: [...LIFE, record(7_000, 'rejected', APPROVER)] })).toContain(
    'fixes after a rejection',
  );
});

test.each(['asked', 'planned', 'approved', 'applying', 'outcome'] as const)(
  'reports a life whose "%s" is not in the audit',
  (kind) => {
    expect(violated({ entries: without(kind) })).toContain('changes without an audit entry');
  },
);

test('reports a recorded step that is not in the audit, and a broken chain', () => {
  const steps = [...FIXED.steps, { at: iso(4_600), line: 'mended twice' }];
  expect(violated({ remediations: [{ ...FIXED, steps }] })).toContain('changes without an audit entry');
  expect(violated({ chain: { kind: 'broken', because: 'entry 3' } })).toEqual(['breaks in the audit chain']);
});

test.each([
  ['another state than stored', { cards: [{ word: 'APPLYING', id: ID }] }],
  ['nothing, without a card', { cards: [] }],
  ['two things, on two cards', { cards: [...CLEAN.cards, { word: 'PLAN', id: ID }] }],
  ['fixed, and nothing was applied', { applied: [] }],
  ['expired, and it was applied', ended('expired', 'EXPIRED')],
  ['rejected, and it was applied', ended('rejected', 'REJECTED')],
] satisfies [string, Partial<Evidence>][])('reports a thread that says %s', (_, changed) => {
  expect(violated(changed)).toContain('threads with a wrong final status');
});

test('reports a card that showed an earlier state again, and what a card with a wrong status has shown', () => {
  const edit = (word: string, afterMs: number): CardEdit => ({
    id: ID,
    word,
    channel: CHANNEL,
    ts: '1.0',
    atMs: START_MS + afterMs,
    isLost: false,
  });
  const cardEdits = [edit('PLAN', 0), edit('FIXED', 900), edit('PLAN', 950)];

  expect(violated({ cardEdits: cardEdits.slice(0, 2) })).toEqual([]);
  expect(violated({ cardEdits })).toEqual(['cards that went back to an earlier state']);
  const invariants = checkInvariants({ ...CLEAN, cards: [{ word: 'PLAN', id: ID }], cardEdits });
  const cases = invariants.find(({ what }) => what === 'threads with a wrong final status')?.cases;
  expect(cases?.join('')).toContain('PLAN, FIXED 900 ms later, PLAN 50 ms later');
});

test('accepts an interrupted fix that is found fixed later although nothing was applied, if its target vanished', () => {
  const entries = [
    ...LIFE.slice(0, 4),
    record(5_000, 'outcome', ASKER, { outcome: 'interrupted' }),
    record(6_000, 'outcome', ASKER, { outcome: 'fixed' }),
  ];
  const checkedAgain = { entries, applied: [], remediations: [{ ...FIXED, steps: [] }] };
  const vanished = { thing: FIX.thing, kind: 'vanish', fromMs: START_MS, untilMs: START_MS } as const;
  expect(violated({ ...checkedAgain, disturbances: [vanished] })).toEqual([]);
  expect(violated(checkedAgain)).toEqual(['fixed but still broken']);
});

test('reports a remediation still in progress', () => {
  expect(violated(ended('settling', 'VERIFYING'))).toContain('remediations that never ended');
});

test('reports a button that no longer does anything', () => {
  expect(violated({ buttons: [{ button: 'approve', value: VALUE }] })).toEqual([
    'buttons left on final cards',
  ]);
  expect(violated({ buttons: [{ button: 'request', value: ID }] })).toEqual(['buttons left on final cards']);
  expect(violated({ buttons: [{ button: 'look', value: ID }] })).toEqual(['buttons left on final cards']);
});

test('reports a click without a response, but not one that was refused or could not be processed', () => {
  const clicks = [...CLEAN.clicks, click(OUTSIDER, 'approve', VALUE), click(OUTSIDER, 'approve', 'nonsense')];
  const refusals = [
    record(3_100, 'refused', OUTSIDER, { because: 'approve: no role includes them' }),
    {
      atMs: START_MS,
      entry: {
        kind: 'refused',
        at: iso(0),
        who: [OUTSIDER],
        what: 'a click on approve',
        because: 'no button',
      },
    } satisfies AuditRecord,
  ];
  expect(violated({ clicks })).toEqual(['clicks without a response']);
  expect(violated({ clicks, entries: [...LIFE, ...refusals] })).toEqual([]);
  const notTaken = { userId: OUTSIDER, channelId: CHANNEL };
  expect(violated({ clicks, notTaken: [notTaken] })).toEqual(['clicks without a response']);
  expect(violated({ clicks, notTaken: [notTaken, notTaken] })).toEqual([]);
  expect(violated({ clicks, notTaken: [notTaken], counted: { [OUTSIDER]: 1 } })).toEqual([]);
  const summedUp = {
    atMs: START_MS,
    entry: { kind: 'refused', at: iso(0), who: [OUTSIDER], what: '1 more refused', count: 1 },
  } satisfies AuditRecord;
  expect(violated({ clicks, notTaken: [notTaken], entries: [...LIFE, summedUp] })).toEqual([]);
});

test('reports forbidden leftovers in a channel, and a process crashed by a request', () => {
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
  const posts = [post('1', 2, 'Checking prod… things'), post('2', 1, 'CLEAR: everything is healthy')];
  const messages = posts.map(({ channel, ts, text }) => ({ channel, ts, text }));

  expect(
    violated({
      shown: { posts: [...CLEAN.shown.posts, ...posts], messages },
      crashes: ['bot 1 exited with 70'],
    }),
  ).toEqual([
    'duplicate roots',
    'progress messages left behind',
    'posts by the holder of a lost lease',
    'crashes caused by a request',
  ]);
});

test('reports an outcome that no message says', () => {
  const { posts, messages } = CLEAN.shown;
  const others = posts.filter(({ part }) => !part.endsWith('fixed'));
  expect(violated({ shown: { posts: others, messages } })).toEqual(['outcomes without a message']);
});

test('reports a plan that was shown, and whose approvers no post mentions', () => {
  const { posts, messages } = CLEAN.shown;
  const silent = posts.map((post) => ({ ...post, text: post.text.replace(/<!subteam[^>]*>/, 'someone') }));
  expect(violated({ shown: { posts: silent, messages } })).toEqual(['plans that asked no approver']);
  const { shownAt: _, ...unshown } = FIXED;
  expect(violated({ shown: { posts: silent, messages }, remediations: [unshown] })).toEqual([]);
});

test('a request that ended without a plan is announced by its card', () => {
  const { posts, messages } = CLEAN.shown;
  const { shownAt: _, plan: __, ...unplanned } = FIXED;
  const refused = { ...unplanned, state: 'refused' as const };
  const card = { ...posts[0]!, text: ':no_entry: REFUSED · Mend pump-0-1: fixes are frozen' };
  const said = (text: string) =>
    violated({ shown: { posts: [{ ...card, text }], messages }, remediations: [refused] });
  expect(said(card.text)).not.toContain('outcomes without a message');
  expect(said('Mend pump-0-1 was requested by Ada.')).toContain('outcomes without a message');
});

test.each([0, 1, 2, 3])(
  'reports a notice that was posted again, but not if the reply to it was lost: %i',
  (at) => {
    const { posts, messages } = CLEAN.shown;
    const notices = ['reminder', 'approved'].map((kind) => ({ ...posts[1]!, part: `${kind}-${ID}` }));
    const all = [...notices, ...posts];
    const again = all.slice(at, at + 1);
    expect(violated({ shown: { posts: [...all, ...again], messages } })).toEqual(['duplicate notices']);
    const lost = [...again.map((post) => ({ ...post, isLost: true })), ...all];
    expect(violated({ shown: { posts: lost, messages } })).toEqual([]);
  },
);
