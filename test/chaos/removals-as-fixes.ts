import type { Removal } from './engines.ts';
import { ROUNDING_MS, type FixEvent } from './fix-log.ts';

/** Removed containers, as lines of the plans that removed them. */
export function removalsAsFixes(
  removals: readonly Removal[],
  started: readonly FixEvent[],
): readonly FixEvent[] {
  return removals.flatMap((removal) => {
    const fix = removal.isRemoved ? startOf(removal, started) : undefined;
    return fix ? [{ ...fix, atMs: removal.atMs }] : [];
  });
}

/** The last line started for a container. Only one remediation at a time has a target. */
export function startOf({ thing, atMs }: Removal, events: readonly FixEvent[]): FixEvent | undefined {
  return events.findLast((one) => one.thing === thing && one.atMs <= atMs + ROUNDING_MS);
}
