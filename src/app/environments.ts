import type { Config } from '../config/read-config.ts';
import { PORT_NAMES, type Readers, type WriterPortName, type Writers } from '../ports/readers.ts';
import type { SourceRecorder } from '../ports/recorder.ts';
import type { Source } from '../ports/source.ts';
import { SourceError } from '../ports/source-error.ts';
import { openSource } from '../sources/open.ts';
import type { SourceConfig } from '../sources/schemas.ts';

/** One environment with its sources open. */
export interface OpenEnvironment {
  readonly name: string;
  readonly sources: readonly Source[];
  readonly readers: Partial<Readers>;
  readonly writers: Writers;
}

export type Environments = ReadonlyMap<string, OpenEnvironment>;

/** Records the responses of the sources of an environment. */
export interface EnvironmentRecorder {
  /** For the source with this kind and name. */
  readonly source: (config: Pick<Source, 'kind' | 'name'>) => SourceRecorder;
  /** The same source; ports that its own recorder doesn't cover are recorded. */
  readonly opened: (source: Source) => Source;
}

export async function openEnvironments(
  environments: Config['environments'],
  recorder?: EnvironmentRecorder,
): Promise<Environments> {
  const openOne = async (config: SourceConfig): Promise<Source> => {
    const source = await openSource(config, recorder?.source(config));
    return recorder?.opened(source) ?? source;
  };
  const open = Object.entries(environments).map(async ([name, { sources: configured }]) => {
    const sources = await Promise.all(configured.map(openOne));
    return [name, { name, sources, readers: readersOf(sources), writers: writersOf(sources) }] as const;
  });
  return new Map(await Promise.all(open));
}

export async function closeEnvironments(environments: Environments): Promise<void> {
  const sources = [...environments.values()].flatMap((environment) => environment.sources);
  await Promise.allSettled(sources.map((source) => source.close()));
}

/** A port without any source is left out, so that a check that needs it reports this. */
function readersOf(sources: readonly Source[]): Partial<Readers> {
  const lists = PORT_NAMES.map((port) => [port, sources.flatMap(({ reads }) => reads[port] ?? [])] as const);
  return Object.fromEntries(lists.filter(([, list]) => list.length > 0));
}

function writersOf(sources: readonly Source[]): Writers {
  const writers = PORT_NAMES.map((port) => [
    port,
    (source: string) => writerOf(sources, source, port as WriterPortName),
  ]);
  return Object.fromEntries(writers) as Writers;
}

function writerOf(sources: readonly Source[], name: string, port: WriterPortName): object {
  const writer = sources.find((source) => source.name === name)?.writes?.[port];
  if (!writer) throw new SourceError(name, 'refused', 'changes are not allowed: `allow` is not configured');
  return writer;
}
