import { type Evidence, type ports, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { memberName, memberNames, storeTarget } from '../../shared/store-members.ts';
import type { StoreState } from './collect.ts';
import { countersBetween } from './samples.ts';
import type { Problem } from './verdict.ts';

export interface PerformanceLimits {
  /** The share of slow fsyncs or commits, 0 to 1. */
  readonly slowShare: number;
  readonly leaderChanges: number;
  readonly pending: number;
  /** Milliseconds. */
  readonly skew: number;
}

/** How fast the members are, how often the leader changes, and whether their clocks agree. */
export function performanceProblems(store: StoreState, limits: PerformanceLimits): Problem[] {
  const slow = slowDisks(store, limits);
  return [
    clockSkew(store, limits),
    slow,
    pendingProposals(store, limits),
    // Slow disks make leaders change. Then it is one cause, which is reported there.
    slow ? undefined : leadersChange(store, limits),
  ].flatMap((problem) => problem ?? []);
}

/** Also reported without a quorum, because both may be its cause. */
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
      summary: `${waiting.length === 1 ? '' : 'Up to '}${wording.count(most, 'write is', 'writes are')} queuing at ${memberNames(waiting)}: the cluster gets more writes than it can commit, or its members are slow`,
      evidence: waiting.map((member) =>
        field(memberName(member), wording.count(member.proposalsPending ?? 0, 'pending proposal')),
      ),
    },
  };
}

/**
 * TTLs assume that the clocks of all members agree:
 * https://github.com/cloudfoundry/loggregator-release/issues/127
 */
function clockSkew(store: StoreState, { skew: limitMs }: PerformanceLimits): Problem | undefined {
  const known = store.members.flatMap((member) =>
    member.clockAheadMs === undefined ? [] : [{ member, aheadMs: member.clockAheadMs }],
  );
  const clocks = known.map(({ aheadMs }) => aheadMs);
  const skewMs = Math.max(...clocks) - Math.min(...clocks);
  if (known.length < 2 || skewMs <= limitMs) return undefined;
  const headline = `the clocks of ${store.name}'s members differ by ${wording.elapsed(skewMs)}`;
  return {
    headline,
    finding: {
      reason: 'clock-skew',
      severity: 'warning',
      target: store.name,
      summary: `${wording.capitalize(headline)}: keys with a TTL expire too early or too late. Fix time synchronization (NTP, chrony)`,
      evidence: known.map(({ member, aheadMs }) => field(memberName(member), describeClock(aheadMs))),
    },
  };
}

function describeClock(aheadMs: number): string {
  if (aheadMs === 0) return 'in sync with Wrench';
  return `${wording.elapsed(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} Wrench`;
}

/** Slow disks and network problems make leaders change. */
function leadersChange(store: StoreState, limits: PerformanceLimits): Problem | undefined {
  const most = maxLeaderChanges(store.members);
  if (most < limits.leaderChanges) return undefined;
  return {
    finding: {
      reason: 'leader-changes',
      severity: 'info',
      target: store.name,
      summary: `The leader of ${store.name} has changed ${most} times since a member started. Run the check again later. If the number grows, check the load of the members and the network between them`,
      evidence: leaderChangesTable(store.members),
    },
  };
}

function maxLeaderChanges(members: readonly ports.StoreMember[]): number {
  return Math.max(0, ...members.map(({ leaderChanges = 0 }) => leaderChanges));
}

/** Proposals fail while there is no leader, so they are shown with the leader changes, not as a separate finding. */
function leaderChangesTable(members: readonly ports.StoreMember[]): Evidence[] {
  const rows = members.flatMap((member) =>
    member.leaderChanges === undefined
      ? []
      : [[member.name || member.id, String(member.leaderChanges), String(member.proposalsFailed ?? '')]],
  );
  return [{ kind: 'table', columns: ['Member', 'Leader changes', 'Failed proposals'], rows }];
}

