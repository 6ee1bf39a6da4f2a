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
/** A report with one finding has no reply. */
const other = { ...finding, reason: 'weak-key', target: 'disk:/etc/uaa.pem', summary: 'uaa has a short key' };
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
  expect(JSON.stringify(root.blocks[1])).not.toContain(unchecked);
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
  expect(firstLine({ ...clear, notes })).toContain('CLEAR');
  expect(JSON.stringify(root.blocks.findLast(({ type }) => type === 'context'))).toContain(
    'Note: The status of',
  );
  expect(JSON.stringify(root)).not.toContain('"<!channel>');
});

test('a clear report has no thread', () => {
  expect(renderReport(clear, asked)).toMatchObject({ replies: [], attachments: [] });
});

test('a verdict that is too long for the header goes on below it, and nothing is said twice', () => {
  const verdict = `${'1 certificate has expired; '.repeat(20)}the others are good`;
  const { blocks } = renderReport({ ...clear, verdict }, asked).root;
  const below = JSON.stringify(blocks[1]);

  const said = [firstLine({ ...clear, verdict }), below].map((one) => one.match(/has expired/g)?.length ?? 0);
  expect(said.reduce((sum, count) => sum + count)).toBe(20);
  expect(firstLine({ ...clear, verdict })).toMatch(/; …$/);
  expect(below).toMatch(/"… 1 certificate has expired; .*the others are good"/);
});

test('a report with one finding is one message: what the verdict does not say, the evidence, and no reply', () => {
  const evidence = [{ kind: 'field' as const, label: 'Issuer', value: 'CN=ca' }];
  const one = { ...finding, summary: 'bbs expired 11 hours ago: cells cannot register', evidence };
  const { root, replies } = renderReport(
    { ...clear, status: 'found', verdict: 'bbs expired 11 hours ago', findings: [one] },
    asked,
  );
  const shown = JSON.stringify(root.blocks);

  expect(replies).toEqual([]);
  expect(shown.match(/bbs expired/g)).toHaveLength(1);
  expect(shown).toMatch(/Cells cannot register.*vault:secret\/cf\/bbs\/tls.*CN=ca.*Run again/);
});

test('the root lists what the verdict does not name, and a reply says the rest of a summary', () => {
  const findings = [
    { ...finding, target: 'bbs', summary: 'bbs expired 11 hours ago: cells cannot register' },
    { ...finding, target: 'vault:secret/uaa', severity: 'warning' as const, summary: 'uaa expires soon' },
  ];
  const { root, replies } = renderReport(
    { ...clear, status: 'found', verdict: 'bbs expired 11 hours ago; 1 expires soon', findings },
    asked,
  );

  const [, list] = root.blocks as RichTextBlock[];
  expect(JSON.stringify(list)).toMatch(/WARNING.*vault:secret\/uaa/);
  expect(JSON.stringify(list)).not.toMatch(/CRITICAL|bbs|expires soon/);
  expect(JSON.stringify(replies)).not.toContain('bbs expired');
  expect(JSON.stringify(replies)).toMatch(/Cells cannot register.*uaa expires soon/);
});

test('every root ends with the buttons to run the command again and to show the evidence', () => {
  const buttonsIn = (command: string | undefined) => {
    const { by, at, runId } = asked;
    const last = renderReport(clear, {
      by,
      at,
      runId,
      ...(command !== undefined && { command }),
    }).root.blocks.at(-1);
    return last?.type === 'actions' ? last.elements.map((one) => ('value' in one ? one.value : '')) : [];
  };
  const whole = '/certs expiring --within 14d --env prod';

  expect(buttonsIn('/certs expiring 14d')).toEqual([
    '/certs expiring 14d --env prod',
    asked.runId,
    '/certs expiring 14d --env prod',
  ]);
  expect(buttonsIn('/certs expiring --env=prod')[0]).toBe('/certs expiring --env=prod');
  // As typed elsewhere, cut, or with a quote: the arguments of the report are certain.
  expect(buttonsIn('Run again')[0]).toBe(whole);
  expect(buttonsIn(`/certs expiring ${'x'.repeat(200)}`)[0]).toBe(whole);
  expect(buttonsIn('/certs expiring --match "a')[0]).toBe(whole);
  expect(buttonsIn(undefined)[0]).toBe(whole);
});

