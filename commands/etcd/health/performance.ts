import { wording } from '../../kit.ts';
import { field, nameOf, named, targetOf } from '../../shared/describe-store.ts';
import type { StoreLook } from './collect.ts';
import { type DiskLimits, slowDisks } from './disks.ts';
import { leaderChanges } from './elections.ts';
import { type Trouble, seconds } from './problem.ts';

export interface PaceLimits extends DiskLimits {
  readonly pending: number;
  readonly skew: number;
}

/** How fast the members are, what an election costs them, and whether they agree on the time. */
export function paceTroubles(store: StoreLook, limits: PaceLimits): Trouble[] {
  const slow = slowDisks(store, limits);
  return [
    clockSkew(store, limits),
    slow,
    pendingProposals(store, limits),
    // Slow disks are what makes leaders change: then it is one cause, and said there.
    slow ? undefined : leaderChanges(store, limits),
  ].flatMap((trouble) => trouble ?? []);
}

/** Reported without a quorum as well: both are what it may come from. */
export function possibleCauses(store: StoreLook, limits: PaceLimits): Trouble[] {
  return [clockSkew(store, limits), slowDisks(store, limits)].flatMap((trouble) => trouble ?? []);
}

function pendingProposals(store: StoreLook, { pending: limit }: PaceLimits): Trouble | undefined {
  const waiting = store.members.filter(({ proposalsPending = 0 }) => proposalsPending > limit);
  if (waiting.length === 0) return undefined;
  const most = Math.max(...waiting.map(({ proposalsPending = 0 }) => proposalsPending));
  return {
    headline: `writes are queuing at ${named(waiting)}`,
    finding: {
      reason: 'proposals-pending',
      severity: 'warning',
      target: targetOf(store, waiting),
      summary: `${waiting.length === 1 ? '' : 'Up to '}${wording.count(most, 'write is', 'writes are')} queuing at ${named(waiting)}: more is written than the cluster can commit, or its members are slow`,
      evidence: waiting.map((member) =>
        field(nameOf(member), wording.count(member.proposalsPending ?? 0, 'pending proposal')),
      ),
    },
  };
}

/**
 * etcd's TTLs assume that its members' clocks agree:
 * https://github.com/cloudfoundry/loggregator-release/issues/127
 */
function clockSkew(store: StoreLook, { skew: limitMs }: PaceLimits): Trouble | undefined {
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
      evidence: known.map(({ member, aheadMs }) => field(nameOf(member), clockInWords(aheadMs))),
    },
  };
}

function clockInWords(aheadMs: number): string {
  if (aheadMs === 0) return 'in sync with Wrench';
  return `${seconds(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} Wrench`;
}
