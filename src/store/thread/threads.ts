import type { Redis, Cluster } from 'ioredis';
import { z } from 'zod';
import { loadLua } from '../../queue/load-lua.ts';
import { openPastRuns } from '../../queue/past-runs.ts';

/** What was posted for a run, so that nothing is posted twice or lost at a restart. */
export interface Threads {
  /** Acquires the lease on a run's thread; undefined while another process has it. */
  readonly acquireLease: (runId: string) => Promise<ThreadLease | undefined>;
  /** Whether a process has the lease. It may have died a moment ago. */
  readonly isLeased: (runId: string) => Promise<boolean>;
  readonly read: (runId: string) => Promise<PostedThread>;
  /** Forgets a part that was deleted, so that it may be posted again. */
  readonly forget: (runId: string, part: string) => Promise<void>;
  /** Records a part that was not posted under a lease, such as an answer through a response_url. */
  readonly recordPart: (runId: string, part: string, where: MessageLocation) => Promise<void>;
  /** Saves a text of the run for later edits. */
  readonly saveText: (runId: string, name: string, text: string) => Promise<void>;
  /** Saves a text unless a later one is saved. @returns the text that is saved now. */
  readonly saveNewest: (runId: string, name: string, text: string, atMs: number) => Promise<string>;
  /** Records a fact about the run: it is answered, or its answer goes elsewhere. */
  readonly mark: (runId: string, fact: ThreadFact) => Promise<void>;
  /** Records that nothing more will be posted or edited. Everything else is deleted soon after. */
  readonly close: (runId: string) => Promise<void>;
}

/**
 * The holder may call Slack for the run. The lease is renewed until it is released. A holder that was paused or disconnected for too long loses
 * it, and the steps below then fail.
 */
export interface ThreadLease {
  /** Greater than that of any earlier lease. */
  readonly fence: number;
  /** Whether the lease is still held. Renews it. */
  readonly isHeld: () => Promise<boolean>;
  /**
   * Records that a part is about to be posted. If it has no `ts` later, it may or may not have been posted.
   * False if the lease is lost or the part is posted already; then nothing may be posted.
   */
  readonly beginPost: (part: string) => Promise<boolean>;
  /** Records that Slack has the part, where, and what it shows if that is known. */
  readonly recordPosted: (part: string, where: MessageLocation, content?: string) => Promise<void>;
  /** Records that Slack refused the part, so it was not posted. */
  readonly recordRefused: (part: string) => Promise<void>;
  /** Records what a message shows; undefined while it is being changed. */
  readonly recordContent: (ts: string, content: string | undefined) => Promise<void>;
  readonly release: () => Promise<void>;
}

export interface MessageLocation {
  readonly channelId: string;
  readonly ts: string;
}

export type ThreadFact = 'answered' | 'elsewhere';

export interface PostedThread {
  /** Where the root message is. */
  readonly root?: MessageLocation;
  readonly answered: boolean;
  /** Nothing more will be posted or edited. */
  readonly isClosed: boolean;
  /** The bot can't post in the channel: the answer goes through the command's response_url. */
  readonly elsewhere: boolean;
  readonly part: (part: string) => 'unposted' | 'maybe' | 'posted';
  /** Whether a message is known to show this. */
  readonly shows: (ts: string, content: string) => boolean;
  /** A text that was saved. */
  readonly savedText: (name: string) => string | undefined;
  /** Where a part is, once it is posted. */
  readonly locationOf: (part: string) => MessageLocation | undefined;
}

/** Part name of the message in the channel that the thread belongs to. */
export const ROOT_PART = 'root';

/** How long the record of a thread is kept, and what belongs to it. */
export const KEEP_THREAD_S = 7 * 86_400;
/** Long enough for requests that wait for the link to the thread. */
const CLOSED_S = 60;
const LEASE_MS = 20_000;
const MAYBE = '?';

const acquireLease = loadLua(new URL('./lua/acquire-lease.lua', import.meta.url), {
  keys: ['leaseKey', 'fenceKey'],
  args: ['owner', 'ttlMs'],
  returns: z.number(),
});
const renewLease = loadLua(new URL('./lua/renew-lease.lua', import.meta.url), {
  keys: ['leaseKey'],
  args: ['holder', 'ttlMs'],
  returns: z.literal([0, 1]),
});
const releaseLease = loadLua(new URL('./lua/release-lease.lua', import.meta.url), {
  keys: ['leaseKey'],
  args: ['holder'],
  returns: z.literal([0, 1]),
});
const beginPost = loadLua(new URL('./lua/begin-post.lua', import.meta.url), {
  keys: ['leaseKey', 'threadKey'],
  args: ['holder', 'leaseTtlMs', 'part', 'ttlSeconds', 'maybe'],
  returns: z.literal([0, 1]),
});
const recordPosted = loadLua(new URL('./lua/record-posted.lua', import.meta.url), {
  keys: ['threadKey'],
  args: ['part', 'where', 'ttlSeconds', 'maybe', 'showsField', 'content'],
  returns: z.literal([0, 1]),
});
const recordRefused = loadLua(new URL('./lua/record-refused.lua', import.meta.url), {
  keys: ['threadKey'],
  args: ['part', 'maybe'],
  returns: z.literal([0, 1]),
});
const saveNewest = loadLua(new URL('./lua/save-newest.lua', import.meta.url), {
  keys: ['threadKey'],
  args: ['field', 'atField', 'atMs', 'text', 'ttlSeconds'],
  returns: z.string(),
});

