import type { ports } from '../../kit.ts';
import type { Evidence } from '../../shared/describe-store.ts';
import type { StoreLook } from './collect.ts';
import type { Trouble } from './problem.ts';

/** Slow disks and a bad network make leaders change. */
export function leaderChanges(
  store: StoreLook,
  limits: { readonly leaderChanges: number },
): Trouble | undefined {
  const most = mostChanges(store.members);
  if (most < limits.leaderChanges) return undefined;
  return {
    finding: {
      reason: 'leader-changes',
      severity: 'info',
      target: store.name,
      summary: `The leader of ${store.name} has changed ${most} times since a member started. Check again later; if the number grows, check the network between the members and their load`,
      evidence: changesIn(store.members),
    },
  };
}

export function mostChanges(members: readonly ports.StoreMember[]): number {
  return Math.max(0, ...members.map(({ leaderChanges = 0 }) => leaderChanges));
}

/** Proposals fail while there is no leader: they are shown beside the leader changes, not as a separate finding. */
export function changesIn(members: readonly ports.StoreMember[]): Evidence[] {
  const rows = members.flatMap((member) =>
    member.leaderChanges === undefined
      ? []
      : [[member.name || member.id, String(member.leaderChanges), String(member.proposalsFailed ?? '')]],
  );
  return [{ kind: 'table', columns: ['Member', 'Leader changes', 'Failed proposals'], rows }];
}
