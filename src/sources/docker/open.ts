import type { ContainerEngines, EngineWriter } from '../../ports/engines.ts';
import type { SourceRecorder } from '../../ports/recorder.ts';
import type { Source } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { DockerConfig } from './config.ts';
import { type EngineConnection, openEngineConnection } from './connection.ts';
import { readOneContainer, readContainers, readContainerSizes } from './containers.ts';
import { type ConfiguredEngine, configuredEngines } from './engine-address.ts';
import { checkEnginesHealth } from './health-check.ts';
import { assertSameEngine, readEngineInfo } from './info.ts';
import { withoutUnreadParts } from './recordable.ts';
import { removeContainer, removeImage } from './removal.ts';
import { readSwarmService } from './swarm.ts';
import { openUsageReader } from './usage.ts';

interface OpenedEngine extends ConfiguredEngine {
  readonly connection: EngineConnection;
  readonly remover: EngineConnection | undefined;
  readonly usage: ReturnType<typeof openUsageReader>;
}

/**
 * Container engines, through the Docker API. Opening it reads no files, sends no requests and does not load the client library. It can
 * remove only with `allow.remove`, and uses the access that is configured there for nothing else.
 */
export function openDocker(config: DockerConfig, recorder?: SourceRecorder): Source {
  const { name } = config;
  const engines = configuredEngines(config).map((engine) => openEngine(config, engine, recorder));
  const find = (wanted: string): OpenedEngine => {
    const engine = engines.find((one) => one.name === wanted);
    if (!engine) throw new SourceError(name, 'missing', `the engine ${wanted} is not configured`);
    return engine;
  };
  const reader: ContainerEngines = {
    name,
    engines: engines.map(({ name: engine, address, node, host }) => ({
      name: engine,
      address,
      ...(node !== undefined && { node }),
      host,
    })),
    removal: config.allow.remove
      ? { allowed: true }
      : { allowed: false, because: `\`allow.remove\` is not configured for the source ${name}` },
    info: async ({ engine, signal }) => readEngineInfo(find(engine).connection, signal),
    containers: async function* ({ engine, signal }) {
      yield* readContainers(find(engine).connection, signal);
    },
    container: async ({ engine, id, signal }) => readOneContainer(find(engine).connection, id, signal),
    containerSizes: async ({ engine, ids, signal }) =>
      readContainerSizes(find(engine).connection, ids, signal),
    usage: async ({ engine, signal, onProgress }) => {
      const { usage } = find(engine);
      onProgress?.({ waitingFor: `the disk usage of ${engine}` });
      return usage(signal);
    },
    swarmService: async ({ engine, service, signal }) => {
      const { connection, host } = find(engine);
      return readSwarmService(connection, { service, host, signal });
    },
  };
  const removerOf = async (engine: string, signal: AbortSignal): Promise<EngineConnection> => {
    const { connection, remover } = find(engine);
    if (!remover) throw new SourceError(name, 'refused', '`allow.remove` is not configured');
    await assertSameEngine(connection, remover, signal);
    return remover;
  };
  const writer: EngineWriter = {
    removeContainer: async (container, applyContext) =>
      removeContainer(await removerOf(container.engine, applyContext.signal), container, applyContext),
    removeImage: async (image, applyContext) =>
      removeImage(await removerOf(image.engine, applyContext.signal), image, applyContext),
  };
  return {
    name,
    kind: 'docker',
    reads: { engines: reader },
    ...(config.allow.remove && { writes: { engines: writer } }),
    healthCheck: (signal) =>
      checkEnginesHealth(
        engines.map(({ name: engine, connection, remover }) => ({
          name: engine,
          reading: connection,
          removing: remover,
        })),
        signal,
      ),
    close: async () => {
      await Promise.all(
        engines
          .flatMap(({ connection, remover }) => [connection, remover ?? []].flat())
          .map((one) => one.close()),
      );
    },
  };
}

function openEngine(
  { name: source, timeoutMs }: DockerConfig,
  engine: ConfiguredEngine,
  recorder: SourceRecorder | undefined,
): OpenedEngine {
  const { reading, removing } = engine;
  const options = {
    source,
    engine: engine.name,
    timeoutMs,
    recorder: recorder && withoutUnreadParts(recorder),
  };
  const connection = openEngineConnection(reading, options);
  const remover = removing === reading ? connection : removing && openEngineConnection(removing, options);
  return { ...engine, connection, remover, usage: openUsageReader(connection) };
}
