import type { RichTextBlock } from '@slack/types';
import { expect, test } from 'vitest';
import type { Report } from '../../../check/finding.ts';
import { renderPlainFallback } from './fallback.ts';
import { renderReport } from './report.ts';

const asked = {
  by: 'U0ADA',
  at: '2026-11-20T14:03:00Z',
  runId: 'run-7f3a2c91',
  command: '/certs expiring 14d',
};
const clear: Report = {
  check: 'certs/expiring',
  environment: 'prod',
  args: { within: '14d' },
  status: 'clear',
  verdict: 'All 41 certificates are good for more than 14 days',
  examined: 41,
  findings: [],
  gaps: [],
  coverage: [{ source: 'vault', examined: 41 }],
  at: '2026-11-20T14:03:00Z',
  durationMs: 1_240,
};
const finding = {
  reason: 'certificate-expired',
  severity: 'critical' as const,
  target: 'vault:secret/cf/bbs/tls',
  summary: 'bbs expired 11 hours ago',
};
const gap = { what: 'cell-3', because: 'timeout', kind: 'unreachable' as const };

function firstLine(report: Report): string {
  const [header] = renderReport(report, asked).root.blocks;
  return header?.type === 'header' ? header.text.text : '';
}

test('the first line is the verdict', () => {
  expect(firstLine(clear)).toBe(
    ':white_check_mark: CLEAR · All 41 certificates are good for more than 14 days',
  );
  expect(firstLine({ ...clear, status: 'found', verdict: '1 of 41 has expired', findings: [finding] })).toBe(
    ':red_circle: CRITICAL · 1 of 41 has expired',
  );
});

test('unknown is never green, whatever the status of the report', () => {
  for (const report of [
    { ...clear, gaps: [gap] },
    { ...clear, status: 'unknown' as const },
    { ...clear, status: 'found' as const },
  ]) {
    expect(firstLine(report)).toMatch(/^:white_circle: UNKNOWN · /);
    expect(JSON.stringify(renderReport(report, asked))).not.toContain('white_check_mark');
    expect(renderPlainFallback(report).text).toContain('UNKNOWN');
  }
});

test.each<[string, Partial<Report>]>([
  ['found', { status: 'found', findings: [finding] }],
  ['unknown', { status: 'unknown' }],
])('%s: a very long verdict never hides what could not be checked', (_, given) => {
  const unchecked = "couldn't check vault and 2 of 43 other sources";
  const report = {
    ...clear,
    ...given,
    gaps: [gap],
    verdict: `${'<name> has expired, '.repeat(200)}; ${unchecked}`,
  };
  const { root } = renderReport(report, asked);
  const [line = ''] = root.text.split('\n');

  expect(firstLine(report)).toMatch(new RegExp(`…; ${unchecked}$`));
  expect(firstLine(report).length).toBeLessThanOrEqual(150);
  expect(JSON.stringify(root.blocks[1])).toContain(`…; ${unchecked}"`);
  expect(line).toMatch(new RegExp(`…; ${unchecked}$`));
  expect(renderPlainFallback(report).text.split('\n')[0]).toMatch(new RegExp(`…; ${unchecked}$`));
});

test('a very long list of unchecked sources leaves room for the verdict', () => {
  const verdict = `All 41 certificates are valid; couldn't check ${'a-source, '.repeat(100)}`;

  expect(firstLine({ ...clear, status: 'unknown', gaps: [gap], verdict })).toMatch(
    /UNKNOWN · All 41 certificates are valid; couldn't check a-source, .*…$/,
  );
});

test('the top-level text has the severity, verdict, findings and gaps', () => {
  const { text } = renderReport({ ...clear, status: 'found', findings: [finding], gaps: [gap] }, asked).root;

  expect(text).toContain('CRITICAL');
  expect(text).toContain('bbs expired 11 hours ago');
  expect(text).toContain('41 checked, the rest unreachable');
});

test("the root shows who ran which check, and when in the reader's time zone", () => {
  const shown = JSON.stringify(renderReport(clear, asked).root.blocks);

  expect(shown).toContain('/certs expiring 14d');
  expect(shown).toContain('<@U0ADA> · <!date^1795183380^{date_short_pretty} {time}|2026-11-20 14:03 UTC>');
  expect(shown).toContain('run 7f3a2c91');
});

test('notes are below the verdict and do not change it', () => {
  const notes = ['The status of <!channel> n1 is not available to this user'];
  const { root } = renderReport({ ...clear, notes }, asked);
  const [last] = root.blocks.slice(-1);
  expect(firstLine({ ...clear, notes })).toContain('CLEAR');
  expect(JSON.stringify(last)).toContain('Note: The status of');
  expect(JSON.stringify(root)).not.toContain('"<!channel>');
});

test('a clear report has no thread', () => {
  expect(renderReport(clear, asked)).toMatchObject({ replies: [], attachments: [] });
});

