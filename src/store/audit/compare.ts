import { formatCount } from '../../check/report-in-words.ts';
import { missingEntries, seenHeadMismatch } from './find-entry.ts';
import type { AuditFile } from './file.ts';
import { type AuditEntry, type AuditHead, GENESIS, type SeenHead } from './entry.ts';
import { followEntries, type VerifyResult, verifyAudit } from './verify.ts';

/** What is stored outside of Redis. Open it before reading the audit from Redis, which keeps growing. */
export interface ExternalAudit {
  readonly seen?: SeenHead;
  readonly copy?: AuditFile;
}

export type CompareResult =
  | (Extract<VerifyResult, { kind: 'intact' }> & {
      /** The entries of the copy; absent if there is no copy or it is empty. */
      readonly copied?: { readonly from: number; readonly to: number };
    })
  | Extract<VerifyResult, { kind: 'broken' }>;

/** Verifies the audit in Redis, and compares it with what is stored elsewhere: each entry with the copy, and its end with the last head seen. */
export async function verifyAgainstCopies(
  audit: { readonly head: AuditHead; readonly entries: AsyncIterable<string> },
  { seen, copy }: ExternalAudit,
): Promise<CompareResult> {
  const comparing = copy && compareWithCopy(copy);
  try {
    let entryAtHead: AuditEntry | undefined;
    const verified = await verifyAudit(audit.entries, audit.head, async (entry) => {
      if (entry.seq === seen?.seq) entryAtHead = entry;
      return comparing?.next(entry);
    });
    if (verified.kind === 'broken') return verified;
    const copied = await comparing?.end();
    if (typeof copied === 'string') return { kind: 'broken', because: copied };
    const because = endsMismatch({ seen, entryAtHead, copied, path: copy?.path }, verified);
    if (because !== undefined) return { kind: 'broken', because };
    return { ...verified, ...(copied && copied.to > 0 && { copied }) };
  } finally {
    await copy?.lines.return(undefined);
  }
}

interface Ends {
  readonly seen: SeenHead | undefined;
  /** The entry in Redis with the number of the last head seen. */
  readonly entryAtHead: AuditEntry | undefined;
  readonly copied: { readonly to: number } | undefined;
  readonly path: string | undefined;
}

function endsMismatch(
  { seen, entryAtHead, copied, path = '' }: Ends,
  { to = 0, hash = GENESIS.hash }: Extract<VerifyResult, { kind: 'intact' }>,
): string | undefined {
  const end = copied?.to ?? 0;
  const wrong = seen && seenHeadMismatch(seen, { seq: to, hash }, entryAtHead);
  if (wrong !== undefined) return end > to ? `${wrong}. ${path} ends at entry ${formatCount(end)}` : wrong;
  if (end > to) {
    const audit = to === 0 ? 'the audit is empty' : `the audit ends at entry ${formatCount(to)}`;
    return `${audit}, but ${path} ends at entry ${formatCount(end)}: ${missingEntries(to, end)}`;
  }
  // The copy may be behind Redis, but not behind the last head seen, which is noted after copying.
  return copied && seen && end < seen.seq
    ? seenHeadMismatch(seen, { seq: end, hash: '' }, undefined, path)
    : undefined;
}

/** Reads a copy in step with the audit and verifies it: an entry that both have must be the same. */
function compareWithCopy({ path, lines }: AuditFile) {
  const copy = followEntries(false);
  let ahead: AuditEntry | undefined;
  const read = async (): Promise<AuditEntry | string | undefined> => {
    const { done, value } = await lines.next();
    if (done) return undefined;
    const entry = copy.next(value);
    return typeof entry === 'string' ? `in the copy ${path}, ${entry}` : entry;
  };
  return {
    /** The problem with the copy up to this entry of the audit, if any. */
    next: async ({ seq, hash }: AuditEntry): Promise<string | undefined> => {
      while (!ahead || ahead.seq < seq) {
        const entry = await read();
        if (typeof entry !== 'object') return entry;
        ahead = entry;
      }
      return ahead.seq > seq || ahead.hash === hash
        ? undefined
        : `entry ${formatCount(seq)} in Redis differs from the one in the copy ${path}`;
    },
    /** Where the copy begins and ends, or the problem with the rest of it. */
    end: async (): Promise<{ readonly from: number; readonly to: number } | string> => {
      for (let entry = await read(); entry !== undefined; entry = await read())
        if (typeof entry === 'string') return entry;
      const { first, last } = copy.ends();
      return { from: first?.seq ?? 0, to: last?.seq ?? 0 };
    },
  };
}
