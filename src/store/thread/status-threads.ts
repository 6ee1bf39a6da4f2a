import type { Cluster, Redis } from 'ioredis';
import { KEEP_THREAD_S } from './threads.ts';

/** A thread in which a finding is shown. */
export interface StatusThread {
  readonly channelId: string;
  /** Of its first message. */
  readonly threadTs: string;
}

/** The threads that show the status of a finding, so that later changes made elsewhere appear there too. */
export interface StatusThreads {
  readonly add: (findingId: string, thread: StatusThread) => Promise<void>;
  /** The threads that were added last. */
  readonly list: (findingId: string) => Promise<readonly StatusThread[]>;
}

/** Each needs an edit at every change, and Slack allows about 50 a minute. */
const MAX_THREADS = 5;

/** Opens the store of status threads. */
export function openStatusThreads(redis: Redis | Cluster, prefix: string): StatusThreads {
  const keyOf = (findingId: string) => `${prefix}:status-threads:${findingId}`;
  return {
    add: async (findingId, { channelId, threadTs }) => {
      const key = keyOf(findingId);
      await redis
        .multi()
        .zadd(key, Date.now(), `${channelId} ${threadTs}`)
        .zremrangebyrank(key, 0, -MAX_THREADS - 1)
        .expire(key, KEEP_THREAD_S)
        .exec();
    },
    list: async (findingId) => {
      const members = await redis.zrange(keyOf(findingId), 0, '-1');
      return members.flatMap((member) => {
        const [channelId, threadTs] = member.split(' ');
        return channelId && threadTs ? [{ channelId, threadTs }] : [];
      });
    },
  };
}
