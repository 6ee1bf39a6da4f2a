import type { Cluster, Redis } from 'ioredis';

/** The reply to TIME: seconds and microseconds. https://redis.io/docs/latest/commands/time/ */
export type RedisTime = readonly (number | string)[];

/** Milliseconds since the epoch by the clock of Redis, which all processes share. */
export async function readClock(redis: Redis | Cluster): Promise<number> {
  return toEpochMs(await redis.time());
}

export function toEpochMs([seconds, microseconds]: RedisTime): number {
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}
