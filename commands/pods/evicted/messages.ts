/** Why a kubelet evicted a pod, as the message in its status says. */
export type EvictionCause =
  /** Its node was short of something. `resource` is the kubelet's word: `nodefs`. */
  | { readonly kind: 'pressure'; readonly short: Shortage; readonly resource: string }
  /** It used more than it may, whatever its node has left. */
  | {
      readonly kind: 'own-limit';
      readonly of: 'volume' | 'pod' | 'container';
      /** Of the volume or the container. Absent if the kubelet is too old to name it. */
      readonly name?: string;
      readonly limit?: string;
    }
  /** Its node did not start it, because of conditions such as `DiskPressure`. Empty if the kubelet is too old to name them. */
  | { readonly kind: 'refused'; readonly conditions: readonly string[] }
  | { readonly kind: 'unknown' };

export type Shortage = 'memory' | 'disk' | 'inodes' | 'pids' | 'other';

/**
 * Messages of all versions of the kubelet: https://github.com/kubernetes/kubernetes/blob/v1.33.5/pkg/kubelet/eviction/helpers.go. Until 1.8, resources
 * were named after file systems; until 1.14, a refusal was `low on resource: [DiskPressure]`; until 1.10, limits were in lower case and had no names, or
 * were written as a resource of the node (https://github.com/kubernetes/kubernetes/blob/v1.7.16/pkg/kubelet/eviction/eviction_manager.go).
 */
const REFUSED = [
  /The node had condition: \[([^\]]*)\]/i,
  /The node was low on resource: \[([^\]]*)\]/i,
  /^\s*Pod (?:was rejected: )?The node was low on (?:compute resources|resource)/i,
];
const PRESSURE = [/The node was low on resource: ([^\s[\]]+?)\.?(?:\s|$)/i, /The node was low on (compute)/i];
const OWN_LIMITS: readonly {
  readonly of: 'volume' | 'pod' | 'container';
  readonly pattern: RegExp;
}[] = [
  {
    of: 'volume',
    pattern:
      /usage of emptyDir volume "?(?<name>[^"\s]+)"? exceeds the limit "?(?<limit>[^"\s]+?)"?\.?(?:\s|$)/i,
  },
  { of: 'volume', pattern: /emptyDir usage exceeds the limit "?(?<limit>[^"\s]+?)"?\.?(?:\s|$)/i },
  {
    of: 'pod',
    pattern:
      /pod ephemeral local storage usage exceeds the total limit of containers "?(?<limit>[^"\s]+?)"?\.?(?:\s|$)/i,
  },
  {
    of: 'container',
    pattern:
      /container "?(?<name>[^"\s]+)"? exceeded its local ephemeral storage limit "?(?<limit>[^"\s]+?)"?\.?(?:\s|$)/i,
  },
  {
    of: 'container',
    pattern: /container's ephemeral local storage usage exceeds the limit "?(?<limit>[^"\s]+?)"?\.?(?:\s|$)/i,
  },
];

const SHORTAGES: Readonly<Record<string, Shortage>> = {
  memory: 'memory',
  'ephemeral-storage': 'disk',
  storage: 'disk',
  nodefs: 'disk',
  imagefs: 'disk',
  containerfs: 'disk',
  inodes: 'inodes',
  nodefsinodes: 'inodes',
  imagefsinodes: 'inodes',
  containerfsinodes: 'inodes',
  pids: 'pids',
  pid: 'pids',
};

/** Limits of a pod, as old kubelets wrote them: `The node was low on resource: EmptyDir.` */
const LIMITED: Readonly<Record<string, 'volume' | 'container'>> = {
  emptydir: 'volume',
  containeroverlay: 'container',
};

export function causeIn(message: string): EvictionCause {
  for (const { of, pattern } of OWN_LIMITS) {
    const groups = pattern.exec(message)?.groups;
    if (!groups) continue;
    const { name, limit } = groups;
    return { kind: 'own-limit', of, ...(name && { name }), ...(limit && { limit: readableLimit(limit) }) };
  }
  for (const pattern of REFUSED) {
    const found = pattern.exec(message);
    if (found) return { kind: 'refused', conditions: (found[1] ?? '').split(/[\s,]+/).filter(Boolean) };
  }
  for (const pattern of PRESSURE) {
    const resource = pattern.exec(message)?.[1];
    if (resource === undefined) continue;
    const limited = lookUp(LIMITED, resource);
    if (limited) return { kind: 'own-limit', of: limited };
    return { kind: 'pressure', short: lookUp(SHORTAGES, resource) ?? 'other', resource };
  }
  return { kind: 'unknown' };
}

function lookUp<T>(words: Readonly<Record<string, T>>, resource: string): T | undefined {
  const word = resource.toLowerCase();
  return Object.hasOwn(words, word) ? words[word] : undefined;
}

/** Whether a failed pod without a reason was evicted, by its message. */
export function isEvictionMessage(message: string): boolean {
  return causeIn(message).kind !== 'unknown';
}

const USAGE =
  /Container "?([^"\s]+)"? was using ([^\s,]+), (?:request is|which exceeds its request of) ([^\s,]+?)(?=[.,]?(?:\s|$))/gi;

/** What containers used when their pod was evicted: `cache was using 5120Mi, request 1Gi`. */
export function usageIn(message: string): readonly string[] {
  return [...message.matchAll(USAGE)].map(
    ([, name = '', used = '', request = '']) =>
      `${name} was using ${used}, ${request === '0' ? 'without a request' : `request ${request}`}`,
  );
}

const THRESHOLD = /Threshold quantity: ([^\s,]+), available: ([^\s,]+?)(?=[.,]?(?:\s|$))/i;

/** What the node had left: `3.7 GiB available, threshold 4 GiB`. undefined if the message does not say. */
export function availableIn(message: string): string | undefined {
  const found = THRESHOLD.exec(message);
  if (!found) return undefined;
  const cause = causeIn(message);
  const isCount = cause.kind === 'pressure' && (cause.short === 'inodes' || cause.short === 'pids');
  const [threshold = '', available = ''] = found
    .slice(1)
    .map((quantity) => (isCount ? quantity : readable(quantity)));
  return `${available} available, threshold ${threshold}`;
}

/** What a message says beyond {@link usageIn} and {@link availableIn}, in one line. */
export function restOf(message: string): string {
  const numbers = [THRESHOLD, USAGE].map(
    ({ source }) => `${source}(?:, has larger consumption of [^\\s.]+)?\\.?`,
  );
  return message
    .replaceAll(new RegExp(numbers.join('|'), 'gi'), ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

const KIB = 1_024;
const UNITS = ['Ki', 'Mi', 'Gi', 'Ti'];

/** `3.7 GiB` for `3911428Ki`. Small numbers and other notations are kept. */
function readable(quantity: string): string {
  const [, digits = '', unit = ''] = /^(\d+)(Ki|Mi|Gi|Ti|m)?$/.exec(quantity) ?? [];
  const bytes = unit === 'm' ? Number(digits) / 1_000 : Number(digits) * KIB ** (UNITS.indexOf(unit) + 1);
  if (digits === '' || bytes < 64 * KIB ** 2) return quantity;
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length);
  return `${Number((bytes / KIB ** power).toFixed(1))} ${UNITS[power - 1]}B`;
}

/** As it was configured: `1Gi`; but a sum of fractions has no unit, or is in thousandths of a byte: `3435973836800m`. */
function readableLimit(limit: string): string {
  return /^\d+m?$/.test(limit) ? readable(limit) : limit;
}
