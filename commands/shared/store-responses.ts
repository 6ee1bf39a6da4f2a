import { type Evidence, type ports, wording } from '../kit.ts';
import { field } from './evidence.ts';
import { describeExpired, hasExpired } from './store-certificates.ts';
import { isListed, membersTable, memberNames, type Store, type StoreProblem } from './describe-store.ts';

export function isKnownDown(mode: ports.FailureMode | undefined): boolean {
  return mode === 'not-listening' || mode === 'hung';
}

/** It gave no answer, though it should have: it is down, or cannot be reached where it is configured. */
export function isNotResponding({ error, failureMode, isConfigured }: ports.StoreMember): boolean {
  return error !== undefined && (isKnownDown(failureMode) || (failureMode === 'unreachable' && isConfigured));
}

export function isNeverStarted({ name, error }: ports.StoreMember): boolean {
  return name === '' && error !== undefined;
}

/** It has no vote, by the member list or by its own status: https://github.com/etcd-io/etcd/issues/18347 */
export function isNonVoting({ isLearner, isLearnerByStatus }: ports.StoreMember): boolean {
  return isLearner === true || isLearnerByStatus === true;
}

/**
 * An alarm makes every member call itself unhealthy, those that did not raise it as well: that is reported as the alarm.
 * Before 3.5 `/health` gives no reason at all.
 */
