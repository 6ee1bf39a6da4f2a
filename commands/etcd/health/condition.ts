import type { ports } from '../../kit.ts';
import { bytes, named, nameOf } from './words.ts';

/** How members stand, in terms that the check and the fix share. */

export function isSilent({ error }: ports.StoreMember): boolean {
  return error?.kind === 'unreachable';
}

export function isNeverStarted({ name, error }: ports.StoreMember): boolean {
  return name === '' && error !== undefined;
}

/**
 * An alarm makes every member call itself unhealthy, those that did not raise it as well: that is told by the alarm.
 * Before 3.5 `/health` gives no reason at all.
 */
export function isWell(
  { error, hasLeader, healthy, unhealthyBecause = 'alarm' }: ports.StoreMember,
  { alarms }: ports.StoreMembers,
): boolean {
  if (error || hasLeader === false) return false;
  return healthy !== false || (alarms.length > 0 && /alarm/i.test(unhealthyBecause));
}

export interface Votes {
  readonly voters: number;
  /** Of them, those that answer in whatever way. */
  readonly up: number;
  readonly majority: number;
}

/** A learner has no vote; one that was added and never started has. */
export function votesIn({ members }: ports.StoreMembers): Votes {
  const voters = members.filter(({ isLearner }) => !isLearner);
  const up = voters.filter((member) => !isSilent(member)).length;
  return { voters: voters.length, up, majority: Math.floor(voters.length / 2) + 1 };
}

export function hasAlarm({ alarms }: ports.StoreMembers, kind: ports.StoreAlarm['kind']): boolean {
  return alarms.some((alarm) => alarm.kind === kind);
}

/** Of the member that is the fullest: they keep the same, but each has pages of its own to give back. */
export interface Space {
  readonly sizeBytes: number;
  /** What defragmenting gives back; absent where it is not told how much is in use. */
  readonly freeBytes?: number;
  readonly quotaBytes?: number;
}

export function spaceOf(told: ports.StoreMembers): Space | undefined {
  const sizes = told.members.flatMap(({ dbSizeBytes, dbInUseBytes, quotaBytes = told.quotaBytes }) =>
    dbSizeBytes === undefined ? [] : [{ sizeBytes: dbSizeBytes, dbInUseBytes, quotaBytes }],
  );
  const [fullest] = sizes.toSorted((a, b) => b.sizeBytes - a.sizeBytes);
  if (!fullest) return undefined;
  const { sizeBytes, dbInUseBytes, quotaBytes } = fullest;
  return {
    sizeBytes,
    ...(dbInUseBytes !== undefined && { freeBytes: Math.max(0, sizeBytes - dbInUseBytes) }),
    ...(quotaBytes !== undefined && { quotaBytes }),
  };
}

/** Less is not worth making every member stop for a while. A small file is half empty from the start. */
const WORTH = { shareOfFile: 0.1, shareOfQuota: 0.01 };

export function isWorthFreeing({ sizeBytes, freeBytes = 0, quotaBytes = 0 }: Space): boolean {
  return (
    freeBytes > 0 &&
    freeBytes >= WORTH.shareOfFile * sizeBytes &&
    freeBytes >= WORTH.shareOfQuota * quotaBytes
  );
}

/**
 * Why its space must not be freed now; undefined where it may. A defragmented member answers nobody, so all others must be well
 * (reference: cf-and-certificates.md section 1.2, "Guards").
 */
export function obstacleTo(told: ports.StoreMembers): string | undefined {
  const { members, revision, hasQuorum } = told;
  if (!hasQuorum) return 'it has no quorum';
  if (hasAlarm(told, 'CORRUPT'))
    return 'members found that their databases differ (CORRUPT): nothing may be thrown away before that is understood';
  const unstarted = members.filter(isNeverStarted);
  if (unstarted.length > 0)
    return `${named(unstarted)} ${unstarted.length === 1 ? 'was' : 'were'} added and never started`;
  const ill = members.filter((member) => !isWell(member, told));
  if (ill.length > 0) return `${named(ill)} ${ill.length === 1 ? 'is' : 'are'} not well`;
  const learning = members.filter(({ isLearner }) => isLearner);
  if (learning.length > 0)
    return `${named(learning)} ${learning.length === 1 ? 'is still a learner' : 'are still learners'}`;
  return revision === undefined ? 'it does not tell its revision, so nothing can be compacted' : undefined;
}

/**
 * Members whose database is not below its quota, each with its size; those that do not tell count as full. What etcd compares with the
 * quota is the whole file, in use or not, so this holds only after defragmenting.
 */
export function stillFull(told: ports.StoreMembers): readonly string[] {
  return told.members.flatMap((member) => {
    const { dbSizeBytes, quotaBytes = told.quotaBytes } = member;
    if (dbSizeBytes === undefined || quotaBytes === undefined)
      return [`${nameOf(member)} does not tell its size and quota`];
    if (dbSizeBytes < quotaBytes) return [];
    return [`${nameOf(member)} holds ${bytes(dbSizeBytes)} of ${bytes(quotaBytes)}`];
  });
}
