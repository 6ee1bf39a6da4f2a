import { z } from 'zod';
import type { RedisConnection } from './connection.ts';
import { answerPlaceOf, requestOriginSchema } from './request-origin.ts';
import { loadLua } from './load-lua.ts';

/** A channel or a thread that waits for the answer of a run, with the first request there. Its thread has its own run id. */
export const audienceSchema = z.strictObject({ runId: z.string(), asked: requestOriginSchema });

export type Audience = z.infer<typeof audienceSchema>;

/** The channels and threads that joined a run after it was queued, at most one audience each. */
export interface Audiences {
  /**
   * Adds an audience to a run.
   * @returns the audience of its place, which may be an earlier one; undefined if the run is closed.
   */
  readonly join: (leaderRunId: string, audience: Audience) => Promise<Audience | undefined>;
  /** The audiences that have joined so far. */
  readonly read: (leaderRunId: string) => Promise<readonly Audience[]>;
  /** Closes the run to further audiences and returns those that joined. Further calls return the same. */
  readonly close: (leaderRunId: string) => Promise<readonly Audience[]>;
}

/** Longer than any check may wait and run. */
const OPEN_S = 6 * 3_600;
/** The worker may queue the answer again for this long. */
const CLOSED_S = 900;
/** If no one joined: longer than a join in progress may take. */
const EMPTY_S = 60;
const CLOSED = 'closed';

const joinAudience = loadLua(new URL('./lua/join-audience.lua', import.meta.url), {
  keys: ['audiencesKey'],
  args: ['place', 'audience', 'ttlSeconds', 'closed'],
  returns: z.string(),
});
const closeAudiences = loadLua(new URL('./lua/close-audiences.lua', import.meta.url), {
  keys: ['audiencesKey'],
  args: ['ttlSeconds', 'emptyTtlSeconds', 'closed'],
  returns: z.array(z.string()),
});

export function openAudiences(redis: RedisConnection, prefix: string): Audiences {
  const key = (leaderRunId: string) => `${prefix}:audiences:${leaderRunId}`;
  const parse = (json: string) => audienceSchema.parse(JSON.parse(json));
  const parseAll = (all: readonly string[]) => all.filter((json) => json !== '').map(parse);
  return {
    join: async (leaderRunId, audience) => {
      const answer = await joinAudience(redis, {
        audiencesKey: key(leaderRunId),
        place: answerPlaceOf(audience.asked),
        audience: JSON.stringify(audience),
        ttlSeconds: OPEN_S,
        closed: CLOSED,
      });
      return answer === CLOSED ? undefined : parse(answer);
    },
    read: async (leaderRunId) => parseAll(await redis.hvals(key(leaderRunId))),
    close: async (leaderRunId) =>
      parseAll(
        await closeAudiences(redis, {
          audiencesKey: key(leaderRunId),
          ttlSeconds: CLOSED_S,
          emptyTtlSeconds: EMPTY_S,
          closed: CLOSED,
        }),
      ),
  };
}
