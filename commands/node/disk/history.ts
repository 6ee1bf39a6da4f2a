import type { Chart, Remembered } from '../../kit.ts';
import { trendCharts } from '../../shared/trend-chart.ts';
import type { NodeFacts } from './facts.ts';
import { type DiskSample, samplesOfDisk } from './growth.ts';
import { type Disk, disksOf, staleSince } from './measurements.ts';

/** How full the fullest disk of each node was since the oldest sample, for the fullest of the nodes that were measured just now. */
export function usageCharts(
  nodes: readonly NodeFacts[],
  samplesOf: (node: NodeFacts) => readonly Remembered<DiskSample>[],
  labelOf: (node: NodeFacts) => string,
  now: Date,
): readonly Chart[] {
  const lines = nodes.flatMap((node) => {
    const disks = disksOf(node.fileSystems ?? {});
    const [disk] = disks.toSorted((a, b) => percentUsed(b) - percentUsed(a));
    if (!disk || staleSince(disks, now)) return [];
    const name = disks.length > 1 ? `${labelOf(node)} ${disk.holds[0]}` : labelOf(node);
    const earlier = samplesOfDisk(node, disk, samplesOf(node)).map((sample) => ({
      ms: sample.at.getTime(),
      value: percentUsed(sample),
    }));
    return [{ name, value: percentUsed(disk), earlier }];
  });
  return trendCharts({ title: 'Disk used by node', unit: '%' }, lines, now);
}

/** With one decimal. The kubelet counts what is reserved for root as used. */
export function percentUsed({
  availableBytes,
  capacityBytes,
}: Pick<Disk, 'availableBytes' | 'capacityBytes'>): number {
  return Math.round((1 - availableBytes / capacityBytes) * 1_000) / 10;
}
