import { expect, test } from 'vitest';
import { type AuditEvent, type AuditEntry, chainEntry, GENESIS, type AuditHead } from './entry.ts';
import { verifyAudit } from './verify.ts';

const said = (number: number): AuditEvent => ({
  kind: 'asked',
  at: new Date(Date.UTC(2026, 10, 20) + number * 1_000).toISOString(),
  who: ['U0ADA'],
  what: `Restart doppler_z2/${number}`,
});

/** The entries 1 to `count`. */
function chainOf(count: number): readonly AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (let number = 1; number <= count; number++)
    entries.push(chainEntry(entries.at(-1) ?? GENESIS, said(number)));
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

test('a chain that nobody touched is whole', async () => {
  await expect(verify(sixty, head)).resolves.toEqual({
    kind: 'intact',
    entries: 60,
    from: 1,
    to: 60,
    hash: head.hash,
  });
  await expect(verify([], GENESIS)).resolves.toEqual({ kind: 'intact', entries: 0 });
});

test('a part that was exported is verified from its first entry on', async () => {
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
    'entry 41: its hash does not match what it says',
  ],
  [
    'an entry was changed and given a hash that matches',
    changed(41, () => chainEntry(nth(40), other)),
    'entry 42 was put behind another entry 41 than the one that is here',
  ],
  ['an entry is gone', sixty.toSpliced(40, 1), 'entry 42 follows 40: an entry is missing'],
  ['several are gone', sixty.toSpliced(40, 3), 'entry 44 follows 40: 3 entries are missing'],
  ['the first ones are gone', sixty.slice(2), 'entry 3 is the first: 2 entries are missing'],
  [
    'the last ones are gone',
    sixty.slice(0, 57),
    'the stream ends at 57 but the head says 60: 3 entries were taken away',
  ],
  ['all are gone', [], 'the stream is empty but the head says 60: 60 entries were taken away'],
  ['an entry is there twice', sixty.toSpliced(41, 0, nth(41)), 'entry 41 is there twice'],
  [
    'two changed places',
    sixty.toSpliced(40, 2, nth(42), nth(41)),
    'entry 42 follows 40: an entry is missing',
  ],
  [
    'an old one was put in again',
    sixty.toSpliced(41, 0, nth(7)),
    'entry 7 follows 41: it is out of its order',
  ],
  [
    'one was put in behind the end',
    [...sixty, chainEntry(head, other)],
    'the stream ends at 61 but the head says 60: 1 entry was put in',
  ],
  [
    'the last one was written anew',
    changed(60, () => chainEntry(nth(59), other)),
    'entry 60 is not the one that the head names',
  ],
  ['something else stands there', changed(43, () => 'shutdown'), 'entry 43 is not an audit entry'],
  [
    'half an entry stands there',
    changed(43, (entry) => JSON.stringify(entry).slice(0, 90)),
    'entry 43 is not an audit entry',
  ],
  [
    'an entry says more than entries do',
    changed(43, (entry) => JSON.stringify({ ...entry, by: 'me' })),
    'entry 43 is not an audit entry',
  ],
  ['the first is none', changed(1, () => '{}'), 'entry 1 is not an audit entry'],
])('it is told which entry is the first broken one where %s', async (_, entries, because) => {
  await expect(verify(entries, head)).resolves.toEqual({ kind: 'broken', because });
});

test('a stream whose head was taken away is not taken for a whole one', async () => {
  await expect(verify(sixty, GENESIS)).resolves.toEqual({
    kind: 'broken',
    because: 'the stream ends at 60 but there is no head: the head was taken away',
  });
});

test('what was made up as a first entry is found', async () => {
  const madeUp = chainEntry({ seq: 0, hash: 'a'.repeat(64) }, said(1));

  await expect(verify([madeUp])).resolves.toEqual({
    kind: 'broken',
    because: 'entry 1 was put behind something, and is the first',
  });
});
