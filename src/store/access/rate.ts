import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { loadLua } from '../../queue/load-lua.ts';

/** Counts what a person sends within a window of a minute. */
export interface Rate {
  /**
   * The number of this delivery in the window, from 1. The same `id` keeps its number. Beyond `limit + 1` nothing is stored, and the result is `limit
   * + 2`.
   */
  readonly count: (userId: string, id: string) => Promise<number>;
  readonly limit: number;
}

const WINDOW_MS = 60_000;

const countDelivery = loadLua(new URL('./lua/count-delivery.lua', import.meta.url), {
  keys: ['windowKey'],
  args: ['id', 'limit', 'windowMs'],
  returns: z.number(),
});

export function openRate(redis: Redis | Cluster, prefix: string, limit: number): Rate {
  return {
    limit,
    count: (userId, id) =>
      countDelivery(redis, { windowKey: `${prefix}:rate:${userId}`, id, limit, windowMs: WINDOW_MS }),
  };
}
