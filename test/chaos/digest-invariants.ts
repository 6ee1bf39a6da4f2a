import { PREFIX } from '../../src/queue/queues.ts';
import type { VerifyResult } from '../../src/store/audit/verify.ts';
import type { DigestState } from '../../src/store/digests/digest-state.ts';
import type { AuditRecord } from './evidence.ts';
import type { DigestLog } from './digest-log.ts';
import { type DigestMessage, digestMessagesIn, type SaidItem } from './digest-messages.ts';
import type { InvariantResult } from './invariant-result.ts';
import { doubledRoots, postsWithoutLease, type Post } from './posts.ts';
import type { ScriptedChange } from './scripted-findings.ts';

/** A digest of a chaos run. Each is due every minute, and has its own channel. */
export interface ChaosDigest {
  readonly name: string;
  readonly channel: string;
  readonly isQuiet: boolean;
}

/** Everything that the digest invariants are checked against, gathered once the system is idle. */
export interface DigestEvidence {
  readonly digests: readonly ChaosDigest[];
  readonly logs: readonly DigestLog[];
  readonly posts: readonly Post[];
  readonly changes: readonly ScriptedChange[];
  /** Items that change too often to be reported each time. */
  readonly flapping: readonly string[];
  /** The silences that were added, and when. */
  readonly silences: readonly { readonly id: string; readonly item: string; readonly atMs: number }[];
  readonly activeSilences: readonly string[];
  /** Who took which item, and who has it now. */
  readonly claims: readonly { readonly item: string; readonly by: string }[];
  readonly storedClaims: readonly { readonly item: string; readonly by: string }[];
  readonly entries: readonly AuditRecord[];
  readonly chain: VerifyResult;
  /** Due times up to this one must be covered, in milliseconds since the epoch by the clock of Redis. */
  readonly judgedUntilMs: number;
  /** The patterns of all keys. */
  readonly keys: readonly string[];
  readonly activeJobs: readonly string[];
  readonly crashes: readonly string[];
}

/** Checks every invariant of digests. Pure: the same evidence gives the same results. */
export function checkDigests(evidence: DigestEvidence): readonly InvariantResult[] {
  const each = (judge: (digest: DigestFacts) => readonly string[]) =>
    evidence.digests.flatMap((digest) => {
      const log = evidence.logs.find(({ name }) => name === digest.name);
      const messages = digestMessagesIn(evidence.posts, digest.channel);
      const runs = runsOf(log?.states ?? []);
      return judge({ ...digest, log, messages, runs, evidence }).map((one) => `${digest.name}: ${one}`);
    });
  return [
    { what: 'due times that were lost', cases: each(lostDueTimes) },
    { what: 'due times that ran twice', cases: each(doubledDueTimes) },
    { what: 'runs of one digest that overlap', cases: each(overlaps) },
    { what: 'runs that were given up', cases: each(givenUp) },
    { what: 'digests posted twice', cases: doubledRoots(evidence.posts) },
    { what: 'posts by the holder of a lost lease', cases: postsWithoutLease(evidence.posts) },
    { what: 'changes reported twice', cases: each(doubledChanges) },
    { what: 'changes that never happened', cases: each(untrueChanges) },
    { what: 'changes that were lost', cases: each(lostChanges) },
    { what: 'flapping reported more than once', cases: each(repeatedFlapping) },
    { what: 'silenced items in a list', cases: each(listedThoughSilenced) },
    { what: 'silences that were lost or ended more than once', cases: wrongSilences(evidence) },
    { what: 'claims that were lost', cases: lostClaims(evidence) },
    {
      what: 'breaks in the audit chain',
      cases: evidence.chain.kind === 'broken' ? [evidence.chain.because] : [],
    },
    { what: 'unfinished digests', cases: each(unfinished) },
    { what: 'jobs left', cases: evidence.activeJobs },
    {
      what: 'keys of another kind',
      cases: evidence.keys.filter((key) => !KEYS.has(key.replace(`${PREFIX}:`, ''))),
    },
    { what: 'crashes', cases: evidence.crashes },
  ];
}

