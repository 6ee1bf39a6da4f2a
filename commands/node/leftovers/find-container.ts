import { z } from 'zod';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { engineTarget } from '../../shared/match-engine.ts';
import { findRemovable, oncePerPlan } from './removable-engine.ts';
import { containerTarget } from './targets.ts';
import { judge, namedBy, volumesOf } from './sort-containers.ts';
import { INCLUDABLE } from '../../shared/container-owners.ts';
import { KEPT_WORDS } from './words.ts';

export const containerParams = z.strictObject({
  /** `builders` */
  source: z.string(),
  /** `node-b` */
  engine: z.string(),
  id: z.string(),
  name: z.string(),
  /** `base:209` */
  image: z.string(),
  state: z.string(),
  /** As the engine writes it. A container that ran again has another one. */
  finishedAtText: z.string(),
  /** The bytes that it has written. Absent if unknown. */
  bytes: z.number().exactOptional(),
});

export type ContainerParams = z.output<typeof containerParams>;

type Context = Pick<ReadContext<'engines'>, 'read' | 'signal' | 'now'>;

/**
 * The container, as it is now.
 * @throws {SourceError} `missing` if it no longer exists, was renamed or started, has run again, or has an owner now: a plan for several
 * containers leaves it out and removes the others. `refused` if containers may not be removed.
 */
export async function findLeftover(
  context: Context,
  asked: ContainerParams,
): Promise<{ readonly target: string; readonly container: ports.EngineContainer }> {
  const { source: name, engine, id, state, finishedAtText } = asked;
  const source = findRemovable(context, name);
  const gone = (because: string) => new SourceError(name, 'missing', `${asked.name} ${because}`);
  const { byId, usersOf } = await usersOnce(context, source, engine);
  const container = 'write' in context ? await inspect(context, source, asked) : byId.get(id);
  if (!container) throw gone('no longer exists');
  // Someone may rename a container to keep it.
  if (container.name !== asked.name) throw gone(`was renamed to ${container.name}`);
  if (container.state !== state) throw gone(`is ${container.state} now`);
  if (!container.details)
    throw new SourceError(
      name,
      'unreachable',
      `${asked.name} could not be inspected: ${container.error ?? ''}`,
    );
  if (container.details.finishedAtText !== finishedAtText) throw gone('has run again since the plan');
  const verdict = judge(container, { now: context.now, olderMs: 0, include: INCLUDABLE });
  if (verdict.kind !== 'stopped') throw gone(`is no longer a leftover: ${describe(verdict)}`);
  const users = usersOf(container);
  if (users !== undefined) throw gone(users);
  return { target: containerTarget(engineTarget(source, engine), asked.name), container };
}

function describe(verdict: Exclude<ReturnType<typeof judge>, { readonly kind: 'stopped' }>): string {
  if (verdict.kind === 'in-use') return 'it is in use';
  return verdict.kind === 'kept' ? KEPT_WORDS[verdict.why] : verdict.because;
}

async function inspect(
  { signal }: Context,
  source: ports.ContainerEngines,
  { engine, id, name }: ContainerParams,
): Promise<ports.EngineContainer> {
  try {
    return await source.container({ engine, id, signal });
  } catch (error) {
    if (error instanceof SourceError && error.kind === 'missing')
      throw new SourceError(source.name, 'missing', `${name} no longer exists`, { cause: error });
    throw error;
  }
}

/** The containers of an engine, as one plan sees them. */
interface Users {
  readonly byId: ReadonlyMap<string, ports.EngineContainer>;
  /** Why it must be kept because of another container, in words: `shares a volume with web`. */
  readonly usersOf: (container: ports.EngineContainer) => string | undefined;
}

/** All lines of a plan share one list. When they are applied, each container is inspected again right before. */
const usersOnce = oncePerPlan(readUsers);

async function readUsers(
  { signal, now }: Context,
  source: ports.ContainerEngines,
  engine: string,
): Promise<Users> {
  const byId = new Map<string, ports.EngineContainer>();
  /** Of containers that are not leftovers. */
  const volumes = new Map<string, string>();
  const references = new Map<string, string>();
  const needed = new Set<string>();
  const uninspected: string[] = [];
  for await (const batch of source.containers({ engine, signal }))
    for (const container of batch) {
      const isLeftover = judge(container, { now, olderMs: 0, include: INCLUDABLE }).kind === 'stopped';
      byId.set(container.id, container);
      if (!container.details) uninspected.push(container.name);
      for (const one of container.details?.volumesFrom ?? []) references.set(one, container.name);
      if (isLeftover) continue;
      for (const one of container.details?.dependsOn ?? []) needed.add(one);
      for (const volume of volumesOf(container)) volumes.set(volume, container.name);
    }
  const isNamed = namedBy(references.keys());
  const isNeeded = namedBy(needed);
  const usersOf = (container: ports.EngineContainer) => {
    if (isNamed(container)) return 'has volumes that another container uses (--volumes-from)';
    if (isNeeded(container)) return 'is needed by another container, which cannot start without it';
    const own = volumesOf(container);
    const user = own.map((volume) => volumes.get(volume)).find((one) => one !== undefined);
    if (user !== undefined) return `shares a volume with ${user}`;
    return own.length > 0 && uninspected.length > 0
      ? `may share a volume with ${uninspected[0] ?? ''}, which could not be inspected`
      : undefined;
  };
  return { byId, usersOf };
}
