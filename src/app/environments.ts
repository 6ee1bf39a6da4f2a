import type { Config } from '../config/read-config.ts';
import type { Readers, Writers } from '../ports/readers.ts';
import type { Source } from '../ports/source.ts';
import { SourceError } from '../ports/source-error.ts';
import { openSource } from '../sources/open.ts';

/** One environment with its sources open. */
export interface OpenEnvironment {
  readonly name: string;
  readonly sources: readonly Source[];
  readonly readers: Partial<Readers>;
  readonly writers: Partial<Writers>;
}

export type Environments = ReadonlyMap<string, OpenEnvironment>;

export async function openEnvironments(environments: Config['environments']): Promise<Environments> {
  const open = Object.entries(environments).map(async ([name, { sources: configured }]) => {
    const sources = await Promise.all(configured.map(openSource));
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
  const stores = sources.flatMap(({ certificates }) => certificates ?? []);
  const keyStores = sources.flatMap(({ keyValue }) => keyValue ?? []);
  const supervisors = sources.flatMap(({ processes }) => processes ?? []);
  return {
    ...(stores.length > 0 && { certificates: stores }),
    ...(keyStores.length > 0 && { keyValue: keyStores }),
    ...(supervisors.length > 0 && { processes: supervisors }),
  };
}

/** Each call goes to the source that it names. It is refused if the configuration does not allow writes to that source. */
function writersOf(sources: readonly Source[]): Partial<Writers> {
  const writes = <Port extends keyof Writers>(port: Port, name: string): NonNullable<Writers[Port]> => {
    const writer = sources.find((source) => source.name === name)?.writes?.[port];
    if (!writer)
      throw new SourceError(name, 'refused', 'the configuration gives no leave to change anything there');
    return writer as NonNullable<Writers[Port]>;
  };
  return {
    certificates: {
      renew: async (store, renewal, applyContext) =>
        writes('certificates', store).renew(store, renewal, applyContext),
    },
    keyValue: {
      compact: async (store, revision, applyContext) =>
        writes('keyValue', store).compact(store, revision, applyContext),
      defragment: async (store, member, applyContext) =>
        writes('keyValue', store).defragment(store, member, applyContext),
      disarm: async (store, alarm, applyContext) =>
        writes('keyValue', store).disarm(store, alarm, applyContext),
    },
    processes: {
      restart: async (target, applyContext) =>
        writes('processes', target.source).restart(target, applyContext),
    },
  };
}
