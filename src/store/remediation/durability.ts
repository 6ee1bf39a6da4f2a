import type { Cluster, Redis } from 'ioredis';

/**
 * Whether what was just written would survive the loss of Redis' machine (reference: bullmq.md section 2). A lost second would bring back
 * an approval that was used already.
 *
 * - `on-disk`: it is there now;
 * - `soon`: an append-only file is kept, but nobody promises the last second: then a deed must be bound to the state it was planned for;
 * - `never`: nothing is kept at all.
 */
export type Durability = 'on-disk' | 'soon' | 'never';

const WAIT_MS = 2_000;

/** Asks after a write on the same connection. */
export async function confirmDurability(redis: Redis | Cluster): Promise<Durability> {
  const persistence = await redis.info('persistence').catch(() => '');
  const keepsFile = /^aof_enabled:1/m.test(persistence);
  if (!keepsFile) return 'never';
  if ((await fsyncPolicy(redis)) === 'always') return 'on-disk';
  return (await waitsForDisk(redis)) ? 'on-disk' : 'soon';
}

/** Managed services refuse CONFIG. */
async function fsyncPolicy(redis: Redis | Cluster): Promise<string | undefined> {
  try {
    const answer = (await redis.call('CONFIG', 'GET', 'appendfsync')) as readonly unknown[];
    return typeof answer[1] === 'string' ? answer[1] : undefined;
  } catch {
    return undefined;
  }
}

/** Redis 7.2 and later: https://redis.io/docs/latest/commands/waitaof/ */
async function waitsForDisk(redis: Redis | Cluster): Promise<boolean> {
  try {
    const answer = (await redis.call('WAITAOF', '1', '0', String(WAIT_MS))) as readonly unknown[];
    return Number(answer[0]) >= 1;
  } catch {
    return false;
  }
}
