import type { ports } from '../../kit.ts';
import type { KeptContainers, KeptReason, Leftover, SortedContainers } from './facts.ts';
import {
  type Includable,
  isIncludable,
  isOwnedByName,
  containerOwner,
} from '../../shared/container-owners.ts';

/** The result for one container, without regard to others that use its volumes. */
type Verdict =
  | { readonly kind: 'in-use' }
  | { readonly kind: 'kept'; readonly why: KeptReason }
  | { readonly kind: 'undecided'; readonly because: string }
  | { readonly kind: 'stopped'; readonly finishedAt: Date; readonly details: ports.ContainerDetails };

export interface SortOptions {
  readonly now: Date;
  /** How long ago a container must have finished. */
  readonly olderMs: number;
  /** Owners whose containers are treated as leftovers. */
  readonly include: readonly Includable[];
}

/** Containers of which it is unknown whether they are leftovers, for one reason. */
export interface Undecided {
  readonly because: string;
  readonly count: number;
  /** The first names. */
  readonly names: readonly string[];
}

/** Names that are kept of many. */
const MAX_NAMES = 5;
/** More means a wrong clock. Less can be the duration of a request. */
export const CLOCK_TOLERANCE_MS = 300_000;

const IN_USE: ReadonlySet<string> = new Set(['running', 'paused', 'restarting']);
/** The second is Podman's. */
const NEVER_STARTED: ReadonlySet<string> = new Set(['created', 'initialized']);
const STOPPED: ReadonlySet<string> = new Set(['exited', 'dead']);

/** Decides whether a container is a leftover. If anything is unknown, it is not. */
export function judge(container: ports.EngineContainer, options: SortOptions): Verdict {
  if (IN_USE.has(container.state)) return { kind: 'in-use' };
  const owner = containerOwner(container);
  if (owner === undefined) return judgeUnowned(container, options);
  if (!isIncludable(owner)) return { kind: 'kept', why: owner };
  const verdict = judgeUnowned(container, options);
  return verdict.kind === 'stopped' && !options.include.includes(owner)
    ? { kind: 'kept', why: owner }
    : verdict;
}

function judgeUnowned(container: ports.EngineContainer, { now, olderMs }: SortOptions): Verdict {
  const { state, details, error } = container;
  if (state === 'removing') return { kind: 'kept', why: 'being-removed' };
  // Its FinishedAt is the year 1, which is older than any limit: https://github.com/spotify/docker-gc/issues/127
  if (NEVER_STARTED.has(state)) return { kind: 'kept', why: 'never-started' };
  if (!STOPPED.has(state)) return { kind: 'undecided', because: `its state is unknown: ${state}` };
  if (!details)
    return {
      kind: 'undecided',
      because: `it could not be inspected${error === undefined ? '' : `: ${error}`}`,
    };
  if (details.autoRemove) return { kind: 'kept', why: 'auto-remove' };
  if (!['', 'no'].includes(details.restartPolicy)) return { kind: 'kept', why: 'restart-policy' };
  return judgeAge(details, now, olderMs);
}

/** Ages count from when it finished, never from when it was created: it may have run until now. */
function judgeAge(details: ports.ContainerDetails, now: Date, olderMs: number): Verdict {
  const { finishedAt, finishedAtText } = details;
  const ageMs = now.getTime() - (finishedAt?.getTime() ?? Number.NaN);
  if (finishedAt === undefined || Number.isNaN(ageMs))
    return {
      kind: 'undecided',
      because: `it has stopped, but the engine does not report when (${finishedAtText})`,
    };
  if (ageMs < -CLOCK_TOLERANCE_MS)
    return {
      kind: 'undecided',
      because: `it finished in the future (${finishedAtText}): the engine's clock is ahead of Wrench's`,
    };
  return ageMs > olderMs ? { kind: 'stopped', finishedAt, details } : { kind: 'kept', why: 'too-recent' };
}

interface Sorting {
  readonly add: (container: ports.EngineContainer) => void;
  /** Call after all were added. `isComplete`: whether the engine's list was read to its end. */
  readonly result: (isComplete: boolean) => SortedContainers & { readonly undecided: readonly Undecided[] };
}

