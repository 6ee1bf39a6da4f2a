import { setTimeout } from 'node:timers/promises';
import { type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { selectByName } from '../../shared/select-by-name.ts';
import { chooseSources } from '../../shared/sources.ts';
import { isStaleEndpoint, isOneCluster, leadersOf } from '../../shared/store-identity.ts';
import { instanceFaultOf, isCounted } from '../../shared/instances.ts';
import { unreportedByEndpoints, unreportedByMembers } from '../../shared/store-gaps.ts';
import {
  isKnownDown,
  isNeverStarted,
  isNotResponding,
  memberNames,
  type Store,
} from '../../shared/store-members.ts';
import { ROOTS } from './doppler.ts';

export interface Facts {
  readonly stores: readonly StoreReads[];
  readonly deployments: readonly ports.Deployment[];
  /** Whether `deployments` is complete: `partly` if one could not be read, `no-source` if no source lists processes. */
  readonly instances: 'all' | 'partly' | 'no-source';
}

/** The results of two reads of one store. */
export interface StoreReads {
  readonly name: string;
  /** One tree for each root, in order. Absent if a quorum read failed. */
  readonly earlier?: readonly ports.KeyTree[];
  readonly later?: readonly ports.KeyTree[];
  readonly members?: ports.StoreMembers;
}

export interface CollectArgs {
  readonly deployment?: string | undefined;
  readonly source?: string | undefined;
}

type Context = ReadContext<'keyValue', 'processes'>;

/** Longer than the 5 seconds in which a doppler refreshes its key, so a healthy doppler refreshes it between the reads. */
const BETWEEN_READS_MS = 6_000;

/** The share of the remaining time for the first read. Later responses are not awaited. */
const SHARE_FOR_KEYS = 0.75;
/** Members get less: what they do not report in time is queried again later. */
const SHARE_FOR_MEMBERS = 0.6;
/** The longest wait for members, even if the check has more time. */
const MAX_FOR_MEMBERS_MS = 20_000;
/** With less time than this, nothing is queried again. */
const MIN_READ_MS = 500;
/** Reserved so that late responses are reported as late, and what was read is kept. */
const RESERVE_MS = 300;
/** After an election, all members know the same leader within this time. */
const ELECTION_MS = 1_000;

export const collect = collectTwice(BETWEEN_READS_MS);

/** Reads the keys of the dopplers twice, and the members and instances in the meantime. */
export function collectTwice(
  betweenReadsMs: number,
): (context: Context, asked: CollectArgs) => Promise<Facts> {
  return async (context, { deployment, source }) => {
    const chosen = chooseSources(context, 'keyValue', source);
    const [reads, { deployments, instances }] = await Promise.all([
      Promise.all(chosen.map((store) => readStore(store, context, betweenReadsMs))),
      instancesOf(context, deployment),
    ]);
    const suitable = reads.filter((read): read is StoreReads => !('unfit' in read));
    const unsuitable = reads.filter((read) => 'unfit' in read);
    const isOtherRead = suitable.some(({ earlier }) => earlier !== undefined);
    for (const read of unsuitable) reportUnsuitable(context, read, isOtherRead && source === undefined);
    // If another store was read, problems of such a store do not affect these keys.
    const others = isOtherRead
      ? []
      : unsuitable.map(({ name, members }) => ({ name, ...(members && { members }) }));
    return { stores: [...suitable, ...others], deployments, instances };
  };
}

/** A store that certainly has no v2 API is a note if another store has one. Otherwise it is a gap. */
function reportUnsuitable(
  { gap, note }: Context,
  { name, unfit, members }: UnsuitableStore,
  isBesideAnother: boolean,
): void {
  if (isBesideAnother && hasNoV2(members))
    note(`${name} has no v2 API, so it cannot have doppler keys: skipped`);
  else gap(name, unfit);
}

/** Whether at least one endpoint of the store has no v2 API. */
interface UnsuitableStore {
  readonly name: string;
  readonly unfit: SourceError;
  readonly members?: ports.StoreMembers;
}

type Trees = readonly ports.KeyTree[];

interface ReadPair {
  readonly earlier: Trees | SourceError;
  readonly later?: Trees | SourceError;
}

async function readStore(
  store: ports.KeyValueStore,
  context: Context,
  betweenReadsMs: number,
): Promise<StoreReads | UnsuitableStore> {
  const { name } = store;
  const { signal, leftMs, attempt, saw } = context;
  const what = `${name}: ${ROOTS.map(({ prefix }) => prefix).join(', ')}`;
  const readMembers = () => attempt(`${name}: members`, undefined, () => membersOf(context, store));
  const readKeys = () => readTwice(context, store, betweenReadsMs);

  let [reads, members] = await Promise.all([readKeys(), readMembers()]);
  const isToRetry = (one: unknown) =>
    isUnreachable(one) && !signal.aborted && leftMs() > MIN_READ_MS + RESERVE_MS;
  // An election may have been in progress, or the quorum was lost since the members were queried.
  if (members?.hasQuorum && isToRetry(reads.earlier)) reads = await readKeys();
  else if (isToRetry(reads.later)) {
    const again = await readMembers();
    // With less time, members that responded before may not respond again.
    if (again && (!members || again.endpoints.some(({ error }) => error === undefined))) members = again;
  }

  const { earlier, later } = reads;
  if (earlier instanceof SourceError && earlier.kind === 'missing')
    return { name, unfit: earlier, ...(members && { members }) };
  if (members) reportNotQueried(context, name, members, !(earlier instanceof SourceError));
  const known = { name, ...(members && { members }) };
  if (earlier instanceof SourceError) {
    reportUnread(context, what, earlier, members);
    return known;
  }
  saw(
    name,
    earlier.reduce((sum, { leaves }) => sum + leaves.length, 0),
  );
  if (later instanceof SourceError) reportUnread(context, `${what} (second read)`, later, members);
  return { ...known, earlier, ...(later && !(later instanceof SourceError) && { later }) };
}

function isUnreachable(one: unknown): boolean {
  return one instanceof SourceError && one.kind === 'unreachable';
}

async function readTwice(
  context: Context,
  store: ports.KeyValueStore,
  betweenReadsMs: number,
): Promise<ReadPair> {
  const earlier = await readTrees(context, store, { withinMs: SHARE_FOR_KEYS * context.leftMs() });
  if (earlier instanceof SourceError) return { earlier };
  const withinMs = context.leftMs() - RESERVE_MS;
  if (withinMs < betweenReadsMs + MIN_READ_MS)
    return {
      earlier,
      later: new SourceError(store.name, 'unreachable', 'the first read left no time for a second one'),
    };
  return { earlier, later: await readTrees(context, store, { withinMs, afterMs: betweenReadsMs }) };
}

/** One tree for each root, or the error. Throws only bugs, and the reason of the signal if the worker must stop. */
async function readTrees(
  { signal }: Context,
  { name, tree }: ports.KeyValueStore,
  { withinMs, afterMs = 0 }: { readonly withinMs: number; readonly afterMs?: number },
): Promise<Trees | SourceError> {
  const either = AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, Math.round(withinMs)))]);
  try {
    if (afterMs > 0) await setTimeout(afterMs, undefined, { signal: either });
    return await Promise.all(ROOTS.map(({ prefix }) => tree(prefix, { signal: either })));
  } catch (error) {
    if (error instanceof SourceError) return error;
    const isAbort = error === either.reason || (error instanceof Error && error.name === 'AbortError');
    if (!either.aborted || !isAbort) throw error;
    if (signal.aborted && !(signal.reason instanceof SourceError)) throw error;
    return signal.aborted
      ? (signal.reason as SourceError)
      : new SourceError(
          name,
          'unreachable',
          `no response within ${((withinMs - afterMs) / 1_000).toFixed(1)} s`,
        );
  }
}

