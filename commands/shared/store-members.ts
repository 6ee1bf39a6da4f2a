import { type Evidence, type Finding, type ports, wording } from '../kit.ts';
import { field } from './evidence.ts';

/**
 * What the members of a store are called, which of them respond, are healthy and vote, and whether they are a quorum.
 * `/etcd health` and `/etcd doppler` judge them alike.
 */

/** A key-value store, as its members report it. */
export interface Store extends ports.StoreMembers {
  readonly name: string;
}

/** One finding about a store, and its text in a verdict. */
export interface StoreProblem {
  readonly finding: Finding<never>;
  readonly headline: string;
}

type Named = Pick<ports.StoreMember, 'id' | 'name'>;

/** One that never started has no name yet, and is called by its id as etcdctl shows it. */
export function memberName({ name, id }: Named): string {
  return name || id;
}

export function memberNames(members: readonly Named[]): string {
  return wording.list(members.map(memberName).toSorted());
}

/** What several members share is about their store, so that it stays the same finding while it spreads. */
export function storeTarget({ name }: Pick<Store, 'name'>, members: readonly Named[]): string {
  const [only, ...others] = members;
  return only && others.length === 0 ? `${name}/${memberName(only)}` : name;
}

/** Where nobody listed the members, the endpoints stand for them, each by its address. */
export function isListed({ members }: Pick<ports.StoreMembers, 'members'>): boolean {
  return !members.every(({ name, url }) => url !== undefined && new URL(url).host === name);
}

/** Narrow enough for a phone: what all members have in common is left out. Where they could not be listed, the endpoints stand for them. */
export function membersTable(
  { members, endpoints, alarms }: ports.StoreMembers,
  { showSizes = false }: { readonly showSizes?: boolean } = {},
): Evidence {
  if (members.length === 0)
    return {
      kind: 'table',
      columns: ['Endpoint', 'State'],
      rows: endpoints.map(({ address, error }) => [address, error?.message ?? 'responds']),
    };
  const hasSizes = showSizes && members.some(({ dbSizeBytes }) => dbSizeBytes !== undefined);
  const sizeOf = ({ dbSizeBytes }: ports.StoreMember) =>
    dbSizeBytes === undefined ? '' : wording.bytes(dbSizeBytes);
  return {
    kind: 'table',
    columns: ['Member', 'State', 'Role', ...(hasSizes ? ['Database'] : [])],
    rows: members.map((member) => [
      memberName(member),
      memberState(member, alarms),
      memberRole(member),
      ...(hasSizes ? [sizeOf(member)] : []),
    ]),
  };
}

export function memberState(
  { name, error, hasLeader, healthy, unhealthyBecause }: ports.StoreMember,
  alarms: readonly ports.StoreAlarm[],
): string {
  if (error) return name === '' ? 'never started' : error.message;
  // A member reports everybody's alarms, by their ids: the findings name them. Before 3.5 it gives no reason.
  const because = unhealthyBecause ?? (alarms.length > 0 && hasLeader !== false ? 'alarm' : '');
  if (healthy === false && /alarm/i.test(because)) return 'alarm raised';
  if (healthy === false) return unhealthyBecause ?? (hasLeader === false ? 'no leader' : 'unhealthy');
  if (hasLeader === false) return 'no leader';
  return healthy ? 'healthy' : 'responds';
}

function memberRole({ isLeader, hasLeader, isLearner, isLearnerByStatus, error }: ports.StoreMember): string {
  if (isLearner || isLearnerByStatus) return 'learner';
  if (error || hasLeader === false) return '';
  return isLeader ? 'leader' : 'follower';
}

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

export function hasExpired(certificate: ports.Certificate | undefined, now: Date): boolean {
  return certificate !== undefined && certificate.notAfter.getTime() <= now.getTime();
}

/** `the peer certificates of n1 and n2 have expired`; undefined where nothing of the kind is known. */
export function describeExpired(
  members: readonly ports.StoreMember[],
  which: 'certificate' | 'peerCertificate',
  now: Date,
): string | undefined {
  const ended = members.filter((member) => hasExpired(member[which], now));
  if (ended.length === 0) return undefined;
  const isOne = ended.length === 1;
  const kind = which === 'peerCertificate' ? 'peer certificate' : 'certificate';
  return `the ${kind}${isOne ? '' : 's'} of ${memberNames(ended)} ${isOne ? 'has' : 'have'} expired`;
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
