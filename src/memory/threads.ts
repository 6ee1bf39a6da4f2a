import type { Redis, Cluster } from 'ioredis';
import { claim } from './claim.ts';

/** What has been posted for a run, so that nothing is posted twice and nothing is forgotten over a restart. */
export interface Threads {
  /** Takes the run for this process; undefined while another has it. Freed by itself after `LOCK_MS`. */
  readonly take: (runId: string) => Promise<{ readonly free: () => Promise<void> } | undefined>;
  readonly read: (runId: string) => Promise<Thread>;
  /** Notes that a part is about to be posted: found later without its `ts`, the post may or may not have happened. */
  readonly begin: (runId: string, part: string) => Promise<void>;
  /** Notes that Slack has it. */
  readonly done: (
    runId: string,
    part: string,
    where: { readonly channelId: string; readonly ts: string },
  ) => Promise<void>;
  /** Notes that Slack said no: it was not posted. */
  readonly refused: (runId: string, part: string) => Promise<void>;
  /** Keeps a text of the run for later edits. */
  readonly keep: (runId: string, name: string, text: string) => Promise<void>;
  /** Notes a fact about the run, such as its being answered for good. */
  readonly mark: (runId: string, fact: Fact) => Promise<void>;
}

export type Fact = 'answered' | 'elsewhere';

export interface Thread {
  /** Where the root message is. */
  readonly root?: { readonly channelId: string; readonly ts: string };
  readonly answered: boolean;
  /** The channel does not let us in: the answer goes through the asker's response_url. */
  readonly elsewhere: boolean;
  readonly part: (part: string) => 'unposted' | 'maybe' | 'posted';
  /** A text that was kept. */
  readonly kept: (name: string) => string | undefined;
  /** Where a part is, once it is posted. */
  readonly where: (part: string) => { readonly channelId: string; readonly ts: string } | undefined;
}

/** Part name of the message in the channel that the thread hangs on. */
export const ROOT = 'root';

const KEEP_S = 7 * 86_400;
const LOCK_MS = 60_000;
const MAYBE = '?';
const FREE_IF_MINE =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";

export function openThreads(redis: Redis | Cluster, prefix: string): Threads {
  const threadKey = (runId: string) => `${prefix}:thread:${runId}`;
  const lockKey = (runId: string) => `${prefix}:lock:${runId}`;
  const set = async (runId: string, fields: Record<string, string>) => {
    await redis.multi().hset(threadKey(runId), fields).expire(threadKey(runId), KEEP_S).exec();
  };
  return {
    take: async (runId) => {
      const mine = crypto.randomUUID();
      if (!(await claim(redis, lockKey(runId), mine, LOCK_MS))) return undefined;
      return {
        free: async () => {
          await redis.eval(FREE_IF_MINE, 1, lockKey(runId), mine);
        },
      };
    },
    read: async (runId) => toThread(await redis.hgetall(threadKey(runId))),
    begin: (runId, part) => set(runId, { [part]: MAYBE }),
    done: (runId, part, { channelId, ts }) => set(runId, { [part]: `${channelId} ${ts}` }),
    refused: async (runId, part) => {
      await redis.hdel(threadKey(runId), part);
    },
    keep: (runId, name, text) => set(runId, { [`kept:${name}`]: text }),
    mark: (runId, fact) => set(runId, { [`is:${fact}`]: 'yes' }),
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
    kept: (name) => fields[`kept:${name}`],
    answered: fields['is:answered'] === 'yes',
    elsewhere: fields['is:elsewhere'] === 'yes',
    part: (part) => (fields[part] === undefined ? 'unposted' : fields[part] === MAYBE ? 'maybe' : 'posted'),
  };
}
