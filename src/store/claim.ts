import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { loadLua } from '../queue/load-lua.ts';

/** A plain `SET NX` whose reply is lost is sent again by the client, and then fails because of its own claim. */
const claimKey = loadLua(new URL('./lua/claim-key.lua', import.meta.url), {
  keys: ['key'],
  args: ['owner', 'ttlMs'],
  returns: z.literal([0, 1]),
});

/** Claims a key for a limited time; true if it is ours. `mine` must be unique. */
export async function claim(
  redis: Redis | Cluster,
  key: string,
  mine: string,
  forMs: number,
): Promise<boolean> {
  return (await claimKey(redis, { key, owner: mine, ttlMs: forMs })) === 1;
}
