import type { Cluster, Redis } from 'ioredis';
import type { Audited } from './entry.ts';
import type { Chain } from './chain.ts';
import { appending } from './commit.ts';

/** Whether the refused person gets an answer; `last` is the last one until the window ends. */
export type Answer = 'yes' | 'last' | 'no';

/**
 * The audit of refusals, limited per person: within a window that begins with a person's first refusal, the first few are audited one by one
 * and the rest are counted. After the window, one entry contains the count. Counts are kept in Redis, by its clock, so that bots count
 * together and no restart loses them.
 */
export interface Refusals {
  /** Audits a refusal of `entry.who[0]`, or counts it. */
  readonly auditRefusal: (entry: Refused) => Promise<Answer>;
  /** Audits the counts of windows that have ended, once each. */
  readonly sweep: () => Promise<void>;
}

export type Refused = Audited & { readonly kind: 'refused' };

export interface RefusalLimits {
  readonly windowMs: number;
  /** How many refusals of one person are audited one by one within a window. */
  readonly audited: number;
  /** How many of them are answered. */
  readonly answered: number;
}

const LIMITS: RefusalLimits = { windowMs: 600_000, audited: 5, answered: 30 };
const TRIES = 100;
const SWEPT_AT_ONCE = 1_000;

const NOW = `
local t = redis.call('time')
local now = t[1] * 1000 + math.floor(t[2] / 1000)`;

/**
 * KEYS: head, stream, counts by person, ends of windows by person. ARGV: as {@link appending}, then the person, how many are audited and
 * the window's length. Answers as {@link appending}, `counted <count>`, or `ended` where an ended window must be summed up first.
 */
const REFUSE = appending({
  unless: `${NOW}
local ends = redis.call('zscore', KEYS[4], ARGV[5])
local count = tonumber(redis.call('hget', KEYS[3], ARGV[5]) or '0')
if ends and tonumber(ends) <= now then
  if count > tonumber(ARGV[6]) then return 'ended' end
  redis.call('zrem', KEYS[4], ARGV[5])
  redis.call('hdel', KEYS[3], ARGV[5])
  count = 0
end
if count >= tonumber(ARGV[6]) then return 'counted ' .. redis.call('hincrby', KEYS[3], ARGV[5], 1) end`,
  also: `
if count == 0 then redis.call('zadd', KEYS[4], now + ARGV[7], ARGV[5]) end
redis.call('hincrby', KEYS[3], ARGV[5], 1)`,
});

/** Appends the sum of an ended window and forgets the window in one step. KEYS as {@link REFUSE}; ARGV: then the person and their count. */
const SUM = appending({
  unless: `${NOW}
local ends = redis.call('zscore', KEYS[4], ARGV[5])
if not ends or tonumber(ends) > now or redis.call('hget', KEYS[3], ARGV[5]) ~= ARGV[6] then return 'summed' end`,
  also: `
redis.call('zrem', KEYS[4], ARGV[5])
redis.call('hdel', KEYS[3], ARGV[5])`,
});

/** Forgets an ended window in which nothing was left out of the audit. KEYS: counts, ends. ARGV: the person, how many are audited. */
const FORGET = `${NOW}
local ends = redis.call('zscore', KEYS[2], ARGV[1])
if not ends or tonumber(ends) > now then return 0 end
if tonumber(redis.call('hget', KEYS[1], ARGV[1]) or '0') > tonumber(ARGV[2]) then return 0 end
redis.call('hdel', KEYS[1], ARGV[1])
return redis.call('zrem', KEYS[2], ARGV[1])`;

const COUNTED = `${NOW}
return {redis.call('hget', KEYS[1], ARGV[1]) or '0', now}`;

const ENDED = `${NOW}
return redis.call('zrangebyscore', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])`;

export function openRefusals(
  redis: Redis | Cluster,
  prefix: string,
  chain: Chain,
  limits: RefusalLimits = LIMITS,
): Refusals {
  const { windowMs, audited, answered } = limits;
  const countsKey = `${prefix}:refusals`;
  const endsKey = `${prefix}:refusals:ends`;
  const run = (script: string, entry: Audited, ...words: readonly (string | number)[]): Promise<string> =>
    chain.link(entry, ({ prev, hash, seq, json }) => {
      const keys = [chain.headKey, chain.streamKey, countsKey, endsKey];
      return redis.eval(script, keys.length, ...keys, prev, hash, seq, json, ...words) as Promise<string>;
    });

  const sumUp = async (who: string): Promise<void> => {
    const [count, nowMs] = (await redis.eval(COUNTED, 1, countsKey, who)) as [string, number];
    const more = Number(count) - audited;
    if (more > 0) await run(SUM, sumOf(who, more, limits, nowMs), who, count);
    else await redis.eval(FORGET, 2, countsKey, endsKey, who, audited);
  };
  return {
    auditRefusal: async (entry) => {
      const [who = ''] = entry.who;
      for (let attempt = 0; attempt < TRIES; attempt++) {
        const answer = await run(REFUSE, entry, who, audited, windowMs);
        if (answer === 'ok') return 'yes';
        const counted = /^counted (\d+)$/.exec(answer)?.[1];
        if (counted !== undefined) return answerAt(Number(counted), answered);
        await sumUp(who);
      }
      throw new Error('a refusal could neither be audited nor counted');
    },
    sweep: async () => {
      const ended = (await redis.eval(ENDED, 1, endsKey, SWEPT_AT_ONCE)) as readonly string[];
      for (const who of ended) await sumUp(who);
    },
  };
}

function answerAt(count: number, answered: number): Answer {
  if (count > answered) return 'no';
  return count === answered ? 'last' : 'yes';
}

function sumOf(who: string, more: number, { windowMs, audited }: RefusalLimits, nowMs: number): Refused {
  const minutes = Math.max(1, Math.round(windowMs / 60_000));
  const refusals =
    more === 1 ? '1 more click or command' : `${more.toLocaleString('en-US')} more clicks or commands`;
  return {
    kind: 'refused',
    at: new Date(nowMs).toISOString(),
    who: [who],
    what: `${refusals} refused within ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`,
    because: `only the first ${audited} refusals of a person are audited one by one`,
    count: more,
  };
}

/** Sweeps until it is closed. Several bots may sweep at once. */
export function startSweepingRefusals(
  { sweep }: Refusals,
  everyMs: number,
  onError: (error: unknown) => void,
): { readonly close: () => Promise<void> } {
  let running = sweep().catch(onError);
  const timer = setInterval(() => {
    running = running.then(sweep).catch(onError);
  }, everyMs);
  return {
    close: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
