import type { Cluster, Redis } from 'ioredis';
import { claim } from '../claim.ts';

/** Longer than Slack delivers anything again. */
const REMEMBER_MS = 3_600_000;

/** Makes the question whether a delivery comes for the first time: Slack may deliver the same click to several bots. */
export function openDeliveries(
  redis: Redis | Cluster,
  prefix: string,
): (delivery: string) => Promise<boolean> {
  return (delivery) => claim(redis, `${prefix}:delivered:${delivery}`, crypto.randomUUID(), REMEMBER_MS);
}
