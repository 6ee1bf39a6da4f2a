import { type Evidence, type Finding, type ports, wording } from '../kit.ts';
import { field } from './evidence.ts';

/**
 * The names of a store's members, which of them respond, are healthy and vote, and whether they have a quorum. `/etcd health` and `/etcd
 * doppler` share these rules.
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

/** A member that never started has no name yet, so its id is used, as in etcdctl. */
export function memberName({ name, id }: Named): string {
  return name || id;
}

export function memberNames(members: readonly Named[]): string {
  return wording.list(members.map(memberName).toSorted());
}

/**
 * The target of a finding: the member, or the store if several members are affected, so that it stays the same finding while it spreads.
 */
export function storeTarget({ name }: Pick<Store, 'name'>, members: readonly Named[]): string {
  const [only, ...others] = members;
  return only && others.length === 0 ? `${name}/${memberName(only)}` : name;
}

/** Whether the members were listed. If not, the endpoints are used as members, each named by its address. */
export function isListed({ members }: Pick<ports.StoreMembers, 'members'>): boolean {
  return !members.every(({ name, url }) => url !== undefined && new URL(url).host === name);
}

/**
 * Narrow enough for a phone: columns that are equal for all members are left out. If the members could not be listed, it shows the
 * endpoints.
 */
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
  // A member reports the alarms of all members, and the findings name those. Before 3.5 it reports no reason.
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

/** Whether it did not respond although it should have: it is down, or unreachable at its configured address. */
export function isNotResponding({ error, failureMode, isConfigured }: ports.StoreMember): boolean {
  return error !== undefined && (isKnownDown(failureMode) || (failureMode === 'unreachable' && isConfigured));
}

export function isNeverStarted({ name, error }: ports.StoreMember): boolean {
  return name === '' && error !== undefined;
}

/** Whether it has no vote, by the member list or by its own status: https://github.com/etcd-io/etcd/issues/18347 */
export function isNonVoting({ isLearner, isLearnerByStatus }: ports.StoreMember): boolean {
  return isLearner === true || isLearnerByStatus === true;
}

/**
 * An alarm makes every member report itself as unhealthy, including those that did not raise it. That is reported as the alarm. Before 3.5,
 * `/health` reports no reason.
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
  /** Voters that respond in any way. */
  readonly up: number;
  readonly majority: number;
}

/** A learner has no vote. A voting member that was added but never started has one. */
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

/** `the peer certificates of n1 and n2 have expired`. undefined if none is known to have expired. */
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

/** Without a majority nothing is written and no key expires. Other problems of the members are its consequences or its cause. */
export function quorumProblem(store: Store, now: Date): StoreProblem | undefined {
  if (store.hasQuorum === true) return undefined;
  if (store.members.length === 0) return quorumWithoutMembers(store, now);
  const { name } = store;
  const { voters, up, majority } = countVotes(store);
  const counted = `${up} of ${wording.count(voters, isListed(store) ? 'member' : 'endpoint')} ${up === 1 ? 'responds' : 'respond'}`;
  if (up < majority) {
    // If no member reported that there is no majority, the members that are unreachable from here may be up.
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
      `${name} cannot complete a quorum read, although ${counted} and ${memberNames([leader])} leads`,
      AFTER_ELECTION,
    );
  // If no member reports this, only the failed read is known.
  if (!store.members.some(({ hasLeader }) => hasLeader === false))
    return quorumLost(
      store,
      'quorum-lost',
      `${name} cannot complete a quorum read, although ${counted}`,
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
    `${name} has no leader, although ${counted}`,
    'check the peer certificates (expired ones break the connections between members), the network between the members, their disks and their clocks',
  );
}

const AFTER_ELECTION =
  'an election may be in progress. Run the check again; if it persists, check the disks and the network between the members';

/** Endpoints may respond and still not be allowed to list the members. */
function quorumWithoutMembers(store: Store, now: Date): StoreProblem | undefined {
  const { name, endpoints, hasQuorum } = store;
  const up = endpoints.filter(({ error }) => error === undefined).length;
  if (up === 0) return noEndpointResponds(store, now);
  if (hasQuorum !== false) return undefined;
  const counted = `${up} of ${wording.count(endpoints.length, 'endpoint')} ${up === 1 ? 'responds' : 'respond'}`;
  return quorumLost(
    store,
    'quorum-lost',
    `${name} cannot complete a quorum read, although ${counted}`,
    'an election may be in progress. Run the check again; if it persists, check the members',
  );
}

const ABSENT: Readonly<Record<ports.FailureMode, readonly [one: string, many: string]>> = {
  'not-listening': ['refuses connections', 'refuse connections'],
  hung: ['accepts connections but does not respond', 'accept connections but do not respond'],
  unreachable: ['is unreachable from here', 'are unreachable from here'],
  rejected: ['rejects Wrench', 'reject Wrench'],
};

/** The members are unknown then. Endpoints that are unreachable from here may be up, so they alone are not a finding. */
function noEndpointResponds(store: Store, now: Date): StoreProblem | undefined {
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
    ? 'Nothing can be read or written there. It is unknown whether it has other members'
    : isMost
      ? 'Nothing can be read or written. Start its members'
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
      summary: `${headline}. Nothing can be written, and keys don't expire. ${wording.capitalize(next)}`,
      evidence: [membersTable(store), ...error, ...leaderChanges(store.members)],
    },
  };
}

/** In this outage the causes were slow disks and clocks that differ: https://github.com/cloudfoundry/loggregator-release/issues/127 */
function leaderChanges(members: readonly ports.StoreMember[]): Evidence[] {
  const changes = members.flatMap(({ leaderChanges: seen }) => seen ?? []);
  return changes.length === 0
    ? []
    : [field('Leader changes', `${Math.max(...changes)} seen by one member since it started`)];
}
