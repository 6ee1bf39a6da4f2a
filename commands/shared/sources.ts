import { nearest, ports, type ReadContext, SourceError } from '../kit.ts';

/** The names in a comma-separated list. */
export function splitNames(list: string): readonly string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}

/** The source that a fix was offered for. @throws {SourceError} `refused` if the configuration no longer has it. */
export function sourceNamed<Source extends { readonly name: string }>(
  sources: readonly Source[],
  name: string,
): Source {
  const source = sources.find((one) => one.name === name);
  if (!source) throw new SourceError(name, 'refused', `source ${name} no longer exists`);
  return source;
}

/** A place without the name of its source: `secret/cf/uaa` for `vault:secret/cf/uaa`. */
export function withoutSource(place: string): string {
  return place.slice(place.indexOf(':') + 1);
}

/**
 * The sources of a port that `--source` names, or all of them without it. An unknown name is a gap that suggests the nearest name, or lists
 * all.
 */
export function chooseSources<Port extends ports.PortName>(
  { read, gap }: Pick<ReadContext<Port>, 'read' | 'gap'>,
  port: Port,
  source: string | undefined,
): readonly ports.Readers[Port][number][] {
  const sources: readonly ports.Readers[Port][number][] = read[port];
  if (source === undefined) return sources;
  const requested = splitNames(source);
  const known = sources.map(({ name }) => name);
  for (const name of requested.filter((one) => !known.includes(one))) {
    const meant = nearest(name, known);
    const hint = meant === undefined ? `available: ${known.join(', ')}` : `did you mean ${meant}?`;
    const message = `no source of ${ports.PORTS[port].holds} has this name; ${hint}`;
    gap(`--source ${name}`, new SourceError(name, 'missing', message));
  }
  return sources.filter(({ name }) => requested.includes(name));
}
