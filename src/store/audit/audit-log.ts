import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { loadLua } from '../../queue/load-lua.ts';
import {
  type AuditEvent,
  auditEventSchema,
  type AuditEntry,
  auditEntrySchema,
  chainEntry,
  GENESIS,
  type AuditHead,
} from './entry.ts';

/** An entry as arguments of a script that appends it; all empty if there is no entry. */
export interface PreparedEntry {
  readonly prev: string;
  readonly hash: string;
  readonly seq: string;
  readonly json: string;
}

/** The audit: a Redis stream of hash-chained entries that is only appended to, never changed or trimmed. */
export interface AuditLog {
  readonly headKey: string;
  readonly streamKey: string;
  /** Appends a single entry. */
  readonly append: (entry: AuditEvent) => Promise<void>;
  /**
   * Runs a script that appends `entry` together with another change. It is run again while other processes append first.
   * @returns the reply of the script.
   */
  readonly appendWith: (
    entry: AuditEvent | undefined,
    run: (prepared: PreparedEntry) => Promise<string>,
  ) => Promise<string>;
  /** A page of entries, oldest first. `after` and `until` are stream ids. */
  readonly page: (after?: string, until?: string) => Promise<readonly StoredEntry[]>;
  /** A page of entries, oldest first: the one with this stream id, if it exists, and those after it. */
  readonly pageFrom: (id: string) => Promise<readonly StoredEntry[]>;
  /** A page of entries, newest first. `before` and `since` are stream ids. */
  readonly pageBackwards: (before?: string, since?: string) => Promise<readonly StoredEntry[]>;
  /** The entry with this stream id. */
  readonly entryAt: (id: string) => Promise<StoredEntry | undefined>;
  /** The head, and the stream id of the last entry at that moment. */
  readonly end: () => Promise<{ readonly head: AuditHead; readonly lastId?: string }>;
  /** The stream id up to which it was copied to stdout, which can't be read again. */
  readonly copied: {
    readonly read: () => Promise<string | undefined>;
    readonly save: (id: string) => Promise<void>;
  };
}

/** An entry as it is stored in Redis. */
export interface StoredEntry {
  /** The stream id: it begins with the time at which Redis stored it, in milliseconds since the epoch. */
  readonly id: string;
  readonly raw: string;
}

const NO_ENTRY: PreparedEntry = { prev: '', hash: '', seq: '', json: '' };
const PAGE = 1_000;
const MAX_ATTEMPTS = 1_000;
const appendEntry = loadLua(new URL('./lua/append-entry.lua', import.meta.url), {
  keys: ['headKey', 'streamKey'],
  args: ['prevHash', 'hash', 'seq', 'entry'],
  returns: z.string(),
});

export function openAuditLog(redis: Redis | Cluster, prefix: string): AuditLog {
  const headKey = `${prefix}:audit:head`;
  const streamKey = `${prefix}:audit`;
  const copiedKey = `${prefix}:audit:copied`;
  let known: AuditHead | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  const readPage = async (from: string, until: string) =>
    (await redis.xrange(streamKey, from, until, 'COUNT', PAGE)).map(toStoredEntry);
  const readHead = async () => toHead(await redis.hmget(headKey, 'seq', 'hash'));
  const appendNow = async (
    entry: AuditEvent,
    run: (prepared: PreparedEntry) => Promise<string>,
  ): Promise<string> => {
    const event = auditEventSchema.parse(entry);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      known ??= await readHead();
      const base = known;
      const next = chainEntry(base, event);
      known = undefined;
      const answer = await run({
        prev: next.prev,
        hash: next.hash,
        seq: String(next.seq),
        json: JSON.stringify(next),
      });
      const head = /^head (\d+) ([0-9a-f]{64})$/.exec(answer);
      if (!head) {
        known = answer === 'ok' ? { seq: next.seq, hash: next.hash } : base;
        return answer;
      }
      const [, seq, hash = ''] = head;
      known = { seq: Number(seq), hash };
      // Our own entry, whose reply was lost.
      if (hash === next.hash) return 'ok';
      await sleep(Math.random() * Math.min(attempt, 20));
    }
    throw new Error(`other processes appended to the audit ${MAX_ATTEMPTS} times first`);
  };
  /** Within one process entries are appended one after another, so that only processes compete. */
  const serially = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work, work);
    turn = mine.catch(() => undefined);
    return mine;
  };
  const appendWith: AuditLog['appendWith'] = (entry, run) =>
    entry ? serially(() => appendNow(entry, run)) : run(NO_ENTRY);
  return {
    headKey,
    streamKey,
    appendWith,
    append: async (entry) => {
      await appendWith(entry, ({ prev, hash, seq, json }) =>
        appendEntry(redis, { headKey, streamKey, prevHash: prev, hash, seq, entry: json }),
      );
    },
    page: (after, until = '+') => readPage(after === undefined ? '-' : `(${after}`, until),
    pageFrom: (id) => readPage(id, '+'),
    pageBackwards: async (before, since = '-') =>
      (await redis.xrevrange(streamKey, before === undefined ? '+' : `(${before}`, since, 'COUNT', PAGE)).map(
        toStoredEntry,
      ),
    entryAt: async (id) => (await redis.xrange(streamKey, id, id)).map(toStoredEntry)[0],
    end: async () => {
      const answers = await redis
        .multi()
        .hmget(headKey, 'seq', 'hash')
        .xrevrange(streamKey, '+', '-', 'COUNT', 1)
        .exec();
      const [head, last] = (answers ?? []).map(([error, answer]) => {
        if (error) throw error;
        return answer;
      }) as [readonly (string | null)[], readonly [string][]];
      const lastId = last[0]?.[0];
      return { head: toHead(head), ...(lastId !== undefined && { lastId }) };
    },
    copied: {
      read: async () => (await redis.get(copiedKey)) ?? undefined,
      save: async (id) => {
        await redis.set(copiedKey, id);
      },
    },
  };
}

function toHead([seq, hash]: readonly (string | null)[]): AuditHead {
  return seq && hash ? { seq: Number(seq), hash } : GENESIS;
}

function toStoredEntry([id, fields]: [string, string[]]): StoredEntry {
  return { id, raw: fields[1] ?? '' };
}

/** The entry in a line; undefined if the line isn't an entry. */
export function parseEntry(raw: string): AuditEntry | undefined {
  try {
    return auditEntrySchema.safeParse(JSON.parse(raw)).data;
  } catch {
    return undefined;
  }
}
