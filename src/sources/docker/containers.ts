import type { EngineContainer } from '../../ports/engines.ts';
import { SourceError } from '../../ports/source-error.ts';
import { concurrently } from '../../wire/concurrently.ts';
import { asObject, numberIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import type { EngineConnection } from './connection.ts';
import { isGone } from './explain-answer.ts';
import { isContainerId, type ListedContainer, toContainer, toListed, uninspected } from './to-container.ts';

const BATCH_SIZE = 100;
/** More at once would only wait for one of the few connections. */
const CONCURRENT_INSPECTIONS = 8;
/** An engine may hang for one container. If it hangs for all, the rest would take hours. */
const MAX_TIMEOUTS_IN_A_ROW = CONCURRENT_INSPECTIONS;
/** The number of ids in one query, which must fit into a URL. */
const IDS_PER_QUERY = 50;

/**
 * Lists all containers, and inspects each, in batches. Containers that no longer exist when inspected are omitted; containers that can't be
 * inspected have `error`.
 * @throws {SourceError} if they cannot be listed, or the engine stops answering.
 */
export async function* readContainers(
  connection: EngineConnection,
  signal: AbortSignal,
): AsyncGenerator<readonly EngineContainer[], void, undefined> {
  const listed = await listContainers(connection, {}, signal);
  let timeouts = 0;
  const inspect = async (container: ListedContainer): Promise<EngineContainer | undefined> => {
    try {
      const inspection = await inspectContainer(connection, container.id, signal);
      timeouts = 0;
      return toContainer(container, inspection);
    } catch (error) {
      if (isGone(error)) return undefined;
      if (!(error instanceof SourceError)) throw error;
      if (error.code === 'TIMEOUT') timeouts += 1;
      // A code means that there was no response, so the failure is not about one container.
      if (error.code !== undefined && (error.code !== 'TIMEOUT' || timeouts >= MAX_TIMEOUTS_IN_A_ROW))
        throw error;
      return uninspected(container, error.message);
    }
  };
  let batch: EngineContainer[] = [];
  for await (const container of concurrently(listed, CONCURRENT_INSPECTIONS, inspect, signal)) {
    if (container) batch.push(container);
    if (batch.length < BATCH_SIZE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/**
 * One container, inspected now.
 * @throws {SourceError} `missing` if the engine has no container with this id.
 */
export async function readOneContainer(
  connection: EngineConnection,
  id: string,
  signal: AbortSignal,
): Promise<EngineContainer> {
  const missing = (): SourceError =>
    new SourceError(connection.source, 'missing', `${connection.name} has no container ${printable(id)}`);
  if (!isContainerId(id)) throw missing();
  try {
    return toContainer({ id, item: {} }, await inspectContainer(connection, id, signal));
  } catch (error) {
    throw isGone(error) ? missing() : error;
  }
}

/** The response of the engine, not validated. */
export function inspectContainer(
  connection: EngineConnection,
  id: string,
  signal: AbortSignal,
): Promise<unknown> {
  const what = `the container ${id.slice(0, 12)}`;
  return connection.ask({ what, signal }, (docker) => docker.getContainer(id).inspect());
}

/**
 * The bytes that containers have written, by id. Omits containers that no longer exist, or whose layer the engine couldn't measure.
 * @throws {SourceError}
 */
export async function readContainerSizes(
  connection: EngineConnection,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  const seen = new Set<string>();
  const wanted = new Set(ids.filter(isContainerId));
  const read = async (filters: Record<string, readonly string[]>): Promise<void> => {
    for (const { id, item } of await listContainers(connection, { size: true, filters }, signal)) {
      if (!wanted.has(id)) continue;
      seen.add(id);
      // Absent means 0, which Docker omits. -1 means that it couldn't measure the layer.
      const bytes = item['SizeRw'] === undefined ? 0 : numberIn(item, 'SizeRw');
      if (bytes !== undefined && bytes >= 0) sizes.set(id, bytes);
    }
  };
  if (wanted.size > IDS_PER_QUERY) {
    const { product } = await connection.version(signal);
    // Podman doesn't support `dead`.
    await read({ status: product === 'podman' ? ['created', 'exited'] : ['created', 'exited', 'dead'] });
  }
  const others = [...wanted].filter((id) => !seen.has(id));
  for (let at = 0; at < others.length; at += IDS_PER_QUERY)
    await read({ id: others.slice(at, at + IDS_PER_QUERY) });
  return sizes;
}

async function listContainers(
  connection: EngineConnection,
  options: { readonly size?: boolean; readonly filters?: Readonly<Record<string, readonly string[]>> },
  signal: AbortSignal,
): Promise<readonly ListedContainer[]> {
  const { source, name } = connection;
  const isSlow = options.size === true;
  const what = isSlow ? 'the sizes of containers' : 'the list of containers';
  const answer = await connection.ask({ what, signal, isSlow }, (docker) =>
    docker.listContainers({ all: true, ...(options as object) }),
  );
  if (!Array.isArray(answer))
    throw new SourceError(source, 'malformed', `${name} did not return a list of containers`);
  const byId = new Map<string, ListedContainer>();
  for (const value of answer) {
    const listed = toListed(value);
    if (listed) {
      // The inspection decides, however often a container is listed.
      byId.set(listed.id, listed);
      continue;
    }
    const subject =
      textIn(asObject(value), 'Id') === undefined ? 'without an id' : 'without a valid id or state';
    throw new SourceError(source, 'malformed', `${name} listed a container ${subject}`);
  }
  return [...byId.values()];
}
