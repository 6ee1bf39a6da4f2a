import { createServer, type Server } from 'node:net';
import { startBackdatingProxy } from './backdating-proxy.ts';
import { type EngineAsker, expectSuccess, makeEngineAsker } from './ask.ts';
import type { Daemon, EngineOptions } from './daemon.ts';

/**
 * The engine named by WRENCH_TEST_DOCKER, for one test at a time. Closing it removes the containers, images
 * and volumes that were not there before.
 * @throws if it has containers, which could be in use, or is in use by another test
 */
export async function openGivenEngine(
  url: string,
  { settings = [], diskBytes }: EngineOptions,
): Promise<Daemon> {
  if (!url.startsWith('unix://'))
    throw new Error(`WRENCH_TEST_DOCKER must be a unix:// URL of a Docker Engine, not ${url}`);
  if (settings.length > 0 || diskBytes !== undefined)
    throw new Error('this test starts an engine with its own settings or disk: run it as root');
  const socket = url.slice('unix://'.length);
  const ask = makeEngineAsker(socket);
  const lock = await lockEngine(socket);
  const proxy = await startBackdatingProxy(socket);
  try {
    const before = await contentOf(ask);
    if (before.containers.length > 0)
      throw new Error(
        `WRENCH_TEST_DOCKER must name an engine for tests only: ${url} has ${before.containers.length} containers`,
      );
    let isClosed = false;
    return {
      ...withoutProcess(),
      socket: proxy.socket,
      ask: makeEngineAsker(proxy.socket),
      backdate: async (times) => {
        for (const [id, one] of times) proxy.backdate(id, one);
      },
      close: async () => {
        if (isClosed) return;
        isClosed = true;
        await proxy.close();
        await removeAdded(ask, before);
        await new Promise((done) => lock.close(done));
      },
    };
  } catch (error) {
    await proxy.close();
    lock.close();
    throw error;
  }
}

interface Content {
  readonly containers: readonly string[];
  readonly images: readonly string[];
  readonly volumes: readonly string[];
  readonly hasBuildCache: boolean;
}

async function contentOf(ask: EngineAsker): Promise<Content> {
  const list = async (path: string) =>
    expectSuccess(path, await ask('GET', path)) as readonly { readonly Id: string }[];
  const { Volumes } = expectSuccess('volumes', await ask('GET', '/volumes')) as {
    readonly Volumes: readonly { readonly Name: string }[] | null;
  };
  return {
    containers: (await list('/containers/json?all=1')).map(({ Id }) => Id),
    images: (await list('/images/json')).map(({ Id }) => Id),
    volumes: (Volumes ?? []).map(({ Name }) => Name),
    hasBuildCache: await hasBuildCache(ask),
  };
}

async function hasBuildCache(ask: EngineAsker): Promise<boolean> {
  const { BuildCache, BuildCacheUsage } = expectSuccess('usage', await ask('GET', '/system/df')) as {
    readonly BuildCache?: readonly object[] | null;
    readonly BuildCacheUsage?: { readonly TotalCount?: number };
  };
  return (BuildCacheUsage?.TotalCount ?? BuildCache?.length ?? 0) > 0;
}

async function removeAdded(ask: EngineAsker, before: Content): Promise<void> {
  const now = await contentOf(ask);
  for (const id of now.containers) await ask('DELETE', `/containers/${id}?force=1&v=1`);
  for (const id of now.images.filter((one) => !before.images.includes(one)))
    await ask('DELETE', `/images/${id}?force=1`);
  for (const name of now.volumes.filter((one) => !before.volumes.includes(one)))
    await ask('DELETE', `/volumes/${name}`);
  if (!before.hasBuildCache) await ask('POST', '/build/prune?all=true');
}

function withoutProcess(): Pick<Daemon, 'start' | 'stop' | 'kill' | 'pause' | 'resume'> {
  const refuse = (): never => {
    throw new Error('this test stops and starts the engine, so it needs its own engine: run it as root');
  };
  const rejects = (): Promise<never> => Promise.resolve().then(refuse);
  return {
    start: rejects,
    stop: rejects,
    kill: rejects,
    pause: refuse,
    resume: refuse,
  };
}

/** An abstract socket: the kernel releases it when the process ends, for any reason. */
async function lockEngine(socket: string): Promise<Server> {
  const lock = createServer();
  await new Promise<void>((resolve, reject) => {
    lock.once('error', () => reject(new Error(`another test uses ${socket}: run one test file at a time`)));
    lock.listen(`\0wrench-test-docker:${socket}`, resolve);
  });
  return lock;
}
