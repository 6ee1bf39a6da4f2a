import type { Cluster, Redis } from 'ioredis';
import { claim } from '../claim.ts';

/** Longer than Slack retries any delivery. */
const REMEMBER_MS = 3_600_000;

/** Opens a function that returns true for the first delivery of each id: Slack may deliver the same click to several bots. */
export function openDeliveries(
  redis: Redis | Cluster,
  prefix: string,
): (delivery: string) => Promise<boolean> {
  return (delivery) => claim(redis, `${prefix}:delivered:${delivery}`, crypto.randomUUID(), REMEMBER_MS);
}
