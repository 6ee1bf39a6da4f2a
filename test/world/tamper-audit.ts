import type { Redis } from 'ioredis';
import { type Audited, chain as follow, GENESIS, type Head } from '../../src/store/audit/entry.ts';
import { type Chain, parseEntry } from '../../src/store/audit/chain.ts';

/** What somebody who can write to Redis can do to the audit. */

type Change = ReturnType<Redis['multi']>;

/** Removes the entries behind number `keep`, and sets the head to the last one left, in one step. */
export async function cutEnd(redis: Redis, chain: Chain, keep: number): Promise<void> {
  const kept = await chain.page();
  const change = redis.multi();
  for (const { id, raw } of kept) if ((parseEntry(raw)?.seq ?? 0) > keep) change.xdel(chain.streamKey, id);
  const last = parseEntry(kept.find(({ raw }) => parseEntry(raw)?.seq === keep)?.raw ?? '');
  await headIn(change, chain, last ?? GENESIS).exec();
}

export async function setHead(redis: Redis, chain: Chain, head: Head): Promise<void> {
  await headIn(redis.multi(), chain, head).exec();
}

function headIn(change: Change, chain: Chain, { seq, hash }: Head): Change {
  return seq === 0 ? change.del(chain.headKey) : change.hset(chain.headKey, { seq: String(seq), hash });
}

/** Replaces the whole audit by a chain of its own, which is valid in itself, in one step. */
export async function replaceAudit(redis: Redis, chain: Chain, length: number): Promise<void> {
  const change = redis.multi().del(chain.headKey, chain.streamKey);
  let head: Head = GENESIS;
  for (let number = 1; number <= length; number++) {
    const said: Audited = {
      kind: 'asked',
      at: '2026-11-20T14:03:07.000Z',
      who: ['U0MALLORY'],
      what: `nothing happened ${number}`,
    };
    const entry = follow(head, said);
    change.xadd(chain.streamKey, '*', 'entry', JSON.stringify(entry));
    head = entry;
  }
  await headIn(change, chain, head).exec();
}
