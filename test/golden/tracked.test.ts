import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Report } from '../../src/check/finding.ts';
import type { TrackedFinding } from '../../src/check/tracked-finding.ts';
import { countBlockChars } from '../../src/slack/render/blocks.ts';
import { renderFindingStatus, statusPlaceholder } from '../../src/slack/render/findings/status.ts';
import { renderPlainFallback } from '../../src/slack/render/report/fallback.ts';
import { renderReport } from '../../src/slack/render/report/report.ts';
import { withoutMentions } from '../../src/slack/render/without-mentions.ts';
import { renderTerminal } from '../../src/terminal/render.ts';
import { arbitraryReport } from './arbitrary-report.ts';
import { hostileReport } from './hostile-input.ts';
import { withHostileTracked } from './hostile-tracked.ts';
import { ASKED, messagesOf, problemsAllowing, problemsOf, showMessage, showThread } from './inspect-messages.ts';

/** What people see of findings that earlier runs found, that someone is on or that someone silenced. */

const finding = (target: string, severity: 'critical' | 'warning', summary: string) => ({
  reason: 'disk-filling',
  severity,
  target,
  summary,
  level: { value: 91, unit: '%' },
});

const report: Report = {
  check: 'node/disk',
  environment: 'prod',
  args: {},
  status: 'found',
  verdict: '4 of 12 nodes are running out of space',
  examined: 12,
  findings: [
    finding('node:a', 'critical', 'node a is 91% full'),
    finding('node:b', 'critical', 'node b is 91% full'),
    finding('node:c', 'warning', 'node c is 91% full'),
    finding('node:d', 'warning', 'node d is 91% full'),
  ],
  gaps: [],
  coverage: [{ source: 'cluster', examined: 12 }],
  at: '2026-11-20T14:03:07.000Z',
  durationMs: 1_240,
};

const common = { reason: 'disk-filling', state: 'found' as const, severity: 'critical' as const };
const node = (name: string) => ({ ...common, target: `node:${name}`, summary: `node ${name} is 91% full` });
const lastFound = '2026-11-20T14:03:08.000Z';
const tracked: readonly TrackedFinding[] = [
  { ...node('a'), since: lastFound, lastFound },
  {
    ...node('b'),
    since: '2026-11-17T03:12:00.000Z',
    lastFound,
    before: { at: '2026-11-19T14:00:00.000Z', value: 61.4, unit: '%' },
    claim: { by: 'U0GRACE', at: '2026-11-20T13:50:00.000Z', comment: 'moving the logs' },
  },
  {
    ...node('c'),
    since: '2026-10-01T08:00:00.000Z',
    lastFound,
    silence: {
      id: 's0123456789',
      by: 'U0KATE',
      at: '2026-11-19T08:00:00.000Z',
      until: '2026-11-22T08:00:00.000Z',
      because: 'replaced on Saturday',
    },
  },
  {
    ...node('d'),
    since: '2026-11-20T11:00:00.000Z',
    lastFound,
    flappingSince: '2026-11-20T02:00:00.000Z',
    silence: { id: 's0123456780', by: 'U0KATE', at: '2026-11-19T08:00:00.000Z', because: 'known' },
  },
];

const MAY_NOTIFY = [ASKED.by, 'U0GRACE', 'U0KATE'];

test('known findings match their golden files for Slack and a terminal', async () => {
  const thread = renderReport(report, ASKED, tracked);

  expect(messagesOf(thread).flatMap((one) => problemsAllowing(MAY_NOTIFY, one))).toEqual([]);
  expect(thread.root.blocks[0]).toEqual(renderReport(report, ASKED).root.blocks[0]);
  await expect(showThread(thread)).toMatchFileSnapshot('pages/tracked.slack.json');
  await expect(renderTerminal(report, { color: false, columns: 80, tracked })).toMatchFileSnapshot(
    'pages/tracked.terminal.txt',
  );
});

test('the status of a finding matches its golden file: taken, silenced, both and neither', async () => {
  const status = { findingId: 'f0123456789', summary: 'node b is 91% full', by: 'U0GRACE', at: report.at };
  const claim = tracked[1]?.claim;
  const silence = tracked[2]?.silence;
  const states = [
    { ...status, ...(claim && { claim }) },
    { ...status, ...(silence && { silence }) },
    { ...status, ...(claim && { claim }), ...(silence && { silence }) },
    status,
  ];
  for (const one of states) expect(problemsAllowing(MAY_NOTIFY, renderFindingStatus(one))).toEqual([]);
  await expect(states.map((one) => showMessage(renderFindingStatus(one))).join('\n')).toMatchFileSnapshot(
    'pages/finding-status.slack.json',
  );
});

test.each([
  ['ordinary', arbitraryReport],
  ['hostile', hostileReport],
])('Slack accepts every message about known findings of %s reports, and no new post mentions anyone else', (_, reports) => {
  fc.assert(
    fc.property(withHostileTracked(reports), ([one, known]) => {
      const thread = renderReport(one, ASKED, known);
      for (const message of messagesOf(thread)) {
        expect(problemsAllowing(MAY_NOTIFY, message)).toEqual([]);
        expect(countBlockChars(message.blocks)).toBeLessThanOrEqual(9_500);
        expect(Buffer.byteLength(message.text)).toBeLessThanOrEqual(4_000);
        expect(problemsOf(withoutMentions(message, [ASKED.by]))).toEqual([]);
      }
      expect(thread.replies.length).toBeLessThanOrEqual(10);
      expect(thread.root.blocks[0]).toEqual(renderReport(one, ASKED).root.blocks[0]);
      const fallback = { ...renderPlainFallback(one, undefined, known), blocks: [] };
      expect(problemsOf(withoutMentions(fallback))).toEqual([]);
      for (const { claim, silence, summary } of known) {
        const status = {
          findingId: 'f0123456789',
          summary,
          ...(claim && { claim }),
          ...(silence && { silence }),
          by: silence?.by ?? 'U0GRACE',
          at: one.at,
        };
        expect(problemsAllowing(MAY_NOTIFY, renderFindingStatus(status))).toEqual([]);
        expect(problemsOf({ text: statusPlaceholder(status), blocks: [] })).toEqual([]);
      }
    }),
    { numRuns: 50 },
  );
});

test('the status of findings has no terminal escapes', () => {
  fc.assert(
    fc.property(withHostileTracked(arbitraryReport), ([one, known]) => {
      const text = renderTerminal(one, { color: false, columns: 80, tracked: known });
      expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    }),
    { numRuns: 60 },
  );
});
