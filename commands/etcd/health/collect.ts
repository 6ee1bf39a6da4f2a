import { setTimeout } from 'node:timers/promises';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';

export interface Facts {
  readonly stores: readonly StoreLook[];
}

/** What the members of one store said. */
export interface StoreLook extends ports.StoreMembers {
  readonly name: string;
}

/** Asks every member of every store about itself. That one is silent is a finding; that one will not tell us is a gap. */
export async function collect(
  context: ReadContext<'keyValue'>,
  { source }: { readonly source?: string | undefined },
): Promise<Facts> {
  const looks = await Promise.all(choose(context, source).map((store) => lookAt(context, store)));
  return { stores: looks.flatMap((look) => look ?? []) };
}

async function lookAt(
  { attempt, gap, saw, signal }: ReadContext<'keyValue'>,
  store: ports.KeyValueStore,
): Promise<StoreLook | undefined> {
  const { name } = store;
  const told = await attempt(name, undefined, () => store.members({ signal }));
  if (!told) return undefined;
  const untold = told.members.filter(isUntold);
  for (const { id, name: member, error } of untold) if (error) gap(`${name}/${member || id}`, error);
  saw(name, told.members.length - untold.length);
  return { ...told, name };
}

/** It answers, and says no or what cannot be read: whether it is well is then not known. */
function isUntold({ error }: ports.StoreMember): boolean {
  return error !== undefined && error.kind !== 'unreachable';
}

function choose(
  { read, gap }: ReadContext<'keyValue'>,
  source: string | undefined,
): readonly ports.KeyValueStore[] {
  const { stores } = read.keyValue;
  if (source === undefined) return stores;
  const known = stores.map(({ name }) => name);
  const asked = source
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  for (const name of asked.filter((one) => !known.includes(one)))
    gap(
      `--source ${name}`,
      new SourceError(
        name,
        'missing',
        `no source of that name keeps keys here; there is: ${known.join(', ')}`,
      ),
    );
  return stores.filter(({ name }) => asked.includes(name));
}

const BETWEEN_LOOKS_MS = 500;

/**
 * Looks again and again until its members are as they should be. Meanwhile they may fail to answer.
 * @throws {SourceError} `unreachable` with `otherwise` where they are not within that time; the reason of `signal`.
 */
export async function untilMembers(
  store: ports.KeyValueStore,
  holds: (told: ports.StoreMembers) => boolean,
  {
    signal,
    withinMs,
    otherwise,
  }: { readonly signal: AbortSignal; readonly withinMs: number; readonly otherwise: string },
): Promise<void> {
  const late = AbortSignal.timeout(withinMs);
  const either = AbortSignal.any([signal, late]);
  const isThere = async (): Promise<boolean> => {
    try {
      return holds(await store.members({ signal: either }));
    } catch (error) {
      if (either.aborted || error instanceof SourceError) return false;
      throw error;
    }
  };
  while (!(await isThere())) {
    await setTimeout(BETWEEN_LOOKS_MS, undefined, { signal: either }).catch(() => undefined);
    signal.throwIfAborted();
    if (late.aborted) throw new SourceError(store.name, 'unreachable', otherwise);
  }
}
