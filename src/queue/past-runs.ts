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

/** KEYS: this generation, the one before. ARGV: run. */
const READ = `
local found = ''
for _, key in ipairs(KEYS) do
  local mark = redis.call('hget', key, ARGV[1])
  if mark == '${MARKS.answered}' then return mark end
  found = mark or found
end
return found`;
/** The answer may be sooner than the note that its run was queued. KEYS: this generation. ARGV: run, mark, seconds. */
const NOTE = `
redis.call(ARGV[2] == '${MARKS.queued}' and 'hsetnx' or 'hset', KEYS[1], ARGV[1], ARGV[2])
return redis.call('expire', KEYS[1], ARGV[3])`;

/**
 * Each run is one field in a hash shared with others: Redis stores small hashes compactly.
 * https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/memory-optimization/
 */
export function openPastRuns(redis: RedisConnection, prefix: string): PastRuns {
  const key = (runId: string, generation: number) => `${prefix}:past:${generation}:${runId.slice(1, 3)}`;
  return {
    read: async (runId) => {
      const now = generationNow();
      const mark = await redis.eval(READ, 2, key(runId, now), key(runId, now - 1), runId);
      if (mark === MARKS.answered) return 'answered';
      return mark === MARKS.queued ? 'queued' : undefined;
    },
    note: async (runId, past) => {
      await redis.eval(NOTE, 1, key(runId, generationNow()), runId, MARKS[past], 2 * REMEMBER_S);
    },
  };
}

function generationNow(): number {
  return Math.floor(Date.now() / (REMEMBER_S * 1_000));
}
