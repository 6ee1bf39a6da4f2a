import type { HostFacts } from './facts.ts';
import type { KnownService } from './known-service.ts';

/** Services that stopped at the same time as a conductor. */
export interface StoppedTogether {
  readonly conductor: KnownService;
  /** The conductor, and the computes. */
  readonly services: readonly KnownService[];
}

/** Computes report every 10 s by default, each at its own time, and a lost report times out after 60 s. */
const TOGETHER_MS = 120_000;
/** Two services on one clock report within this time of each other. */
const SAME_CLOCK_MS = 60_000;

/** Groups by the time of the last report, oldest first; a pause of two minutes begins another group. */
export function groupByTime(services: readonly KnownService[]): readonly (readonly KnownService[])[] {
  const groups: KnownService[][] = [];
  for (const one of services.toSorted((a, b) => timeOf(a) - timeOf(b))) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (group && last && timeOf(one) - timeOf(last) <= TOGETHER_MS) group.push(one);
    else groups.push([one]);
  }
  return groups;
}

/**
 * Conductors that are down since the same time as computes. All computes can report to every conductor, so one that stopped takes no compute down: its clock
 * is behind, or all of them lost their connection. Nothing is left to find out if the clock of its host could be read.
 */
export function stoppedTogether(
  down: readonly KnownService[],
  hosts: readonly HostFacts[],
): readonly StoppedTogether[] {
  const taken = new Set<KnownService>();
  return down
    .filter(({ binary }) => binary === 'nova-conductor')
    .filter((one) => !hosts.some(({ host, clockAheadMs }) => host === one.host && clockAheadMs !== undefined))
    .flatMap((conductor) => {
      const computes = down.filter(
        (one) =>
          one.binary === 'nova-compute' &&
          one.isEnabled &&
          !taken.has(one) &&
          Math.abs(timeOf(one) - timeOf(conductor)) <= SAME_CLOCK_MS,
      );
      for (const one of computes) taken.add(one);
      return computes.length === 0 ? [] : [{ conductor, services: [conductor, ...computes] }];
    });
}

export function timeOf({ updatedAt }: KnownService): number {
  return updatedAt?.getTime() ?? 0;
}