export function isHealthy(
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

/** A learner has no vote; a voting member that was added and never started has one. */
export function countVotes({ members }: ports.StoreMembers): Votes {
  const voters = members.filter((member) => !isNonVoting(member));
  const up = voters.filter(
    ({ error, failureMode }) => error === undefined || failureMode === 'rejected',
  ).length;
  return { voters: voters.length, up, majority: Math.floor(voters.length / 2) + 1 };
}

/** Nothing is written and no key expires without a majority: what else is wrong with the members follows from it, or is its cause. */
export function quorumProblem(store: Store, now: Date): StoreProblem | undefined {
  if (store.hasQuorum === true) return undefined;
  if (store.members.length === 0) return quorumWithoutMembers(store, now);
  const { name } = store;
  const { voters, up, majority } = countVotes(store);
  const counted = `${up} of ${wording.count(voters, isListed(store) ? 'member' : 'endpoint')} ${up === 1 ? 'responds' : 'respond'}`;
  if (up < majority) {
    // Unless a member reported that there is no majority, those that cannot be reached from here may be up.
    const down = store.members.filter(
      (member) => !isNonVoting(member) && isKnownDown(member.failureMode),
    ).length;
    if (store.hasQuorum === undefined && voters - down >= majority) return undefined;
    const headline = `${name} has lost its quorum: ${counted}`;
    const gone = store.members.filter((member) => member.error && !isNonVoting(member));
    const needed = majority - up;
    const which = needed === gone.length ? memberNames(gone) : `${needed} of ${memberNames(gone)}`;
    return quorumLost(store, 'quorum-lost', headline, `bring back ${which} first`);
  }
  if (store.hasQuorum === undefined) return undefined;
  const leader = store.members.find(({ isLeader, hasLeader }) => isLeader && hasLeader !== false);
  if (leader)
    return quorumLost(
      store,
      'quorum-lost',
      `${name} cannot complete a quorum read, though ${counted} and ${memberNames([leader])} leads`,
      AFTER_ELECTION,
    );
  // Where nobody reports that, only the read is known to fail.
  if (!store.members.some(({ hasLeader }) => hasLeader === false))
    return quorumLost(
      store,
      'quorum-lost',
      `${name} cannot complete a quorum read, though ${counted}`,
      AFTER_ELECTION,
    );
  const problem = describeExpired(store.members, 'peerCertificate', now);
  if (problem !== undefined)
    return quorumLost(
      store,
      'no-leader',
      `${name} has no leader: ${problem}`,
      'renew the peer certificates and restart the members',
    );
  return quorumLost(
    store,
    'no-leader',
    `${name} has no leader, though ${counted}`,
    'check the peer certificates (expired ones break the connections between members), the network between the members, their disks and their clocks',
  );
}

const AFTER_ELECTION =
  'an election may be in progress: check again. If it persists, check the disks and the network between the members';

/** Some of the endpoints may answer, and not be allowed to list the members. */
function quorumWithoutMembers(store: Store, now: Date): StoreProblem | undefined {
  const { name, endpoints, hasQuorum } = store;
  const up = endpoints.filter(({ error }) => error === undefined).length;
  if (up === 0) return nobodyResponds(store, now);
  if (hasQuorum !== false) return undefined;
  const counted = `${up} of ${wording.count(endpoints.length, 'endpoint')} ${up === 1 ? 'responds' : 'respond'}`;
  return quorumLost(
    store,
    'quorum-lost',
    `${name} cannot complete a quorum read, though ${counted}`,
    'an election may be in progress: check again. If it persists, check the members',
  );
}

const ABSENT: Readonly<Record<ports.FailureMode, readonly [one: string, many: string]>> = {
  'not-listening': ['refuses connections', 'refuse connections'],
  hung: ['accepts connections but does not respond', 'accept connections but do not respond'],
  unreachable: ['cannot be reached from here', 'cannot be reached from here'],
  rejected: ['rejects Wrench', 'reject Wrench'],
};

/** Who the members are is not known then. Those that cannot be reached from here may be up, so alone they are no finding. */
function nobodyResponds(store: Store, now: Date): StoreProblem | undefined {
  const { name, endpoints } = store;
  const down = endpoints.filter(({ failureMode }) => isKnownDown(failureMode));
  if (down.length === 0 || endpoints.every(({ certificate }) => hasExpired(certificate, now)))
    return undefined;
  const groups = [...Map.groupBy(endpoints, ({ failureMode = 'rejected' }) => failureMode)];
  const states = groups.map(
    ([failureMode, those]) => `${those.length} ${ABSENT[failureMode][those.length === 1 ? 0 : 1]}`,
  );
  const isMost = 2 * down.length > endpoints.length;
  const isOne = endpoints.length === 1;
  const says = isOne
    ? `its only endpoint ${ABSENT[endpoints[0]?.failureMode ?? 'rejected'][0]}`
    : `none of its ${endpoints.length} endpoints responds (${wording.list(states)})`;
  const headline = isMost && !isOne ? `${name} has no quorum: ${says}` : `${name} is not responding: ${says}`;
  const next = isOne
    ? 'Nothing can be read or written there; whether it has other members is unknown'
    : isMost
      ? 'Nothing can be read or written; start its members'
      : 'The others may be up';
  return {
    headline,
    finding: {
      reason: isMost ? 'quorum-lost' : 'endpoints-down',
      severity: isMost ? 'critical' : 'warning',
      target: name,
      summary: `${headline}. ${next}`,
      evidence: [membersTable(store)],
    },
  };
}

function quorumLost(store: Store, reason: string, headline: string, next: string): StoreProblem {
  const error: Evidence[] = store.quorumError === undefined ? [] : [field('Error', store.quorumError)];
  return {
    headline,
    finding: {
      reason,
      severity: 'critical',
      target: store.name,
      summary: `${headline}. Nothing can be written, and keys do not expire; ${next}`,
      evidence: [membersTable(store), ...error, ...leaderChanges(store.members)],
    },
  };
}

/** Slow disks and unequal clocks are what it came from in https://github.com/cloudfoundry/loggregator-release/issues/127 */
function leaderChanges(members: readonly ports.StoreMember[]): Evidence[] {
  const changes = members.flatMap(({ leaderChanges: seen }) => seen ?? []);
  return changes.length === 0
    ? []
    : [field('Leader changes', `${Math.max(...changes)} seen by one member since it started`)];
}
