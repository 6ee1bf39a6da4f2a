import type { Redis, Cluster } from 'ioredis';
import { openPastRuns } from '../queue/past-runs.ts';

/** What has been posted for a run, so that nothing is posted twice and nothing is forgotten over a restart. */
export interface Threads {
  /** Takes the lease on a run's thread; undefined while another process has it. */
  readonly take: (runId: string) => Promise<Lease | undefined>;
  readonly read: (runId: string) => Promise<Thread>;
  /** Forgets where a part is: somebody deleted it, and it may be posted again. */
  readonly forget: (runId: string, part: string) => Promise<void>;
  /** Notes where a part is that took another way than a post of the bot. */
  readonly note: (runId: string, part: string, where: Where) => Promise<void>;
  /** Keeps a text of the run for later edits. */
  readonly keep: (runId: string, name: string, text: string) => Promise<void>;
  /** Notes a fact about the run, such as its being answered for good. */
  readonly mark: (runId: string, fact: Fact) => Promise<void>;
  /** Nothing will be posted or edited any more: before long nothing is remembered but that. */
  readonly settle: (runId: string) => Promise<void>;
}

/**
 * Who holds it may call Slack for the run. It is renewed until it is freed; a holder that was paused or cut off for too long loses it,
 * and every step below then says so.
 */
export interface Lease {
  /** Greater than that of any lease before. */
  readonly fence: number;
  /** True while the lease is held; it is renewed by asking. */
  readonly isHeld: () => Promise<boolean>;
  /**
   * Notes that a part is about to be posted: found later without its `ts`, the post may or may not have happened.
   * False where the lease is lost or the part is posted already; nothing may be posted then.
   */
  readonly begin: (part: string) => Promise<boolean>;
  /** Notes that Slack has the part, where, and what it shows where that is known. */
  readonly done: (part: string, where: Where, content?: string) => Promise<void>;
  /** Notes that Slack refused: the part was not posted. */
  readonly refused: (part: string) => Promise<void>;
  /** Notes what a message shows now; nothing, while that is about to change. */
  readonly shows: (ts: string, content: string | undefined) => Promise<void>;
  readonly free: () => Promise<void>;
}

export interface Where {
  readonly channelId: string;
  readonly ts: string;
}

export type Fact = 'answered' | 'elsewhere';

export interface Thread {
  /** Where the root message is. */
  readonly root?: Where;
  readonly answered: boolean;
  /** Nothing will be posted or edited any more. */
  readonly settled: boolean;
  /** The channel does not let us in: the answer goes through the asker's response_url. */
  readonly elsewhere: boolean;
  readonly part: (part: string) => 'unposted' | 'maybe' | 'posted';
  /** Whether a message is known to show this by now. */
  readonly shows: (ts: string, content: string) => boolean;
  /** A text that was kept. */
  readonly kept: (name: string) => string | undefined;
  /** Where a part is, once it is posted. */
  readonly where: (part: string) => Where | undefined;
}

/** Part name of the message in the channel that the thread hangs on. */
export const ROOT = 'root';

const KEEP_S = 7 * 86_400;
/** For those who want the link to it just now. */
const SETTLED_S = 60;
const LEASE_MS = 20_000;
const MAYBE = '?';
const SETTLED = { 'is:answered': 'yes', 'is:settled': 'yes' } as const;

/** KEYS: lease, the newest fence. ARGV: owner, milliseconds. An answer that was lost is asked for again, and finds its own lease. */
const TAKE = `
local held = redis.call('get', KEYS[1])
if held then
  local owner, fence = string.match(held, '^(%S+) (%d+)$')
  if owner == ARGV[1] then return tonumber(fence) end
  return 0
end
local fence = redis.call('incr', KEYS[2])
redis.call('set', KEYS[1], ARGV[1] .. ' ' .. fence, 'PX', ARGV[2])
return fence`;
/** KEYS: lease. ARGV: holder, milliseconds. */
const RENEW = `
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('pexpire', KEYS[1], ARGV[2])`;
/** KEYS: lease, thread. ARGV: holder, milliseconds, part, seconds. */
const BEGIN = `
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('pexpire', KEYS[1], ARGV[2])
local now = redis.call('hget', KEYS[2], ARGV[3])
if now and now ~= '${MAYBE}' then return 0 end
redis.call('hset', KEYS[2], ARGV[3], '${MAYBE}')
redis.call('expire', KEYS[2], ARGV[4])
return 1`;
/** KEYS: thread. ARGV: part, where, seconds, then field and content where it is known. The first to be done stays. */
const DONE = `
local now = redis.call('hget', KEYS[1], ARGV[1])
if now and now ~= '${MAYBE}' then return 0 end
redis.call('hset', KEYS[1], ARGV[1], ARGV[2])
if ARGV[4] then redis.call('hset', KEYS[1], ARGV[4], ARGV[5]) end
return redis.call('expire', KEYS[1], ARGV[3])`;
/** KEYS: thread. ARGV: part. */
const REFUSED = `
if redis.call('hget', KEYS[1], ARGV[1]) ~= '${MAYBE}' then return 0 end
return redis.call('hdel', KEYS[1], ARGV[1])`;
/** KEYS: lease. ARGV: holder. */
const FREE = `
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('del', KEYS[1])`;

