import type { Cluster, Redis } from 'ioredis';

/** Longer than Slack delivers anything again. */
const REMEMBER_S = 3_600;

/** Makes the question whether a delivery comes for the first time: Slack may deliver the same click to several bots. */
export function openDeliveries(
  redis: Redis | Cluster,
  prefix: string,
): (delivery: string) => Promise<boolean> {
  return async (delivery) =>
    (await redis.set(`${prefix}:delivered:${delivery}`, '1', 'EX', REMEMBER_S, 'NX')) === 'OK';
}
