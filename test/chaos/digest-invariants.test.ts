import { expect, test } from 'vitest';
import type { DigestRun } from '../../src/check/digest-run.ts';
import type { AuditEvent } from '../../src/store/audit/entry.ts';
import type { DigestState } from '../../src/store/digests/digest-state.ts';
import { checkDigests, type DigestEvidence } from './digest-invariants.ts';
import type { Post } from './posts.ts';

/** Each invariant must hold for a clean run, and report a violation. */

const CHANNEL = 'C1';
const START_MS = Date.parse('2026-03-02T08:00:00.000Z');
const at = (seconds: number) => START_MS + seconds * 1_000;
const iso = (seconds: number) => new Date(at(seconds)).toISOString();

const state = (
  runId: string,
  is: 'claimed' | 'started' | 'finished',
  beganAt: number,
  more: Partial<DigestState> = {},
): DigestState => ({
  schedule: '* * * * * UTC',
  countedFrom: iso(0),
  restarts: 0,
  seenAt: iso(0),
  run: {
    runId,
    due: iso(Math.floor(beganAt / 60) * 60),
    startedAt: iso(beganAt),
    state: is,
    asked: { by: 'wrench', teamId: '', channelId: CHANNEL, as: 'digest a', at: iso(beganAt) },
    isQuiet: false,
    questions: [],
  },
  ...more,
});
const saved = (beganAt: number): DigestRun => ({
  name: 'a',
  at: iso(beganAt),
  durationMs: 1,
  isQuiet: false,
  parts: [],
  endedSilences: [],
});
const post = (runId: string, seconds: number, text: string): Post => ({
  runId,
  part: 'root',
  fence: seconds,
  channel: CHANNEL,
  ts: String(at(seconds) / 1_000),
  threadTs: undefined,
  text,
  isLost: false,
});
const message = (...sections: readonly string[]) =>
  [':ok: WARNING: a: 1 new', ...sections, '1 check'].join('\n');
const BROKEN = '• WARNING: item-1 is broken';
const GONE = '• item-1 is broken · no longer found';
const event = (kind: AuditEvent['kind']) => ({
  atMs: at(10),
  entry: { kind, at: iso(10), who: ['wrench'], what: 'item-2', silence: 's1' },
});

const STATES = [
  state('r1', 'claimed', 61),
  state('r1', 'finished', 61),
  state('r2', 'claimed', 121),
  state('r2', 'finished', 121),
];
const POSTS = [post('r1', 62, message('New (1)', BROKEN)), post('r2', 122, message('Gone (1)', GONE))];
const LOG = { name: 'a', states: STATES, runs: [saved(61), saved(121)] };
const CLEAN: DigestEvidence = {
  digests: [{ name: 'a', channel: CHANNEL, isQuiet: false }],
  logs: [LOG],
  posts: POSTS,
  changes: [
    { item: 'item-1', state: 'broken', atMs: at(5) },
    { item: 'item-2', state: 'broken', atMs: at(5) },
    { item: 'item-3', state: 'broken', atMs: at(5) },
    { item: 'item-1', state: 'healthy', atMs: at(100) },
  ],
  flapping: ['item-3'],
  silences: [{ id: 's1', item: 'item-2', atMs: at(10) }],
  activeSilences: ['s1'],
  claims: [{ item: 'item-2', by: 'U1' }],
  storedClaims: [{ item: 'item-2', by: 'U1' }],
  entries: [event('silenced')],
  chain: { kind: 'intact', entries: 1 },
  judgedUntilMs: at(130),
  keys: ['{wrench}:digest:*'],
  activeJobs: [],
  crashes: [],
};
const violated = (changed: Partial<DigestEvidence>) =>
  checkDigests({ ...CLEAN, ...changed })
    .filter(({ cases }) => cases.length > 0)
    .map(({ what }) => what);
const said = (...texts: readonly string[]): Partial<DigestEvidence> => ({
  posts: texts.map((text, index) => post(`r${index + 1}`, 62 + index * 60, text)),
});
const log = (changed: Partial<typeof LOG>): Partial<DigestEvidence> => ({ logs: [{ ...LOG, ...changed }] });

test('a clean run violates no invariant', () => {
  expect(violated({})).toEqual([]);
});

