import { setTimeout } from 'node:timers/promises';
import { type ReadContext, SourceError, type ports, wording } from '../../kit.ts';
import { chooseSources } from '../../shared/sources.ts';
import { leadersOf } from '../../shared/store-identity.ts';
import { type MemberFactName, unreportedByEndpoints, unreportedByMembers } from '../../shared/store-gaps.ts';
import { countVotes, hasExpired, isKnownDown, memberName } from '../../shared/store-members.ts';
import { countersBetween, earlierOf, type EarlierSample, type MemberSample } from './samples.ts';

export interface Facts {
  readonly stores: readonly StoreState[];
}

/** What the members of one store reported. */
export interface StoreState extends ports.StoreMembers {
  readonly name: string;
  /** Whether the configuration allows maintenance here. */
  readonly maintain: boolean;
  /** What the disks did while the check ran, by member id; those that did not answer twice are left out. */
  readonly interval?: Interval;
  /** What earlier runs saw of the members, the newest first. */
  readonly earlier?: readonly EarlierSample[];
}

export interface Interval {
  readonly seconds: number;
  readonly disks: Readonly<Record<string, ports.DiskCounters>>;
}

type Context = ReadContext<'keyValue', never, MemberSample>;

/** Of the time that is left, so that a verdict is there before the deadline. */
const SHARE_FOR_MEMBERS = 0.75;
/** The longest wait, however long the check may take. */
const MAX_FOR_MEMBERS_MS = 10_000;
/** Long enough for a few hundred fsyncs of a busy cluster. */
const INTERVAL_MS = 3_000;
const MIN_INTERVAL_MS = 1_000;
/** For the second reading of the counters, and for what comes after. */
const RESERVE_MS = 1_000;
/** After an election every member soon knows the same leader. */
const ELECTION_MS = 1_000;
const MAX_AFTER_ELECTION_MS = 5_000;

/** Asks every member of every store about itself. That one does not respond is a finding; that one cannot be asked is a gap. */
export async function collect(
  context: Context,
  { source }: { readonly source?: string | undefined },
): Promise<Facts> {
  const stores = await Promise.all(
    chooseSources(context, 'keyValue', source).map((store) =>
      context.attempt(store.name, undefined, () => readStore(context, store)),
    ),
  );
  return { stores: stores.filter((store) => store !== undefined) };
}

async function readStore(context: Context, store: ports.KeyValueStore): Promise<StoreState> {
  const startedAt = performance.now();
  const members = await readMembers(context, store);
  const interval = await watchDisks(context, store, members, startedAt);
  const { name, maintain } = store;
  const earlier = earlierOf(name, context.earlier, context.now);
  const state = { ...members, name, maintain, earlier, ...(interval && { interval }) };
  const gaps = [...notQueried(state, context.now), ...unidentified(state), ...unreported(state)];
  // One gap for each endpoint or member: the first is the most significant.
  for (const [what, [gap]] of Map.groupBy(gaps, (one) => one.what)) if (gap) context.gap(what, gap.error);
  reportUnanswered(context, state);
  const known = state.members.length > 0 ? state.members : state.endpoints;
  context.saw(name, known.filter(({ error, failureMode }) => !error || isKnownDown(failureMode)).length);
  return state;
}

/** Members that know different leaders, or do not agree though most of them respond, are asked again: an election may be under way. */
async function readMembers(
  { signal, leftMs }: Context,
  store: ports.KeyValueStore,
): Promise<ports.StoreMembers> {
  const budgetMs = (most: number) => Math.min(most, SHARE_FOR_MEMBERS * leftMs());
  const first = await store.members({ signal, withinMs: budgetMs(MAX_FOR_MEMBERS_MS) });
  const isSplit = leadersOf(first).length > 1;
  if (!(isSplit || isLeaderless(first)) || leftMs() < 2 * (ELECTION_MS + RESERVE_MS)) return first;
  await setTimeout(ELECTION_MS, undefined, { signal });
  const second = await store.members({ signal, withinMs: budgetMs(MAX_AFTER_ELECTION_MS) });
  // With less time, it may know less.
  return isSplit || second.hasQuorum === true ? second : first;
}

