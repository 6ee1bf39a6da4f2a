import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import {
  type Audited,
  auditedSchema,
  type AuditEntry,
  auditEntrySchema,
  chain,
  GENESIS,
  type Head,
} from './audit.ts';
import { APPEND } from './commit.ts';

/** An entry made ready to be put behind the head, as a script takes it; all empty where there is nothing to say. */
export interface Link {
  readonly prev: string;
  readonly hash: string;
  readonly seq: string;
  readonly json: string;
}

/** The audit stream: appended to, never changed or trimmed. */
export interface Chain {
  readonly headKey: string;
  readonly streamKey: string;
  /** Appends one entry by itself: a refusal, a freeze. */
  readonly append: (entry: Audited) => Promise<void>;
  /** Runs a script that appends `entry` as part of a greater step; again and again while others append first. Gives what else it answers. */
  readonly link: (entry: Audited | undefined, run: (link: Link) => Promise<string>) => Promise<string>;
  /** Entries oldest first, a page at a time; `after` is a stream id. */
  readonly page: (after?: string) => Promise<readonly { readonly id: string; readonly raw: string }[]>;
  readonly head: () => Promise<Head>;
}

const NO_LINK: Link = { prev: '', hash: '', seq: '', json: '' };
const PAGE = 1_000;
const TRIES = 1_000;

export function openChain(redis: Redis | Cluster, prefix: string): Chain {
  const headKey = `${prefix}:audit:head`;
  const streamKey = `${prefix}:audit`;
  let known: Head | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  const readHead = async (): Promise<Head> => {
    const [seq, hash] = await redis.hmget(headKey, 'seq', 'hash');
    return seq && hash ? { seq: Number(seq), hash } : GENESIS;
  };
  const linkNow = async (entry: Audited, run: (link: Link) => Promise<string>): Promise<string> => {
    const said = auditedSchema.parse(entry);
    for (let attempt = 0; attempt < TRIES; attempt++) {
      known ??= await readHead();
      const base = known;
      const next = chain(base, said);
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
      // Our own entry, whose answer was lost on the way.
      if (hash === next.hash) return 'ok';
      await sleep(Math.random() * Math.min(attempt, 20));
    }
    throw new Error('the audit stream never stood still');
  };
  /** Within one process entries wait for one another, so that only processes compete. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work, work);
    turn = mine.catch(() => undefined);
    return mine;
  };
  const link: Chain['link'] = (entry, run) => (entry ? inTurn(() => linkNow(entry, run)) : run(NO_LINK));
  return {
    headKey,
    streamKey,
    link,
    append: async (entry) => {
      await link(
        entry,
        ({ prev, hash, seq, json }) =>
          redis.eval(APPEND, 2, headKey, streamKey, prev, hash, seq, json) as Promise<string>,
      );
    },
    page: async (after) => {
      const from = after === undefined ? '-' : `(${after}`;
      const found = await redis.xrange(streamKey, from, '+', 'COUNT', PAGE);
      return found.map(([id, fields]) => ({ id, raw: fields[1] ?? '' }));
    },
    head: readHead,
  };
}

/** The entry in a line, or undefined where the line is none. */
export function parseEntry(raw: string): AuditEntry | undefined {
  try {
    return auditEntrySchema.safeParse(JSON.parse(raw)).data;
  } catch {
    return undefined;
  }
}
