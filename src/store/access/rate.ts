import type { Cluster, Redis } from 'ioredis';

/** Counts what a person sends within a window of a minute. */
export interface Rate {
  /**
   * The number of this delivery in the window, from 1. The same `id` keeps its number. Beyond `limit + 1` nothing is stored, and the answer
   * is `limit + 2`.
   */
  readonly count: (userId: string, id: string) => Promise<number>;
  readonly limit: number;
}

const WINDOW_MS = 60_000;

// KEYS[1] the person's window: id -> its number
// ARGV    id, limit, window in ms
// Output  the number of this id
const COUNT = `
local known = redis.call('hget', KEYS[1], ARGV[1])
if known then return tonumber(known) end
local number = redis.call('hlen', KEYS[1]) + 1
if number > ARGV[2] + 1 then return ARGV[2] + 2 end
redis.call('hset', KEYS[1], ARGV[1], number)
if number == 1 then redis.call('pexpire', KEYS[1], ARGV[3]) end
return number`;

export function openRate(redis: Redis | Cluster, prefix: string, limit: number): Rate {
  return {
    limit,
    count: async (userId, id) =>
      Number(await redis.eval(COUNT, 1, `${prefix}:rate:${userId}`, id, limit, WINDOW_MS)),
  };
}