export function openThreads(redis: Redis | Cluster, prefix: string): Threads {
  const past = openPastRuns(redis, prefix);
  const threadKey = (runId: string) => `${prefix}:thread:${runId}`;
  const set = async (runId: string, fields: Record<string, string>) => {
    await redis.multi().hset(threadKey(runId), fields).expire(threadKey(runId), KEEP_S).exec();
  };
  return {
    take: async (runId) => {
      const leaseKey = `${prefix}:lease:${runId}`;
      const owner = crypto.randomUUID();
      const fence = Number(await redis.eval(TAKE, 2, leaseKey, `${prefix}:lease-fence`, owner, LEASE_MS));
      return fence === 0 ? undefined : hold(redis, leaseKey, threadKey(runId), `${owner} ${fence}`, fence);
    },
    read: async (runId) => {
      const fields = await redis.hgetall(threadKey(runId));
      if (Object.keys(fields).length > 0) return toThread(fields);
      return toThread((await past.read(runId)) === 'answered' ? SETTLED : fields);
    },
    forget: async (runId, part) => {
      await redis.hdel(threadKey(runId), part);
    },
    note: (runId, part, { channelId, ts }) => set(runId, { [part]: `${channelId} ${ts}` }),
    keep: (runId, name, text) => set(runId, { [`kept:${name}`]: text }),
    mark: (runId, fact) => set(runId, { [`is:${fact}`]: 'yes' }),
    settle: async (runId) => {
      await past.note(runId, 'answered');
      await redis.multi().hset(threadKey(runId), SETTLED).expire(threadKey(runId), SETTLED_S).exec();
    },
  };
}

function hold(
  redis: Redis | Cluster,
  leaseKey: string,
  threadKey: string,
  holder: string,
  fence: number,
): Lease {
  /** An answer that comes late, because this process was paused, no longer says anything. */
  const inTime = async (ask: () => Promise<unknown>): Promise<boolean> => {
    const askedAtMs = performance.now();
    return (await ask()) === 1 && performance.now() - askedAtMs < LEASE_MS / 2;
  };
  const isHeld = () => inTime(() => redis.eval(RENEW, 1, leaseKey, holder, LEASE_MS));
  const timer = setInterval(() => void isHeld().catch(() => undefined), LEASE_MS / 4);
  return {
    fence,
    isHeld,
    begin: (part) => inTime(() => redis.eval(BEGIN, 2, leaseKey, threadKey, holder, LEASE_MS, part, KEEP_S)),
    done: async (part, { channelId, ts }, content) => {
      const shown = content === undefined ? [] : [`shows:${ts}`, content];
      await redis.eval(DONE, 1, threadKey, part, `${channelId} ${ts}`, KEEP_S, ...shown);
    },
    refused: async (part) => {
      await redis.eval(REFUSED, 1, threadKey, part);
    },
    shows: async (ts, content) => {
      if (content === undefined) await redis.hdel(threadKey, `shows:${ts}`);
      else await redis.hset(threadKey, `shows:${ts}`, content);
    },
    free: async () => {
      clearInterval(timer);
      await redis.eval(FREE, 1, leaseKey, holder);
    },
  };
}

function toThread(fields: Record<string, string>): Thread {
  const where: Thread['where'] = (part) => {
    const [channelId, ts] = fields[part]?.split(' ') ?? [];
    return channelId && ts ? { channelId, ts } : undefined;
  };
  const root = where(ROOT);
  return {
    ...(root && { root }),
    where,
    shows: (ts, content) => fields[`shows:${ts}`] === content,
    kept: (name) => fields[`kept:${name}`],
    answered: fields['is:answered'] === 'yes',
    settled: fields['is:settled'] === 'yes',
    elsewhere: fields['is:elsewhere'] === 'yes',
    part: (part) => (fields[part] === undefined ? 'unposted' : fields[part] === MAYBE ? 'maybe' : 'posted'),
  };
}