type Run = NonNullable<DigestState['run']>;

interface DigestFacts extends ChaosDigest {
  readonly log: DigestLog | undefined;
  readonly messages: readonly DigestMessage[];
  /** In the order in which they were claimed. */
  readonly runs: readonly Run[];
  readonly evidence: DigestEvidence;
}

function runsOf(states: readonly DigestState[]): readonly Run[] {
  const runs = new Map<string, Run>();
  for (const { run } of states) if (run && !runs.has(run.runId)) runs.set(run.runId, run);
  return [...runs.values()];
}

const MINUTE_MS = 60_000;

/**
 * Every due time since the first run must be covered by a message of a run that started at or after it. A
 * quiet digest may have nothing to post.
 */
function lostDueTimes({ log, runs, messages, isQuiet, evidence }: DigestFacts): readonly string[] {
  const first = log?.states[0];
  if (!first) return ['it was never registered'];
  const posted = new Set(messages.map(({ runId }) => runId));
  const said = isQuiet ? runs : runs.filter(({ runId }) => posted.has(runId));
  const newestMs = Math.max(0, ...said.map(({ startedAt }) => Date.parse(startedAt)));
  const lost: string[] = [];
  const countedFromMs = Date.parse(first.countedFrom);
  for (
    let dueMs = (Math.floor(countedFromMs / MINUTE_MS) + 1) * MINUTE_MS;
    dueMs <= evidence.judgedUntilMs;
    dueMs += MINUTE_MS
  )
    if (newestMs < dueMs) lost.push(`due at ${iso(dueMs)}, and nothing was posted since`);
  return lost;
}

function doubledDueTimes({ runs }: DigestFacts): readonly string[] {
  const byDue = Map.groupBy(
    runs.filter(({ due }) => due !== undefined),
    ({ due }) => due,
  );
  return [...byDue].flatMap(([due, same]) =>
    same.length > 1 ? [`due at ${due}: ${same.map(({ runId }) => runId).join(', ')}`] : [],
  );
}

function overlaps({ log }: DigestFacts): readonly string[] {
  const found: string[] = [];
  let last: Run | undefined;
  for (const { run } of log?.states ?? []) {
    if (last && run?.runId !== last.runId && last.state !== 'finished')
      found.push(`${run?.runId} was claimed while ${last.runId} was ${last.state}`);
    last = run;
  }
  return found;
}

/** Finished without saving anything. */
function givenUp({ log, runs }: DigestFacts): readonly string[] {
  const saved = new Set(log?.runs.map(({ at }) => at));
  return runs.flatMap(({ runId, startedAt }) =>
    saved.has(startedAt) ? [] : [`${runId}, which started at ${startedAt}`],
  );
}

const NEW = ['New', 'Found'];

function itemsIn({ sections }: DigestMessage, titles: readonly string[]): readonly SaidItem[] {
  return titles.flatMap((title) => sections.get(title) ?? []);
}

/** What messages said about an item, in order. */
interface Said {
  readonly kind: 'new' | 'gone';
  readonly message: DigestMessage;
  readonly more: string;
}

function saidOf(messages: readonly DigestMessage[], item: string): readonly Said[] {
  return messages.flatMap((message) =>
    (['new', 'gone'] as const).flatMap((kind) =>
      itemsIn(message, kind === 'new' ? NEW : ['Gone'])
        .filter((one) => one.item === item)
        .map(({ more }) => ({ kind, message, more })),
    ),
  );
}

function judgedItems({ evidence }: DigestFacts): readonly string[] {
  const left = new Set([...evidence.silences.map(({ item }) => item), ...evidence.flapping]);
  return [...new Set(evidence.changes.map(({ item }) => item))].filter((item) => !left.has(item));
}

