import type { Config, SourceConfig } from '../config.ts';
import type { Readers } from '../ports/readers.ts';
import type { Source } from '../ports/source.ts';

/** One environment with its sources open. */
export interface OpenEnvironment {
  readonly name: string;
  readonly sources: readonly Source[];
  readonly readers: Partial<Readers>;
}

export type Environments = ReadonlyMap<string, OpenEnvironment>;

export async function openEnvironments(environments: Config['environments']): Promise<Environments> {
  const open = Object.entries(environments).map(async ([name, { sources: configured }]) => {
    const sources = await Promise.all(configured.map(openSource));
    return [name, { name, sources, readers: readersOf(sources) }] as const;
  });
  return new Map(await Promise.all(open));
}

export async function closeEnvironments(environments: Environments): Promise<void> {
  const sources = [...environments.values()].flatMap((environment) => environment.sources);
  await Promise.allSettled(sources.map((source) => source.close()));
}

/** Loads a vendor's code only where the configuration names that vendor. */
async function openSource(config: SourceConfig): Promise<Source> {
  switch (config.kind) {
    case 'tls':
      return (await import('../sources/tls/open.ts')).openTls(config);
    case 'files':
      return (await import('../sources/files/open.ts')).openFiles(config);
    case 'vault':
      return (await import('../sources/vault/open.ts')).openVault(config);
  }
}

/** A port without any source is left out, so that a check which needs it says so. */
function readersOf(sources: readonly Source[]): Partial<Readers> {
  const stores = sources.map(({ certificates }) => certificates).filter((store) => store !== undefined);
  return stores.length > 0 ? { certificates: { stores } } : {};
}
