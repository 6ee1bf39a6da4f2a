import type { Redis, Cluster } from 'ioredis';

/** Calls that are made in order and paced together. */
export interface Lane {
  readonly method: 'chat.postMessage' | 'chat.update';
  readonly channelId: string;
}

/**
 * The order and pace in which bots call Slack, shared by all of them: in each lane, calls are made one after another in the order of their
 * places, and no faster than Slack allows. Waiting holds no lock: the caller asks again.
 */
export interface Line {
  /**
   * Takes a place in the lane, or keeps it, and asks for its turn.
   * @param place names the call; the same name keeps its place.
   * @param sinceMs puts a new place before those that were asked for later. Default: a new place is last.
   * @returns 0 if the call may be made now; the place then stays first until `leave`. Otherwise the milliseconds after which to ask
   * again.
   */
  readonly turn: (lane: Lane, place: string, sinceMs?: number) => Promise<number>;
  /** Takes a place for a call that is still to come. Those behind wait for it, until it is made or nobody asks for it for a while. */
  readonly reserve: (lane: Lane, place: string) => Promise<void>;
  /** Lets those behind go first, until the place is asked for again. It keeps its rank. */
  readonly stepAside: (lane: Lane, place: string) => Promise<void>;
  /** Gives up a place. */
  readonly leave: (lane: Lane, place: string) => Promise<void>;
  /** Holds a method back in the whole workspace, as `Retry-After` asks. */
  readonly hold: (method: string, forMs: number) => Promise<void>;
}

/**
 * A short burst, then about one message a second in a channel. https://docs.slack.dev/apis/web-api/rate-limits
 * Edits have a separate lane with the same pace; Slack's limit for edits in the whole workspace is handled by `Retry-After`.
 */
const INTERVAL_MS = 1_000;
const BURST = 5;

/** A place whose owner has not asked for this long is skipped. It gets its rank back when its owner returns. */
const ABSENT_AFTER_MS = 15_000;
/** The places of a lane are deleted after this long without a request. */
const FORGET_AFTER_MS = 600_000;
const LONGEST_WAIT_MS = 5_000;

/**
 * KEYS: the places (by rank, in microseconds), of each its rank and when it was last asked for (hash, in milliseconds).
 * ARGV: place, rank of a new place or '', milliseconds until forgotten.
 */
const KEEP_PLACE = `
local place, rank = ARGV[1], ARGV[2]
local t = redis.call('time')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function known(name)
  local rank, asked = string.match(redis.call('hget', KEYS[2], name) or '', '^(%d+) (%d+)$')
  return rank, tonumber(asked or 0)
end
-- A clock that is ahead must not put a place behind all that come later.
local newest = t[1] * 1000000 + t[2]
rank = known(place) or string.format('%d', math.min(tonumber(rank) or newest, newest))
redis.call('zadd', KEYS[1], rank, place)
redis.call('hset', KEYS[2], place, rank .. ' ' .. string.format('%d', now))
redis.call('pexpire', KEYS[1], ARGV[3])
redis.call('pexpire', KEYS[2], ARGV[3])`;

/**
 * KEYS as {@link KEEP_PLACE}, then pace and hold. ARGV as {@link KEEP_PLACE}, then interval, burst, milliseconds until absent, longest wait.
 * The pace is a generic cell rate algorithm: its key holds the time at which the whole burst is available again.
 */
const TURN = `${KEEP_PLACE}
local interval, burst, absent, longest = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local ahead = 0
for _, other in ipairs(redis.call('zrange', KEYS[1], 0, redis.call('zrank', KEYS[1], place))) do
  if other == place or ahead * interval > longest + burst * interval then break end
  local _, asked = known(other)
  if now - asked < absent then ahead = ahead + 1 else redis.call('zrem', KEYS[1], other) end
end
local full = math.max(tonumber(redis.call('get', KEYS[3]) or '0'), now)
local early = math.max(full - now - interval * (burst - 1 - ahead), redis.call('pttl', KEYS[4]))
if ahead > 0 then return math.max(50, math.min(early, longest)) end
if early > 0 then return early end
redis.call('set', KEYS[3], string.format('%d', full + interval), 'PX', math.ceil(full + interval - now) + 1000)
return 0`;

const LEAVE = `
redis.call('zrem', KEYS[1], ARGV[1])
return redis.call('hdel', KEYS[2], ARGV[1])`;

export function openLine(redis: Redis | Cluster, prefix: string): Line {
  const holdKey = (method: string) => `${prefix}:hold:${method}`;
  const placesOf = (lane: Lane): [string, string] => {
    const name = nameOf(lane);
    return [`${prefix}:line:${name}`, `${prefix}:line-asked:${name}`];
  };
  return {
    turn: async (lane, place, sinceMs) => {
      const waitMs = await redis.eval(
        TURN,
        4,
        ...placesOf(lane),
        `${prefix}:pace:${nameOf(lane)}`,
        holdKey(lane.method),
        place,
        sinceMs === undefined ? '' : sinceMs * 1_000,
        FORGET_AFTER_MS,
        INTERVAL_MS,
        BURST,
        ABSENT_AFTER_MS,
        LONGEST_WAIT_MS,
      );
      return Number(waitMs);
    },
    reserve: async (lane, place) => {
      await redis.eval(KEEP_PLACE, 2, ...placesOf(lane), place, '', FORGET_AFTER_MS);
    },
    stepAside: async (lane, place) => {
      const [places] = placesOf(lane);
      await redis.zrem(places, place);
    },
    leave: async (lane, place) => {
      await redis.eval(LEAVE, 2, ...placesOf(lane), place);
    },
    hold: async (method, forMs) => {
      await redis.set(holdKey(method), '1', 'PX', Math.max(1, Math.ceil(forMs)));
    },
  };
}

function nameOf({ method, channelId }: Lane): string {
  return method === 'chat.update' ? `edits:${channelId}` : channelId;
}