/**
 * New although reported and not gone, or gone although not reported, unless the message says that both
 * happened since the last one.
 */
function doubledChanges(digest: DigestFacts): readonly string[] {
  return judgedItems(digest).flatMap((item) => {
    let isOpen = false;
    return saidOf(digest.messages, item).flatMap(({ kind, message, more }) => {
      const wasOpen = isOpen;
      isOpen = kind === 'new';
      const isExplained =
        kind === 'new' ? more.includes('again') : more.includes('appeared since the last digest');
      if (wasOpen !== isOpen || isExplained) return [];
      return [
        `${item} is ${kind} in ${message.runId}, and was ${wasOpen ? 'reported' : 'not reported'} before`,
      ];
    });
  });
}

/** When an item was in a state, as intervals in milliseconds since the epoch. */
function timesOf(
  changes: readonly ScriptedChange[],
  item: string,
  state: ScriptedChange['state'],
): readonly (readonly [fromMs: number, untilMs: number])[] {
  const mine = changes.filter((change) => change.item === item);
  const first = state === 'healthy' ? [[0, mine[0]?.atMs ?? Infinity] as const] : [];
  return [
    ...first,
    ...mine.flatMap((change, at) =>
      change.state === state ? [[change.atMs, mine[at + 1]?.atMs ?? Infinity] as const] : [],
    ),
  ];
}

/**
 * Reported as new though it was never broken, or as gone though it was never healthy, since the last
 * message.
 */
function untrueChanges(digest: DigestFacts): readonly string[] {
  const { changes } = digest.evidence;
  const startOf = new Map(digest.runs.map(({ runId, startedAt }) => [runId, Date.parse(startedAt)]));
  return judgedItems(digest).flatMap((item) =>
    saidOf(digest.messages, item).flatMap(({ kind, message }) => {
      const at = digest.messages.indexOf(message);
      const fromMs = startOf.get(digest.messages[at - 1]?.runId ?? '') ?? 0;
      const untilMs = Math.floor(Number(message.ts) * 1_000);
      const wanted = kind === 'new' ? 'broken' : 'healthy';
      const isTrue = timesOf(changes, item, wanted).some(
        ([from, until]) => from <= untilMs && until >= fromMs,
      );
      return isTrue ? [] : [`${item} is ${kind} in ${message.runId}, and was never ${wanted}`];
    }),
  );
}

/**
 * The last message of each digest is of a run that started after the last change: by then exactly the
 * broken items were reported.
 */
function lostChanges(digest: DigestFacts): readonly string[] {
  const state = new Map(digest.evidence.changes.map((change) => [change.item, change.state]));
  return judgedItems(digest).flatMap((item) => {
    const isReported = saidOf(digest.messages, item).at(-1)?.kind === 'new';
    const isBroken = state.get(item) === 'broken';
    // A quiet digest reports what is gone only once something else is new.
    if (isReported === isBroken || (digest.isQuiet && isReported && !isBroken)) return [];
    return [
      `${item} is ${isBroken ? 'broken and was not reported' : 'healthy and was not reported as gone'}`,
    ];
  });
}

/** Within a day: reported as flapping again, or as new or gone after that. */
function repeatedFlapping({ messages, evidence }: DigestFacts): readonly string[] {
  return evidence.flapping.flatMap((item) => {
    const isIn = (message: DigestMessage, titles: readonly string[]) =>
      itemsIn(message, titles).some((one) => one.item === item);
    const first = messages.findIndex((message) => isIn(message, ['Flapping']));
    if (first < 0) return [];
    return messages
      .slice(first + 1)
      .filter((message) => isIn(message, ['Flapping', 'New', 'Gone']))
      .map(({ runId }) => `${item} in ${runId}, after ${messages[first]?.runId}`);
  });
}

