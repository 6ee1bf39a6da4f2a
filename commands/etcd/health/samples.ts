import { z } from 'zod';
import type { ports, Remembered } from '../../kit.ts';

const operations = z.strictObject({ slow: z.number(), total: z.number() });

/** What is remembered about a member between runs: the size of its database, and the counters of its disk. */
export const sampleSchema = z.strictObject({
  store: z.string(),
  memberId: z.string(),
  dbSizeBytes: z.number().exactOptional(),
  disk: z
    .strictObject({
      fsyncs: operations.exactOptional(),
      commits: operations.exactOptional(),
      slowApplies: z.number().exactOptional(),
    })
    .exactOptional(),
});

export type MemberSample = z.output<typeof sampleSchema>;

/** A sample of one member from an earlier run. */
export interface EarlierSample extends Omit<MemberSample, 'store'> {
  /** How long before this run. */
  readonly ageMs: number;
}

/** By id: several members may have the same name. */
export function sampleTarget({ store, memberId }: MemberSample): string {
  return `${store}/${memberId}`;
}

/** One sample for each member that reports its size or its disk counters. */
export function samplesOf(
  stores: readonly (Pick<ports.StoreMembers, 'members'> & { readonly name: string })[],
): readonly MemberSample[] {
  const samples = stores.flatMap(({ name, members }) =>
    members.flatMap(({ id, dbSizeBytes, disk }): MemberSample[] =>
      dbSizeBytes === undefined && disk === undefined
        ? []
        : [
            {
              store: name,
              memberId: id,
              ...(dbSizeBytes !== undefined && { dbSizeBytes }),
              ...(disk && { disk }),
            },
          ],
    ),
  );
  return [...new Map(samples.map((sample) => [sampleTarget(sample), sample])).values()];
}

/** The samples of one store, the newest first. */
export function earlierOf(
  store: string,
  earlier: readonly Remembered<MemberSample>[],
  now: Date,
): readonly EarlierSample[] {
  return earlier
    .filter((sample) => sample.store === store)
    .map((sample) => {
      const { store: _, at, ...seen } = sample;
      return { ...seen, ageMs: now.getTime() - at.getTime() };
    })
    .toSorted((a, b) => a.ageMs - b.ageMs);
}

/** What was counted between two reads. undefined if the counters were reset in between. */
export function countersBetween(
  before: ports.DiskCounters,
  after: ports.DiskCounters,
): ports.DiskCounters | undefined {
  const less = (a: ports.Operations | undefined, b: ports.Operations | undefined) =>
    a && b && { slow: b.slow - a.slow, total: b.total - a.total };
  const fsyncs = less(before.fsyncs, after.fsyncs);
  const commits = less(before.commits, after.commits);
  const slowApplies =
    before.slowApplies === undefined || after.slowApplies === undefined
      ? undefined
      : after.slowApplies - before.slowApplies;
  const counts = [fsyncs?.total, fsyncs?.slow, commits?.total, commits?.slow, slowApplies];
  const isImpossible = [fsyncs, commits].some((one) => one !== undefined && one.slow > one.total);
  if (isImpossible || counts.some((count = 0) => count < 0)) return undefined;
  return {
    ...(fsyncs && { fsyncs }),
    ...(commits && { commits }),
    ...(slowApplies !== undefined && { slowApplies }),
  };
}
