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
  /** Whether the configuration allows maintenance. */
  readonly maintain: boolean;
  /** The disk counters while the check ran, by member id. Members that did not report them twice are left out. */
  readonly interval?: Interval;
  /** Samples of earlier runs, the newest first. */
  readonly earlier?: readonly EarlierSample[];
}

export interface Interval {
  readonly seconds: number;
  readonly disks: Readonly<Record<string, ports.DiskCounters>>;
}

type Context = ReadContext<'keyValue', never, MemberSample>;

/** The share of the remaining time, so that the check finishes before the deadline. */
const SHARE_FOR_MEMBERS = 0.75;
/** The longest wait, even if the check has more time. */
const MAX_FOR_MEMBERS_MS = 10_000;
/** Long enough for a few hundred fsyncs of a busy cluster. */
const INTERVAL_MS = 3_000;
const MIN_INTERVAL_MS = 1_000;
/** Reserved for the second read of the counters and what follows. */
const RESERVE_MS = 1_000;
/** After an election, all members know the same leader within this time. */
const ELECTION_MS = 1_000;
const MAX_AFTER_ELECTION_MS = 5_000;

/** Queries every member of every store. A member that does not respond is a finding. One that cannot be queried is a gap. */
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

/** Members that report different leaders, or have no quorum although most respond, are queried again: an election may be in progress. */
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
  // With less time, the second response may contain less.
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
  // Nothing is written then, and the report is urgent.
  if (hasQuorum === false) return undefined;
  const before = members.filter(({ url, disk }) => url !== undefined && disk !== undefined);
  const waitMs = Math.min(INTERVAL_MS, leftMs() - 2 * RESERVE_MS);
  if (before.length === 0 || waitMs < MIN_INTERVAL_MS) return undefined;
  const urls = before.flatMap(({ url }) => url ?? []);
  const what = 'disk counters (second reading)';
  // If the deadline interrupts this, what is already known must be kept.
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
 * Members whose state is unknown: one that rejects Wrench, and one that is unreachable from here while the others have a quorum, because it
 * may be up. If no endpoint responds, the endpoints are used as members. An expired certificate is a finding instead.
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

/** Endpoints of no known member: they respond without saying which member they are, or reject Wrench. What they would report is missing. */
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

/** Facts that the check judges, but that not all members report. Unanswered queries are reported as such. */
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

/** What the denied query would return is also known from other responses. */
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

/** A denied query is a note if its result is known in another way. Every other unanswered query is a gap. */
function reportUnanswered({ gap, note }: Context, store: StoreState): void {
  const { name, members, hasQuorum } = store;
  const denied = new Map<string, string[]>();
  for (const member of members)
    for (const { query, error, isDenied } of member.unanswered ?? []) {
      const isOfQuorum = query === 'quorum read' || query === 'alarm list';
      // These need a majority, and the absence of a majority is a finding.
      if (hasQuorum === false && isOfQuorum && error.kind === 'unreachable') continue;
      if (isDenied && ALTERNATIVES[query]?.(member, store) === true)
        denied.set(query, [...(denied.get(query) ?? []), memberName(member)]);
      else gap(`${name}/${memberName(member)}: ${query}`, error);
    }
  for (const [question, names] of denied)
    note(
      `The ${question} of ${wording.list(names.toSorted())} (${name}) is not available to this user; other responses were used instead`,
    );
}

const POLL_INTERVAL_MS = 500;
const READ_WITHIN_MS = 10_000;

/**
 * Polls until the members are in the expected state. Until then, they may fail to respond.
 * @throws {SourceError} `unreachable` with the message `otherwise` if they are not within that time; the reason of `signal` if it is
 * aborted.
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
