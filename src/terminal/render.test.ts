import { expect, test } from 'vitest';
import type { Report } from '../check/finding.ts';
import { renderHelpTerminal, renderProblemTerminal, renderTerminal } from './render.ts';

const report: Report = {
  check: 'certs/expiring',
  environment: 'prod',
  args: { within: '30d' },
  status: 'found',
  verdict: '1 of 41 certificates has expired',
  examined: 41,
  findings: [
    {
      reason: 'certificate-expired',
      severity: 'critical',
      target: `vault:secret/${'very-long/'.repeat(12)}tls`,
      summary:
        'bbs expired 11 hours ago and \u001B[2J\u001B]0;owned\u0007 cells cannot talk to it any more at all',
      evidence: [
        { kind: 'field', label: 'Expired', value: '2026-11-20 03:00 UTC' },
        {
          kind: 'table',
          columns: ['Place', 'What it is'],
          rows: [['a'.repeat(60), 'a leaf, its own, in a table that is too wide']],
        },
      ],
    },
  ],
  gaps: [{ what: 'cell-3', because: 'timeout', kind: 'unreachable' }],
  coverage: [],
  at: '2026-11-20T14:03:00Z',
  durationMs: 90_500,
};

test('the first line is the verdict, and the last the coverage', () => {
  const lines = renderTerminal(report, { color: false, columns: 80 }).split('\n');

  expect(lines[0]).toBe('CRITICAL  1 of 41 certificates has expired');
  expect(lines.at(-2)).toBe('41 checked, the rest unreachable · 1 min 31 s');
});

test('notes come before the coverage, without control characters', () => {
  const notes = ['the status of n1 \u001B[2Jis not available to this user'];
  const lines = renderTerminal({ ...report, notes }, { color: false, columns: 80 }).split('\n');

  expect(lines.at(-4)).toBe('Note: the status of n1 is not available to this user');
});

test('counts gaps in sources, as in the verdict', () => {
  const gaps = [
    { what: 'limits of 3 nodes', because: 'denied', kind: 'refused', places: 3 },
    { what: 'events', because: 'timeout', kind: 'unreachable' },
  ] as const;
  const shown = renderTerminal({ ...report, gaps }, { color: false, columns: 80 });

  expect(shown).toContain("Couldn't check 4 sources");
  expect(shown).toContain('41 checked, 1 unreachable, 3 denied');
});

test('a fix that Slack offers is shown under its finding', () => {
  const offers = [
    { remediation: 'renew', params: {}, title: 'Renew \u001B[2Jbbs', risk: 'disruptive' as const },
  ];
  const findings = report.findings.map((finding) => ({ ...finding, offers }));

  const shown = renderTerminal({ ...report, findings }, { color: false, columns: 80 });

  expect(shown).toContain('\n          Fix available in Slack: Renew bbs\n');
});

test('a follow-up check is a command to copy, with the environment of the report', () => {
  const next = [{ check: 'node/leftovers', args: { node: 'node\u001B[2J b' } }];
  const findings = report.findings.map((finding) => ({ ...finding, next }));

  const shown = renderTerminal({ ...report, findings }, { color: false, columns: 80 });

  expect(shown).toContain('\n          Next: wrench run node leftovers --node "node b" --env prod\n');
});

test('colors are off by default and add no text', () => {
  const plain = renderTerminal(report, { color: false, columns: 80 });
  const coloured = renderTerminal(report, { color: true, columns: 80 });

  expect(plain).not.toContain('\u001B');
  expect(coloured).toContain('\u001B[31m');
  // oxlint-disable-next-line no-control-regex -- the colors of the report
  expect(coloured.replace(/\u001B\[\d+m/g, '')).toBe(plain);
});

test('lines are wrapped at the width, but a target stays whole to be copied', () => {
  const [target = ''] = report.findings.map((finding) => finding.target);
  const lines = renderTerminal(report, { color: false, columns: 80 }).split('\n');

  expect(lines.filter((line) => line.length > 80 && !line.includes(target))).toEqual([]);
  expect(lines).toContain(' '.repeat(10) + target);
});

test('an invalid command line is shown with the usage', () => {
  const usage = ['/certs expiring', '/certs help', '/wrench freeze [because …]'];

  expect(renderProblemTerminal({ problem: 'Unknown check `x`.', usage })).toBe(
    'Unknown check `x`.\n\n  wrench run certs expiring\n  wrench help certs\n  wrench freeze [because …]\n',
  );
});

test('the help of a command lists its checks as commands of a shell', () => {
  const help = renderHelpTerminal({
    title: 'Certificates',
    commands: [
      { name: '/certs expiring', about: 'what expires soon' },
      { name: '/certs show', about: 'details of one' },
    ],
    examples: ['/certs help expiring'],
  });

  expect(help).toBe(
    [
      'Certificates',
      '',
      'Commands:',
      '  wrench run certs expiring  What expires soon',
      '  wrench run certs show      Details of one',
      '',
      'Example:',
      '  wrench help certs expiring',
      '',
    ].join('\n'),
  );
});

test('the help of a check has its usage, its flags with those of the terminal, and its fixes', () => {
  const help = renderHelpTerminal(
    {
      title: 'Expiring certificates',
      why: 'An outage.',
      usage: ['/certs expiring [within]'],
      flags: [{ name: '<within> or --within', about: 'how far ahead' }],
      fixes: ['Renews a certificate (safe)'],
    },
    60,
    { '--json': 'Print only the report, as JSON, and nothing else' },
  );

  expect(help).toBe(
    [
      'Expiring certificates',
      '',
      'An outage.',
      '',
      'Usage:',
      '  wrench run certs expiring [within]',
      '',
      'Flags:',
      '  <within> or --within  How far ahead',
      '  --json                Print only the report, as JSON, and',
      '                        nothing else',
      '',
      'Fixes:',
      '  Renews a certificate (safe)',
      '',
    ].join('\n'),
  );
});
