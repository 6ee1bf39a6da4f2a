import { type ClockFault, clockFaults } from './clocks.ts';
import type { CloudFacts, HostFacts } from './facts.ts';
import { isCompute, isPlanned, knownServices, type KnownService } from './known-service.ts';
import { groupByTime, type StoppedTogether, stoppedTogether, timeOf } from './together.ts';

/** The services of one cloud, each in at most one group of those that are down. */
export interface Survey {
  readonly known: readonly KnownService[];
  /** Computes that no one fenced, which count. */
  readonly computes: readonly KnownService[];
  readonly conductors: readonly KnownService[];
  readonly schedulers: readonly KnownService[];
  readonly up: readonly KnownService[];
  readonly fenced: readonly KnownService[];
  /** Down, and never reported since they were registered. */
  readonly unreported: readonly KnownService[];
  readonly clocks: readonly ClockFault[];
  /** All or most of the computes that worked stopped at the same time. */
  readonly outage: readonly KnownService[];
  /** A conductor and a few computes stopped at the same time, so its clock may be behind. */
  readonly together: readonly StoppedTogether[];
  /** Some of the computes stopped at the same time, while others go on. */
  readonly group: readonly KnownService[];
  /** Computes that are down for reasons of their own. */
  readonly down: readonly KnownService[];
  /** Conductors, schedulers and others that are down for reasons of their own. */
  readonly otherDown: readonly KnownService[];
}

/**
 * Groups what is down by its cause. Nova decides what is down; the times of the records only group and explain that.
 * @param hosts what their own clocks show
 */
export function surveyServices(
  { services }: Pick<CloudFacts, 'services'>,
  hosts: readonly HostFacts[],
  now: Date,
): Survey {
  const known = knownServices(services);
  const fenced = known.filter(({ isForcedDown, isUp }) => isForcedDown && !isUp);
  const counted = known.filter((one) => !fenced.includes(one));
  const computes = counted.filter(isCompute);
  const up = computes.filter(({ isUp }) => isUp);
  const unreported = counted.filter(({ isUp, updatedAt }) => !isUp && !updatedAt);
  const stopped = counted.filter((one) => !one.isUp && !unreported.includes(one));
  const clocks = clockFaults({ known: counted, stopped, hosts, now });
  const explained = new Set(clocks.flatMap((fault) => fault.services));
  const rest = stopped.filter((one) => !explained.has(one));
  const outage = outageOf(rest.filter(isCompute), up);
  const left = rest.filter((one) => !outage.includes(one));
  const together = stoppedTogether(left, hosts);
  const alone = left.filter((one) => !together.some(({ services: some }) => some.includes(one)));
  const group = up.length === 0 ? [] : groupOf(alone.filter(isCompute));
  const own = alone.filter((one) => !group.includes(one));
  return {
    known,
    computes,
    conductors: counted.filter(({ binary }) => binary === 'nova-conductor'),
    schedulers: counted.filter(({ binary }) => binary === 'nova-scheduler'),
    up,
    fenced,
    unreported,
    clocks,
    outage,
    together,
    group,
    down: own.filter(isCompute),
    otherDown: own.filter((one) => !isCompute(one)),
  };
}

/** Fewer may share a rack or a switch, while others are up. */
const MANY = 3;

/** The computes that stopped together, if those are most of the computes that worked at the time. */
function outageOf(down: readonly KnownService[], up: readonly KnownService[]): readonly KnownService[] {
  const [largest = []] = groupByTime(down).toSorted((a, b) => b.length - a.length);
  const isMost =
    up.length > 0
      ? largest.length >= MANY && largest.length > up.length
      : largest.length >= 2 && 2 * largest.length > down.length;
  // Without any compute that is up, one cause is likelier than many.
  const suspects = isMost ? largest : up.length === 0 && down.length >= MANY ? down : [];
  // People who shut down computes disable them first.
  const unplanned = suspects.filter((one) => !isPlanned(one));
  return 2 * unplanned.length > suspects.length ? suspects : [];
}

/** Independent faults of as many don't begin within so short a time. */
const GROUP_MS = 60_000;

/** The most computes that nobody shut down on purpose and that stopped within a minute. Few may be a coincidence. */
function groupOf(down: readonly KnownService[]): readonly KnownService[] {
  const unplanned = down.filter((one) => !isPlanned(one)).toSorted((a, b) => timeOf(a) - timeOf(b));
  const groups = unplanned.map((first, at) =>
    unplanned.slice(at).filter((one) => timeOf(one) - timeOf(first) <= GROUP_MS),
  );
  const [largest = []] = groups.toSorted((a, b) => b.length - a.length);
  return largest.length >= MANY ? largest : [];
}
