import { type ports, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import {
  countVotes,
  isHealthy,
  isKnownDown,
  isListed,
  isNeverStarted,
  isNonVoting,
  isNotResponding,
  memberName,
  memberNames,
  membersTable,
  memberState,
  storeTarget,
} from '../../shared/store-members.ts';
import type { StoreState } from './collect.ts';
import type { Problem } from './verdict.ts';

export interface MemberLimits {
  /** In entries of the raft log. */
  readonly lag: number;
}

/**
 * Each kind of fault is one finding, whether it affects one member or all. Members in `explained` do not respond for a reason that is
 * reported elsewhere.
 */
export function memberProblems(
  store: StoreState,
  { lag }: MemberLimits,
  explained: readonly string[],
): Problem[] {
  const { members } = store;
  const silent = members.filter(
    (member) => isNotResponding(member) && !isNeverStarted(member) && !explained.includes(member.id),
  );
  const unstarted = members.filter(isNeverStarted);
  return [
    notResponding(store, silent),
    neverStarted(store, unstarted),
    unhealthy(
      store,
      members.filter((member) => !member.error && !isHealthy(member, store)),
    ),
    lagging(store, lag),
    learners(
      store,
      members.filter((member) => isNonVoting(member) && !member.error),
    ),
  ].flatMap((problem) => problem ?? []);
}

function notResponding(store: StoreState, silent: readonly ports.StoreMember[]): Problem | undefined {
  const [first] = silent;
  if (!first) return undefined;
  const isOne = silent.length === 1;
  const all = wording.count(store.members.length, 'member');
  const areDown = silent.every(({ failureMode }) => isKnownDown(failureMode));
  const is = isOne ? 'is' : 'are';
  const state = isOne ? ` (${memberState(first, store.alarms)})` : '';
  return {
    headline: areDown
      ? `${silent.length} of ${all} of ${store.name} ${is} not responding`
      : `${silent.length} of ${all} of ${store.name} ${is} unreachable from here`,
    finding: {
      reason: 'member-unreachable',
      severity: 'warning',
      target: storeTarget(store, silent),
      summary: `${memberNames(silent)} ${is} ${areDown ? 'not responding' : 'unreachable from here'}${state}: ${describeConsequence(store, silent)}`,
      evidence: [membersTable(store, { showSizes: true })],
    },
  };
}

/** If a quorum read succeeded, only a minority can be down. */
function describeConsequence(store: StoreState, silent: readonly ports.StoreMember[]): string {
  const { voters, majority } = countVotes(store);
  const left = voters - silent.filter((member) => !isNonVoting(member)).length;
  if (left < majority)
    return 'but the cluster has a quorum, so they are running and only their client ports do not respond. Check the ports, the proxies and the network';
  if (silent.every(isNonVoting))
    return `${silent.length === 1 ? 'it has' : 'they have'} no vote, so writes continue`;
  return left > majority
    ? `the cluster can lose ${left - majority} more and still accept writes`
    : 'writes continue, but losing one more member would stop them';
}

function neverStarted(store: StoreState, added: readonly ports.StoreMember[]): Problem | undefined {
  if (added.length === 0) return undefined;
  const { voters, majority } = countVotes(store);
  const isOne = added.length === 1;
  const counting = added.filter((member) => !isNonVoting(member));
  const votes =
    counting.length === 0
      ? `${isOne ? 'As a learner it has' : 'As learners they have'} no vote`
      : `${counting.length === added.length ? (isOne ? 'It counts' : 'They count') : memberNames(counting) + (counting.length === 1 ? ' counts' : ' count')} toward the quorum: ${majority} of ${voters} must agree`;
  return {
    headline: `${wording.count(added.length, 'member')} of ${store.name} ${isOne ? 'was' : 'were'} added but never started`,
    finding: {
      reason: 'member-never-started',
      severity: 'warning',
      target: storeTarget(store, added),
      summary: `${memberNames(added)} ${isOne ? 'was' : 'were'} added to ${store.name} but never started. ${votes}. Start or remove ${isOne ? 'it' : 'them'}`,
      evidence: [membersTable(store, { showSizes: true })],
    },
  };
}

function unhealthy(store: StoreState, faulty: readonly ports.StoreMember[]): Problem | undefined {
  const [first] = faulty;
  if (!first) return undefined;
  const isOne = faulty.length === 1;
  const is = isOne ? 'is' : 'are';
  const state = isOne ? ` (${memberState(first, store.alarms)})` : '';
  const isAll = faulty.length === store.members.length;
  const noun = isListed(store) ? 'member' : 'endpoint';
  const isCutOff = faulty.every(({ hasLeader }) => hasLeader === false);
  const healthy = store.members.filter((member) => !isNonVoting(member) && isHealthy(member, store)).length;
  const doOthersAgree = store.hasQuorum === true && healthy >= countVotes(store).majority;
  const agreed = doOthersAgree
    ? ', although the others have a quorum'
    : ', although the cluster has a quorum';
  const others = store.hasQuorum === true ? agreed : '';
  const next =
    isCutOff && doOthersAgree
      ? `: ${isOne ? 'it is' : 'they are'} cut off from them. Check the network on the peer ports`
      : `. Check ${isOne ? 'its log and disk' : 'their logs and disks'}`;
  return {
    headline:
      isAll && isOne
        ? `the only ${noun} of ${store.name} is not healthy`
        : `${faulty.length} of ${wording.count(store.members.length, noun)} of ${store.name} ${is} not healthy`,
    finding: {
      reason: 'member-unhealthy',
      severity: 'warning',
      target: storeTarget(store, faulty),
      summary: `${memberNames(faulty)} ${is} not healthy${state}${others}${next}`,
      evidence: [membersTable(store, { showSizes: true })],
    },
  };
}

/** How far a member is behind the furthest one, and behind its own log in applying. etcd rejects requests if the latter is above 5000. */
function lagging(store: StoreState, limit: number): Problem | undefined {
  const furthest = Math.max(0, ...store.members.flatMap(({ raftIndex }) => raftIndex ?? []));
  const behind = store.members.flatMap((member) => {
    const { raftIndex, raftAppliedIndex = raftIndex } = member;
    if (raftIndex === undefined || raftAppliedIndex === undefined) return [];
    const entries = furthest - Math.min(raftIndex, raftAppliedIndex);
    const isApplying = raftIndex === furthest;
    return entries > limit ? [{ member, entries, isApplying }] : [];
  });
  if (behind.length === 0) return undefined;
  const late = behind.map(({ member }) => member);
  const isOne = behind.length === 1;
  const is = isOne ? 'is' : 'are';
  const most = Math.max(...behind.map(({ entries }) => entries));
  const isApplying = behind.every((one) => one.isApplying);
  const headline = isApplying
    ? `${memberNames(late)} ${is} behind in applying writes`
    : `${memberNames(late)} ${is} behind the others`;
  return {
    headline,
    finding: {
      reason: 'member-lagging',
      severity: 'warning',
      target: storeTarget(store, late),
      summary: `${headline} (by ${isOne ? '' : 'up to '}${wording.count(most, 'entry', 'entries')}): serializable reads there are stale, and etcd rejects requests on a member that is too far behind. Look for a slow disk or network, or a recent restart`,
      evidence: behind.map(({ member, entries }) =>
        isOne
          ? field('Raft index', `${furthest - entries} of ${furthest}`)
          : field(memberName(member), `${entries} behind raft index ${furthest}`),
      ),
    },
  };
}

/** "can only promote a learner member which is in sync with leader": https://etcd.io/docs/v3.4/learning/design-learner/ */
const IN_SYNC = 0.9;
const LEARNER_BUG = 'https://github.com/etcd-io/etcd/issues/18347';

function learners(store: StoreState, learning: readonly ports.StoreMember[]): Problem | undefined {
  if (learning.length === 0) return undefined;
  const isOne = learning.length === 1;
  const who = `${memberNames(learning)} ${isOne ? 'is a learner and has' : 'are learners and have'} no vote`;
  const unlisted = learning.filter(({ isLearner }) => isLearner !== true);
  if (unlisted.length > 0)
    return {
      headline: `${memberNames(unlisted)} ${unlisted.length === 1 ? 'is' : 'are'} a learner by status and a voter by the member list`,
      finding: {
        reason: 'member-learner-unlisted',
        severity: 'warning',
        target: storeTarget(store, unlisted),
        summary: `${memberNames(unlisted)} ${unlisted.length === 1 ? 'reports itself as a learner' : 'report themselves as learners'}, but the member list has ${unlisted.length === 1 ? 'it as a voter: it does' : 'them as voters: they do'} not count toward the quorum, etcd won't promote ${unlisted.length === 1 ? 'it' : 'them'}, and etcd 3.6 does not start in this state`,
        evidence: [field('Known issue', LEARNER_BUG), membersTable(store, { showSizes: true })],
      },
    };
  const leader = Math.max(0, ...store.members.flatMap(({ raftIndex }) => raftIndex ?? []));
  const isInSync = learning.every(({ raftAppliedIndex = 0 }) => raftAppliedIndex >= IN_SYNC * leader);
  const next = isInSync
    ? ' until promoted (etcdctl member promote)'
    : "; etcd won't promote it until it has caught up";
  return {
    finding: {
      reason: 'member-learner',
      severity: 'info',
      target: storeTarget(store, learning),
      summary:
        isOne || isInSync ? `${who}${next}` : `${who}; etcd won't promote them until they have caught up`,
    },
  };
}