/** Members that report different leaders are queried again: an election may have been in progress. */
async function membersOf(
  { signal, leftMs }: Context,
  store: ports.KeyValueStore,
): Promise<ports.StoreMembers> {
  const read = () =>
    store.members({ signal, withinMs: Math.min(MAX_FOR_MEMBERS_MS, SHARE_FOR_MEMBERS * leftMs()) });
  const first = await read();
  if (leadersOf(first).length < 2 || leftMs() < 2 * ELECTION_MS + RESERVE_MS) return first;
  await setTimeout(ELECTION_MS, undefined, { signal });
  return read();
}

/** The check itself ran out of time. */
const DEADLINE = 'deadline';

/** Keys are read with a quorum. That there is no quorum, or that nothing responds, is a finding, so it need not be a gap too. */
function reportUnread(
  { gap }: Context,
  what: string,
  error: SourceError,
  members: ports.StoreMembers | undefined,
): void {
  const { source, kind } = error;
  if (kind !== 'unreachable' || source === DEADLINE || !members) return gap(what, error);
  const { hasQuorum, endpoints } = members;
  const isDown = endpoints.length > 0 && endpoints.every(({ failureMode }) => isKnownDown(failureMode));
  const isAnswering = endpoints.some((endpoint) => endpoint.error === undefined);
  if (isDown || (hasQuorum === false && isAnswering)) return undefined;
  const late = new SourceError(
    source,
    kind,
    `the keys couldn't be read, although the cluster has a quorum: ${error.message}`,
  );
  return gap(what, hasQuorum ? late : error);
}

/**
 * An endpoint about which nothing is known may belong to another cluster, so it is a gap. Of a member that the others list, only the clock
 * is unknown.
 */
