import { nearest, type ReadContext, SourceError, wording } from '../kit.ts';
import { splitNames } from './sources.ts';

interface Selection<T> {
  /** Named after what it selects: `--deployment`. */
  readonly flag: string;
  /** Names, separated by commas. */
  readonly requested: string;
  readonly nameOf: (one: T) => string;
  readonly matches?: (requested: string, name: string) => boolean;
}

/** How many available names a gap lists. */
const MAX_LISTED = 5;

/** The items with one of the requested names. An unknown name is a gap that suggests the nearest name, or lists some that exist. */
export function selectByName<T>(
  all: readonly T[],
  { flag, requested, nameOf, matches = (one, name) => one === name }: Selection<T>,
  gap: ReadContext['gap'],
): readonly T[] {
  const names = splitNames(requested);
  const known = [...new Set(all.map(nameOf))].toSorted();
  for (const name of names.filter((one) => !known.some((other) => matches(one, other))))
    gap(`${flag} ${name}`, new SourceError(name, 'missing', `not found; ${hintFor(name, known, flag)}`));
  return all.filter((one) => names.some((name) => matches(name, nameOf(one))));
}

function hintFor(name: string, known: readonly string[], flag: string): string {
  // Not "there is no pool": the list is also empty if it could not be read.
  if (known.length === 0) return `no ${flag.replace(/^--/, '')} is known`;
  const meant = nearest(name, known);
  return meant === undefined ? `available: ${wording.list(known, MAX_LISTED)}` : `did you mean ${meant}?`;
}
