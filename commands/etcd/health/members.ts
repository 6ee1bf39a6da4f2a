import { type ports, wording } from '../../kit.ts';
import type { StoreLook } from './collect.ts';
import { isNeverStarted, isSilent, isWell, votesIn } from './condition.ts';
import { field, membersTable, named, nameOf, stateOf, targetOf, type Trouble } from './words.ts';

export interface MemberLimits {
  /** Entries of the raft log. */
  readonly lag: number;
}

/** Each kind of ill member is one finding, whether one has it or all. `explained` are silent for a reason that is told elsewhere. */
export function memberTroubles(
  store: StoreLook,
  { lag }: MemberLimits,
  explained: readonly ports.StoreMember[],
): Trouble[] {
  const { members } = store;
  const silent = members.filter(
    (member) => isSilent(member) && !isNeverStarted(member) && !explained.includes(member),
  );
  const ill = members.filter((member) => !member.error && !isWell(member, store));
  return [
    unreachable(store, silent),
    neverStarted(store, members.filter(isNeverStarted)),
    unhealthy(store, ill),
    lagging(store, lag),
    learners(
      store,
      members.filter(({ isLearner, error }) => isLearner && !error),
    ),
  ].flatMap((trouble) => trouble ?? []);
}

function unreachable(store: StoreLook, silent: readonly ports.StoreMember[]): Trouble | undefined {
  const [first] = silent;
  if (!first) return undefined;
  const all = wording.count(store.members.length, 'member');
  const { up, majority } = votesIn(store);
  const spare = up - majority;
  const next =
    spare > 0
      ? `${spare} more may be lost before nothing can be written`
      : 'the others carry on, but with one more gone nothing can be written';
  const says = silent.length === 1 ? `does not answer (${stateOf(first)})` : 'do not answer';
  return {
    headline: `${silent.length} of ${all} of ${store.name} ${silent.length === 1 ? 'does' : 'do'} not answer`,
    finding: {
      reason: 'member-unreachable',
      severity: 'warning',
      target: targetOf(store, silent),
      summary: `${named(silent)} ${says}: ${next}`,
      evidence: [membersTable(store)],
    },
  };
}

function neverStarted(store: StoreLook, added: readonly ports.StoreMember[]): Trouble | undefined {
  if (added.length === 0) return undefined;
  const { voters, majority } = votesIn(store);
  const isOne = added.length === 1;
  return {
    headline: `${wording.count(added.length, 'member')} of ${store.name} ${isOne ? 'was' : 'were'} added and never started`,
    finding: {
      reason: 'member-never-started',
      severity: 'warning',
      target: targetOf(store, added),
      summary: `${named(added)} ${isOne ? 'was' : 'were'} added to ${store.name} and never started, and ${isOne ? 'counts' : 'count'} all the same: ${majority} of ${voters} must agree. Start ${isOne ? 'it' : 'them'}, or take ${isOne ? 'it' : 'them'} out`,
      evidence: [membersTable(store)],
    },
  };
}

function unhealthy(store: StoreLook, ill: readonly ports.StoreMember[]): Trouble | undefined {
  const [first] = ill;
  if (!first) return undefined;
  const isOne = ill.length === 1;
  const says = isOne ? `is not healthy (${stateOf(first)})` : 'are not healthy';
  const cutOff = ill.every(({ hasLeader }) => hasLeader === false);
  return {
    headline: `${ill.length} of ${wording.count(store.members.length, 'member')} of ${store.name} ${isOne ? 'is' : 'are'} not healthy`,
    finding: {
      reason: 'member-unhealthy',
      severity: 'warning',
      target: targetOf(store, ill),
      summary: `${named(ill)} ${says}, though the others agree${cutOff ? `: ${isOne ? 'it is' : 'they are'} cut off from them; look at the network on the peer ports` : `; look at ${isOne ? 'its log' : 'their logs'} and disks`}`,
      evidence: [membersTable(store)],
    },
  };
}

/** How far it is behind the furthest of all, and behind itself in applying. etcd refuses requests where the second is above 5000. */
function lagging(store: StoreLook, limit: number): Trouble | undefined {
  const furthest = Math.max(0, ...store.members.flatMap(({ raftIndex }) => raftIndex ?? []));
  const behind = store.members.flatMap((member) => {
    const { raftIndex, raftAppliedIndex = raftIndex } = member;
    if (raftIndex === undefined || raftAppliedIndex === undefined) return [];
    const entries = furthest - Math.min(raftIndex, raftAppliedIndex);
    return entries > limit ? [{ member, entries }] : [];
  });
  const [first] = behind;
  if (!first) return undefined;
  const late = behind.map(({ member }) => member);
  const is = behind.length === 1 ? 'is' : 'are';
  const most = Math.max(...behind.map(({ entries }) => entries));
  return {
    headline: `${named(late)} ${is} behind the others`,
    finding: {
      reason: 'member-lagging',
      severity: 'warning',
      target: targetOf(store, late),
      summary: `${named(late)} ${is} ${behind.length === 1 ? '' : 'up to '}${wording.count(most, 'entry', 'entries')} behind: plain reads there are stale. A slow disk or network, or it has just come back`,
      evidence: behind.map(({ member, entries }) =>
        field(nameOf(member), `${entries} behind raft index ${furthest}`),
      ),
    },
  };
}

function learners(store: StoreLook, learning: readonly ports.StoreMember[]): Trouble | undefined {
  if (learning.length === 0) return undefined;
  const isOne = learning.length === 1;
  return {
    finding: {
      reason: 'member-learner',
      severity: 'info',
      target: targetOf(store, learning),
      summary: `${named(learning)} ${isOne ? 'is a learner: it has' : 'are learners: they have'} no vote until promoted (etcdctl member promote)`,
    },
  };
}