test.each([
  ['due times that were lost', { judgedUntilMs: at(180) }],
  ['due times that were lost', { logs: [] }],
  ['due times that ran twice', log({ states: [...STATES, state('r3', 'finished', 130)] })],
  ['runs of one digest that overlap', log({ states: STATES.toSpliced(1, 1) })],
  ['runs that were given up', log({ runs: [saved(61)] })],
  ['digests posted twice', { posts: [...POSTS, post('r2', 123, POSTS[1]?.text ?? '')] }],
  [
    'posts by the holder of a lost lease',
    { posts: [...POSTS, { ...post('r2', 123, ''), part: 'reply-0', fence: 1 }] },
  ],
  ['changes reported twice', said(message('New (1)', BROKEN), message('New (1)', BROKEN))],
  ['changes reported twice', said(message(), message('Gone (1)', GONE))],
  ['changes that were lost', said(message('New (1)', BROKEN), message())],
  [
    'silenced items in a list',
    said(message('New (2)', BROKEN, BROKEN.replace('1', '2')), POSTS[1]?.text ?? ''),
  ],
  ['silences that were lost or ended more than once', { activeSilences: [] }],
  ['silences that were lost or ended more than once', { entries: [event('silenced'), event('unsilenced')] }],
  ['silences that were lost or ended more than once', { entries: [] }],
  [
    'silences that were lost or ended more than once',
    {
      activeSilences: [],
      entries: [event('silenced'), event('unsilenced'), event('unsilenced')],
      changes: [...CLEAN.changes, { item: 'item-2', state: 'healthy' as const, atMs: at(110) }],
      storedClaims: [],
    },
  ],
  ['claims that were lost', { storedClaims: [] }],
  ['claims that were lost', { storedClaims: [{ item: 'item-2', by: 'U2' }] }],
  ['breaks in the audit chain', { chain: { kind: 'broken' as const, because: 'entry 3' } }],
  ['unfinished digests', log({ states: [...STATES, state('r3', 'claimed', 181)] })],
  [
    'unfinished digests',
    log({ states: [...STATES, state('r2', 'finished', 121, { posting: { runId: 'r2', until: iso(400) } })] }),
  ],
  ['jobs left', { activeJobs: ['outbox: 1 active'] }],
  ['keys of another kind', { keys: ['{wrench}:forgotten:*'] }],
  ['crashes', { crashes: ['worker 1 exited with 1'] }],
] satisfies [string, Partial<DigestEvidence>][])('reports a violation: %s', (what, changed) => {
  expect(violated(changed)).toContain(what);
});

test.each(['Flapping', 'New', 'Gone'])(
  'reports an item that was reported as flapping and then under %s',
  (title) => {
    const line = BROKEN.replace('1', '3');
    const first = message('Flapping (1)', line, 'New (1)', BROKEN);
    const second = message(
      `${title} (${title === 'Gone' ? 2 : 1})`,
      line,
      ...(title === 'Gone' ? [GONE] : ['Gone (1)', GONE]),
    );
    expect(violated(said(first, second))).toEqual(['flapping reported more than once']);
    expect(violated(said(first, message('Still flapping (1)', line, 'Gone (1)', GONE)))).toEqual([]);
  },
);

test('reports a change that never happened: an item that was not broken', () => {
  const changes = CLEAN.changes.filter(({ item }) => item !== 'item-1');
  const item4 = { item: 'item-4', state: 'healthy' as const, atMs: at(5) };
  const text = message('New (1)', BROKEN.replace('1', '4'));
  expect(violated({ ...said(message(), text), changes: [...changes, item4] })).toContain(
    'changes that never happened',
  );
});

test('accepts a run that was replaced by a newer one, or whose root was posted again after a lost reply', () => {
  const replaced = [state('r0', 'claimed', 60), state('r0', 'finished', 60), ...STATES.slice(2)];
  expect(
    violated({ logs: [{ ...LOG, states: replaced, runs: [saved(60), saved(121)] }], posts: [] }),
  ).toContain('due times that were lost');
  const onlyNewer = { posts: [post('r2', 122, message())] };
  expect(violated(onlyNewer)).toEqual([]);
  const again = POSTS.map((one) => ({ ...one, isLost: true }));
  expect(violated({ posts: [...again, post('r2', 123, POSTS[1]?.text ?? '')] })).toEqual([]);
});