/**
 * Sorts the containers of one engine as they are read. Of kept containers it stores only counts and a few names, so that ten thousand of
 * them need little memory.
 */
export function sortContainers(options: SortOptions): Sorting {
  const stopped: Leftover[] = [];
  const kept = new Map<KeptReason, { count: number; examples: string[]; byName: number }>();
  const undecided = new Map<string, { count: number; names: string[] }>();
  const imageIds = new Set<string>();
  const volumes = new Set<string>();
  const runnerCacheVolumes = new Set<string>();
  /** Volumes of kept containers. */
  const usedVolumes = new Set<string>();
  const volumesFrom = new Set<string>();
  /** Containers on which kept ones depend. */
  const needed = new Set<string>();
  /** Of stopped containers, by id. */
  const dependencies = new Map<string, readonly string[]>();
  let inUse = 0;
  let hasKubelet = false;
  let uninspected = 0;

  const keep = (why: KeptReason, name: string, isByName = false) => {
    const group = kept.get(why) ?? { count: 0, examples: [], byName: 0 };
    kept.set(why, group);
    group.count += 1;
    if (isByName) group.byName += 1;
    if (group.examples.length < MAX_NAMES) group.examples.push(name);
  };
  const doubt = (because: string, name: string) => {
    const group = undecided.get(because) ?? { count: 0, names: [] };
    undecided.set(because, group);
    group.count += 1;
    if (group.names.length < MAX_NAMES) group.names.push(name);
  };

  const add = (container: ports.EngineContainer) => {
    const { name, details } = container;
    const own = volumesOf(container);
    imageIds.add(container.imageId);
    for (const volume of own) volumes.add(volume);
    for (const one of details?.volumesFrom ?? []) volumesFrom.add(nameIn(one));
    const owner = containerOwner(container);
    hasKubelet ||= owner === 'kubernetes';
    if (owner === 'gitlab-cache') for (const volume of own) runnerCacheVolumes.add(volume);
    const verdict = judge(container, options);
    if (verdict.kind === 'stopped') {
      stopped.push(leftoverOf(container, verdict, own));
      if (verdict.details.dependsOn.length > 0) dependencies.set(container.id, verdict.details.dependsOn);
      return;
    }
    for (const volume of own) usedVolumes.add(volume);
    for (const one of details?.dependsOn ?? []) needed.add(one);
    if (verdict.kind === 'in-use') inUse += 1;
    if (verdict.kind === 'kept') keep(verdict.why, name, isOwnedByName(container));
    if (verdict.kind === 'undecided') doubt(verdict.because, name);
    if (!details) {
      uninspected += 1;
      // It may use the volumes of others.
      if (verdict.kind !== 'undecided')
        doubt(
          `it could not be inspected${container.error === undefined ? '' : `: ${container.error}`}`,
          name,
        );
    }
  };

  const result = (isListed: boolean) => {
    const isComplete = isListed && uninspected === 0;
    const isNamed = namedBy(volumesFrom);
    const [lending, unnamed] = partition(stopped, isNamed);
    const { free, sharing, staying } = splitByUse(lending, unnamed, { usedVolumes, needed, dependencies });
    for (const { name } of lending) keep('lends-volumes', name);
    for (const { name } of sharing) keep('shares-volumes', name);
    for (const { name } of staying) keep('needed', name);
    const [decided, doubtful] = isComplete
      ? [free, []]
      : partition(free, ({ volumes: own }) => own.length === 0);
    for (const { name } of doubtful) keep('unknown-volume-users', name);
    return {
      leftovers: decided.toSorted(byBytesThenName),
      sharingVolumes: sharing.toSorted(byBytesThenName),
      kept: [...kept]
        .map(([why, group]): KeptContainers => ({ why, ...group, examples: group.examples.toSorted() }))
        .toSorted((a, b) => (a.why < b.why ? -1 : 1)),
      inUse,
      hasKubelet,
      isComplete,
      imageIds,
      volumes,
      runnerCacheVolumes,
      undecided: [...undecided].map(([because, group]) => ({ because, ...group })),
    };
  };
  return { add, result };
}

