import { type ports, wording } from '../../kit.ts';
import type { StoreLook } from './collect.ts';
import { isSilent, votesIn } from './condition.ts';
import { type Evidence, field, membersTable, named, type Trouble } from './words.ts';

/** Nothing is written and no key expires without a majority: what else is wrong with the members follows from it, or is its cause. */
export function quorumTrouble(store: StoreLook): Trouble | undefined {
  if (store.hasQuorum) return undefined;
  const { name } = store;
  const { voters, up, majority } = votesIn(store);
  const counted = `${up} of ${wording.count(voters, 'member')} ${up === 1 ? 'answers' : 'answer'}`;
  if (up < majority) {
    const headline = `${name} has lost its quorum: ${counted}`;
    const gone = store.members.filter((member) => isSilent(member) && !member.isLearner);
    const needed = majority - up;
    const which = needed === gone.length ? named(gone) : `${needed} of ${named(gone)}`;
    const next = `bring ${which} back first`;
    return lost(store, 'quorum-lost', headline, next);
  }
  const leader = store.members.find(({ isLeader, hasLeader }) => isLeader && hasLeader !== false);
  if (leader)
    return lost(
      store,
      'quorum-lost',
      `${name} does not agree on a read, though ${counted} and ${named([leader])} leads`,
      'they may be electing a leader just now: ask again; if it stays so, look at the disks and the network between them',
    );
  return lost(
    store,
    'no-leader',
    `${name} has no leader, though ${counted}`,
    'look at the network between the members, at their disks and at their clocks',
  );
}

function lost(store: StoreLook, reason: string, headline: string, next: string): Trouble {
  const said: Evidence[] = store.quorumError === undefined ? [] : [field('What it says', store.quorumError)];
  return {
    headline,
    finding: {
      reason,
      severity: 'critical',
      target: store.name,
      summary: `${headline}. Nothing can be written, and keys do not expire; ${next}`,
      evidence: [membersTable(store), ...said, ...times(store.members)],
    },
  };
}

/** Slow disks and unequal clocks are what it came from in https://github.com/cloudfoundry/loggregator-release/issues/127 */
function times(members: readonly ports.StoreMember[]): Evidence[] {
  const changes = members.flatMap(({ leaderChanges }) => leaderChanges ?? []);
  return changes.length === 0
    ? []
    : [field('Leader changes', `${Math.max(...changes)} seen by one member since it started`)];
}
