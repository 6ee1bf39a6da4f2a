import type { Remembered } from '../kit.ts';

/** Finds the samples of a target, oldest first: there may be a thousand targets with dozens of samples each. */
export function samplesByTarget<Sample>(
  earlier: readonly Remembered<Sample>[],
  targetOf: (sample: Remembered<Sample>) => string,
): (target: string) => readonly Remembered<Sample>[] {
  const byTarget = Map.groupBy(earlier, targetOf);
  return (target) => byTarget.get(target) ?? [];
}