function reportNotQueried(
  { gap, note }: Context,
  name: string,
  store: ports.StoreMembers,
  wasRead: boolean,
): void {
  const { members, endpoints, hasQuorum } = store;
  // If no endpoint responds, that is reported with the keys, unless these were read.
  if (!wasRead && endpoints.every(({ error }) => error !== undefined)) return;
  for (const endpoint of endpoints) {
    const { address, error, failureMode, memberId, clusterId } = endpoint;
    const isUnknown =
      failureMode === 'rejected' || (memberId === undefined && !isStaleEndpoint(store, endpoint));
    if (error && isUnknown) gap(`${name}/${address}`, error);
    else if (!error && clusterId === undefined && endpoints.length > 1 && hasQuorum === true)
      gap(
        `${name}/${address}`,
        new SourceError(name, 'missing', 'it does not report which cluster it belongs to'),
      );
  }
  reportUnreported({ gap, note }, { ...store, name });
  const elsewhere = members.filter(
    (member) => member.error && !member.isConfigured && !isNotResponding(member) && !isNeverStarted(member),
  );
  if (hasQuorum === true && elsewhere.length > 0)
    note(
      `${memberNames(elsewhere)} of ${name} can't be queried from here: ${elsewhere.length === 1 ? 'its clock was' : 'their clocks were'} not compared`,
    );
}

/** Members can be causes, so an unknown fact about one is a gap, unless another member reports it for all. */
function reportUnreported({ gap, note }: Pick<Context, 'gap' | 'note'>, store: Store): void {
  const { name, members } = store;
  const responding = members.filter(({ error }) => error === undefined);
  const isDenied = (query: ports.StoreQuery) => (one: ports.StoreMember) =>
    one.unanswered?.some((unanswered) => unanswered.query === query && unanswered.isDenied) === true;
  const isUnanswered = (query: ports.StoreQuery) =>
    responding.length > 0 &&
    responding.every(({ unanswered = [] }) => unanswered.some((one) => one.query === query));
  for (const { what, error } of [
    ...unreportedByMembers(store, ['healthy', 'hasLeader', 'clock'], (query) => query.isDenied),
    ...unreportedByEndpoints(store, ['leaderId', 'lists'], ({ query }) => query === 'member list'),
  ])
    gap(what, error);
  const unknown = responding.filter(isDenied('health'));
  if (unknown.length > 0)
    note(
      `/health of ${memberNames(unknown)} (${name}) is not available to this user; other responses were used instead`,
    );
  if (isUnanswered('alarm list'))
    note(
      `It is unknown whether ${name} has raised an alarm; v2 keys can be written regardless. See \`/etcd health\``,
    );
  if (isUnanswered('member list'))
    note(`The members of ${name} are unknown: only the configured endpoints were checked`);
}

/**
 * Whether all members were queried at the endpoints that have no v2 API, and each has a version in which that API can be off:
 * https://github.com/etcd-io/etcd/blob/main/CHANGELOG/CHANGELOG-3.4.md
 */
function hasNoV2(store: ports.StoreMembers | undefined): boolean {
  if (!store || store.members.length === 0 || !isOneCluster(store)) return false;
  return (
    store.endpoints.every(({ error }) => error === undefined) &&
    store.members.every(({ error, isConfigured, version = '' }) => {
      const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
      const isSince34 = Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 4);
      return error === undefined && isConfigured && isSince34;
    })
  );
}

async function instancesOf(
  { read, signal, attempt, gap, saw }: Context,
  wanted: string | undefined,
): Promise<Pick<Facts, 'deployments' | 'instances'>> {
  if (!read.processes) {
    const because = 'no source lists processes, so no deployments are known';
    if (wanted !== undefined) gap(`--deployment ${wanted}`, new SourceError(wanted, 'missing', because));
    return { deployments: [], instances: 'no-source' };
  }
  const answers = await Promise.all(
    read.processes.map((supervisor) =>
      attempt(supervisor.name, undefined, () => supervisor.deployments({ signal })),
    ),
  );
  const all = answers.flatMap((answer) => answer ?? []);
  const nameOf = ({ name }: ports.Deployment) => name;
  const deployments =
    wanted === undefined ? all : selectByName(all, { flag: '--deployment', requested: wanted, nameOf }, gap);
  for (const { source, instances, gaps = [] } of deployments) {
    saw(source, instances.length);
    for (const { what, error } of gaps) gap(`${source}: ${what}`, error);
    reportUnknownProcesses({ gap }, source, instances);
  }
  const isComplete = answers.every(Boolean) && all.every(({ gaps = [] }) => gaps.length === 0);
  return { deployments, instances: isComplete && deployments === all ? 'all' : 'partly' };
}

/** Instances whose agents or monit do not respond: metron_agent may be down there. */
function reportUnknownProcesses(
  { gap }: Pick<Context, 'gap'>,
  source: string,
  instances: readonly ports.Instance[],
): void {
  const unknown = instances.filter((instance) => {
    const fault = instanceFaultOf(instance);
    return isCounted(instance) && (fault === 'silent' || fault === 'unseen');
  });
  if (unknown.length === 0) return;
  const placeNames = unknown.map(({ name }) => name);
  const names = wording.list(placeNames);
  const because = 'the agent or monit does not respond. See /bosh processes';
  const error = new SourceError(source, 'unreachable', because, { places: unknown.length, placeNames });
  gap(`${source}: processes of ${names}`, error);
}
