import { expect, test } from 'vitest';
import { renderAuditTerminal } from './audit.ts';

const at = '2026-11-20T14:04:10.000Z';

test('the audit is a table with a line for each entry', () => {
  const shown = renderAuditTerminal([
    {
      seq: 1,
      entry: { kind: 'asked', at, who: ['U0123ADA'], what: 'Restart doppler_z2/0', environment: 'prod' },
    },
    {
      seq: 2,
      entry: { kind: 'outcome', outcome: 'fixed', at, who: ['wrench'], what: 'Restart doppler_z2/0' },
    },
    {
      seq: 3,
      entry: { kind: 'frozen', at, who: ['terminal'], what: 'everything', because: 'network \u001B[2Jworks' },
    },
  ]);

  expect(shown.split('\n')).toEqual([
    '#  When                  Who       Did        What                  Where  Because',
    '─  ────────────────────  ────────  ─────────  ────────────────────  ─────  ─────────────',
    '1  2026-11-20 14:04 UTC  U0123ADA  requested  Restart doppler_z2/0  prod',
    '2  2026-11-20 14:04 UTC  wrench    fixed      Restart doppler_z2/0',
    '3  2026-11-20 14:04 UTC  terminal  froze      everything                   network works',
    '',
    '3 entries',
    '',
  ]);
});

test('a safe fix is confirmed by its requester, not approved', () => {
  const entry = {
    kind: 'approved',
    at,
    who: ['U0123ADA'],
    what: 'Renew bbs/locket/tls',
    confirmed: true,
  } as const;

  expect(renderAuditTerminal([{ seq: 1, entry }])).toMatch(/U0123ADA +confirmed +Renew/);
});

test('a silence and its end are shown', () => {
  const about = { at, what: 'old/a has expired', environment: 'prod' };
  const shown = renderAuditTerminal([
    {
      seq: 1,
      entry: {
        ...about,
        kind: 'silenced',
        who: ['U0123ADA'],
        because: 'until 2026-11-23 14:00 UTC: the migration is on Friday',
      },
    },
    {
      seq: 2,
      entry: { ...about, kind: 'unsilenced', who: ['wrench'], because: 'it has spread to old/b' },
    },
  ]);

  expect(shown.split('\n').slice(2, 4)).toEqual([
    '1  2026-11-20 14:04 UTC  U0123ADA  silenced    old/a has expired  prod   until 2026-11-23 14:00 UTC: the migration is on Friday',
    '2  2026-11-20 14:04 UTC  wrench    unsilenced  old/a has expired  prod   it has spread to old/b',
  ]);
});

test('an empty audit says so', () => {
  expect(renderAuditTerminal([])).toBe('No audit entries in this period.\n');
});