/** What the first reply shows of a finding with this evidence, one line for each part. */
function shownEvidence(...evidence: NonNullable<Report['findings'][number]['evidence']>): readonly string[] {
  const thread = renderReport(
    { ...clear, status: 'found', findings: [{ ...finding, evidence }, other] },
    asked,
  );
  const [block] = thread.replies[0]?.blocks ?? [];
  const textOf = (node: object): string => {
    if ('elements' in node && Array.isArray(node.elements))
      return node.elements.map(textOf).join('type' in node && node.type === 'rich_text_list' ? '\n' : '');
    return 'text' in node && typeof node.text === 'string' ? node.text : '';
  };
  return block?.type === 'rich_text' ? block.elements.slice(1).map(textOf) : [];
}

const tableOf = (columns: string[], rows: string[][]) => ({ kind: 'table' as const, columns, rows });

test('a narrow table is aligned, and wider ones are lists that begin with the first cell', () => {
  const rows = ['a', 'b'].map((name) => [`etcd-${name}`, name]);
  expect(shownEvidence(tableOf(['Member', 'Role'], rows))).toEqual([
    'Member  Role\n──────  ────\netcd-a  a\netcd-b  b',
  ]);
  const wide = rows.map((row) => [...row, `${row[1]}.${'example.'.repeat(6)}com`]);
  expect(shownEvidence(tableOf(['Member', 'Role', 'Name'], wide))).toEqual([
    'Member',
    wide.map(([member, role, name]) => `${member} · Role: ${role} · Name: ${name}`).join('\n'),
  ]);
  const four = rows.map((row) => [...row, row[1] ?? '', row[1] ?? '']);
  expect(shownEvidence(tableOf(['Member', 'A', 'B', 'C'], four))[1]).toBe(
    'etcd-a · A: a · B: a · C: a\netcd-b · A: b · B: b · C: b',
  );
});

test('a column with one value in all rows is one line, and names that are left are one paragraph', () => {
  const rows = ['api/0', 'uaa/0', 'rep/0'].map((name) => ['cf', name, 'not monitored']);

  expect(shownEvidence(tableOf(['Deployment', 'Instance', 'State'], rows))).toEqual([
    'All  Deployment: cf · State: not monitored',
    'Instance  api/0, uaa/0, rep/0',
  ]);
});

test('a long table shows its first rows and says where the others are', () => {
  const rows = Array.from({ length: 20 }, (_, at) => [`cell/${at}`, String(at)]);
  const evidence = [tableOf(['Instance', 'Index'], rows)];
  const report = { ...clear, status: 'found' as const, findings: [{ ...finding, evidence }, other] };

  const [table = '', more] = shownEvidence(...evidence);

  expect(table.split('\n')).toHaveLength(8);
  expect(more).toBe('and 14 more in the attached CSV');
  expect(renderReport(report, asked).attachments[0]?.content).toContain('cell/19');
});

test('a field without visible characters is left out', () => {
  expect(
    shownEvidence(
      { kind: 'field', label: 'Issuer', value: '\u200B' },
      { kind: 'field', label: 'Key', value: 'rsa 1024' },
    ),
  ).toEqual(['Key  rsa 1024']);
});

