import type { Cluster, Redis } from 'ioredis';
import type { RemediationRecord } from './record.ts';

/**
 * Whether the last write survives the loss of Redis' machine. Losing the last second of writes could restore an approval that was already used.
 * https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/
 *
 * - `on-disk`: it is on disk;
 * - `soon`: there is an append-only file, but the last second may be lost, so a plan needs preconditions;
 * - `never`: nothing is written to disk.
 */
export type Durability = 'on-disk' | 'soon' | 'never';

export const NOT_DURABLE = 'Redis may lose the record that it was started; run `wrench doctor` for details';

/**
 * Whether a lost write can't lead to a second execution. If Redis may lose the last second of writes, the plan, or each of its parts, must have
 * preconditions, which are no longer true after the first execution.
 */
export function isDurableEnough(durability: Durability, { plan }: Pick<RemediationRecord, 'plan'>): boolean {
  const parts = plan?.parts ?? (plan ? [plan] : []);
  const hasPrecondition =
    parts.length > 0 && parts.every(({ precondition }) => Object.keys(precondition).length > 0);
  return durability === 'on-disk' || (durability === 'soon' && hasPrecondition);
}

const WAIT_MS = 2_000;

/** Call it after the write, on the same connection. */
export async function confirmDurability(redis: Redis | Cluster): Promise<Durability> {
  const persistence = await redis.info('persistence').catch(() => '');
  const keepsFile = /^aof_enabled:1/m.test(persistence);
  if (!keepsFile) return 'never';
  if ((await fsyncPolicy(redis)) === 'always') return 'on-disk';
  return (await waitsForDisk(redis)) ? 'on-disk' : 'soon';
}

/** Undefined if CONFIG is refused, as in managed services. */
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