/** The largest first. Unknown sizes may be large. */
export function byBytesThenName(a: Leftover, b: Leftover): number {
  const difference = (b.bytes ?? Infinity) - (a.bytes ?? Infinity);
  if (difference !== 0 && !Number.isNaN(difference)) return difference;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function leftoverOf(
  { id, name, image, state, labels }: ports.EngineContainer,
  { finishedAt, details: { finishedAtText } }: Extract<Verdict, { readonly kind: 'stopped' }>,
  volumes: readonly string[],
): Leftover {
  const builtFrom = labels['org.opencontainers.image.source'];
  return {
    id,
    name,
    image,
    labels,
    state,
    finishedAt,
    finishedAtText,
    volumes,
    ...(builtFrom !== undefined && builtFrom !== '' && { builtFrom }),
  };
}

/** The volumes that a container mounts, by name. A bind mount of the folder of a volume, or of one in it, counts as well. */
export function volumesOf({ details }: Pick<ports.EngineContainer, 'details'>): readonly string[] {
  return (details?.mounts ?? []).flatMap(({ type, volume, source = '' }) => {
    if (type === 'volume') return [volume ?? (source === '' ? 'unnamed' : source)];
    return VOLUME_FOLDER.exec(source)?.[1] ?? [];
  });
}

/** Of the local driver of Docker, and of Podman: `/var/lib/docker/volumes/NAME/_data`. */
const VOLUME_FOLDER = /\/volumes\/([^/]+)\/_data(?:\/|$)/;

/** Without the slash of a name and without a mode: `/data:ro`. */
function nameIn(reference: string): string {
  return reference.replace(/^\//, '').replace(/:[a-zA-Z,]+$/, '');
}

/** Whether a container is one of those that others name: by id, the beginning of its id, or name. */
export function namedBy(
  references: Iterable<string>,
): (container: Pick<ports.EngineContainer, 'id' | 'name'>) => boolean {
  const known = new Set(Array.from(references, nameIn));
  // Looked up by their length, not tried one by one: there may be thousands.
  const lengths = new Set([...known].filter((one) => /^[0-9a-f]+$/.test(one)).map(({ length }) => length));
  return ({ id, name }) => known.has(name) || [...lengths].some((length) => known.has(id.slice(0, length)));
}

interface Use {
  /** Volumes of kept containers. */
  readonly usedVolumes: ReadonlySet<string>;
  /** The containers on which kept ones depend, by id or name. */
  readonly needed: ReadonlySet<string>;
  /** The same for each stopped container, by its id. */
  readonly dependencies: ReadonlyMap<string, readonly string[]>;
}

/** A container that shares a volume with a kept one, or that a kept one needs, is also kept, and so on. */
function splitByUse(
  lending: readonly Leftover[],
  stopped: readonly Leftover[],
  { usedVolumes, needed, dependencies }: Use,
): Readonly<Record<'free' | 'sharing' | 'staying', readonly Leftover[]>> {
  const volumes = new Set(usedVolumes);
  const references = new Set(needed);
  const sharing: Leftover[] = [];
  const neededOnes: Leftover[] = [];
  let added = lending;
  let free = stopped;
  for (;;) {
    for (const one of added) {
      for (const volume of one.volumes) volumes.add(volume);
      for (const reference of dependencies.get(one.id) ?? []) references.add(reference);
    }
    const isNeeded = namedBy(references);
    const [bound, others] = partition(
      free,
      (one) => isNeeded(one) || one.volumes.some((volume) => volumes.has(volume)),
    );
    if (bound.length === 0) return { free, sharing, staying: neededOnes };
    for (const one of bound) (isNeeded(one) ? neededOnes : sharing).push(one);
    added = bound;
    free = others;
  }
}

function partition<T>(all: readonly T[], matches: (one: T) => boolean): readonly [T[], T[]] {
  const yes: T[] = [];
  const no: T[] = [];
  for (const one of all) (matches(one) ? yes : no).push(one);
  return [yes, no];
}
