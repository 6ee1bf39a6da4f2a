import { expect, test } from 'vitest';
import { type AuditEntry, chainEntry, GENESIS, type AuditEvent } from '../../../store/audit/entry.ts';
import { renderAudit } from './audit.ts';

const since = '2026-11-13T14:00:00.000Z';
const entry = (minute: number, more: Partial<AuditEvent>): AuditEvent => ({
  kind: 'asked',
  at: `2026-11-20T14:${String(minute % 60).padStart(2, '0')}:00.000Z`,
  who: ['U0123ADA'],
  what: 'Restart doppler_z2/0',
  environment: 'prod',
  ...more,
});

function chained(entries: readonly AuditEvent[]): readonly AuditEntry[] {
  const all: AuditEntry[] = [];
  for (const one of entries) all.push(chainEntry(all.at(-1) ?? GENESIS, one));
  return all;
}

test('shows who did what and the outcome, oldest first', () => {
  const entries = chained([
    entry(4, {}),
    entry(5, { kind: 'refused', because: "people can't approve their own request; someone else must" }),
    entry(6, { kind: 'approved', who: ['U0123GRACE'] }),
    entry(7, { kind: 'outcome', outcome: 'fixed', who: ['wrench'] }),
  ]);

  const { text } = renderAudit(entries, { since, total: 4, more: false });

  const said = text.replaceAll(/<!date[^>]*\|([^>]*)>/g, '$1').split('\n');
  expect(said).toEqual([
    'Audit since 2026-11-13 14:00 UTC: 4 entries. To verify the audit chain: wrench audit verify',
    '• 2026-11-20 14:04 UTC <@U0123ADA> requested Restart doppler_z2/0 in prod',
    "• 2026-11-20 14:05 UTC <@U0123ADA> refused Restart doppler_z2/0 in prod: people can't approve their own request; someone else must",
    '• 2026-11-20 14:06 UTC <@U0123GRACE> approved Restart doppler_z2/0 in prod',
    '• 2026-11-20 14:07 UTC Wrench fixed Restart doppler_z2/0 in prod',
  ]);
});

test('shows who silenced what until when, and why the silence ended', () => {
  const about = { what: 'old/a has expired', silence: 's0123456789' };
  const entries = chained([
    entry(4, { ...about, kind: 'silenced', because: 'until 2026-11-23 14:00 UTC: Friday is better' }),
    entry(5, { ...about, kind: 'unsilenced', who: ['wrench'], because: "it's gone" }),
  ]);

  const { text } = renderAudit(entries, { since, total: 2, more: false });

  expect(
    text
      .replaceAll(/<!date[^>]*\|([^>]*)>/g, '$1')
      .split('\n')
      .slice(1),
  ).toEqual([
    '• 2026-11-20 14:04 UTC <@U0123ADA> silenced old/a has expired in prod: until 2026-11-23 14:00 UTC: Friday is better',
    "• 2026-11-20 14:05 UTC Wrench unsilenced old/a has expired in prod: it's gone",
  ]);
});

test('shows the end of a long audit, and how to get the rest', () => {
  const entries = chained(Array.from({ length: 500 }, (_, at) => entry(at, { what: `Restart cell/${at}` })));

  const { text, blocks } = renderAudit(entries, { since, total: 1_500, more: true });

  expect(text).toContain('1,500 entries or more. Showing the last 60; wrench audit export has all of them.');
  expect(text).toContain('Restart cell/499');
  expect(JSON.stringify(blocks)).toContain('Restart cell/440');
  expect(JSON.stringify(blocks)).not.toContain('Restart cell/439"');
});

test('an empty audit says so', () => {
  expect(JSON.stringify(renderAudit([], { since, total: 0, more: false }))).toContain(
    'Nothing was requested, approved, applied, refused or silenced.',
  );
});
