import type { Redis, Cluster } from 'ioredis';
import { z } from 'zod';
import { loadLua } from '../../queue/load-lua.ts';

/** Calls that are made in order and share a rate limit. */
export interface Lane {
  readonly method: 'chat.postMessage' | 'chat.update';
  readonly channelId: string;
}

/**
 * The order and pace in which bots call Slack, shared by all of them: in each lane, calls are made one after another in the order of their places,
 * and no faster than Slack allows. A waiting caller has no lock: it asks again.
 */
export interface ChannelOrder {
  /**
   * Takes a place in the lane, or keeps it, and asks for its turn.
   * @param place identifies the call: asking again with the same value keeps its position.
   * @param sinceMs puts a new place before those of later requests. Default: a new place is last.
   * @returns 0 if the call may be made now; the place then stays first until `leave`. Otherwise the milliseconds after which to ask
   * again.
   */
  readonly requestTurn: (lane: Lane, place: string, sinceMs?: number) => Promise<number>;
  /** Takes a place for a later call. Those behind wait for it, until it is made or until no one has asked for the place for some time. */
  readonly reserve: (lane: Lane, place: string) => Promise<void>;
  /** Lets those behind go first, until the place is asked for again. It keeps its rank. */
  readonly stepAside: (lane: Lane, place: string) => Promise<void>;
  /** Gives up a place. */
  readonly leave: (lane: Lane, place: string) => Promise<void>;
  /** Pauses a method in the whole workspace, as `Retry-After` asks. */
  readonly pause: (method: string, forMs: number) => Promise<void>;
}

/**
 * A short burst, then about one message a second in a channel. https://docs.slack.dev/apis/web-api/rate-limits
 * Edits have a separate lane with the same pace; Slack's limit for edits in the whole workspace is handled by `Retry-After`.
 */
const INTERVAL_MS = 1_000;
const BURST = 5;

/** A place whose owner hasn't asked for this long is skipped. It gets its rank back when its owner asks again. */
const ABSENT_AFTER_MS = 15_000;
/** The places of a lane are deleted after this long without a request. */
const FORGET_AFTER_MS = 600_000;
const MAX_WAIT_MS = 5_000;

const requestTurn = loadLua(new URL('./lua/request-turn.lua', import.meta.url), {
  keys: ['placesKey', 'askedKey', 'paceKey', 'pauseKey'],
  args: ['place', 'newRank', 'forgetAfterMs', 'intervalMs', 'burst', 'absentAfterMs', 'longestWaitMs'],
  returns: z.number(),
});
const reservePlace = loadLua(new URL('./lua/reserve-place.lua', import.meta.url), {
  keys: ['placesKey', 'askedKey'],
  args: ['place', 'forgetAfterMs'],
  returns: z.null(),
});
const leaveLane = loadLua(new URL('./lua/leave-lane.lua', import.meta.url), {
  keys: ['placesKey', 'askedKey'],
  args: ['place'],
  returns: z.literal([0, 1]),
});

export function openChannelOrder(redis: Redis | Cluster, prefix: string): ChannelOrder {
  // The names in Redis stay compatible: `hold` dates from 0.2, `line` from 0.5.
  const pauseKey = (method: string) => `${prefix}:hold:${method}`;
  const keysOf = (lane: Lane) => {
    const name = laneName(lane);
    return { placesKey: `${prefix}:line:${name}`, askedKey: `${prefix}:line-asked:${name}` };
  };
  return {
    requestTurn: (lane, place, sinceMs) =>
      requestTurn(redis, {
        ...keysOf(lane),
        paceKey: `${prefix}:pace:${laneName(lane)}`,
        pauseKey: pauseKey(lane.method),
        place,
        newRank: sinceMs === undefined ? '' : sinceMs * 1_000,
        forgetAfterMs: FORGET_AFTER_MS,
        intervalMs: INTERVAL_MS,
        burst: BURST,
        absentAfterMs: ABSENT_AFTER_MS,
        longestWaitMs: MAX_WAIT_MS,
      }),
    reserve: async (lane, place) => {
      await reservePlace(redis, { ...keysOf(lane), place, forgetAfterMs: FORGET_AFTER_MS });
    },
    stepAside: async (lane, place) => {
      await redis.zrem(keysOf(lane).placesKey, place);
    },
    leave: async (lane, place) => {
      await leaveLane(redis, { ...keysOf(lane), place });
    },
    pause: async (method, forMs) => {
      await redis.set(pauseKey(method), '1', 'PX', Math.max(1, Math.ceil(forMs)));
    },
  };
}

function laneName({ method, channelId }: Lane): string {
  return method === 'chat.update' ? `edits:${channelId}` : channelId;
}
