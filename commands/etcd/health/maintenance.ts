import { type ReadContext, SourceError, type ports, wording } from '../../kit.ts';
import { clustersOf, leadersOf } from '../../shared/store-identity.ts';
import {
  isHealthy,
  isNeverStarted,
  isNonVoting,
  memberName,
  memberNames,
} from '../../shared/store-members.ts';

/** What may be done about the space of a store now. The check and its two fixes share these rules. */

export function hasAlarm({ alarms }: ports.StoreMembers, kind: string): boolean {
  return alarms.some((alarm) => alarm.kind === kind);
}

/** The space of the member that is nearest to its quota: members store the same keys, but each has its own file. */
export interface Space {
  readonly sizeBytes: number;
  /** What defragmenting would free. Absent if the size in use is not reported. */
  readonly freeBytes?: number;
  readonly quotaBytes?: number;
}

export function spaceOf({ members, quotaBytes: least }: ports.StoreMembers): Space | undefined {
  const sizes = members.flatMap(({ dbSizeBytes, dbInUseBytes, quotaBytes = least }): Space[] =>
    dbSizeBytes === undefined
      ? []
      : [
          {
            sizeBytes: dbSizeBytes,
            ...(dbInUseBytes !== undefined && { freeBytes: Math.max(0, dbSizeBytes - dbInUseBytes) }),
            ...(quotaBytes !== undefined && { quotaBytes }),
          },
        ],
  );
  const shareOf = ({ sizeBytes, quotaBytes }: Space) => (quotaBytes ? sizeBytes / quotaBytes : 0);
  return sizes.toSorted((a, b) => shareOf(b) - shareOf(a) || b.sizeBytes - a.sizeBytes)[0];
}

/** Less is not worth interrupting every member. A small file is half empty from the start. */
const WORTH_FREEING = { shareOfFile: 0.1, shareOfQuota: 0.01 };

export function isWorthFreeing({ sizeBytes, freeBytes = 0, quotaBytes = 0 }: Space): boolean {
  return (
    freeBytes > 0 &&
    freeBytes >= WORTH_FREEING.shareOfFile * sizeBytes &&
    freeBytes >= WORTH_FREEING.shareOfQuota * quotaBytes
  );
}

/** Why maintenance is not possible now. undefined if it is. */
export function obstacleTo(store: ports.StoreMembers): string | undefined {
  const { members, hasQuorum } = store;
  if (hasQuorum === undefined) return 'it is unknown whether it has a quorum';
  if (!hasQuorum) return 'it has no quorum';
  if (clustersOf(store).length > 1) return 'its endpoints are separate clusters';
  if (leadersOf(store).length > 1) return 'its members follow different leaders';
  const alarms = wording.list(
    [...new Set(store.alarms.map(({ kind }) => kind))].filter((kind) => kind !== 'NOSPACE').toSorted(),
  );
  if (alarms !== '') return `${alarms} is raised; find its cause before discarding any data`;
  const unstarted = members.filter(isNeverStarted);
  if (unstarted.length > 0)
    return `${memberNames(unstarted)} ${unstarted.length === 1 ? 'was' : 'were'} added but never started`;
  const unhealthy = members.filter((member) => !isHealthy(member, store));
  if (unhealthy.length > 0)
    return `${memberNames(unhealthy)} ${unhealthy.length === 1 ? 'is' : 'are'} not healthy`;
  const unasked = members.filter(({ unanswered = [] }) =>
    unanswered.some(({ query }) => query === 'alarm list'),
  );
  if (unasked.length > 0)
    return `${memberNames(unasked)} did not list ${unasked.length === 1 ? 'its' : 'their'} alarms`;
  const learning = members.filter(isNonVoting);
  if (learning.length > 0)
    return `${memberNames(learning)} ${learning.length === 1 ? 'is still a learner' : 'are still learners'}`;
  return undefined;
}

