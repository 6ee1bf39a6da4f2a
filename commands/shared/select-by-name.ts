import { nearest, type ReadContext, SourceError, wording } from '../kit.ts';
import { splitNames } from './sources.ts';

interface Selection<T> {
  /** Such as `--deployment`. */
  readonly flag: string;
  /** Names, separated by commas. */
  readonly requested: string;
  readonly nameOf: (one: T) => string;
  readonly matches?: (requested: string, name: string) => boolean;
}

/** Those with one of the requested names. An unknown name is a gap that suggests the nearest name, or lists those that exist. */
export function selectByName<T>(
  all: readonly T[],
  { flag, requested, nameOf, matches = (one, name) => one === name }: Selection<T>,
  gap: ReadContext['gap'],
): readonly T[] {
  const names = splitNames(requested);
  const known = [...new Set(all.map(nameOf))].toSorted();
  for (const name of names.filter((one) => !known.some((other) => matches(one, other)))) {
    const meant = nearest(name, known);
    const available = known.length === 0 ? 'there are none' : `available: ${wording.list(known, 10)}`;
    const hint = meant === undefined ? available : `did you mean ${meant}?`;
    gap(`${flag} ${name}`, new SourceError(name, 'missing', `not found; ${hint}`));
  }
  return all.filter((one) => names.some((name) => matches(name, nameOf(one))));
}
