import type { HostFacts } from './facts.ts';
import type { KnownService } from './known-service.ts';
import { timeOf } from './together.ts';

/**
 * A conductor whose clock is wrong. It writes the time of the reports that it saves, and Nova calls a service down if that differs from its own time by more
 * than a minute, in either direction: https://opendev.org/openstack/nova/src/branch/master/nova/servicegroup/drivers/db.py
 */
export interface ClockFault {
  /** Undefined if no conductor in the list has such a time any more. */
  readonly conductor?: KnownService;
  /** Negative if it is behind. */
  readonly aheadMs: number;
  /** What is down only because of it, with the conductor itself. */
  readonly services: readonly KnownService[];
  /** The computes among them that another such conductor may have saved instead. */
  readonly uncertain: readonly KnownService[];
  /** `clock`: the clock of its host was read. */
  readonly knownFrom: 'stamps' | 'clock';
}

/** Less isn't proven: services that are up may differ by as much. */
const AHEAD_MS = 30_000;
const WRONG_MS = 60_000;
const SAME_CLOCK_MS = 60_000;

export function clockFaults({
  known,
  stopped,
  hosts,
  now,
}: {
  readonly known: readonly KnownService[];
  /** Down, with a time. */
  readonly stopped: readonly KnownService[];
  readonly hosts: readonly HostFacts[];
  readonly now: Date;
}): readonly ClockFault[] {
  const novaMs = timeOfNova(known, now);
  const limitMs = known.some(({ isUp }) => isUp) ? AHEAD_MS : WRONG_MS;
  const isConductor = ({ binary }: KnownService): boolean => binary === 'nova-conductor';
  const aheadOf = (one: KnownService): number => timeOf(one) - novaMs;
  const ahead = stopped.filter((one) => aheadOf(one) > limitMs);
  const wrong = [
    ...ahead.filter(isConductor).map((conductor) => ({
      conductor,
      aheadMs: aheadOf(conductor),
      knownFrom: 'stamps' as const,
    })),
    ...stopped
      .filter((one) => isConductor(one) && !ahead.includes(one))
      .flatMap((conductor) => {
        const { clockAheadMs: aheadMs } = hosts.find(({ host }) => host === conductor.host) ?? {};
        return aheadMs !== undefined && Math.abs(aheadMs) > WRONG_MS
          ? [{ conductor, aheadMs, knownFrom: 'clock' as const }]
          : [];
      }),
  ];
  const writtenBy = new Map<KnownService, readonly KnownService[]>();
  for (const one of stopped.filter((service) => !isConductor(service))) {
    const near = wrong
      .map(({ conductor }) => ({ conductor, byMs: Math.abs(timeOf(one) - timeOf(conductor)) }))
      .filter(({ byMs }) => byMs <= SAME_CLOCK_MS)
      .toSorted((a, b) => a.byMs - b.byMs);
    if (near.length > 0)
      writtenBy.set(
        one,
        near.map(({ conductor }) => conductor),
      );
  }
  const faults = wrong.map(({ conductor, ...fault }): ClockFault => {
    const saved = [...writtenBy].filter(([, [first]]) => first === conductor);
    return {
      conductor,
      ...fault,
      services: [conductor, ...saved.map(([one]) => one)],
      uncertain: saved.filter(([, all]) => all.length > 1).map(([one]) => one),
    };
  });
  const orphans = ahead.filter((one) => !isConductor(one) && !writtenBy.has(one));
  const [first] = orphans;
  if (!first) return faults;
  return [...faults, { aheadMs: aheadOf(first), services: orphans, uncertain: [], knownFrom: 'stamps' }];
}

/** The clock by which Nova judges, from what it calls up. The clock of Wrench may be wrong too. */
export function timeOfNova(known: readonly KnownService[], now: Date): number {
  const times = known
    .filter(({ isUp, updatedAt }) => isUp && updatedAt)
    .map(timeOf)
    .toSorted((a, b) => a - b);
  return times[Math.floor(times.length / 2)] ?? now.getTime();
}
