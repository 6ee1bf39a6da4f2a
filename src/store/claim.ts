import type { Cluster, Redis } from 'ioredis';

/** A plain `SET NX` whose answer is lost is sent again by the client, and then finds its own claim in the way. */
const CLAIM = `
if redis.call('set', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('get', KEYS[1]) == ARGV[1] then return 1 end
return 0`;

/** Claims a key for a while; true where it is ours. `mine` must be nobody else's. */
export async function claim(
  redis: Redis | Cluster,
  key: string,
  mine: string,
  forMs: number,
): Promise<boolean> {
  return (await redis.eval(CLAIM, 1, key, mine, forMs)) === 1;
}
