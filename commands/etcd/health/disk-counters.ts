import type { ports } from '../../kit.ts';

/** What was counted between two readings; undefined where the counters began at 0 again in between. */
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
