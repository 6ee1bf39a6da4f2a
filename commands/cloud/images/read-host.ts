import { setTimeout } from 'node:timers/promises';
import { type ports, SourceError } from '../../kit.ts';
import type { AskHost, SurveyedHost } from '../../shared/host-survey.ts';
import { settle } from '../../shared/settle.ts';
import type { HostFacts, ImagesContext } from './facts.ts';
import { INSTANCES_PATH, sharedDevice } from './storages.ts';

/** A host, and the questions that it can't answer, which may not matter. */
export interface ReadHost {
  readonly facts: HostFacts;
  readonly missing: ReadonlyMap<Question, SourceError>;
}

const OPTIONAL = ['mounts', 'clock', 'disks of instances', 'settings of Nova'] as const;
type Question = (typeof OPTIONAL)[number];

/** Lets one host after another read a storage, until one of them has read it. */
export type Turns = <T>(storage: string, read: () => Promise<T | undefined>) => Promise<T | undefined>;

/** A host that hangs holds up the next one for an eighth of the time that is left when its turn begins. */
const SHARE_PER_TURN = 8;

export function takeTurns({ signal, leftMs }: Pick<ImagesContext, 'signal' | 'leftMs'>): Turns {
  const last = new Map<string, { readonly begun: Promise<void>; readonly isRead: Promise<boolean> }>();
  return async (storage, read) => {
    const before = last.get(storage);
    const begun = Promise.withResolvers<void>();
    const done = new AbortController();
    const turn = (async () => {
      // Hundreds of hosts that wait must not all give up waiting at once, and read the same storage.
      await before?.begun;
      const isRead = await Promise.race([
        before?.isRead ?? false,
        setTimeout(leftMs() / SHARE_PER_TURN, false, {
          signal: AbortSignal.any([signal, done.signal]),
        }).catch(() => false),
      ]);
      done.abort();
      begun.resolve();
      return isRead ? { isRead, value: undefined } : { isRead, value: await read() };
    })();
    last.set(storage, {
      begun: begun.promise,
      isRead: turn.then(
        ({ isRead, value }) => isRead || value !== undefined,
        () => false,
      ),
    });
    return (await turn).value;
  };
}

/** The disks on a shared storage are read on one of its hosts: there may be thousands. */
export async function readHost(
  context: ImagesContext,
  one: SurveyedHost,
  ask: AskHost,
  turns: Turns,
): Promise<ReadHost> {
  const { source, host, name } = one;
  const missing = new Map<Question, SourceError>();
  const answer = <T>(what: string, read: (query: ports.HostQuery) => Promise<T>): Promise<T | undefined> =>
    ask(what, async (query) => {
      const { value, error } = await settle(context, source.name, (signal) => read({ ...query, signal }));
      if (error?.kind === 'missing' && isQuestion(what)) missing.set(what, error);
      else if (error) throw error;
      return value;
    });
  const [mounts, settings, stamps] = await Promise.all([
    answer('mounts', source.mounts),
    answer('settings of Nova', async (query) => (await source.novaSettings(query)) ?? 'none'),
    answer('compute_nodes', (query) => readStamps(source, query)),
  ]);
  const device = sharedDevice(mounts);
  const readDisks = async (): Promise<Pick<HostFacts, 'disks' | 'states'> | undefined> => {
    const disks = await answer('disks of instances', source.instanceDisks);
    if (!disks) return undefined;
    const paths = [...new Set(disks.flatMap(({ backingPath }) => backingPath ?? []))].toSorted();
    const [inside, outside] = [paths.filter(isInside), paths.filter((path) => !isInside(path))];
    const states = await Promise.all(
      [inside, outside].map(async (some) =>
        some.length === 0
          ? []
          : answer('base images', (query) => source.fileStates({ ...query, paths: some })),
      ),
    );
    return { disks, states: states.flatMap((some) => some ?? []) };
  };
  const [onDisk, clock] = await Promise.all([
    device === undefined ? readDisks() : turns(device, readDisks),
    device === undefined ? undefined : answer('clock', source.clock),
  ]);
  return {
    missing,
    facts: {
      name,
      source: source.name,
      host: host.name,
      ...(clock && { clockAheadMs: clock.time.getTime() - context.now.getTime() }),
      ...(mounts && { mounts }),
      ...(settings && { settings }),
      ...(stamps && { stamps }),
      ...onDisk,
      rescue: source.rescue,
    },
  };
}

function isQuestion(what: string): what is Question {
  return (OPTIONAL as readonly string[]).includes(what);
}

function isInside(path: string): boolean {
  return path.startsWith(`${INSTANCES_PATH}/`);
}

async function readStamps(
  source: ports.Hosts,
  query: ports.HostQuery,
): Promise<NonNullable<HostFacts['stamps']>> {
  try {
    return await source.computeNodes(query);
  } catch (error) {
    if (error instanceof SourceError && error.kind === 'malformed') return 'corrupt';
    if (error instanceof SourceError && error.kind === 'missing') return 'none';
    throw error;
  }
}
