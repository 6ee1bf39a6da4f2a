import type { ports } from '../../kit.ts';
import type { Disk, FileSystems } from './measurements.ts';

/** What uses a disk most: a part of a pod, or a pod as a whole where its parts are not measured. Text is made of it only where it is shown. */
export interface Consumer extends ports.Usage {
  readonly namespace: string;
  readonly pod: string;
  /** Absent for the whole pod. */
  readonly part?: 'writable layer' | 'logs' | 'volume';
  /** The container or the volume that it is a part of. */
  readonly of?: string;
}

/** What pods use, in as few numbers as a verdict needs. */
export interface PodsUsage {
  /** Writable layers, logs and emptyDir volumes of all pods. */
  readonly bytes: number;
  /** Writable layers alone, where they are measured one by one. */
  readonly rootfsBytes: number;
  readonly logBytes: number;
  /** The largest first. */
  readonly byBytes: readonly Consumer[];
  readonly byInodes: readonly Consumer[];
}

const KEPT = 3;
/** A part that has at least this share of its pod stands for the pod. */
const MOST_OF_POD = 0.5;

/**
 * Of a thousand pods three are kept, and none `withoutConsumers`. PersistentVolumeClaims do not count: they need not lie on a disk of the
 * node.
 */
export function podsUsage(
  usages: readonly ports.PodUsage[],
  { withoutConsumers = false }: { readonly withoutConsumers?: boolean } = {},
): PodsUsage {
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
    if (withoutConsumers) continue;
    const { namespace, name: pod } = usage;
    keep(byBytes, 'bytes', { namespace, pod, ...dominant(parts, total, 'bytes') });
    keep(byInodes, 'inodes', { namespace, pod, ...dominant(parts, total, 'inodes') });
  }
  return {
    bytes,
    rootfsBytes,
    logBytes,
    // Copied, because a list that has grown holds space for more; and what is in both is held once.
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

/** `ci/agent cache`: PersistentVolumeClaims that lie on a disk of another size than those of the node. */
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
  // A volume in memory is listed with the others, and is not in the total.
  const [largest] = parts
    .filter((part) => (part[amount] ?? 0) <= all)
    .toSorted((a, b) => (b[amount] ?? 0) - (a[amount] ?? 0));
  return largest && (largest[amount] ?? 0) >= MOST_OF_POD * all ? largest : total;
}

function keep(kept: Consumer[], amount: Amount, consumer: Consumer): void {
  const used = consumer[amount] ?? 0;
  if (used <= 0) return;
  const at = kept.findIndex((one) => used > (one[amount] ?? 0));
  kept.splice(at < 0 ? kept.length : at, 0, consumer);
  kept.length = Math.min(kept.length, KEPT);
}

interface Imaged {
  readonly containerRuntime?: string;
  readonly fileSystems?: FileSystems;
  readonly usage?: PodsUsage;
}

/**
 * What the images take, if they are on this disk. containerd counts writable layers of containers as images, Docker does not:
 * https://github.com/containerd/containerd/blob/main/internal/cri/server/images/imagefs_info.go
 */
export function imageBytesOn(disk: Disk, node: Imaged): number | undefined {
  const bytes = node.fileSystems?.imageFs?.usedBytes;
  if (bytes === undefined || !disk.holds.includes('imageFs')) return undefined;
  const areLayersCounted = !isDocker(node) && holdsLayers(disk, node);
  return areLayersCounted ? Math.max(0, bytes - (node.usage?.rootfsBytes ?? 0)) : bytes;
}

/** Whether the runtime keeps the writable layers of containers on this disk: beside the images, unless they have a file system of their own. */
export function holdsLayers({ holds }: Disk, { fileSystems }: Imaged): boolean {
  return holds.includes(fileSystems?.containerFs?.capacityBytes ? 'containerFs' : 'imageFs');
}

export function isDocker({ containerRuntime = '' }: Pick<Imaged, 'containerRuntime'>): boolean {
  return containerRuntime.startsWith('docker://');
}