/** In a message of a run that started after it was silenced, while it was broken all the time. */
function listedThoughSilenced({ messages, runs, evidence }: DigestFacts): readonly string[] {
  const startOf = new Map(runs.map(({ runId, startedAt }) => [runId, Date.parse(startedAt)]));
  return evidence.silences.flatMap(({ item, atMs }) => {
    const last = evidence.changes.findLast((change) => change.item === item);
    if (last?.state !== 'broken' || last.atMs > atMs) return [];
    return messages
      .filter(({ runId }) => (startOf.get(runId) ?? 0) > atMs)
      .filter((message) => itemsIn(message, [...NEW, 'Worse', 'Unchanged']).some((one) => one.item === item))
      .map(({ runId }) => `${item} in ${runId}`);
  });
}

function wrongSilences({ silences, activeSilences, entries, changes }: DigestEvidence): readonly string[] {
  const state = new Map(changes.map((change) => [change.item, change.state]));
  return silences.flatMap(({ id, item }) => {
    const ends = entries.filter(({ entry }) => entry.kind === 'unsilenced' && entry.silence === id).length;
    const begins = entries.filter(({ entry }) => entry.kind === 'silenced' && entry.silence === id).length;
    const isActive = activeSilences.includes(id);
    const isOver = state.get(item) === 'healthy';
    const problems = [
      ...(begins === 1 ? [] : [`begins ${begins} times in the audit`]),
      ...(ends > 1 ? [`ends ${ends} times in the audit`] : []),
      ...(isActive && ends > 0 ? ['ended in the audit, and is active'] : []),
      ...(isOver && isActive ? ['still active, though its finding is gone'] : []),
      ...(!isActive && ends === 0 ? ['lost: neither active nor ended in the audit'] : []),
      ...(!isOver && ends > 0 ? ['ended, though its finding is still there'] : []),
    ];
    return problems.map((problem) => `${id} of ${item}: ${problem}`);
  });
}

/** A claim ends only with its finding. */
function lostClaims({ claims, storedClaims, changes }: DigestEvidence): readonly string[] {
  const state = new Map(changes.map((change) => [change.item, change.state]));
  return claims.flatMap(({ item, by }) => {
    const stored = storedClaims.find((one) => one.item === item);
    if (state.get(item) === 'healthy')
      return stored ? [`${item} is healthy, and ${stored.by} still has it`] : [];
    return stored?.by === by ? [] : [`${item}: ${by} took it, and ${stored?.by ?? 'no one'} has it`];
  });
}

function unfinished({ log }: DigestFacts): readonly string[] {
  const last = log?.states.at(-1);
  return [
    ...(last?.run?.state === 'finished' ? [] : [`its last run is ${last?.run?.state}`]),
    ...(last?.posting ? [`${last.posting.runId} is being posted`] : []),
  ];
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** The kinds of keys that a chaos run with digests leaves, without their prefix. */
const KEYS: ReadonlySet<string> = new Set([
  'checks:*',
  'checks:completed',
  'checks:events',
  'checks:failed',
  'checks:id',
  'checks:meta',
  'checks:stalled-check',
  'digests:finish-*',
  'digests:finish-*:processed',
  'digests:finish-*:failed',
  'digests:start-*',
  'digests:completed',
  'digests:events',
  'digests:id',
  'digests:meta',
  'digests:stalled-check',
  'outbox:events',
  'outbox:id',
  'outbox:meta',
  'outbox:stalled-check',
  'remediations:meta',
  'remediations:stalled-check',
  'digest:*',
  'digest-run:*',
  'digest-posted:*',
  'digests-ticked',
  'finding:*',
  'findings',
  'findings:*',
  'claim:*',
  'silences',
  'silences:ended',
  'audit',
  'audit:copies',
  'audit:head',
  'group:*',
  'rate:*',
  'past:*',
  'pace:*',
  'pace:edits:*',
  'thread:*',
  'lease-fence',
]);
