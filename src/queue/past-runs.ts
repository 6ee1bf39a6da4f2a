import { z } from 'zod';
import type { RedisConnection } from './connection.ts';
import { loadLua } from './load-lua.ts';

/** What is known of a run after its own keys have expired: it was queued, or its answer was posted. */
export type PastRunState = 'queued' | 'answered';

/** Remembers runs for as long as Slack may repeat their commands, in a few bytes each: there may be many per second. */
export interface PastRuns {
  readonly read: (runId: string) => Promise<PastRunState | undefined>;
  readonly record: (runId: string, past: PastRunState) => Promise<void>;
}

/** Longer than Slack repeats any delivery. A run is remembered for at least this long, and for at most twice as long. */
const KEEP_S = 900;
const MARKS: Readonly<Record<PastRunState, string>> = { queued: 'q', answered: 'a' };

const readPastRun = loadLua(new URL('./lua/read-past-run.lua', import.meta.url), {
  keys: ['currentKey', 'previousKey'],
  args: ['runId', 'answered'],
  returns: z.string(),
});
const recordPastRun = loadLua(new URL('./lua/record-past-run.lua', import.meta.url), {
  keys: ['currentKey'],
  args: ['runId', 'mark', 'queued', 'ttlSeconds'],
  returns: z.literal(1),
});

/**
 * Each run is one field in a hash shared with others: Redis stores small hashes compactly.
 * https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/memory-optimization/
 */
export function openPastRuns(redis: RedisConnection, prefix: string): PastRuns {
  const key = (runId: string, generation: number) => `${prefix}:past:${generation}:${runId.slice(1, 3)}`;
  return {
    read: async (runId) => {
      const now = generationNow();
      const mark = await readPastRun(redis, {
        currentKey: key(runId, now),
        previousKey: key(runId, now - 1),
        runId,
        answered: MARKS.answered,
      });
      if (mark === MARKS.answered) return 'answered';
      return mark === MARKS.queued ? 'queued' : undefined;
    },
    record: async (runId, past) => {
      await recordPastRun(redis, {
        currentKey: key(runId, generationNow()),
        runId,
        mark: MARKS[past],
        queued: MARKS.queued,
        ttlSeconds: 2 * KEEP_S,
      });
    },
  };
}

function generationNow(): number {
  return Math.floor(Date.now() / (KEEP_S * 1_000));
}
