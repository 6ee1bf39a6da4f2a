import { z } from 'zod';
import type { RedisConnection } from './connection.ts';
import { askedSchema } from './asked.ts';

/** A channel that waits for the answer of a run, with the first person who asked there. Its thread has its own run id. */
export const audienceSchema = z.strictObject({ runId: z.string(), asked: askedSchema });

export type Audience = z.infer<typeof audienceSchema>;

/** The channels that joined a run after it was queued, at most one audience each. */
export interface Audiences {
  /**
   * Adds an audience to a run.
   * @returns the audience of its channel, which may be an earlier one; undefined if the run is closed.
   */
  readonly join: (leaderRunId: string, audience: Audience) => Promise<Audience | undefined>;
  /** The audiences that have joined so far. */
  readonly read: (leaderRunId: string) => Promise<readonly Audience[]>;
  /** Closes the run to further audiences and returns those that joined. Further calls return the same. */
  readonly close: (leaderRunId: string) => Promise<readonly Audience[]>;
}

/** Longer than any check may wait and run. */
const OPEN_S = 6 * 3_600;
/** An answer may be handed over again for this long. */
const CLOSED_S = 900;
/** Longer than it takes to join. */
const EMPTY_S = 60;
const CLOSED = 'closed';

/** KEYS: audiences by channel. ARGV: channel, audience, seconds. */
const JOIN = `
if redis.call('hexists', KEYS[1], '${CLOSED}') == 1 then return '${CLOSED}' end
redis.call('hsetnx', KEYS[1], ARGV[1], ARGV[2])
redis.call('expire', KEYS[1], ARGV[3])
return redis.call('hget', KEYS[1], ARGV[1])`;

/** KEYS: audiences by channel. ARGV: seconds with audiences, seconds without. */
const CLOSE = `
redis.call('hset', KEYS[1], '${CLOSED}', '')
local all = redis.call('hvals', KEYS[1])
redis.call('expire', KEYS[1], #all > 1 and ARGV[1] or ARGV[2])
return all`;

export function openAudiences(redis: RedisConnection, prefix: string): Audiences {
  const key = (leaderRunId: string) => `${prefix}:audiences:${leaderRunId}`;
  const parse = (json: string) => audienceSchema.parse(JSON.parse(json));
  const parseAll = (all: unknown) => (all as readonly string[]).filter((json) => json !== '').map(parse);
  return {
    join: async (leaderRunId, audience) => {
      const answer = String(
        await redis.eval(
          JOIN,
          1,
          key(leaderRunId),
          audience.asked.channelId,
          JSON.stringify(audience),
          OPEN_S,
        ),
      );
      return answer === CLOSED ? undefined : parse(answer);
    },
    read: async (leaderRunId) => parseAll(await redis.hvals(key(leaderRunId))),
    close: async (leaderRunId) => parseAll(await redis.eval(CLOSE, 1, key(leaderRunId), CLOSED_S, EMPTY_S)),
  };
}
