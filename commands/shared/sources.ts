import { type ReadContext, SourceError } from '../kit.ts';

/** The names in a list with commas. */
export function splitNames(list: string): readonly string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}

/** The sources that `--source` names, all where it is absent. A name that no source has is a gap, which lists the names there are. */
export function chooseSources<T extends { readonly name: string }>(
  sources: readonly T[],
  source: string | undefined,
  holds: 'keys' | 'processes',
  gap: ReadContext['gap'],
): readonly T[] {
  if (source === undefined) return sources;
  const requested = splitNames(source);
  const known = sources.map(({ name }) => name);
  for (const name of requested.filter((one) => !known.includes(one)))
    gap(
      `--source ${name}`,
      new SourceError(
        name,
        'missing',
        `no source for ${holds} has that name; available: ${known.join(', ')}`,
      ),
    );
  return sources.filter(({ name }) => requested.includes(name));
}