/** "99th percentile of wal_fsync_duration_seconds should be less than 10ms", and of backend_commit less than 25ms. */
const GUIDE = 'https://etcd.io/docs/v3.4/faq/';
/** Fewer samples say nothing about a 99th percentile. */
const MIN_SINCE_START = 1_000;
/** Within seconds there are fewer. Too few are skipped. */
const MIN_IN_INTERVAL = 20;
const MIN_SLOW_IN_INTERVAL = 3;
/** From this multiple of the limit on, the rounding of buckets does not matter. */
const CLEARLY = 5;

/** With so many in a few seconds, applying is slow: because of the disk, the CPU, or requests that are too large. */
const MANY_SLOW_APPLIES = 10;

const KIND_NAMES = ['fsyncs', 'commits'] as const;
type Kind = (typeof KIND_NAMES)[number];

const KINDS: Readonly<
  Record<Kind, { readonly label: string; readonly limit: string; readonly guide: string }>
> = {
  fsyncs: { label: 'fsyncs', limit: '8 ms', guide: 'etcd needs 99% of them below 10 ms' },
  commits: { label: 'backend commits', limit: '32 ms', guide: 'etcd needs 99% of them below 25 ms' },
};

interface Slow {
  readonly member: ports.StoreMember;
  readonly kind: Kind;
  readonly share: number;
  /** `in the last 3 s`, `in the last 2 hours`, `since it started` */
  readonly when: string;
}

/**
 * A disk is judged by its counters while the check ran and since an earlier run: the counters since start hide a new problem for weeks, and
 * show an old one as long. They are used only if nothing was written in between.
 */
function slowDisks(store: StoreState, { slowShare, leaderChanges }: PerformanceLimits): Problem | undefined {
  const slow = store.members.flatMap((member) =>
    KIND_NAMES.flatMap((kind) => judge(store, member, kind, slowShare) ?? []),
  );
  const [worst] = slow.toSorted((a, b) => b.share - a.share);
  // A limit of 1 also turns off slow applies.
  if (!worst) return slowShare < 1 ? slowApplies(store) : undefined;
  const members = [...new Set(slow.map(({ member }) => member))];
  const elects = maxLeaderChanges(store.members) >= leaderChanges;
  const isClear = elects || worst.share >= CLEARLY * slowShare;
  const isOne = members.length === 1;
  const whose = `the ${isOne ? 'disk' : 'disks'} of ${memberNames(members)} ${isOne ? 'is' : 'are'} slow`;
  const { label, limit, guide } = KINDS[worst.kind];
  const consequence = elects ? ', and the leader has changed often' : '';
  return {
    ...(isClear && { headline: whose }),
    finding: {
      reason: 'slow-disk',
      severity: isClear ? 'warning' : 'info',
      target: storeTarget(store, members),
      summary: `${wording.capitalize(whose)}: ${isOne ? '' : 'up to '}${wording.percent(worst.share)} of the ${label} ${worst.when} took longer than ${limit}${consequence}; ${guide}`,
      evidence: [
        field('Documentation', GUIDE),
        diskTable(store, members),
        ...(elects ? leaderChangesTable(store.members) : []),
      ],
    },
  };
}

/** Used if neither fsyncs nor commits are slow. */
function slowApplies(store: StoreState): Problem | undefined {
  const { interval } = store;
  const slow = store.members.flatMap((member) => {
    const count = interval?.disks[member.id]?.slowApplies ?? 0;
    return count >= MANY_SLOW_APPLIES ? [{ member, count }] : [];
  });
  if (!interval || slow.length === 0) return undefined;
  const members = slow.map(({ member }) => member);
  const most = Math.max(...slow.map(({ count }) => count));
  return {
    finding: {
      reason: 'slow-disk',
      severity: 'info',
      target: storeTarget(store, members),
      summary: `${memberNames(members)} took more than 100 ms to apply ${members.length === 1 ? '' : 'up to '}${wording.count(most, 'request')} in the last ${wording.elapsed(interval.seconds * 1_000)}, although fsyncs and commits were fast. Check the load of the machine, and look for very large requests`,
      evidence: [field('Documentation', GUIDE), diskTable(store, members)],
    },
  };
}

