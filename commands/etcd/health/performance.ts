import { wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { memberName, memberNames, storeTarget } from '../../shared/describe-store.ts';
import type { StoreState } from './collect.ts';
import { type DiskLimits, slowDisks } from './disks.ts';
import { leaderChangesProblem } from './elections.ts';
import type { Problem } from './problem.ts';
import { seconds } from './units.ts';

export interface PerformanceLimits extends DiskLimits {
  readonly pending: number;
  readonly skew: number;
}

/** How fast the members are, what an election costs them, and whether they agree on the time. */
export function performanceProblems(store: StoreState, limits: PerformanceLimits): Problem[] {
  const slow = slowDisks(store, limits);
  return [
    clockSkew(store, limits),
    slow,
    pendingProposals(store, limits),
    // Slow disks are what makes leaders change: then it is one cause, and reported there.
    slow ? undefined : leaderChangesProblem(store, limits),
  ].flatMap((problem) => problem ?? []);
}

/** Reported without a quorum as well: both are what it may come from. */
export function possibleCauses(store: StoreState, limits: PerformanceLimits): Problem[] {
  return [clockSkew(store, limits), slowDisks(store, limits)].flatMap((problem) => problem ?? []);
}

function pendingProposals(store: StoreState, { pending: limit }: PerformanceLimits): Problem | undefined {
  const waiting = store.members.filter(({ proposalsPending = 0 }) => proposalsPending > limit);
  if (waiting.length === 0) return undefined;
  const most = Math.max(...waiting.map(({ proposalsPending = 0 }) => proposalsPending));
  return {
    headline: `writes are queuing at ${memberNames(waiting)}`,
    finding: {
      reason: 'proposals-pending',
      severity: 'warning',
      target: storeTarget(store, waiting),
      summary: `${waiting.length === 1 ? '' : 'Up to '}${wording.count(most, 'write is', 'writes are')} queuing at ${memberNames(waiting)}: more is written than the cluster can commit, or its members are slow`,
      evidence: waiting.map((member) =>
        field(memberName(member), wording.count(member.proposalsPending ?? 0, 'pending proposal')),
      ),
    },
  };
}

/**
 * etcd's TTLs assume that its members' clocks agree:
 * https://github.com/cloudfoundry/loggregator-release/issues/127
 */
function clockSkew(store: StoreState, { skew: limitMs }: PerformanceLimits): Problem | undefined {
  const known = store.members.flatMap((member) =>
    member.clockAheadMs === undefined ? [] : [{ member, aheadMs: member.clockAheadMs }],
  );
  const clocks = known.map(({ aheadMs }) => aheadMs);
  const skewMs = Math.max(...clocks) - Math.min(...clocks);
  if (known.length < 2 || skewMs <= limitMs) return undefined;
  const headline = `the clocks of ${store.name}'s members differ by ${seconds(skewMs)}`;
  return {
    headline,
    finding: {
      reason: 'clock-skew',
      severity: 'warning',
      target: store.name,
      summary: `T${headline.slice(1)}: keys with a TTL expire too early or too late. Fix time synchronization (NTP, chrony)`,
      evidence: known.map(({ member, aheadMs }) => field(memberName(member), describeClock(aheadMs))),
    },
  };
}

function describeClock(aheadMs: number): string {
  if (aheadMs === 0) return 'in sync with Wrench';
  return `${seconds(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} Wrench`;
}
