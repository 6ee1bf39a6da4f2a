import { type AuditEntry, GENESIS, entryHash, type AuditHead } from './entry.ts';
import { parseEntry } from './audit-log.ts';

export type VerifyResult =
  | {
      readonly kind: 'intact';
      readonly entries: number;
      /** The first and the last number; absent if there is no entry. */
      readonly from?: number;
      readonly to?: number;
      /** The hash of the last entry. If it is stored elsewhere, it can prove later that no entry up to it was changed. */
      readonly hash?: string;
    }
  /** `because` names the first invalid entry, and why it is invalid. */
  | { readonly kind: 'broken'; readonly because: string };

/**
 * Recomputes the chain, with one entry in memory at a time.
 * @param entries as they are stored, oldest first.
 * @param head of the stream they were read from. Then they must begin at 1 and end at the head; without it they are a part that was
 * exported or copied, and may begin and end anywhere.
 * @param compare returns what else is wrong with an entry.
 */
export async function verifyAudit(
  entries: AsyncIterable<string>,
  head?: AuditHead,
  compare?: (entry: AuditEntry) => Promise<string | undefined>,
): Promise<VerifyResult> {
  const chain = followEntries(head !== undefined);
  for await (const raw of entries) {
    const read = chain.next(raw);
    const wrong = typeof read === 'string' ? read : await compare?.(read);
    if (wrong !== undefined) return broken(wrong);
  }
  const { count, first, last } = chain.ends();
  const wrong = head && headMismatch(last ?? GENESIS, head);
  if (wrong !== undefined) return broken(wrong);
  return {
    kind: 'intact',
    entries: count,
    ...(first && last && { from: first.seq, to: last.seq, hash: last.hash }),
  };
}

/** Reads a chain entry by entry. `fromStart`: it must begin at 1. */
export function followEntries(fromStart: boolean) {
  let first: AuditEntry | undefined;
  let last: AuditEntry | undefined;
  let count = 0;
  return {
    /** The next entry, or the problem with it. */
    next: (raw: string): AuditEntry | string => {
      count += 1;
      const entry = parseEntry(raw);
      if (!entry) return notAnEntry(last, count);
      const wrong = entryProblem(entry, last, fromStart);
      if (wrong !== undefined) return wrong;
      first ??= entry;
      last = entry;
      return entry;
    },
    ends: () => ({ count, first, last }),
  };
}

function broken(because: string): VerifyResult {
  return { kind: 'broken', because };
}

function notAnEntry(last: AuditEntry | undefined, count: number): string {
  return last || count === 1
    ? `entry ${(last?.seq ?? 0) + 1} isn't an audit entry`
    : `line ${count} isn't an audit entry`;
}

function entryProblem(
  entry: AuditEntry,
  last: AuditEntry | undefined,
  fromStart: boolean,
): string | undefined {
  const { seq, prev, hash } = entry;
  const before = last ?? (fromStart || seq === 1 ? GENESIS : undefined);
  if (before && seq !== before.seq + 1) return misplaced(seq, before.seq);
  if (entryHash(entry) !== hash) return `entry ${seq}: its hash doesn't match its content`;
  if (!before || prev === before.hash) return undefined;
  return last
    ? `entry ${seq} was written after a different entry ${last.seq}`
    : `entry ${seq} is the first, but refers to an earlier entry`;
}

function misplaced(seq: number, before: number): string {
  if (seq === before) return `entry ${seq} occurs twice`;
  if (seq < before) return `entry ${seq} follows ${before}: it is out of order`;
  const missing = seq - before - 1;
  const lost = missing === 1 ? 'an entry is missing' : `${missing} entries are missing`;
  return before === 0 ? `entry ${seq} is the first: ${lost}` : `entry ${seq} follows ${before}: ${lost}`;
}

/** The problem with a stream that ends at `last` and has this head, if any. */
export function headMismatch(last: AuditHead, head: AuditHead): string | undefined {
  if (last.seq === head.seq)
    return last.hash === head.hash ? undefined : `entry ${last.seq} isn't the one that the head names`;
  if (head.seq === 0) return `the stream ends at ${last.seq} but there is no head: the head was removed`;
  const count = Math.abs(head.seq - last.seq);
  const entries = count === 1 ? '1 entry was' : `${count} entries were`;
  const ends = last.seq === 0 ? 'the stream is empty' : `the stream ends at ${last.seq}`;
  return last.seq < head.seq
    ? `${ends} but the head says ${head.seq}: ${entries} removed`
    : `${ends} but the head says ${head.seq}: ${entries} inserted`;
}
