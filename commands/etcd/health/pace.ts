import { type ports, wording } from '../../kit.ts';
import type { StoreLook } from './collect.ts';
import { type Evidence, field, named, nameOf, percent, seconds, targetOf, type Trouble } from './words.ts';

export interface PaceLimits {
  /** 0 to 1, of its fsyncs. */
  readonly slowShare: number;
  readonly leaderChanges: number;
  readonly pending: number;
  readonly skew: number;
}

/** "99th percentile of wal_fsync_duration_seconds should be less than 10ms": https://etcd.io/docs/v3.4/faq/ */
const GUIDE = 'https://etcd.io/docs/v3.4/faq/';
/** Fewer say nothing of a 99th percentile. */
const FEWEST_FSYNCS = 1_000;
/** From this many times the limit on it is no matter of rounding between 8 and 10 ms. */
const CLEARLY = 5;

/** How fast the members are, what an election costs them, and whether they agree on the time. */
export function paceTroubles(store: StoreLook, limits: PaceLimits): Trouble[] {
  const slow = slowFsyncs(store, limits);
  return [
    clockSkew(store, limits),
    slow,
    pendingProposals(store, limits),
    // Slow disks are what makes leaders change: then it is one cause, and told there.
    slow ? undefined : leaderChanges(store, limits),
  ].flatMap((trouble) => trouble ?? []);
}

/** Told without a quorum as well: both are what it may have come from. */
export function possibleCauses(store: StoreLook, limits: PaceLimits): Trouble[] {
  return [clockSkew(store, limits), slowFsyncs(store, limits)].flatMap((trouble) => trouble ?? []);
}

function slowFsyncs(store: StoreLook, { slowShare, ...limits }: PaceLimits): Trouble | undefined {
  const slow = store.members.flatMap((member) => {
    const { share = 0, total = 0 } = member.slowFsyncs ?? {};
    return total >= FEWEST_FSYNCS && share > slowShare ? [{ member, share, total }] : [];
  });
  if (slow.length === 0) return undefined;
  const members = slow.map(({ member }) => member);
  const worst = Math.max(...slow.map(({ share }) => share));
  const elects = mostChanges(store.members) >= limits.leaderChanges;
  const isClear = elects || worst >= CLEARLY * slowShare;
  const whose = `the ${members.length === 1 ? 'disk' : 'disks'} of ${named(members)} ${members.length === 1 ? 'is' : 'are'} slow`;
  const consequence = elects ? ', and the leader has changed often' : '';
  return {
    ...(isClear && { headline: whose }),
    finding: {
      reason: 'slow-fsyncs',
      severity: isClear ? 'warning' : 'info',
      target: targetOf(store, members),
      summary: `T${whose.slice(1)}: ${members.length === 1 ? '' : 'up to '}${percent(worst)} of the fsyncs took longer than 8 ms${consequence}. etcd wants 99 % below 10 ms`,
      evidence: [
        field('Documentation', GUIDE),
        {
          kind: 'table',
          columns: ['Member', 'Above 8 ms', 'Fsyncs since start'],
          rows: slow.map(({ member, share, total }) => [nameOf(member), percent(share), String(total)]),
        },
        ...(elects ? changesIn(store.members) : []),
      ],
    },
  };
}

function leaderChanges(store: StoreLook, limits: PaceLimits): Trouble | undefined {
  const most = mostChanges(store.members);
  if (most < limits.leaderChanges) return undefined;
  return {
    finding: {
      reason: 'leader-changes',
      severity: 'info',
      target: store.name,
      summary: `The leader of ${store.name} has changed ${most} times since a member started: ask again later, and if it grows look at the network between the members and at their load`,
      evidence: changesIn(store.members),
    },
  };
}

function mostChanges(members: readonly ports.StoreMember[]): number {
  return Math.max(0, ...members.map(({ leaderChanges = 0 }) => leaderChanges));
}

/** Proposals fail while there is no leader: they are counted beside the changes, and are no trouble of their own. */
function changesIn(members: readonly ports.StoreMember[]): Evidence[] {
  const rows = members.flatMap((member) =>
    member.leaderChanges === undefined
      ? []
      : [[nameOf(member), String(member.leaderChanges), String(member.proposalsFailed ?? '')]],
  );
  return [{ kind: 'table', columns: ['Member', 'Leader changes', 'Failed proposals'], rows }];
}

function pendingProposals(store: StoreLook, { pending: limit }: PaceLimits): Trouble | undefined {
  const waiting = store.members.filter(({ proposalsPending = 0 }) => proposalsPending > limit);
  if (waiting.length === 0) return undefined;
  const most = Math.max(...waiting.map(({ proposalsPending = 0 }) => proposalsPending));
  return {
    headline: `writes wait at ${named(waiting)}`,
    finding: {
      reason: 'proposals-pending',
      severity: 'warning',
      target: targetOf(store, waiting),
      summary: `${wording.count(most, 'write waits', 'writes wait')} at ${named(waiting)}: more is written than can be agreed on, or the members are slow`,
      evidence: waiting.map((member) =>
        field(nameOf(member), wording.count(member.proposalsPending ?? 0, 'pending proposal')),
      ),
    },
  };
}

/**
 * etcd's arithmetic with times to live assumes that its members' clocks are one:
 * https://github.com/cloudfoundry/loggregator-release/issues/127
 */
function clockSkew(store: StoreLook, { skew: limitMs }: PaceLimits): Trouble | undefined {
  const told = store.members.flatMap((member) =>
    member.clockAheadMs === undefined ? [] : [{ member, aheadMs: member.clockAheadMs }],
  );
  const clocks = told.map(({ aheadMs }) => aheadMs);
  const skewMs = Math.max(...clocks) - Math.min(...clocks);
  if (told.length < 2 || skewMs <= limitMs) return undefined;
  const headline = `the clocks of ${store.name}'s members differ by ${seconds(skewMs)}`;
  return {
    headline,
    finding: {
      reason: 'clock-skew',
      severity: 'warning',
      target: store.name,
      summary: `T${headline.slice(1)}: keys with a time to live go too early or too late. Set the clocks right (NTP, chrony)`,
      evidence: told.map(({ member, aheadMs }) => field(nameOf(member), clockInWords(aheadMs))),
    },
  };
}

function clockInWords(aheadMs: number): string {
  if (aheadMs === 0) return 'as ours';
  return `${seconds(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} ours`;
}