export function openThreads(redis: Redis | Cluster, prefix: string): Threads {
  const past = openPastRuns(redis, prefix);
  const threadKey = (runId: string) => `${prefix}:thread:${runId}`;
  const leaseKeyOf = (runId: string) => `${prefix}:lease:${runId}`;
  const set = async (runId: string, fields: Record<string, string>) => {
    await redis.multi().hset(threadKey(runId), fields).expire(threadKey(runId), KEEP_THREAD_S).exec();
  };
  return {
    acquireLease: async (runId) => {
      const leaseKey = leaseKeyOf(runId);
      const owner = crypto.randomUUID();
      const fence = await acquireLease(redis, {
        leaseKey,
        fenceKey: `${prefix}:lease-fence`,
        owner,
        ttlMs: LEASE_MS,
      });
      return fence === 0 ? undefined : toLease(redis, leaseKey, threadKey(runId), `${owner} ${fence}`, fence);
    },
    isLeased: async (runId) => (await redis.exists(leaseKeyOf(runId))) === 1,
    read: async (runId) => {
      // A bot that was paused may write to a thread that was deleted, so the fields may be incomplete.
      const [fields, known] = await Promise.all([redis.hgetall(threadKey(runId)), past.read(runId)]);
      return toThread(fields, known === 'answered');
    },
    forget: async (runId, part) => {
      await redis.hdel(threadKey(runId), part);
    },
    recordPart: (runId, part, { channelId, ts }) => set(runId, { [part]: `${channelId} ${ts}` }),
    saveText: (runId, name, text) => set(runId, { [`kept:${name}`]: text }),
    saveNewest: (runId, name, text, atMs) =>
      saveNewest(redis, {
        threadKey: threadKey(runId),
        field: `kept:${name}`,
        atField: `kept-at:${name}`,
        atMs,
        text,
        ttlSeconds: KEEP_THREAD_S,
      }),
    mark: (runId, fact) => set(runId, { [`is:${fact}`]: 'yes' }),
    close: async (runId) => {
      await past.record(runId, 'answered');
      await redis.expire(threadKey(runId), CLOSED_S);
    },
  };
}

function toLease(
  redis: Redis | Cluster,
  leaseKey: string,
  threadKey: string,
  holder: string,
  fence: number,
): ThreadLease {
  /** A late reply, after this process was paused, is no longer reliable. */
  const inTime = async (ask: () => Promise<unknown>): Promise<boolean> => {
    const askedAtMs = performance.now();
    return (await ask()) === 1 && performance.now() - askedAtMs < LEASE_MS / 2;
  };
  const isHeld = () => inTime(() => renewLease(redis, { leaseKey, holder, ttlMs: LEASE_MS }));
  const timer = setInterval(() => void isHeld().catch(() => undefined), LEASE_MS / 4);
  return {
    fence,
    isHeld,
    beginPost: (part) =>
      inTime(() =>
        beginPost(redis, {
          leaseKey,
          threadKey,
          holder,
          leaseTtlMs: LEASE_MS,
          part,
          ttlSeconds: KEEP_THREAD_S,
          maybe: MAYBE,
        }),
      ),
    recordPosted: async (part, { channelId, ts }, content) => {
      await recordPosted(redis, {
        threadKey,
        part,
        where: `${channelId} ${ts}`,
        ttlSeconds: KEEP_THREAD_S,
        maybe: MAYBE,
        showsField: content === undefined ? '' : `shows:${ts}`,
        content: content ?? '',
      });
    },
    recordRefused: async (part) => {
      await recordRefused(redis, { threadKey, part, maybe: MAYBE });
    },
    recordContent: async (ts, content) => {
      if (content === undefined) await redis.hdel(threadKey, `shows:${ts}`);
      else await redis.hset(threadKey, `shows:${ts}`, content);
    },
    release: async () => {
      clearInterval(timer);
      await releaseLease(redis, { leaseKey, holder });
    },
  };
}

function toThread(fields: Record<string, string>, isClosed: boolean): PostedThread {
  const locationOf: PostedThread['locationOf'] = (part) => {
    const [channelId, ts] = fields[part]?.split(' ') ?? [];
    return channelId && ts ? { channelId, ts } : undefined;
  };
  const root = locationOf(ROOT_PART);
  return {
    ...(root && { root }),
    locationOf,
    shows: (ts, content) => fields[`shows:${ts}`] === content,
    savedText: (name) => fields[`kept:${name}`],
    answered: isClosed || fields['is:answered'] === 'yes',
    isClosed,
    elsewhere: fields['is:elsewhere'] === 'yes',
    part: (part) => (fields[part] === undefined ? 'unposted' : fields[part] === MAYBE ? 'maybe' : 'posted'),
  };
}