function isLeaderless(found: ports.StoreMembers): boolean {
  const { voters, up, majority } = countVotes(found);
  return found.hasQuorum === false && voters > 1 && up >= majority;
}

async function watchDisks(
  { signal, leftMs, attempt, gap }: Context,
  store: ports.KeyValueStore,
  { members, hasQuorum }: ports.StoreMembers,
  startedAt: number,
): Promise<Interval | undefined> {
  // Nothing is written then, and the verdict is urgent.
  if (hasQuorum === false) return undefined;
  const before = members.filter(({ url, disk }) => url !== undefined && disk !== undefined);
  const waitMs = Math.min(INTERVAL_MS, leftMs() - 2 * RESERVE_MS);
  if (before.length === 0 || waitMs < MIN_INTERVAL_MS) return undefined;
  const urls = before.flatMap(({ url }) => url ?? []);
  const what = 'disk counters (second reading)';
  // If the deadline cuts this short, what is already known must not be lost.
  const after = await attempt(`${store.name}: ${what}`, undefined, async () => {
    await setTimeout(waitMs, undefined, { signal });
    return store.diskCounters(urls, { signal, withinMs: RESERVE_MS });
  });
  if (!after) return undefined;
  const disks = before.flatMap(({ id, name, url = '', disk = {} }) => {
    const later = after.get(url) ?? {};
    const isMissing = Object.keys(disk).some((kind) => !(kind in later));
    if (isMissing) {
      const error = new SourceError(store.name, 'unreachable', 'it did not report them again');
      gap(`${store.name}/${memberName({ id, name })}: ${what}`, error);
    }
    const difference = countersBetween(disk, later);
    return difference && Object.keys(difference).length > 0 ? [[id, difference] as const] : [];
  });
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  return disks.length === 0 ? undefined : { seconds, disks: Object.fromEntries(disks) };
}

interface NotQueried {
  readonly what: string;
  readonly error: SourceError;
}

/**
 * Those of which nothing is known: one that rejects us, and one that cannot be reached from here while the others agree, so that it may
 * be up. Where no endpoint responds, the endpoints stand for the members. One whose certificate has expired is a finding.
 */
function notQueried(
  { name: store, members, endpoints, hasQuorum }: StoreState,
  now: Date,
): readonly NotQueried[] {
  if (members.length === 0)
    return endpoints.flatMap(({ address, error, failureMode, certificate }) =>
      error && !isKnownDown(failureMode) && !hasExpired(certificate, now) ? [{ what: address, error }] : [],
    );
  return members.flatMap((member) => {
    const { error, failureMode, isConfigured, name, certificate } = member;
    if (!error || name === '' || hasExpired(certificate, now)) return [];
    const isElsewhere = !isConfigured && hasQuorum === true && failureMode === 'unreachable';
    return failureMode === 'rejected' || isElsewhere
      ? [{ what: `${store}/${memberName(member)}`, error }]
      : [];
  });
}

/** Endpoints of no known member: they answer, but not who they are, or they reject us. What they would report is missing. */
function unidentified({ name, members, endpoints }: StoreState): readonly NotQueried[] {
  const known = new Set(members.flatMap(({ url }) => url && [new URL(url).host]));
  return endpoints.flatMap(({ address, memberId, error, failureMode }) => {
    if (members.length === 0 || memberId !== undefined || known.has(address)) return [];
    if (error) return failureMode === 'rejected' ? [{ what: `${name}/${address}`, error }] : [];
    const unknown = new SourceError(name, 'malformed', 'it does not report which member it is');
    return [{ what: `${name}/${address}`, error: unknown }];
  });
}

