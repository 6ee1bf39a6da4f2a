import type { Config, SourceConfig } from '../config.ts';
import type { Readers } from '../ports/readers.ts';
import type { Source } from '../ports/source.ts';
import { openFiles } from '../sources/files/open.ts';
import { openTls } from '../sources/tls/open.ts';
import { openVault } from '../sources/vault/open.ts';

/** One environment with its sources open. */
export interface OpenEnvironment {
  readonly name: string;
  readonly sources: readonly Source[];
  readonly readers: Partial<Readers>;
}

export function openEnvironments({ environments }: Config): ReadonlyMap<string, OpenEnvironment> {
  return new Map(
    Object.entries(environments).map(([name, { sources: configured }]) => {
      const sources = configured.map(openSource);
      return [name, { name, sources, readers: readersOf(sources) }];
    }),
  );
}

export async function closeEnvironments(environments: ReadonlyMap<string, OpenEnvironment>): Promise<void> {
  const sources = [...environments.values()].flatMap((environment) => environment.sources);
  await Promise.allSettled(sources.map((source) => source.close()));
}

function openSource(config: SourceConfig): Source {
  switch (config.kind) {
    case 'tls':
      return openTls(config);
    case 'files':
      return openFiles(config);
    case 'vault':
      return openVault(config);
  }
}

/** A port without any source is left out, so that a check which needs it says so. */
function readersOf(sources: readonly Source[]): Partial<Readers> {
  const stores = sources.map(({ certificates }) => certificates).filter((store) => store !== undefined);
  return stores.length > 0 ? { certificates: { stores } } : {};
}
