import { z } from 'zod';
import { isRpcQueue, type ports, wording } from '../../kit.ts';
import { isNotificationQueue } from './notification-queues.ts';

export const purgeParams = z.strictObject({ source: z.string(), vhost: z.string(), queue: z.string() });

export type PurgeParams = z.output<typeof purgeParams>;

/** With fewer messages, there is nothing to gain. */
const MIN_MESSAGES = 1_000;

/**
 * Why a queue isn't purged; undefined if it may be. Only notifications that no one reads are known not to be missed: other queues may have a reader that
 * comes back, and calls between services have someone who waits for them. What is unknown is a reason too.
 */
export function whyNotToPurge(queue: ports.BrokerQueue): string | undefined {
  const { name, type, consumers, messages, unacknowledged, deliveredPerSecond = 0, isExclusive } = queue;
  if (isRpcQueue(name)) return 'it carries calls between services, which must not be deleted';
  if (!isNotificationQueue(name))
    return 'it is not a queue of notifications, so someone may need its messages';
  if (type !== 'classic' && type !== 'quorum')
    return type === 'stream' ? 'it is a stream, which cannot be purged' : 'its type is unknown';
  if (isExclusive === true) return 'it belongs to one connection';
  if (consumers === undefined) return 'the number of its consumers is unknown';
  if (consumers > 0) return `it has ${wording.count(consumers, 'consumer')}`;
  if (messages === undefined || unacknowledged === undefined) return 'the number of its messages is unknown';
  if (unacknowledged > 0 || deliveredPerSecond > 0) return 'it is being read, though it has no consumer';
  if (messages < MIN_MESSAGES) return `it has only ${wording.count(messages, 'message')}`;
  return undefined;
}