/** Why its space must not be freed now. A member does not respond while it is defragmented, so all others must be healthy. */
export function obstacleToFreeing(store: ports.StoreMembers): string | undefined {
  const obstacle = obstacleTo(store);
  if (obstacle !== undefined) return obstacle;
  return store.revision === undefined
    ? 'it does not report its revision, so nothing can be compacted'
    : undefined;
}

/**
 * Members whose database is not below its quota, each with its size. Members that do not report it count as full. etcd compares the whole
 * file with the quota, so this is reliable only after defragmenting.
 */
function stillFull({ members, quotaBytes: least }: ports.StoreMembers): readonly string[] {
  return members.flatMap((member) => {
    const { dbSizeBytes, quotaBytes = least } = member;
    if (dbSizeBytes === undefined || quotaBytes === undefined)
      return [`${memberName(member)} does not report its size and quota`];
    if (dbSizeBytes < quotaBytes) return [];
    return [`${memberName(member)} uses ${wording.bytes(dbSizeBytes)} of ${wording.bytes(quotaBytes)}`];
  });
}

/** Whether space was freed but the alarm is still raised, so it only needs to be disarmed. */
export function isOnlyToDisarm(store: ports.StoreMembers): boolean {
  const space = spaceOf(store);
  if (!hasAlarm(store, 'NOSPACE') || !space?.quotaBytes || stillFull(store).length > 0) return false;
  return space.sizeBytes <= MAX_FILL_TO_DISARM * space.quotaBytes && !isWorthFreeing(space);
}

/** Above this, the alarm would soon be raised again. */
const MAX_FILL_TO_DISARM = 0.9;

export const SETTLES_WITHIN_S = 60;
/** The time to query all members once. */
const READ_WITHIN_MS = 20_000;

export function findStore(
  { read }: Pick<ReadContext<'keyValue'>, 'read'>,
  name: string,
): ports.KeyValueStore {
  const store = read.keyValue.find((one) => one.name === name);
  if (!store) throw new SourceError(name, 'refused', `the source ${name} is no longer configured`);
  return store;
}

export function memberReader(
  { read, signal }: Pick<ReadContext<'keyValue'>, 'read' | 'signal'>,
  name: string,
): () => Promise<ports.StoreMembers> {
  const store = findStore({ read }, name);
  return () => store.members({ signal, withinMs: READ_WITHIN_MS });
}

/**
 * @throws {SourceError} `refused` if a database is not below its quota, or another problem was found since: then none is disarmed.
 */
export function alarmsToDisarm(name: string, state: ports.StoreMembers): readonly ports.StoreAlarm[] {
  const alarms = state.alarms.filter(({ kind }) => kind === 'NOSPACE');
  if (alarms.length === 0) return [];
  const obstacle = obstacleTo(state);
  if (obstacle !== undefined)
    throw new SourceError(name, 'refused', `cannot disarm the NOSPACE alarm: ${obstacle}`);
  const full = stillFull(state);
  if (full.length > 0)
    throw new SourceError(
      name,
      'refused',
      `still full: ${full.join(', ')}. The NOSPACE alarm was not disarmed. Delete keys or raise the quota`,
    );
  return alarms;
}

export function raiserOf({ memberId }: ports.StoreAlarm, { members }: ports.StoreMembers): string {
  const member = members.find(({ id }) => id === memberId);
  return member ? memberName(member) : (memberId ?? 'no member');
}

/** Sorted by name, because members respond in any order. */
export function membersInOrder({ members }: ports.StoreMembers): readonly ports.StoreMember[] {
  return members.toSorted((a, b) => memberName(a).localeCompare(memberName(b), 'en', { numeric: true }));
}

/** What identifies the members in a precondition: `n1 (8e9e05c52164694d), n2 (91bc3c398fb3c146)`. */
export function identifyMembers(state: ports.StoreMembers): string {
  return membersInOrder(state)
    .map((member) => `${memberName(member)} (${member.id})`)
    .join(', ');
}
