import type { Report } from '../../src/check/finding.ts';

/** Made-up reports, each with something that a renderer could get wrong. */

const base: Report = {
  check: 'certs/expiring',
  environment: 'prod',
  args: { within: '30d' },
  status: 'clear',
  verdict: 'All 41 certificates are valid for more than 30 days',
  examined: 41,
  findings: [],
  gaps: [],
  coverage: [
    { source: 'vault', examined: 38 },
    { source: 'edge', examined: 3 },
  ],
  at: '2026-11-20T14:03:07.000Z',
  durationMs: 1_240,
};

export const clear = base;

export const emptiest: Report = {
  ...base,
  check: 'a/b',
  environment: 'x',
  args: {},
  status: 'unknown',
  verdict: 'Found nothing to check',
  examined: 0,
  coverage: [],
  durationMs: 0,
};

export const unknown: Report = {
  ...base,
  status: 'unknown',
  verdict:
    "certificates in vault: no response from vault.example.com:8200 within 5 s; couldn't check any of 2 sources",
  examined: 0,
  coverage: [],
  gaps: [
    {
      what: 'certificates in vault',
      because: 'no response from vault.example.com:8200 within 5 s',
      kind: 'unreachable',
    },
    { what: 'certificates', because: 'no source configured in prod', kind: 'not-configured' },
  ],
};

const everyEvidence: NonNullable<Report['findings'][number]['evidence']> = [
  { kind: 'field', label: 'Expired', value: '2026-11-20 03:00 UTC' },
  { kind: 'field', label: 'Issuer', value: 'CN=Example Intermediate R3, O=Example' },
  {
    kind: 'series',
    label: 'Handshakes',
    unit: '/s',
    points: [3, 4, 9, 31, 28, 12, 2].map((value, at) => ({ at: `2026-11-20T13:0${at}:00Z`, value })),
  },
  {
    kind: 'table',
    columns: ['Source', 'Places'],
    rows: [
      ['vault', '3'],
      ['edge', '1'],
    ],
  },
  {
    kind: 'log',
    lines: ['[cell/0] ERR Downloading Failed', '  remote error: tls: bad certificate', '[api/0] OUT app instance exited'],
  },
  {
    kind: 'table',
    columns: ['Place', 'Seen as', 'Serial'],
    rows: Array.from({ length: 9 }, (_, at) => [`vault:secret/cf/cell/${at}/rep/tls`, 'leaf', `0${at}:ab:cd`]),
  },
];

export const everyKindOfEvidence: Report = {
  ...base,
  status: 'found',
  verdict: '1 of 41 certificates has expired, 2 more within 30 days',
  findings: [
    {
      reason: 'certificate-expired',
      severity: 'critical',
      target: 'vault:secret/cf/cell/0/rep/tls',
      summary: 'rep.service.cf.internal expired 11 hours ago: cells cannot talk to the BBS',
      evidence: everyEvidence,
    },
    {
      reason: 'certificate-expiring',
      severity: 'warning',
      target: 'edge:www.example.com:443',
      summary: 'www.example.com expires in 9 days',
      evidence: [{ kind: 'field', label: 'Expires', value: '2026-11-29 14:00 UTC' }],
    },
    {
      reason: 'certificate-expiring',
      severity: 'info',
      target: 'vault:secret/cf/uaa/tls',
      summary: 'uaa.service.cf.internal expires in 29 days',
    },
  ],
};

export const foundWithGaps: Report = {
  ...everyKindOfEvidence,
  findings: everyKindOfEvidence.findings.slice(1, 2),
  verdict: "1 of 41 certificates expires within 30 days; couldn't check 3 of 44 sources",
  gaps: [
    { what: 'cell-3', because: 'timeout', kind: 'unreachable' },
    { what: 'cell-4', because: 'timeout', kind: 'unreachable' },
    { what: 'secret/cf/locked', because: 'permission denied', kind: 'refused' },
  ],
};

export const twoThousand: Report = {
  ...base,
  status: 'found',
  verdict: '2,000 of 2,000 certificates expire within 30 days',
  examined: 2_000,
  findings: Array.from({ length: 2_000 }, (_, at) => ({
    reason: 'certificate-expiring',
    severity: at < 100 ? ('critical' as const) : ('warning' as const),
    target: `vault:secret/cf/cell/${at}/rep/tls`,
    summary: `cell-${at}.rep.service.cf.internal expires in ${Math.floor(at / 70)} days`,
    evidence: [
      { kind: 'field' as const, label: 'Expires', value: '2026-11-29 14:00 UTC' },
      { kind: 'field' as const, label: 'Serial', value: '0a:1b:2c:3d' },
    ],
  })),
};

