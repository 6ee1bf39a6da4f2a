import type { ports } from '../../kit.ts';
import { clustersOf, leadersOf } from '../../shared/store-identity.ts';
import { isNeverStarted, isNonVoting, isHealthy } from '../../shared/store-responses.ts';
import { memberName, memberNames } from '../../shared/describe-store.ts';
import { otherAlarms } from './alarms.ts';
import { bytes } from './units.ts';

/** The state of a store, in terms that the check and its fixes share. */

export function hasAlarm({ alarms }: ports.StoreMembers, kind: string): boolean {
  return alarms.some((alarm) => alarm.kind === kind);
}

/** Of the member that is nearest to its own quota: they keep the same, but each has a file and pages of its own. */
export interface Space {
  readonly sizeBytes: number;
  /** What defragmenting gives back; absent where it is not reported how much is in use. */
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

/** Less is not worth making every member stop for a while. A small file is half empty from the start. */
const WORTH_FREEING = { shareOfFile: 0.1, shareOfQuota: 0.01 };

export function isWorthFreeing({ sizeBytes, freeBytes = 0, quotaBytes = 0 }: Space): boolean {
  return (
    freeBytes > 0 &&
    freeBytes >= WORTH_FREEING.shareOfFile * sizeBytes &&
    freeBytes >= WORTH_FREEING.shareOfQuota * quotaBytes
  );
}

/** Why no member may be worked on now; undefined where it may. */
export function obstacleTo(store: ports.StoreMembers): string | undefined {
  const { members, hasQuorum } = store;
  if (hasQuorum === undefined) return 'whether it has a quorum is not known';
  if (!hasQuorum) return 'it has no quorum';
  if (clustersOf(store).length > 1) return 'its endpoints are separate clusters';
  if (leadersOf(store).length > 1) return 'its endpoints follow different leaders';
  const alarms = otherAlarms(store);
  if (alarms !== '') return `${alarms} is raised: understand it before discarding any data`;
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
 * Members whose database is not below its quota, each with its size; those that do not report it count as full. What etcd compares with
 * the quota is the whole file, in use or not, so this holds only after defragmenting.
 */
export function stillFull({ members, quotaBytes: least }: ports.StoreMembers): readonly string[] {
  return members.flatMap((member) => {
    const { dbSizeBytes, quotaBytes = least } = member;
    if (dbSizeBytes === undefined || quotaBytes === undefined)
      return [`${memberName(member)} does not report its size and quota`];
    if (dbSizeBytes < quotaBytes) return [];
    return [`${memberName(member)} holds ${bytes(dbSizeBytes)} of ${bytes(quotaBytes)}`];
  });
}

/** The alarm stays after space was freed, and only needs to be disarmed. */
export function isOnlyToDisarm(store: ports.StoreMembers): boolean {
  const space = spaceOf(store);
  if (!hasAlarm(store, 'NOSPACE') || !space?.quotaBytes || stillFull(store).length > 0) return false;
  return space.sizeBytes <= MAX_FILL_TO_DISARM * space.quotaBytes && !isWorthFreeing(space);
}

/** Above this the alarm would be raised again soon. */
const MAX_FILL_TO_DISARM = 0.9;