test.each([
  ['in full', 'prod:web-2 is short of disk', 'prod:web-2 is short of disk'],
  ['without its source', 'web-2: 9% free', 'prod:web-2: 9% free'],
  ['as a part of another name', 'web-20 is cordoned', 'web-20 is cordoned\nprod:web-2'],
  ['not at all', '9% free', '9% free\nprod:web-2'],
])('the target is shown once if the summary names it %s', (_, summary, shown) => {
  const findings = [{ ...finding, target: 'prod:web-2', summary }, other];
  const [block] = renderReport({ ...clear, status: 'found', findings }, asked).replies[0]?.blocks ?? [];
  const [title] = (block as RichTextBlock).elements;

  const pieces = title?.elements.map((one) => (one.type === 'text' ? one : undefined)) ?? [];
  expect(
    pieces
      .slice(2)
      .map((one) => one?.text ?? '')
      .join(''),
  ).toBe(shown);
  const codes = pieces.filter((one) => one?.style?.code === true);
  expect(codes.map((one) => one?.text)).toEqual(['prod:web-2']);
});

test('a target of several words is left out if the summary has all of them', () => {
  const at = { ...finding, target: 'edge:www.example.com:443 intermediate R3' };
  const shown = (summary: string) =>
    JSON.stringify(
      renderReport({ ...clear, status: 'found', findings: [{ ...at, summary }, other] }, asked).replies,
    );

  expect(shown('R3, the intermediate at www.example.com:443, expires in 4 days')).not.toContain('edge:');
  expect(shown('R3 expires in 4 days')).toContain('edge:www.example.com:443 intermediate R3');
});

test.each(['a: b', ': ', ' ', 'edge:', 'x:\u200B'])('a target such as "%s" is shown', (target) => {
  const findings = [{ ...finding, target }, other];

  expect(renderReport({ ...clear, status: 'found', findings }, asked).replies).toHaveLength(1);
});

test('with thousands of findings, the first are shown in full, then some in a list, and all are in the attached CSV', () => {
  const findings = Array.from({ length: 2_000 }, (_, at) => ({ ...finding, target: `vault:secret/${at}` }));

  const { replies, attachments } = renderReport({ ...clear, status: 'found', findings }, asked);

  expect(replies.length).toBeLessThanOrEqual(10);
  const lines = replies.at(-1)?.text.split('\n') ?? [];
  expect(lines[0]).toBe('1,970 more findings. The attached findings.csv has all 2,000, with their evidence.');
  expect(lines[1]).toBe('• CRITICAL: bbs expired 11 hours ago (vault:secret/30)');
  expect(attachments.map(({ filename }) => filename)).toEqual(['findings.csv']);
  expect(attachments[0]?.content.split('\r\n')).toHaveLength(2_002);
});

test('evidence that is too long for one cell of the CSV continues in the next row', () => {
  const rows = Array.from({ length: 3_000 }, (_, at) => [`cell/${at}`, 'x'.repeat(20)]);
  const findings = [
    { ...finding, evidence: [tableOf(['Instance', 'State'], [...rows, ['cell/last', 'y']])] },
  ];

  const [csv] = renderReport({ ...clear, status: 'found', findings }, asked).attachments;

  expect(csv?.content).toContain('cell/2999');
  expect(csv?.content).toContain(',continued,');
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
  const { root, replies } = renderReport({ ...clear, status: 'found', findings }, asked);
  return [root, ...replies]
    .flatMap(({ blocks }) => blocks)
    .flatMap((block) => (block.type === 'actions' ? block.elements : []))
    .flatMap((one) =>
      one.type === 'button' && one.action_id?.startsWith('wrench:ask')
        ? [[one.text.text, one.value, one.style]]
        : [],
    );
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

  expect(renderReport(report, asked).root.text).toContain('Next: `/node leftovers --node a --env prod`');
  expect(renderPlainFallback(report).text).toContain('Next: `/node leftovers --node a --env prod`');
});

test('the root says what each finding is, and of how many targets', () => {
  const group = { ...finding, target: 'issuer CN=ca', targets: ['vault:a', 'vault:b', 'vault:c'] };
  const findings = [group, other];

  const { root } = renderReport({ ...clear, status: 'found', verdict: '4 problems', findings }, asked);

  const shown = JSON.stringify(root.blocks);
  expect(shown).toContain('"issuer CN=ca"},{"type":"text","text":" · "}');
  expect(shown).toContain('"certificate expired"},{"type":"text","text":" · 3 targets"}');
  expect(shown).not.toContain('1 target');
});
