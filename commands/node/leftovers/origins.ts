import { wording } from '../../kit.ts';
import type { Leftover } from './facts.ts';
import { sum } from './usage.ts';

/** Stopped containers of one origin: the repository of their image. */
export interface Origin {
  /** `registry.example/build`, without tag and digest; undefined if only the image's id is known. */
  readonly image?: string;
  /** What their names have in common: `jenkins-it-*`. Absent if nothing. */
  readonly names?: string;
  /** The repository that their label `org.opencontainers.image.source` names, if all name the same. */
  readonly builtFrom?: string;
  readonly count: number;
  readonly bytes: number;
  readonly oldest: Date;
  readonly newest: Date;
}

/** Where containers came from, the origin of the most bytes first. */
export function originsOf(leftovers: readonly Leftover[]): readonly Origin[] {
  const groups = Map.groupBy(leftovers, ({ image }) => repositoryOf(image));
  return [...groups]
    .map(([image, group]) => originOf(image, group))
    .toSorted(
      (a, b) => b.bytes - a.bytes || b.count - a.count || ((a.image ?? '') < (b.image ?? '') ? -1 : 1),
    );
}

function originOf(image: string | undefined, group: readonly Leftover[]): Origin {
  const times = group.map(({ finishedAt }) => finishedAt);
  const names = commonName(group.map(({ name }) => name));
  const [builtFrom, ...others] = new Set(group.map((one) => one.builtFrom));
  return {
    ...(image !== undefined && { image }),
    ...(names !== undefined && { names }),
    ...(builtFrom !== undefined && others.length === 0 && { builtFrom }),
    count: group.length,
    bytes: sum(group.map(({ bytes }) => bytes)),
    oldest: times.reduce((a, b) => (b < a ? b : a)),
    newest: times.reduce((a, b) => (b > a ? b : a)),
  };
}

/** `registry.example:5000/base` of `registry.example:5000/base:209`. The engine shows an id if the tag now belongs to another image. */
export function repositoryOf(image: string): string | undefined {
  if (/^(?:sha256:)?[0-9a-f]{12,64}$/.test(image)) return undefined;
  const [named = ''] = image.split('@');
  const slash = named.lastIndexOf('/');
  const colon = named.indexOf(':', slash);
  return colon === -1 ? named : named.slice(0, colon);
}

/** At least as long as a word. */
const MIN_COMMON_CHARS = 4;

/** `jenkins-it-*`: the common beginning of several names, up to a separator. */
function commonName(names: readonly string[]): string | undefined {
  if (names.length < 2) return undefined;
  const sorted = names.toSorted();
  const first = sorted[0] ?? '';
  const last = sorted.at(-1) ?? '';
  let shared = 0;
  while (shared < first.length && first[shared] === last[shared]) shared += 1;
  const prefix = /^.*[-_.]/.exec(first.slice(0, shared))?.[0] ?? '';
  return prefix.length >= MIN_COMMON_CHARS ? `${prefix}*` : undefined;
}

/** `, all from base`, or the origins of the most bytes: `: 12 from base and 3 from registry.example/it`. */
export function originsInWords(origins: readonly Origin[], most: number): string {
  const [first] = origins;
  if (origins.length === 1 && first) return `, ${first.count > 1 ? 'all ' : ''}from ${imageOf(first)}`;
  return `: ${wording.list(
    origins.map((one) => `${one.count} from ${imageOf(one)}`),
    most,
  )}`;
}

/** `registry.example/build` */
export function imageOf({ image }: Origin): string {
  return image ?? 'images without a tag';
}
