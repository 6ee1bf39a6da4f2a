import { type Evidence, type ports, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { memberName, memberNames, storeTarget } from '../../shared/describe-store.ts';
import type { StoreState } from './collect.ts';
import { leaderChangesTable, maxLeaderChanges } from './elections.ts';
import type { Problem } from './problem.ts';
import { percent, seconds } from './units.ts';

export interface DiskLimits {
  /** 0 to 1, of its fsyncs or commits. */
  readonly slowShare: number;
  readonly leaderChanges: number;
}

/** "99th percentile of wal_fsync_duration_seconds should be less than 10ms", and of backend_commit less than 25ms. */
const GUIDE = 'https://etcd.io/docs/v3.4/faq/';
/** Fewer since start say nothing about a 99th percentile. */
const MIN_SINCE_START = 1_000;
/** Within seconds there are fewer; too few for a judgment are skipped. */
const MIN_IN_INTERVAL = 20;
const MIN_SLOW_IN_INTERVAL = 3;
/** From this many times the limit on, rounding between buckets does not matter. */
const CLEARLY = 5;

/** With so many in a few seconds, applying is slow for whatever reason: a disk, the processor, or requests that are too large. */
const MANY_SLOW_APPLIES = 10;

type Kind = 'fsyncs' | 'commits';

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
  /** While the check ran; else since the member started, which is all there is where hardly anything was written meanwhile. */
  readonly isNow: boolean;
}

/**
 * A disk is judged by what it did while the check ran: the counters since start hide a new problem for weeks, and show an old one as long.
 * Where nothing was written meanwhile they are all there is.
 */
export function slowDisks(store: StoreState, { slowShare, leaderChanges }: DiskLimits): Problem | undefined {
  const slow = store.members.flatMap((member) =>
    (['fsyncs', 'commits'] as const).flatMap((kind) => judge(store, member, kind, slowShare) ?? []),
  );
  const [worst] = slow.toSorted((a, b) => b.share - a.share);
  // A limit of 1 turns slow applies off too.
  if (!worst) return slowShare < 1 ? slowApplies(store) : undefined;
  const members = [...new Set(slow.map(({ member }) => member))];
  const elects = maxLeaderChanges(store.members) >= leaderChanges;
  const isClear = elects || worst.share >= CLEARLY * slowShare;
  const isOne = members.length === 1;
  const whose = `the ${isOne ? 'disk' : 'disks'} of ${memberNames(members)} ${isOne ? 'is' : 'are'} slow`;
  const { label, limit, guide } = KINDS[worst.kind];
  const when = worst.isNow
    ? ` in the last ${seconds((store.interval?.seconds ?? 0) * 1_000)}`
    : ' since it started';
  const consequence = elects ? ', and the leader has changed often' : '';
  return {
    ...(isClear && { headline: whose }),
    finding: {
      reason: 'slow-disk',
      severity: isClear ? 'warning' : 'info',
      target: storeTarget(store, members),
      summary: `T${whose.slice(1)}: ${isOne ? '' : 'up to '}${percent(worst.share)} of the ${label}${when} took longer than ${limit}${consequence}; ${guide}`,
      evidence: [
        field('Documentation', GUIDE),
        diskTable(store, members),
        ...(elects ? leaderChangesTable(store.members) : []),
      ],
    },
  };
}

/** Where neither fsyncs nor commits are slow. */
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
      summary: `${memberNames(members)} took more than 100 ms to apply ${members.length === 1 ? '' : 'up to '}${wording.count(most, 'request')} in the last ${seconds(interval.seconds * 1_000)}, though fsyncs and commits were fast: check the load on the machine, and for very large requests`,
      evidence: [field('Documentation', GUIDE), diskTable(store, members)],
    },
  };
}

function judge(store: StoreState, member: ports.StoreMember, kind: Kind, limit: number): Slow | undefined {
  const now = store.interval?.disks[member.id]?.[kind];
  if (now && now.total >= MIN_IN_INTERVAL) {
    const share = now.slow / now.total;
    return share > limit && now.slow >= MIN_SLOW_IN_INTERVAL
      ? { member, kind, share, isNow: true }
      : undefined;
  }
  const ever = member.disk?.[kind];
  if (!ever || ever.total < MIN_SINCE_START) return undefined;
  const share = ever.slow / ever.total;
  return share > limit ? { member, kind, share, isNow: false } : undefined;
}

function diskTable(store: StoreState, members: readonly ports.StoreMember[]): Evidence {
  const { interval } = store;
  const span = interval ? `Last ${seconds(interval.seconds * 1_000)}` : 'While checking';
  return {
    kind: 'table',
    columns: ['Member', 'Operations', 'Slow', span, 'Since start'],
    rows: members.flatMap((member) => {
      const now = interval?.disks[member.id];
      const rows = (['fsyncs', 'commits'] as const).map((kind) => [
        memberName(member),
        KINDS[kind].label,
        `above ${KINDS[kind].limit}`,
        describeCount(now?.[kind]),
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
              String(slowApplies),
            ],
          ];
    }),
  };
}

function describeCount(operations: ports.Operations | undefined): string {
  if (!operations) return '';
  const { slow, total } = operations;
  return total === 0 ? 'none' : `${slow} of ${total} (${percent(slow / total)})`;
}
