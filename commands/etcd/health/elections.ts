import type { Evidence, ports } from '../../kit.ts';
import type { StoreState } from './collect.ts';
import type { Problem } from './problem.ts';

/** Slow disks and a bad network make leaders change. */
export function leaderChangesProblem(
  store: StoreState,
  limits: { readonly leaderChanges: number },
): Problem | undefined {
  const most = maxLeaderChanges(store.members);
  if (most < limits.leaderChanges) return undefined;
  return {
    finding: {
      reason: 'leader-changes',
      severity: 'info',
      target: store.name,
      summary: `The leader of ${store.name} has changed ${most} times since a member started. Check again later; if the number grows, check the network between the members and their load`,
      evidence: leaderChangesTable(store.members),
    },
  };
}

export function maxLeaderChanges(members: readonly ports.StoreMember[]): number {
  return Math.max(0, ...members.map(({ leaderChanges = 0 }) => leaderChanges));
}

/** Proposals fail while there is no leader: they are shown beside the leader changes, not as a separate finding. */
export function leaderChangesTable(members: readonly ports.StoreMember[]): Evidence[] {
  const rows = members.flatMap((member) =>
    member.leaderChanges === undefined
      ? []
      : [[member.name || member.id, String(member.leaderChanges), String(member.proposalsFailed ?? '')]],
  );
  return [{ kind: 'table', columns: ['Member', 'Leader changes', 'Failed proposals'], rows }];
}
