import type { ports } from '../../kit.ts';
import type { Disk, FileSystems } from './measurements.ts';

/**
 * A large user of a disk: a part of a pod, or the whole pod if no part stands out. It is kept for thousands of nodes, so it has no text for
 * display.
 */
export interface Consumer extends ports.Usage {
  readonly namespace: string;
  readonly pod: string;
  /** Absent for the whole pod. */
  readonly part?: 'writable layer' | 'logs' | 'volume';
  /** The name of the container or of the volume. */
  readonly of?: string;
}

/** What the pods of a node use. */
export interface PodsUsage {
  /** Writable layers, logs and emptyDir volumes of all pods. */
  readonly bytes: number;
  /** Writable layers alone, as far as they are measured per container. */
  readonly rootfsBytes: number;
  readonly logBytes: number;
  /** The largest first. */
  readonly byBytes: readonly Consumer[];
  readonly byInodes: readonly Consumer[];
}

/** A part with at least this share of its pod's usage is named instead of the pod. */
const MOST_OF_POD = 0.5;

/** Keeps the `most` largest consumers. PersistentVolumeClaims do not count: they need not be on a disk of the node. */
export function podsUsage(usages: readonly ports.PodUsage[], most = 3): PodsUsage {
  const byBytes: Consumer[] = [];
  const byInodes: Consumer[] = [];
  let bytes = 0;
  let rootfsBytes = 0;
  let logBytes = 0;
  for (const usage of usages) {
    const parts = partsOf(usage);
    const total = totalOf(usage, parts);
    bytes += total.bytes ?? 0;
    for (const { rootfs, logs } of usage.containers) {
      rootfsBytes += rootfs?.bytes ?? 0;
      logBytes += logs?.bytes ?? 0;
    }
    if (most === 0) continue;
    const { namespace, name: pod } = usage;
    keep(byBytes, most, 'bytes', { namespace, pod, ...dominant(parts, total, 'bytes') });
    keep(byInodes, most, 'inodes', { namespace, pod, ...dominant(parts, total, 'inodes') });
  }
  return {
    bytes,
    rootfsBytes,
    logBytes,
    // Saves memory: a copy has no spare capacity, and a consumer in both lists is one object.
    byBytes: [...byBytes],
    byInodes: byInodes.map((consumer) => byBytes.find((one) => isSame(one, consumer)) ?? consumer),
  };
}

/** `edge/gateway-6c-x8, container gateway, logs` */
export function nameOf({ namespace, pod, part, of }: Consumer): string {
  const name = `${namespace}/${pod}`;
  if (part === undefined) return name;
  return part === 'volume' ? `${name}, volume ${of}` : `${name}, container ${of}, ${part}`;
}

/** PersistentVolumeClaims on a disk of another size than those of the node, as `ci/agent cache`. */
export function claimsOnOtherDisks(
  usages: readonly ports.PodUsage[],
  disks: readonly Pick<ports.FileSystem, 'capacityBytes'>[],
): readonly string[] {
  return usages.flatMap(({ namespace, name, volumes }) =>
    volumes.flatMap(({ claim, capacityBytes }) =>
      claim === undefined ||
      capacityBytes === undefined ||
      disks.some((disk) => disk.capacityBytes === capacityBytes)
        ? []
        : [`${namespace}/${name} ${claim}`],
    ),
  );
}

type Amount = 'bytes' | 'inodes';
type Part = Omit<Consumer, 'namespace' | 'pod'>;

function isSame(a: Consumer, b: Consumer): boolean {
  return a.namespace === b.namespace && a.pod === b.pod && a.part === b.part && a.of === b.of;
}

function partsOf({ containers, volumes }: ports.PodUsage): readonly Part[] {
  return [
    ...containers.flatMap(({ name: of, rootfs, logs }): Part[] => [
      { part: 'writable layer', of, ...rootfs },
      { part: 'logs', of, ...logs },
    ]),
    ...volumes
      .filter(({ claim }) => claim === undefined)
      .map(({ name: of, bytes, inodes }): Part => ({
        part: 'volume',
        of,
        ...(bytes !== undefined && { bytes }),
        ...(inodes !== undefined && { inodes }),
      })),
  ];
}

function totalOf({ ephemeral }: ports.PodUsage, parts: readonly Part[]): ports.Usage {
  const sum = (amount: Amount) => parts.reduce((total, part) => total + (part[amount] ?? 0), 0);
  return { bytes: ephemeral?.bytes ?? sum('bytes'), inodes: ephemeral?.inodes ?? sum('inodes') };
}

function dominant(parts: readonly Part[], total: ports.Usage, amount: Amount): Part {
  const all = total[amount] ?? 0;
  // A volume in memory is listed with the others, but not included in the total.
  const [largest] = parts
    .filter((part) => (part[amount] ?? 0) <= all)
    .toSorted((a, b) => (b[amount] ?? 0) - (a[amount] ?? 0));
  return largest && (largest[amount] ?? 0) >= MOST_OF_POD * all ? largest : total;
}

function keep(kept: Consumer[], most: number, amount: Amount, consumer: Consumer): void {
  const used = consumer[amount] ?? 0;
  if (used <= 0) return;
  const at = kept.findIndex((one) => used > (one[amount] ?? 0));
  kept.splice(at < 0 ? kept.length : at, 0, consumer);
  kept.length = Math.min(kept.length, most);
}

interface Imaged {
  readonly containerRuntime?: string;
  readonly fileSystems?: FileSystems;
  readonly usage?: PodsUsage;
}

/**
 * What the images use, if they are on this disk. containerd counts writable layers of containers as images, Docker does not:
 * https://github.com/containerd/containerd/blob/main/internal/cri/server/images/imagefs_info.go
 */
export function imageBytesOn(disk: Disk, node: Imaged): number | undefined {
  const bytes = node.fileSystems?.imageFs?.usedBytes;
  if (bytes === undefined || !disk.holds.includes('imageFs')) return undefined;
  const areLayersCounted = !isDocker(node) && holdsLayers(disk, node);
  return areLayersCounted ? Math.max(0, bytes - (node.usage?.rootfsBytes ?? 0)) : bytes;
}

/** Whether writable layers of containers are on this disk: with the images, unless they have a separate file system. */
export function holdsLayers({ holds }: Disk, { fileSystems }: Imaged): boolean {
  return holds.includes(fileSystems?.containerFs?.capacityBytes ? 'containerFs' : 'imageFs');
}

export function isDocker({ containerRuntime = '' }: Pick<Imaged, 'containerRuntime'>): boolean {
  return containerRuntime.startsWith('docker://');
}
