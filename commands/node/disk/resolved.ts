import type { Finding } from '../../kit.ts';
import type { Facts } from './facts.ts';
import { percentUsed } from './history.ts';
import { type Disk, disksOf, isMeasured } from './measurements.ts';

/** How full the fullest disk of the node is now, if all of its disks were measured just now and it has no DiskPressure. */
export function resolved(
  { nodes }: Pick<Facts, 'nodes'>,
  { target }: Pick<Finding, 'reason' | 'target'>,
  now: Date,
): string | undefined {
  const node = nodes.find(({ cluster, name }) => `${cluster}:${name}` === target);
  const { fileSystems, operatingSystem = '', diskPressure } = node ?? {};
  if (!fileSystems || diskPressure?.status !== 'False' || !isMeasured(fileSystems, operatingSystem, now))
    return undefined;
  const disks = disksOf(fileSystems);
  if (disks.length === 0) return undefined;
  const bytes = Math.max(...disks.map(percentUsed));
  const inodes = Math.max(0, ...disks.map(percentOfInodes));
  return inodes > bytes
    ? `now ${bytes}% of the space and ${inodes}% of the inodes used`
    : `now ${bytes}% used`;
}

function percentOfInodes({ inodes = 0, inodesFree = 0 }: Disk): number {
  return inodes === 0 ? 0 : Math.round((1 - inodesFree / inodes) * 1_000) / 10;
}
