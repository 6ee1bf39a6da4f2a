import { missing, wrongWithSeen } from './audit-end.ts';
import type { AuditFile } from './audit-file.ts';
import { type AuditEntry, GENESIS, type Head } from './audit.ts';
import type { Seen } from './head-file.ts';
import { followEntries, type Verified, verifyAudit } from './verify-audit.ts';

/** What was kept outside of Redis. It must have been opened before the audit is read from Redis, which grows meanwhile. */
export interface Kept {
  readonly seen?: Seen;
  readonly copy?: AuditFile;
}

export type Compared =
  | (Extract<Verified, { kind: 'whole' }> & {
      /** The entries of the copy; absent where there is none, or it is empty. */
      readonly copied?: { readonly from: number; readonly to: number };
    })
  | Extract<Verified, { kind: 'broken' }>;

/** Verifies the audit of Redis, and that it continues what was kept elsewhere: entry by entry where the copy has them, and at its end. */
export async function verifyWithKept(
  audit: { readonly head: Head; readonly entries: AsyncIterable<string> },
  { seen, copy }: Kept,
): Promise<Compared> {
  const comparing = copy && compareWith(copy);
  try {
    let there: AuditEntry | undefined;
    const verified = await verifyAudit(audit.entries, audit.head, async (entry) => {
      if (entry.seq === seen?.seq) there = entry;
      return comparing?.next(entry);
    });
    if (verified.kind === 'broken') return verified;
    const copied = await comparing?.end();
    if (typeof copied === 'string') return { kind: 'broken', because: copied };
    const because = wrongWithEnds({ seen, there, copied, path: copy?.path }, verified);
    if (because !== undefined) return { kind: 'broken', because };
    return { ...verified, ...(copied && copied.to > 0 && { copied }) };
  } finally {
    await copy?.lines.return(undefined);
  }
}

interface Ends {
  readonly seen: Seen | undefined;
  /** The entry of Redis at the number of the one that was seen. */
  readonly there: AuditEntry | undefined;
  readonly copied: { readonly to: number } | undefined;
  readonly path: string | undefined;
}

function wrongWithEnds(
  { seen, there, copied, path = '' }: Ends,
  { to = 0, hash = GENESIS.hash }: Extract<Verified, { kind: 'whole' }>,
): string | undefined {
  const end = copied?.to ?? 0;
  const wrong = seen && wrongWithSeen(seen, { seq: to, hash }, there);
  if (wrong !== undefined) return end > to ? `${wrong}. ${path} goes on to entry ${countOf(end)}` : wrong;
  if (end > to) {
    const audit = to === 0 ? 'the audit is empty' : `the audit ends at entry ${countOf(to)}`;
    return `${audit}, but ${path} goes on to entry ${countOf(end)}: ${missing(to, end)}`;
  }
  // It may be behind Redis, and never behind what was seen: that is noted after it was copied.
  return copied && seen && end < seen.seq
    ? wrongWithSeen(seen, { seq: end, hash: '' }, undefined, path)
    : undefined;
}

/** Walks through a copy beside the audit, verifying it as well: where both have an entry, it must be the same one. */
function compareWith({ path, lines }: AuditFile) {
  const copy = followEntries(false);
  let ahead: AuditEntry | undefined;
  const read = async (): Promise<AuditEntry | string | undefined> => {
    const { done, value } = await lines.next();
    if (done) return undefined;
    const entry = copy.next(value);
    return typeof entry === 'string' ? `in the copy ${path}, ${entry}` : entry;
  };
  return {
    /** What is wrong with the copy up to this entry of the audit. */
    next: async ({ seq, hash }: AuditEntry): Promise<string | undefined> => {
      while (!ahead || ahead.seq < seq) {
        const entry = await read();
        if (typeof entry !== 'object') return entry;
        ahead = entry;
      }
      return ahead.seq > seq || ahead.hash === hash
        ? undefined
        : `entry ${countOf(seq)} in Redis is not the one in the copy ${path}`;
    },
    /** Where the copy begins and ends, or what is wrong with the rest of it. */
    end: async (): Promise<{ readonly from: number; readonly to: number } | string> => {
      for (let entry = await read(); entry !== undefined; entry = await read())
        if (typeof entry === 'string') return entry;
      const { first, last } = copy.ends();
      return { from: first?.seq ?? 0, to: last?.seq ?? 0 };
    },
  };
}

function countOf(count: number): string {
  return count.toLocaleString('en-US');
}
