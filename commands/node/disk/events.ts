import type { ports } from '../../kit.ts';

/** What the events of one node say about its disks. Counts are lower bounds: events are aggregated, rate limited, and deleted after an hour. */
export interface DiskEvents {
  readonly imageGc?: ImageGcFailures;
  /** When the kubelet last tried to reclaim disk space. */
  readonly breachedAt?: Date;
}

export interface ImageGcFailures {
  readonly count: number;
  readonly firstAt?: Date;
  readonly lastAt?: Date;
  /** Containers that keep the runtime from deleting an image, by the first 12 digits of their ids. */
  readonly containers: readonly string[];
  /** Whether the events describe all of them as stopped. */
  readonly areStopped: boolean;
  /** The same for running containers, which no cleanup removes. */
  readonly running: readonly string[];
  /** The images that `containers` use, if the runtime names them. */
  readonly images: readonly string[];
  /** Whether the kubelet found no image that it may delete. */
  readonly foundNothing: boolean;
  /** How much was freed the last time, if an event says so. */
  readonly freedBytes?: number;
  /** A message that could not be parsed. */
  readonly unknown?: string;
}

/** Docker's refusals, of all generations: https://github.com/moby/moby/blob/master/daemon/images/image_delete.go */
const REFUSED =
  /unable to (?:delete|remove repository reference) \\*"?([^"\\\s]+)\\*"? \((must be forced|must force|cannot be forced)\) - (?:image is being used by (\w+) container (\w+)|container (\w+) is using its (?:referenced )?image(?: (\w+))?)/g;

/** CRI-O's refusals. Podman and Buildah may use the same store: https://github.com/containers/storage/blob/main/types/errors.go */
const IN_USE = /image used by ([0-9a-f]{12,}): image is in use by a container/gi;

/** The kubelet's own messages, which changed over time: https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/image_gc_manager.go */
const FREED =
  /(?:wanted|attempted) to free \d+ bytes, but (?:freed|only found) (\d+) bytes|Insufficient free disk space on the node's image filesystem .*\(freed (\d+) bytes\)/is;
const FOUND_NOTHING = /only found 0 bytes eligible/i;

/** Of a disk: the same event is recorded for memory and process ids. */
const RECLAIMED = /reclaim (?:ephemeral-storage|inodes|storage|nodefs|imagefs)/i;

/** As many as fit in one message. */
const MOST_KEPT = 100;
const ID_DIGITS = 12;

/** Summarizes the events of one node without keeping them. */
export class DiskEventCollector {
  readonly #containers = new Set<string>();
  readonly #running = new Set<string>();
  readonly #images = new Set<string>();
  readonly #counts = { ImageGCFailed: 0, FreeDiskSpaceFailed: 0 };
  #firstAt: Date | undefined;
  #lastAt: Date | undefined;
  #breachedAt: Date | undefined;
  #freed: { readonly at: number; readonly bytes: number } | undefined;
  #foundNothing = false;
  #areStopped = true;
  #unknown: string | undefined;

  add({ reason, message, count, firstAt, lastAt = firstAt }: ports.ClusterEvent): void {
    if (reason === 'EvictionThresholdMet' && RECLAIMED.test(message))
      this.#breachedAt = later(this.#breachedAt, lastAt);
    if (reason !== 'ImageGCFailed' && reason !== 'FreeDiskSpaceFailed') return;
    this.#counts[reason] += Math.max(1, count);
    this.#firstAt = earlier(this.#firstAt, firstAt);
    this.#lastAt = later(this.#lastAt, lastAt);
    const refused = [...message.matchAll(REFUSED)];
    for (const match of refused) this.#addRefusal(match);
    const used = [...message.matchAll(IN_USE)];
    for (const [, container = ''] of used) this.#addContainer(this.#containers, container);
    if (used.length > 0) this.#areStopped = false;
    const freed = FREED.exec(message);
    const at = lastAt?.getTime() ?? 0;
    if (freed && at >= (this.#freed?.at ?? 0)) this.#freed = { at, bytes: Number(freed[1] ?? freed[2]) };
    this.#foundNothing ||= FOUND_NOTHING.test(message);
    if (!freed && refused.length + used.length === 0) this.#unknown = message;
  }

  #addRefusal([, named = '', force, state, used, user, image]: RegExpMatchArray): void {
    const isRunning = force === 'cannot be forced' || state === 'running';
    this.#addContainer(isRunning ? this.#running : this.#containers, used ?? user ?? '');
    if (isRunning) return;
    if (state !== 'stopped') this.#areStopped = false;
    if (this.#images.size < MOST_KEPT) this.#images.add(shorten(image ?? named));
  }

  #addContainer(containers: Set<string>, id: string): void {
    if (containers.size < MOST_KEPT) containers.add(id.slice(0, ID_DIGITS));
  }

  /** undefined if no event is about a disk. */
  result(): DiskEvents | undefined {
    const { ImageGCFailed: failed, FreeDiskSpaceFailed: insufficient } = this.#counts;
    // The kubelet records one failure under both reasons.
    const count = Math.max(failed, insufficient);
    const breachedAt = this.#breachedAt && { breachedAt: this.#breachedAt };
    if (count === 0) return breachedAt;
    return {
      ...breachedAt,
      imageGc: {
        count,
        ...(this.#firstAt && { firstAt: this.#firstAt }),
        ...(this.#lastAt && { lastAt: this.#lastAt }),
        containers: idsOf(this.#containers),
        areStopped: this.#areStopped,
        running: idsOf(this.#running),
        images: [...this.#images].toSorted(),
        foundNothing: this.#foundNothing,
        ...(this.#freed && { freedBytes: this.#freed.bytes }),
        ...(this.#unknown !== undefined && { unknown: this.#unknown }),
      },
    };
  }
}

/** Sorted, without the ones that are the beginning of another: a long message is cut off anywhere. */
function idsOf(containers: ReadonlySet<string>): readonly string[] {
  const sorted = [...containers].toSorted();
  return sorted.filter((id, at) => sorted[at + 1]?.startsWith(id) !== true);
}

/** Shortens a full id to its first digits, which name the same image. */
function shorten(image: string): string {
  const id = image.replace(/^sha256:/, '');
  return /^[0-9a-f]{12,}$/.test(id) ? id.slice(0, ID_DIGITS) : image;
}

function later(a: Date | undefined, b: Date | undefined): Date | undefined {
  return a && b ? (a > b ? a : b) : (a ?? b);
}

function earlier(a: Date | undefined, b: Date | undefined): Date | undefined {
  return a && b ? (a < b ? a : b) : (a ?? b);
}