export const fiveHundredGaps: Report = {
  ...base,
  status: 'unknown',
  verdict: "All 41 certificates are valid for more than 30 days; couldn't check 500 of 541 sources",
  gaps: Array.from({ length: 500 }, (_, at) => ({
    what: `site-${at}.example.com:443`,
    because: at % 3 === 0 ? 'no response within 5 s' : at % 3 === 1 ? 'connection refused' : `403 for policy p-${at}`,
    kind: at % 3 === 2 ? ('refused' as const) : ('unreachable' as const),
  })),
};

const hours = Array.from({ length: 30 }, (_, at) => new Date(Date.parse(base.at) - (29 - at) * 17 * 3_600_000).toISOString());

export const charts: Report = {
  ...base,
  charts: [
    {
      kind: 'bars',
      title: 'Certificates by time left',
      unit: 'certificates',
      labels: ['expired', 'under 7 days', 'under 30 days', 'under 90 days', 'longer'],
      series: [{ name: 'certificates', values: [0, 1, 2, 7, 31] }],
    },
    {
      kind: 'lines',
      title: 'Disk used by node',
      unit: '%',
      labels: hours,
      series: [
        { name: 'prod-eu:gke-builders-pool-1-8f2a9c11-x2kd', values: hours.map((_, at) => (at < 12 ? null : 55 + at)) },
        { name: 'prod-eu:gke-builders-pool-1-8f2a9c11-9qzt', values: hours.map((_, at) => (at === 17 ? 88.4 : 40 + (at % 5))) },
      ],
    },
    {
      kind: 'bars',
      title: 'Left behind by stopped containers',
      unit: 'GB',
      labels: Array.from({ length: 24 }, (_, at) => `builders:node-${at}`),
      series: [{ name: 'size', values: Array.from({ length: 24 }, (_, at) => 48 - 2 * at) }],
    },
  ],
};

const HOSTILE = [
  '<!channel> <!here> <@U0EVIL> <!subteam^S0EVIL> @channel @here #general',
  '<https://evil.example|https://good.example> https://evil.example www.evil.example evil.example a@evil.example',
  '*bold* _it_ ~no~ `code` ```\nfence``` :white_check_mark: &lt;!channel&gt; <!date^1^{date}^https://evil.example|x>',
  '\u001B[2J\u001B[31mred\u001B]8;;https://evil.example\u0007link\u001B]8;;\u0007 \u0007\u0000\b\r\n> quote',
  '\u202Egnp.exe\u202C \u2066x\u2069 a\u200Bb \uD800 \u{E0041}',
  '=cmd|" /C calc"!A0',
].join(' ');

export const hostile: Report = {
  ...base,
  check: 'certs/expiring',
  environment: `prod ${HOSTILE}`,
  args: { match: HOSTILE },
  status: 'found',
  verdict: HOSTILE,
  findings: [
    {
      reason: 'certificate-expired',
      severity: 'critical',
      target: HOSTILE,
      summary: HOSTILE,
      evidence: [
        { kind: 'field', label: HOSTILE, value: HOSTILE },
        { kind: 'table', columns: [HOSTILE, 'b'], rows: Array.from({ length: 8 }, () => [HOSTILE, '']) },
        { kind: 'table', columns: [HOSTILE, 'b'], rows: [[HOSTILE, '', '=1+1']] },
        { kind: 'log', lines: [HOSTILE, '', HOSTILE] },
        { kind: 'series', label: HOSTILE, unit: HOSTILE, points: [{ at: base.at, value: -1 }] },
      ],
    },
    { reason: 'long', severity: 'warning', target: `=${'x'.repeat(9_999)}`, summary: '<'.repeat(10_000) },
    { reason: 'invisible', severity: 'info', target: '\u200B', summary: '\u0007' },
  ],
  gaps: [{ what: HOSTILE, because: HOSTILE, kind: 'malformed' }],
  coverage: [{ source: HOSTILE, examined: 41 }, { source: 'b', examined: 0 }],
};

export const hostileCharts: Report = {
  ...base,
  charts: [
    { kind: 'bars', title: HOSTILE, unit: HOSTILE, labels: [HOSTILE, HOSTILE, ''], series: [{ name: HOSTILE, values: [1, -2, null] }] },
    { kind: 'lines', title: HOSTILE, unit: HOSTILE, labels: [HOSTILE, 'b'], series: [{ name: HOSTILE, values: [1] }] },
  ],
};
