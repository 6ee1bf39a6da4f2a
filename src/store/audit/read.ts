import type { AuditEntry, AuditHead } from './entry.ts';
import { type AuditLog, parseEntry } from './audit-log.ts';

/** By the time at which Redis stored an entry, in milliseconds since the epoch; both ends included. */
export interface TimeRange {
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

const LAST_OF_MS = '18446744073709551615';
const MAX_PAGES = 5;

/** Entries as they are stored, oldest first, with one page in memory at a time. Entries that are appended meanwhile are left out. */
export async function* readAudit(
  audit: AuditLog,
  { sinceMs, untilMs }: TimeRange = {},
): AsyncGenerator<string> {
  const { lastId } = await audit.end();
  if (lastId === undefined) return;
  const after = sinceMs === undefined ? undefined : `${Math.max(0, sinceMs - 1)}-${LAST_OF_MS}`;
  const until = untilMs === undefined || untilMs >= timeOf(lastId) ? lastId : String(untilMs);
  yield* pages(audit, until, after);
}

/** All entries, and the head of exactly these. */
export async function readWhole(
  audit: AuditLog,
): Promise<{ readonly head: AuditHead; readonly entries: AsyncIterable<string> }> {
  const { head, lastId } = await audit.end();
  return { head, entries: pages(audit, lastId ?? '0') };
}

async function* pages(audit: AuditLog, until: string, from?: string): AsyncGenerator<string> {
  let after = from;
  for (;;) {
    const page = await audit.page(after, until);
    for (const { raw } of page) yield raw;
    after = page.at(-1)?.id;
    if (after === undefined || after === until) return;
  }
}

/**
 * The newest entries that `wanted` accepts, at most `most`, oldest first, and how many it accepts in all. Only a few pages are read: `more` says
 * that there may be older ones.
 */
export async function readNewest(
  audit: AuditLog,
  { sinceMs, most, wanted }: { sinceMs: number; most: number; wanted: (entry: AuditEntry) => boolean },
): Promise<{ readonly entries: readonly AuditEntry[]; readonly total: number; readonly more: boolean }> {
  const newestFirst: AuditEntry[] = [];
  let total = 0;
  let before: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await audit.pageBackwards(before, String(sinceMs));
    for (const { raw } of page) {
      const entry = parseEntry(raw);
      if (!entry || !wanted(entry)) continue;
      total += 1;
      if (newestFirst.length < most) newestFirst.push(entry);
    }
    before = page.at(-1)?.id;
    if (before === undefined) return { entries: newestFirst.toReversed(), total, more: false };
  }
  return { entries: newestFirst.toReversed(), total, more: true };
}

function timeOf(id: string): number {
  return Number(id.split('-')[0]);
}