const JUDGED: readonly MemberFactName[] = [
  'healthy',
  'hasLeader',
  'size',
  'raftIndex',
  'appliedIndex',
  'leaderChanges',
  'pending',
  'fsyncs',
  'commits',
  'clock',
];

/** What the check judges, and cannot judge of all members. Unanswered queries are reported as such. */
function unreported(store: StoreState): readonly NotQueried[] {
  const isExplained = ({ query, isDenied }: ports.UnansweredQuery) => !isDenied || query !== 'status';
  const { name, members, hasQuorum } = store;
  const isQuorumUnknown =
    hasQuorum === undefined &&
    members.some(({ error }) => error === undefined) &&
    members.every((member) => answered(member, 'quorum read'));
  return [
    ...unreportedByMembers(store, JUDGED, isExplained),
    ...unreportedByEndpoints(store, ['clusterId', 'leaderId', 'lists'], () => true),
    ...(isQuorumUnknown
      ? [
          {
            what: `${name}: quorum read`,
            error: new SourceError(name, 'missing', 'no member reports its result'),
          },
        ]
      : []),
  ];
}

/** What `isDenied` stands for is known all the same, from other answers. */
const ALTERNATIVES: Partial<
  Record<ports.StoreQuery, (member: ports.StoreMember, store: StoreState) => boolean>
> = {
  version: (member) => answered(member, 'status'),
  status: (member) => answered(member, 'health') && answered(member, 'metrics'),
  health: (member) => answered(member, 'status') || answered(member, 'metrics'),
  'alarm list': (member) => answered(member, 'status') || answered(member, 'health'),
  'member list': (_, { endpoints }) => endpoints.some(({ lists }) => lists !== undefined),
};

function answered({ unanswered = [] }: ports.StoreMember, query: ports.StoreQuery): boolean {
  return unanswered.every((one) => one.query !== query);
}

/** A question that is denied and whose answer is known in another way is a note; every other one is a gap. */
function reportUnanswered({ gap, note }: Context, store: StoreState): void {
  const { name, members, hasQuorum } = store;
  const denied = new Map<string, string[]>();
  for (const member of members)
    for (const { query, error, isDenied } of member.unanswered ?? []) {
      const isOfQuorum = query === 'quorum read' || query === 'alarm list';
      // These need a majority, and its absence is reported.
      if (hasQuorum === false && isOfQuorum && error.kind === 'unreachable') continue;
      if (isDenied && ALTERNATIVES[query]?.(member, store) === true)
        denied.set(query, [...(denied.get(query) ?? []), memberName(member)]);
      else gap(`${name}/${memberName(member)}: ${query}`, error);
    }
  for (const [question, names] of denied)
    note(
      `The ${question} of ${wording.list(names.toSorted())} (${name}) is not available to this user: other answers were used instead`,
    );
}

const POLL_INTERVAL_MS = 500;
const READ_WITHIN_MS = 10_000;

/**
 * Polls until the members are in the expected state. Meanwhile they may fail to respond.
 * @throws {SourceError} `unreachable` with `otherwise` where they are not within that time; the reason of `signal`.
 */
export async function untilMembers(
  store: ports.KeyValueStore,
  isReached: (members: ports.StoreMembers) => boolean,
  {
    signal,
    withinMs,
    otherwise,
  }: { readonly signal: AbortSignal; readonly withinMs: number; readonly otherwise: string },
): Promise<void> {
  const late = AbortSignal.timeout(withinMs);
  const either = AbortSignal.any([signal, late]);
  const isThere = async (): Promise<boolean> => {
    try {
      return isReached(await store.members({ signal: either, withinMs: READ_WITHIN_MS }));
    } catch (error) {
      if (either.aborted || error instanceof SourceError) return false;
      throw error;
    }
  };
  while (!(await isThere())) {
    await setTimeout(POLL_INTERVAL_MS, undefined, { signal: either }).catch(() => undefined);
    signal.throwIfAborted();
    if (late.aborted) throw new SourceError(store.name, 'unreachable', otherwise);
  }
}
