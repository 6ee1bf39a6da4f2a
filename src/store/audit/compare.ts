import { countOf, missing, wrongWithSeen } from './end.ts';
import type { AuditFile } from './file.ts';
import { type AuditEntry, GENESIS, type Head } from './entry.ts';
import type { Seen } from './head-file.ts';
import { followEntries, type Verified, verifyAudit } from './verify.ts';

/** What is kept outside of Redis. Open it before reading the audit from Redis, which grows meanwhile. */
export interface Kept {
  readonly seen?: Seen;
  readonly copy?: AuditFile;
}

export type Compared =
  | (Extract<Verified, { kind: 'whole' }> & {
      /** The entries of the copy; absent if there is no copy or it is empty. */
      readonly copied?: { readonly from: number; readonly to: number };
    })
  | Extract<Verified, { kind: 'broken' }>;

/** Verifies the audit in Redis, and compares it with what is kept elsewhere: each entry with the copy's, and its end with the last head seen. */
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
  /** The entry in Redis with the number of the last head seen. */
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
  if (wrong !== undefined) return end > to ? `${wrong}. ${path} ends at entry ${countOf(end)}` : wrong;
  if (end > to) {
    const audit = to === 0 ? 'the audit is empty' : `the audit ends at entry ${countOf(to)}`;
    return `${audit}, but ${path} ends at entry ${countOf(end)}: ${missing(to, end)}`;
  }
  // The copy may be behind Redis, but not behind the last head seen, which is noted after copying.
  return copied && seen && end < seen.seq
    ? wrongWithSeen(seen, { seq: end, hash: '' }, undefined, path)
    : undefined;
}

/** Reads a copy in step with the audit and verifies it: an entry that both have must be the same. */
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
        : `entry ${countOf(seq)} in Redis differs from the one in the copy ${path}`;
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
