import { countInWords, formatCount, timeInWords } from '../../check/report-in-words.ts';
import { type AuditEntry, type AuditHead, GENESIS, type SeenHead } from './entry.ts';
import { type AuditLog, parseEntry } from './audit-log.ts';

/** An entry and its id in the stream. */
interface Found {
  readonly id: string;
  readonly entry: AuditEntry;
}

/** The entry with this number, searched from the end, and the newest entry that can be read. */
export async function findEntry(
  audit: AuditLog,
  seq: number,
): Promise<{ readonly found?: Found; readonly newest: AuditHead }> {
  let newest: AuditEntry | undefined;
  for (let before: string | undefined; ;) {
    const page = await audit.pageBackwards(before);
    for (const { id, raw } of page) {
      const entry = parseEntry(raw);
      if (!entry) continue;
      newest ??= entry;
      if (entry.seq === seq) return { found: { id, entry }, newest };
      if (entry.seq < seq) return { newest };
    }
    before = page.at(-1)?.id;
    if (before === undefined) return { newest: newest ?? GENESIS };
  }
}

/**
 * Why an audit does not continue the last head seen; undefined if it does.
 * @param newest entry of the audit.
 * @param entryAtHead the audit's entry with the number of the last head seen.
 * @param audit how the message names it: `the audit`, or the path of a copy.
 */
export function seenHeadMismatch(
  seen: SeenHead,
  newest: AuditHead,
  entryAtHead: AuditHead | undefined,
  audit = 'the audit',
): string | undefined {
  const entry = `entry ${formatCount(seen.seq)}`;
  const when = timeInWords(seen.at);
  if (newest.seq < seen.seq) {
    const end = newest.seq === 0 ? `${audit} is empty` : `${audit} ends at entry ${formatCount(newest.seq)}`;
    return `${end}, but ${entry} was seen on ${when}: ${missingEntries(newest.seq, seen.seq)}`;
  }
  if (!entryAtHead) return `${entry}, which was seen on ${when}, is missing`;
  return entryAtHead.hash === seen.hash
    ? undefined
    : `${entry} differs from the one that was seen on ${when}: ${audit} was replaced`;
}

/** `129 entries are missing, from entry 4,201 on` */
export function missingEntries(last: number, expected: number): string {
  const count = expected - last;
  return count === 1
    ? `entry ${formatCount(expected)} is missing`
    : `${countInWords(count, 'entry', 'entries')} are missing, from entry ${formatCount(last + 1)} on`;
}

/** {@link seenHeadMismatch} for the audit in Redis. */
export async function seenHeadMismatchInRedis(
  auditLog: AuditLog,
  seen: SeenHead,
): Promise<string | undefined> {
  const { found, newest } = await findEntry(auditLog, seen.seq);
  return seenHeadMismatch(seen, newest, found?.entry);
}
