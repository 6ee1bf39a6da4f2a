import type { AuditEntry, Head } from './entry.ts';
import { type Chain, parseEntry } from './chain.ts';

/** Which entries: by the time at which Redis took them, in milliseconds of the epoch, both included. */
export interface Span {
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

const LAST_OF_MS = '18446744073709551615';
const MOST_PAGES = 5;

/** Entries as they are kept, oldest first, a page in memory at a time; none that is put in while they are read. */
export async function* readAudit(chain: Chain, { sinceMs, untilMs }: Span = {}): AsyncGenerator<string> {
  const { lastId } = await chain.end();
  if (lastId === undefined) return;
  const after = sinceMs === undefined ? undefined : `${Math.max(0, sinceMs - 1)}-${LAST_OF_MS}`;
  const until = untilMs === undefined || untilMs >= timeOf(lastId) ? lastId : String(untilMs);
  yield* pages(chain, until, after);
}

/** All entries, and the head that belongs to exactly these. */
export async function readWhole(
  chain: Chain,
): Promise<{ readonly head: Head; readonly entries: AsyncIterable<string> }> {
  const { head, lastId } = await chain.end();
  return { head, entries: pages(chain, lastId ?? '0') };
}

async function* pages(chain: Chain, until: string, from?: string): AsyncGenerator<string> {
  let after = from;
  for (;;) {
    const page = await chain.page(after, until);
    for (const { raw } of page) yield raw;
    after = page.at(-1)?.id;
    if (after === undefined || after === until) return;
  }
}

/** The newest entries that `wanted` takes, oldest first; of what was kept before them only the count, as far as a few pages reach. */
export async function readNewest(
  chain: Chain,
  { sinceMs, most, wanted }: { sinceMs: number; most: number; wanted: (entry: AuditEntry) => boolean },
): Promise<{ readonly entries: readonly AuditEntry[]; readonly total: number; readonly more: boolean }> {
  const newestFirst: AuditEntry[] = [];
  let total = 0;
  let before: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const page = await chain.pageBack(before, String(sinceMs));
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