function judge(store: StoreState, member: ports.StoreMember, kind: Kind, limit: number): Slow | undefined {
  const isSlow = ({ slow, total }: ports.Operations) => slow / total > limit;
  const slowOf = ({ slow, total }: ports.Operations, when: string): Slow => ({
    member,
    kind,
    share: slow / total,
    when,
  });
  const { interval } = store;
  const counted = interval?.disks[member.id]?.[kind];
  const now = counted && counted.total >= MIN_IN_INTERVAL ? counted : undefined;
  if (interval && now && isSlow(now) && now.slow >= MIN_SLOW_IN_INTERVAL)
    return slowOf(now, `in the last ${wording.elapsed(interval.seconds * 1_000)}`);
  const between = sinceEarlierRun(store, member, kind);
  if (between)
    return isSlow(between) ? slowOf(between, `in the last ${wording.span(between.ageMs)}`) : undefined;
  const ever = member.disk?.[kind];
  if (now || !ever || ever.total < MIN_SINCE_START) return undefined;
  return isSlow(ever) ? slowOf(ever, 'since it started') : undefined;
}

/** The counters since the latest run after which enough was written. undefined if the counters have been reset since then. */
function sinceEarlierRun(
  { earlier = [] }: StoreState,
  { id, disk }: ports.StoreMember,
  kind: Kind,
): (ports.Operations & { readonly ageMs: number }) | undefined {
  let after = disk;
  for (const { memberId, ageMs, disk: before } of earlier) {
    if (memberId !== id || !before || !disk || !after) continue;
    // After a restart they may be higher again by now, so each run is compared with the next.
    const between = countersBetween(before, after) && countersBetween(before, disk);
    if (!between) return undefined;
    after = before;
    const operations = between[kind];
    if (operations && operations.total >= MIN_SINCE_START) return { ...operations, ageMs };
  }
  return undefined;
}

function diskTable(store: StoreState, members: readonly ports.StoreMember[]): Evidence {
  const { interval } = store;
  const hasEarlier = members.some((member) =>
    KIND_NAMES.some((kind) => sinceEarlierRun(store, member, kind) !== undefined),
  );
  const span = interval ? `Last ${wording.elapsed(interval.seconds * 1_000)}` : 'While checking';
  return {
    kind: 'table',
    columns: [
      'Member',
      'Operations',
      'Slow',
      span,
      ...(hasEarlier ? ['Since an earlier run'] : []),
      'Since start',
    ],
    rows: members.flatMap((member) => {
      const now = interval?.disks[member.id];
      const rows = KIND_NAMES.map((kind) => [
        memberName(member),
        KINDS[kind].label,
        `above ${KINDS[kind].limit}`,
        describeCount(now?.[kind]),
        ...(hasEarlier ? [describeEarlier(sinceEarlierRun(store, member, kind))] : []),
        describeCount(member.disk?.[kind]),
      ]);
      const { slowApplies } = member.disk ?? {};
      return slowApplies === undefined
        ? rows
        : [
            ...rows,
            [
              memberName(member),
              'applies',
              'above 100 ms',
              String(now?.slowApplies ?? ''),
              ...(hasEarlier ? [''] : []),
              String(slowApplies),
            ],
          ];
    }),
  };
}

function describeEarlier(between: ReturnType<typeof sinceEarlierRun>): string {
  return between ? `${describeCount(between)} in ${wording.span(between.ageMs)}` : '';
}

function describeCount(operations: ports.Operations | undefined): string {
  if (!operations) return '';
  const { slow, total } = operations;
  return total === 0 ? 'none' : `${slow} of ${total} (${wording.percent(slow / total)})`;
}
