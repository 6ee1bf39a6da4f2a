import { expect, test } from 'vitest';
import { type AuditEvent, type AuditEntry, chainEntry, GENESIS, type AuditHead } from './entry.ts';
import { verifyAudit } from './verify.ts';

const anEvent = (number: number): AuditEvent => ({
  kind: 'asked',
  at: new Date(Date.UTC(2026, 10, 20) + number * 1_000).toISOString(),
  who: ['U0ADA'],
  what: `Restart doppler_z2/${number}`,
});

/** The entries 1 to `count`. */
function chainOf(count: number): readonly AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (let number = 1; number <= count; number++)
    entries.push(chainEntry(entries.at(-1) ?? GENESIS, anEvent(number)));
  return entries;
}

async function* lines(entries: Iterable<AuditEntry | string>): AsyncGenerator<string> {
  for (const entry of entries) yield typeof entry === 'string' ? entry : JSON.stringify(entry);
}

const sixty = chainOf(60);
const head: AuditHead = sixty[59] ?? GENESIS;
const verify = (entries: Iterable<AuditEntry | string>, against?: AuditHead) =>
  verifyAudit(lines(entries), against);
const nth = (number: number) => sixty[number - 1] as AuditEntry;
const changed = (number: number, change: (entry: AuditEntry) => AuditEntry | string) =>
  sixty.map((entry) => (entry.seq === number ? change(entry) : entry));

test('an unchanged chain is intact', async () => {
  await expect(verify(sixty, head)).resolves.toEqual({
    kind: 'intact',
    entries: 60,
    from: 1,
    to: 60,
    hash: head.hash,
  });
  await expect(verify([], GENESIS)).resolves.toEqual({ kind: 'intact', entries: 0 });
});

test('an exported part is verified from its first entry', async () => {
  await expect(verify(sixty.slice(40, 50))).resolves.toMatchObject({
    kind: 'intact',
    entries: 10,
    from: 41,
    to: 50,
  });
});

const other = { ...nth(41).entry, who: ['U0GRACE'] };

test.each<[string, Iterable<AuditEntry | string>, string]>([
  [
    'an entry was changed',
    changed(41, (entry) => ({ ...entry, entry: other })),
    "entry 41: its hash doesn't match its content",
  ],
  [
    'an entry was changed and given a hash that matches',
    changed(41, () => chainEntry(nth(40), other)),
    'entry 42 was written after a different entry 41',
  ],
  ['an entry was removed', sixty.toSpliced(40, 1), 'entry 42 follows 40: an entry is missing'],
  ['several were removed', sixty.toSpliced(40, 3), 'entry 44 follows 40: 3 entries are missing'],
  ['the first ones were removed', sixty.slice(2), 'entry 3 is the first: 2 entries are missing'],
  [
    'the last ones were removed',
    sixty.slice(0, 57),
    'the stream ends at 57 but the head says 60: 3 entries were removed',
  ],
  ['all were removed', [], 'the stream is empty but the head says 60: 60 entries were removed'],
  ['an entry was duplicated', sixty.toSpliced(41, 0, nth(41)), 'entry 41 occurs twice'],
  ['two were swapped', sixty.toSpliced(40, 2, nth(42), nth(41)), 'entry 42 follows 40: an entry is missing'],
  ['an old one was inserted again', sixty.toSpliced(41, 0, nth(7)), 'entry 7 follows 41: it is out of order'],
  [
    'one was appended after the head',
    [...sixty, chainEntry(head, other)],
    'the stream ends at 61 but the head says 60: 1 entry was inserted',
  ],
  [
    'the last one was rewritten',
    changed(60, () => chainEntry(nth(59), other)),
    "entry 60 isn't the one that the head names",
  ],
  ['a line is something else', changed(43, () => 'shutdown'), "entry 43 isn't an audit entry"],
  [
    'a line is half an entry',
    changed(43, (entry) => JSON.stringify(entry).slice(0, 90)),
    "entry 43 isn't an audit entry",
  ],
  [
    'an entry has an unknown field',
    changed(43, (entry) => JSON.stringify({ ...entry, by: 'me' })),
    "entry 43 isn't an audit entry",
  ],
  ['the first line is not an entry', changed(1, () => '{}'), "entry 1 isn't an audit entry"],
])('names the first broken entry if %s', async (_, entries, because) => {
  await expect(verify(entries, head)).resolves.toEqual({ kind: 'broken', because });
});

test('a stream without its head is not intact', async () => {
  await expect(verify(sixty, GENESIS)).resolves.toEqual({
    kind: 'broken',
    because: 'the stream ends at 60 but there is no head: the head was removed',
  });
});

test('a forged first entry is detected', async () => {
  const forged = chainEntry({ seq: 0, hash: 'a'.repeat(64) }, anEvent(1));

  await expect(verify([forged])).resolves.toEqual({
    kind: 'broken',
    because: 'entry 1 is the first, but refers to an earlier entry',
  });
});
