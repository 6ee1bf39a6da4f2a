import type { Redis } from 'ioredis';
import {
  type AuditEvent,
  chainEntry as follow,
  GENESIS,
  type AuditHead,
} from '../../src/store/audit/entry.ts';
import { type AuditLog, parseEntry } from '../../src/store/audit/audit-log.ts';

/** How someone with write access to Redis could change the audit. */

type Change = ReturnType<Redis['multi']>;

/** Atomically removes the entries after number `keep`, and sets the head to the last remaining one. */
export async function cutEnd(redis: Redis, chain: AuditLog, keep: number): Promise<void> {
  const kept = await chain.page();
  const change = redis.multi();
  for (const { id, raw } of kept) if ((parseEntry(raw)?.seq ?? 0) > keep) change.xdel(chain.streamKey, id);
  const last = parseEntry(kept.find(({ raw }) => parseEntry(raw)?.seq === keep)?.raw ?? '');
  await headIn(change, chain, last ?? GENESIS).exec();
}

export async function setHead(redis: Redis, chain: AuditLog, head: AuditHead): Promise<void> {
  await headIn(redis.multi(), chain, head).exec();
}

function headIn(change: Change, chain: AuditLog, { seq, hash }: AuditHead): Change {
  return seq === 0 ? change.del(chain.headKey) : change.hset(chain.headKey, { seq: String(seq), hash });
}

/** Atomically replaces the whole audit by another valid chain. */
export async function replaceAudit(redis: Redis, chain: AuditLog, length: number): Promise<void> {
  const change = redis.multi().del(chain.headKey, chain.streamKey);
  let head: AuditHead = GENESIS;
  for (let number = 1; number <= length; number++) {
    const said: AuditEvent = {
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
