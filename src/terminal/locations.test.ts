import { expect, test } from 'vitest';
import type { Report } from '../check/finding.ts';
import { renderTerminal } from './render.ts';

const LOCATION = {
  target: 'shop/api:ci/test.sh:14',
  path: 'ci/test.sh',
  line: 14,
  column: 3,
  message: '`docker run app` leaves its container behind',
};
const REPORT: Report = {
  check: 'ci/docker-run',
  environment: 'local',
  args: {},
  status: 'found',
  verdict: '1 of 3 pipeline commands leaves its container behind: ci/test.sh:14',
  examined: 3,
  findings: [
    {
      reason: 'container-left-behind',
      severity: 'warning',
      target: 'shop/api:ci/test.sh',
      targets: [LOCATION.target],
      summary: 'shop/api:ci/test.sh starts a container that nothing removes',
      locations: [
        {
          ...LOCATION,
          replacement: {
            line: 14,
            column: 13,
            deletes: 0,
            inserts: ' --rm',
            corrected: '  docker run --rm app',
          },
        },
      ],
      evidence: [
        { kind: 'table', columns: ['Line'], rows: [['14:3']] },
        { kind: 'log', lines: ['--- a/ci/test.sh'] },
        { kind: 'field', label: 'Page', value: 'https://git.example/ci/test.sh' },
      ],
    },
  ],
  gaps: [
    {
      what: 'shop/api:ci/e2e.sh:3',
      because: '$OPTS decides',
      kind: 'missing',
      location: {
        ...LOCATION,
        target: 'shop/api:ci/e2e.sh:3',
        path: 'ci/e2e.sh',
        line: 3,
        message: '$OPTS decides',
      },
    },
    { what: 'shop/api:big.sh', because: 'is larger than 2 MiB', kind: 'malformed' },
  ],
  coverage: [],
  at: '2026-11-26T12:00:00.000Z',
  durationMs: 0,
};

test('places read like those of a compiler, with the corrected line, instead of the table', () => {
  const shown = renderTerminal(REPORT, { color: false, columns: 100 });

  expect(shown).toContain(
    [
      '          ci/test.sh:14:3  warning  `docker run app` leaves its container behind',
      '            + docker run --rm app',
      '          Page  https://git.example/ci/test.sh',
    ].join('\n'),
  );
  expect(shown).not.toMatch(/14:3\n|--- a/);
});

test('a place that could not be judged is shown in the same form, next to what could not be read', () => {
  expect(renderTerminal(REPORT, { color: false, columns: 100 })).toContain(
    [
      "UNKNOWN   Couldn't check 2 places",
      '          unreadable: is larger than 2 MiB',
      '            shop/api:big.sh',
      '          ci/e2e.sh:3:3  unknown  $OPTS decides',
    ].join('\n'),
  );
});

test('a narrow terminal breaks the message, never the place', () => {
  const pathOf = () => 'a/path/that/is/long/for/this/terminal/ci/test.sh';

  expect(renderTerminal(REPORT, { color: false, columns: 50, pathOf })).toContain(
    [
      '          a/path/that/is/long/for/this/terminal/ci/test.sh:14:3  warning',
      '            `docker run app` leaves its container',
      '            behind',
    ].join('\n'),
  );
});

test('a correction in another line says in which', () => {
  const [finding] = REPORT.findings;
  const [location] = finding?.locations ?? [];
  const moved = {
    ...REPORT,
    findings: [
      {
        ...finding!,
        locations: [
          {
            ...location!,
            replacement: { ...location!.replacement!, line: 3, corrected: 'RUN="docker run --rm"' },
          },
        ],
      },
    ],
  };

  expect(renderTerminal(moved, { color: false, columns: 100 })).toContain(
    'line 3: + RUN="docker run --rm"\n',
  );
});
