import { expect, test } from 'vitest';
import {
  type AuditEntry,
  chainEntry,
  GENESIS,
  type AuditEvent,
  withSteps,
} from '../../../store/audit/entry.ts';
import { summarizeAudit } from './summarize-audit.ts';
import { renderAudit, renderAuditedFix } from './audit.ts';

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

const restart = { remediation: 'm0123456789abcdef' };

function linesOf(entries: readonly AuditEvent[]): readonly string[] {
  const { text } = renderAudit(summarizeAudit(chained(entries)), { since, more: false });
  return withoutDates(text);
}

function withoutDates(text: string): readonly string[] {
  return text.replaceAll(/<!date[^>]*\|([^>]*)>/g, '$1').split('\n');
}

const steps: readonly AuditEvent[] = [
  entry(4, restart),
  entry(5, { ...restart, kind: 'planned', planHash: 'abc', before: 'doppler_z2/0 is not registered' }),
  entry(6, { ...restart, kind: 'approved', who: ['U0123GRACE'] }),
  entry(7, {
    ...restart,
    kind: 'applying',
    who: ['U0123ADA', 'U0123GRACE'],
    before: 'doppler_z2/0 is not registered',
  }),
  entry(8, {
    ...restart,
    kind: 'applied',
    who: ['U0123ADA'],
    ...withSteps('Restarted doppler of doppler_z2/0'),
  }),
  entry(9, {
    ...restart,
    kind: 'outcome',
    outcome: 'fixed',
    who: ['U0123ADA', 'U0123GRACE'],
    ...withSteps('Restarted doppler of doppler_z2/0'),
    after: 'All 3 dopplers are registered',
  }),
];

test('one fix is one line with its outcome, who requested and who approved it', () => {
  expect(linesOf(steps)).toEqual([
    'Audit since 2026-11-13 14:00 UTC: 1 fix. For the steps of a fix: `/wrench audit --fix ID`.',
    '• 2026-11-20 14:09 UTC  Restart doppler_z2/0 in prod: fixed, requested by <@U0123ADA>, approved by <@U0123GRACE>  `m01234567`',
  ]);
});

test('what is not about the course of a fix has a line of its own, in the order of time', () => {
  const because = "people can't approve their own request; someone else must";

  expect(
    linesOf([
      ...steps.slice(0, 2),
      entry(5, { ...restart, kind: 'refused', because }),
      entry(6, { kind: 'frozen', what: 'everything', who: ['terminal'], because: 'migration' }),
      ...steps.slice(2),
    ]).slice(1),
  ).toEqual([
    `• 2026-11-20 14:05 UTC  <@U0123ADA> refused Restart doppler_z2/0 in prod: ${because}`,
    '• 2026-11-20 14:06 UTC  someone at a terminal froze everything in prod: migration',
    '• 2026-11-20 14:09 UTC  Restart doppler_z2/0 in prod: fixed, requested by <@U0123ADA>, approved by <@U0123GRACE>  `m01234567`',
  ]);
});

test('a safe fix was confirmed by its requester, and approved by no one', () => {
  const [asked, planned] = steps;
  const confirmed = entry(3, { ...restart, kind: 'approved', confirmed: true });

  expect(linesOf([asked, planned, confirmed].filter((one) => one !== undefined))[1]).toMatch(
    /: not applied yet, confirmed by <@U0123ADA> {2}`m01234567`$/,
  );
});

test.each([
  [steps.slice(0, 1), 'being planned, requested by <@U0123ADA>'],
  [steps.slice(0, 3), 'not applied yet, requested by <@U0123ADA>, approved by <@U0123GRACE>'],
  [steps.slice(1, 5), 'applied, being verified, requested by <@U0123ADA>, approved by <@U0123GRACE>'],
  [
    [...steps.slice(0, 2), entry(6, { ...restart, kind: 'rejected', who: ['U0123GRACE'] })],
    'rejected, requested by <@U0123ADA>, rejected by <@U0123GRACE>',
  ],
  [
    [entry(4, restart), entry(6, { ...restart, kind: 'refused', who: ['wrench'], because: 'it is locked' })],
    'refused, requested by <@U0123ADA>: it is locked',
  ],
])('a fix shows the state that it is in (%#)', (entries, said) => {
  expect(linesOf(entries)[1]).toContain(`in prod: ${said}  \`m01234567\``);
});

test('one fix can be shown with all its entries and steps', () => {
  const [line] = summarizeAudit(chained(steps));
  if (line?.kind !== 'fix') throw new Error('not a fix');

  expect(withoutDates(renderAuditedFix(line.fix).text)).toEqual([
    'Audit of fix `m0123456789abcdef`: 6 entries.',
    '• 2026-11-20 14:04 UTC  <@U0123ADA> requested',
    '• 2026-11-20 14:05 UTC  <@U0123ADA> planned, before: doppler_z2/0 is not registered, plan hash `abc`',
    '• 2026-11-20 14:06 UTC  <@U0123GRACE> approved',
    '• 2026-11-20 14:07 UTC  <@U0123ADA>, <@U0123GRACE> applying',
    '• 2026-11-20 14:08 UTC  <@U0123ADA> applied',
    '• step: Restarted doppler of doppler_z2/0',
    '• 2026-11-20 14:09 UTC  <@U0123ADA>, <@U0123GRACE> fixed, after: All 3 dopplers are registered',
  ]);
});

test('shows who silenced what until when, and why the silence ended', () => {
  const about = { what: 'old/a has expired', silence: 's0123456789' };

  expect(
    linesOf([
      entry(4, { ...about, kind: 'silenced', because: 'until 2026-11-23 14:00 UTC: Friday is better' }),
      entry(5, { ...about, kind: 'unsilenced', who: ['wrench'], because: "it's gone" }),
    ]).slice(1),
  ).toEqual([
    '• 2026-11-20 14:04 UTC  <@U0123ADA> silenced old/a has expired in prod: until 2026-11-23 14:00 UTC: Friday is better',
    "• 2026-11-20 14:05 UTC  Wrench unsilenced old/a has expired in prod: it's gone",
  ]);
});

test('shows the end of a long audit, and how to get the rest', () => {
  const entries = chained(
    Array.from({ length: 500 }, (_, at) => entry(at, { remediation: `m${at}`, what: `Restart cell/${at}` })),
  );

  const { text, blocks } = renderAudit(summarizeAudit(entries), { since, more: true });

  expect(text).toContain('500 fixes or more.');
  expect(text).toContain('Showing the last 60; `wrench audit export` in a terminal has all entries.');
  expect(text).toContain('Restart cell/499');
  expect(JSON.stringify(blocks)).toContain('Restart cell/440');
  expect(JSON.stringify(blocks)).not.toContain('Restart cell/439"');
});

test('an empty audit says so', () => {
  expect(JSON.stringify(renderAudit([], { since, more: false }))).toContain(
    'Nothing was requested, approved, applied, refused or silenced.',
  );
});