test('a verdict that is too long for the header is complete below it', () => {
  const verdict = 'Expired '.repeat(60).trim();
  const { blocks } = renderReport({ ...clear, verdict }, asked).root;

  expect(JSON.stringify(blocks[1])).toContain(verdict);
});

test('two findings with large tables are two messages, because Slack accepts one table per message', () => {
  const table = {
    kind: 'table' as const,
    columns: ['a', 'b'],
    rows: Array.from({ length: 20 }, () => ['1', '2']),
  };
  const findings = [finding, finding].map((one) => ({ ...one, evidence: [table] }));

  const { replies } = renderReport({ ...clear, status: 'found', findings }, asked);

  expect(replies.map(({ blocks }) => blocks.map(({ type }) => type))).toEqual([
    ['rich_text', 'table'],
    ['rich_text', 'table'],
  ]);
});

test('with thousands of findings, the first are shown in full, and all are in a table and the attached CSV', () => {
  const findings = Array.from({ length: 2_000 }, (_, at) => ({ ...finding, target: `vault:secret/${at}` }));

  const { replies, attachments } = renderReport({ ...clear, status: 'found', findings }, asked);

  expect(replies.length).toBeLessThanOrEqual(10);
  expect(replies.at(-1)?.text).toMatch(
    /^All 2,000 findings, most severe first\. The first 30 are above in full\./,
  );
  expect(attachments.map(({ filename }) => filename)).toEqual(['findings.csv']);
  expect(attachments[0]?.content.split('\r\n')).toHaveLength(2_002);
});

test('evidence that is cut is complete in the attached CSV', () => {
  const value = 'x'.repeat(5_000);
  const evidence = [{ kind: 'field' as const, label: 'Subject', value }];

  const { attachments } = renderReport(
    { ...clear, status: 'found', findings: [{ ...finding, evidence }] },
    asked,
  );

  expect(attachments[0]?.content).toContain(value);
});

test('gaps are grouped by reason and never hidden', () => {
  const gaps = [
    gap,
    { ...gap, what: 'cell-4' },
    { what: 'secret/x', because: 'permission denied', kind: 'refused' as const },
  ];

  const [reply] = renderReport({ ...clear, status: 'unknown', gaps }, asked).replies;
  const parts = (reply?.blocks as RichTextBlock[] | undefined)?.[0]?.elements.map((part) =>
    JSON.stringify(part),
  );

  expect(parts).toHaveLength(5);
  expect(parts?.[1]).toContain('unreachable: timeout (2)');
  expect(parts?.[2]).toContain('cell-4');
  expect(parts?.[3]).toContain('denied: permission denied');
});

const nextOf = (node: string) => ({ check: 'node/leftovers', args: { node } });

/** The label and the value of each button in the thread of a report with these findings. */
function buttonsOf(findings: Report['findings']) {
  const { replies } = renderReport({ ...clear, status: 'found', findings }, asked);
  return replies
    .flatMap(({ blocks }) => blocks)
    .flatMap((block) => (block.type === 'actions' ? block.elements : []))
    .flatMap((one) => (one.type === 'button' ? [[one.text.text, one.value, one.style]] : []));
}

test('a finding has a button for the next check, in the environment of the report and not styled as a fix', () => {
  expect(buttonsOf([{ ...finding, next: [nextOf('build-2')] }])).toEqual([
    ['Run /node leftovers --node build-2', '/node leftovers --node build-2 --env prod', undefined],
  ]);
});

test('three next checks of the most severe findings have buttons, each once', () => {
  const warning = { ...finding, severity: 'warning' as const };
  const buttons = buttonsOf([
    { ...warning, next: [nextOf('a'), nextOf('b'), nextOf('c')] },
    { ...finding, next: [nextOf('d'), nextOf('a')] },
    { ...finding, next: [nextOf('d')] },
  ]);

  // In the order of the findings: both of the critical ones, and the first other one of the warning.
  expect(buttons.map(([label]) => label)).toEqual([
    'Run /node leftovers --node b',
    'Run /node leftovers --node d',
    'Run /node leftovers --node a',
  ]);
});

test('a long name is cut on the button but not in its value, and a command that is too long has no button', () => {
  const long = `ip-10-0-1-11.${'eu-west-1.'.repeat(20)}internal`;
  const [[label = '', value] = []] = buttonsOf([
    { ...finding, next: [nextOf(long), nextOf('x'.repeat(2_000))] },
  ]);

  expect(label).toHaveLength(75);
  expect(label).toMatch(/^Run \/node leftovers --node ip-10-0-1-11.*…$/);
  expect(value).toBe(`/node leftovers --node ${long} --env prod`);
});

test('the next check is in the top-level text, and in the plain fallback', () => {
  const report = { ...clear, status: 'found' as const, findings: [{ ...finding, next: [nextOf('a')] }] };

  expect(renderReport(report, asked).replies[0]?.text).toContain(
    'Next: `/node leftovers --node a --env prod`',
  );
  expect(renderPlainFallback(report).text).toContain('Next: `/node leftovers --node a --env prod`');
});
