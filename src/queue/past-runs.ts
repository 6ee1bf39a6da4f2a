import type { RedisConnection } from './connection.ts';

/** What is known of a run after its own keys have expired: it was queued, or its answer was posted. */
export type Past = 'queued' | 'answered';

/** Remembers runs for as long as Slack may repeat their commands, in a few bytes each, because there may be many per second. */
export interface PastRuns {
  readonly read: (runId: string) => Promise<Past | undefined>;
  readonly note: (runId: string, past: Past) => Promise<void>;
}

/** Longer than Slack repeats any delivery. A run is remembered for at least this long, and for at most twice as long. */
const REMEMBER_S = 900;
const MARKS: Readonly<Record<Past, string>> = { queued: 'q', answered: 'a' };

/**
 * Each run is one field in a hash shared with others: Redis stores small hashes compactly.
 * https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/memory-optimization/
 */
export function openPastRuns(redis: RedisConnection, prefix: string): PastRuns {
  const key = (runId: string, generation: number) => `${prefix}:past:${generation}:${runId.slice(1, 3)}`;
  return {
    read: async (runId) => {
      const now = generationNow();
      const marks = await Promise.all(
        [now, now - 1].map((generation) => redis.hget(key(runId, generation), runId)),
      );
      if (marks.includes(MARKS.answered)) return 'answered';
      return marks.includes(MARKS.queued) ? 'queued' : undefined;
    },
    note: async (runId, past) => {
      const at = key(runId, generationNow());
      const noting = redis.multi();
      // The answer may be sooner than the note that its run was queued.
      if (past === 'queued') noting.hsetnx(at, runId, MARKS.queued);
      else noting.hset(at, runId, MARKS[past]);
      await noting.expire(at, 2 * REMEMBER_S).exec();
    },
  };
}

function generationNow(): number {
  return Math.floor(Date.now() / (REMEMBER_S * 1_000));
}
