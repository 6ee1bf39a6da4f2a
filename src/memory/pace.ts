import type { Redis, Cluster } from 'ioredis';

/** Slack's pace, shared by all bots: about one message a second in a channel, and what a 429 asked to wait for. */
export interface Pace {
  /** Takes a turn to post in the channel: 0 now, or the milliseconds until there is one (none is taken then). */
  readonly turn: (method: string, channelId: string) => Promise<number>;
  /** Holds a method back in the whole workspace, as `Retry-After` asks. */
  readonly hold: (method: string, forMs: number) => Promise<void>;
}

/** A short burst is allowed; then one a second (reference: slack.md, "Methods and rate limits"). */
const INTERVAL_MS = 1_000;
const BURST = 5;

/** Generic cell rate algorithm: one key holds the time at which the channel's budget is full again. */
const TURN = `
local held = redis.call('pttl', KEYS[2])
if held > 0 then return held end
local t = redis.call('time')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local full = math.max(tonumber(redis.call('get', KEYS[1]) or '0'), now)
local early = full - now - ARGV[1] * (ARGV[2] - 1)
if early > 0 then return early end
redis.call('set', KEYS[1], full + ARGV[1], 'PX', math.ceil(full + ARGV[1] - now) + 1000)
return 0`;

export function openPace(redis: Redis | Cluster, prefix: string): Pace {
  const holdKey = (method: string) => `${prefix}:hold:${method}`;
  return {
    turn: async (method, channelId) =>
      Number(await redis.eval(TURN, 2, `${prefix}:pace:${channelId}`, holdKey(method), INTERVAL_MS, BURST)),
    hold: async (method, forMs) => {
      await redis.set(holdKey(method), '1', 'PX', Math.max(1, Math.ceil(forMs)));
    },
  };
}
