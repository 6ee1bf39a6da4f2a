import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NoRedis, startLocalRedis } from '../../src/queue/local-redis.ts';

export interface DemoRedis {
  readonly url: string;
  /** In memory only, in a Redis written in JavaScript. */
  readonly isStandIn: boolean;
  readonly close: () => Promise<void>;
}

/** A private Redis if one is installed, otherwise a stand-in that is not persistent. */
export async function startDemoRedis(onError: (error: Error) => void): Promise<DemoRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-demo-redis-'));
  const clean = () => rm(folder, { recursive: true, force: true });
  try {
    const redis = await startLocalRedis(folder, onError);
    return { url: redis.url, isStandIn: false, close: () => redis.close().then(clean) };
  } catch (error) {
    await clean();
    if (!(error instanceof NoRedis)) throw error;
    return startStandIn();
  }
}

async function startStandIn(): Promise<DemoRedis> {
  const { createRedisMock } = await import('js-redis-server');
  const server = await createRedisMock();
  const [node] = server.addresses();
  return { url: `redis://${node?.host}:${node?.port}`, isStandIn: true, close: () => server.close() };
}
