import { expect, test } from 'vitest';
import { failed, fixed, interrupted, mitigated, offered, planned, unverified } from './remediations.ts';
import type { Report } from '../../src/check/finding.ts';
import { type FixedReport, withFixes } from '../../src/slack/render/remediation/fixes.ts';
import { renderOutcome } from '../../src/slack/render/remediation/notices.ts';
import { renderReport, rootContentOf } from '../../src/slack/render/report/report.ts';
import { ASKED, problemsAllowing, problemsOf, showMessage } from './inspect-messages.ts';
import type { Message } from '../../src/slack/render/message.ts';

const root: Message = {
  text: ':red_circle: CRITICAL: doppler_z2/0 is running but not registered\nprod, /etcd doppler: 3 checked',
  blocks: [
    { type: 'header', text: { type: 'plain_text', text: 'CRITICAL' } },
    { type: 'context', elements: [{ type: 'plain_text', text: 'prod' }] },
    { type: 'context', elements: [{ type: 'plain_text', text: '3 checked' }] },
  ],
};

test('the root says that fixes are available', () => {
  const { text, blocks } = withFixes(root, [offered, offered], 2);

  expect(text.split('\n').at(-2)).toBe(':wrench: 2 fixes available, see thread');
  expect(blocks.map(({ type }) => type)).toEqual(['header', 'rich_text', 'context', 'context']);
});

test('the channel message shows what was fixed, and the coverage stays the last line', () => {
  const { text } = withFixes(root, [fixed], 0);

  expect(text).toContain('FIXED · doppler_z2: 0 ');
  expect(text).not.toContain('available');
  expect(text.split('\n').at(-1)).toBe('prod, /etcd doppler: 3 checked');
});

test('the channel message shows an interrupted fix, but not one that waits for approval', () => {
  expect(withFixes(root, [interrupted], 0).text).toContain('INTERRUPTED · Restart doppler_z2/0');
  expect(withFixes(root, [planned], 0)).toEqual(root);
});

test('names the last five fixes and counts the rest', () => {
  const { text } = withFixes(
    root,
    Array.from({ length: 13 }, () => fixed),
    1,
  );

  expect(text.match(/FIXED/g)).toHaveLength(5);
  expect(text).toContain('8 more fixes, see thread');
});

test('a long text is cut for the outcome of fixes, and still counts everything that it leaves out', () => {
  const lines = Array.from({ length: 20 }, (_, at) => `• CRITICAL: finding ${at} ${'x'.repeat(150)}`);
  const text = [':red_circle: CRITICAL: much', ...lines, '… and 7 more', 'prod: 41 checked'].join('\n');
  const edited = withFixes({ ...root, text }, Array.from({ length: 5 }, () => fixed), 3).text;

  expect(Buffer.byteLength(edited)).toBeLessThanOrEqual(4_000);
  expect(edited.match(/FIXED/g)).toHaveLength(5);
  expect(edited.split('\n').at(-1)).toBe('prod: 41 checked');
  const shown = edited.match(/finding \d+/g)?.length ?? 0;
  expect(shown).toBeLessThan(20);
  expect(edited).toContain(`\n… and ${20 - shown + 7} more\n`);
});

/** A doppler lost its key, metron_agent fails because of it, and a key belongs to no one. */
const report: Report = {
  check: 'etcd/doppler',
  environment: 'prod',
  args: {},
  status: 'found',
  verdict: 'doppler_z2/0 is running but not registered; the other 2 are. metron_agent is down on 12 of 12 VMs',
  examined: 3,
  findings: [
    {
      reason: 'doppler-not-registered',
      severity: 'critical',
      target: 'doppler_z2/0',
      summary: "doppler_z2/0 is running but not registered: clients can't find it until doppler is restarted",
    },
    {
      reason: 'dependent-down',
      severity: 'critical',
      target: 'metron_agent',
      summary: 'metron_agent is down on 12 of 12 VMs: most likely because doppler_z2/0 is not registered',
    },
    {
      reason: 'orphan-key',
      severity: 'warning',
      target: '/healthstatus/doppler/z9/doppler/9',
      summary: 'A key in etcd belongs to no doppler',
    },
  ],
  gaps: [],
  coverage: [],
  at: '2026-11-20T14:03:00.000Z',
  durationMs: 812,
};
const [doppler, metron, key] = rootContentOf(report).findings ?? [];
const reported = renderReport(report, { ...ASKED, command: '/etcd doppler' }).root;
const state = (changed: Partial<FixedReport>): FixedReport => ({
  content: rootContentOf(report),
  resolved: [],
  left: [doppler!, metron!, key!],
  isAllFixed: false,
  unchecked: [],
  ...changed,
});
const allFixed = state({ resolved: [doppler!, metron!, key!], left: [], isAllFixed: true });
const partly = state({ resolved: [doppler!, metron!], left: [key!] });

test.each([
  ['fixed', withFixes(reported, [fixed], 0, allFixed)],
  ['fixed-with-gaps', withFixes(reported, [fixed], 0, { ...allFixed, unchecked: ['doppler_z1/0', 'bosh', 'vm-1', 'vm-2'] })],
  ['fixed-in-part', withFixes(reported, [fixed], 1, partly)],
  ['fixed-first-symptoms-remain', withFixes(reported, [fixed], 0, state({ resolved: [doppler!], left: [metron!, key!] }))],
  ['unverified', withFixes(reported, [unverified], 0, state({}))],
  ['failed', withFixes(reported, [failed], 1, state({}))],
  ['interrupted', withFixes(reported, [interrupted], 0, state({}))],
  ['mitigated', withFixes(reported, [mitigated], 0, state({}))],
])('the root of a report after its fix is %s matches its golden file', async (name, message) => {
  expect(problemsOf(message)).toEqual([]);
  await expect(showMessage(message)).toMatchFileSnapshot(`fixes/${name}.slack.json`);
});

test('once nothing remains, the root begins with the proof, and what was wrong is second', () => {
  const { text, blocks } = withFixes(reported, [fixed], 0, allFixed);
  const lines = text.split('\n');

  expect(lines[0]).toBe(
    ':white_check_mark: FIXED · doppler_z2: 0 -&gt; 1 registered; metron_agent running on 12 of 12',
  );
  expect(lines[1]).toMatch(/^Was: CRITICAL · doppler[^ ]z2\/0 is running but not registered/u);
  expect(lines).toHaveLength(3);
  expect(lines.at(-1)).toContain('3 checked');
  expect(JSON.stringify(blocks)).not.toContain('rich_text_list');
});

test('while something remains, the root begins with the worst of it, and what is fixed is second', () => {
  const { text } = withFixes(reported, [fixed], 1, partly);

  expect(text.split('\n')[0]).toBe(':large_yellow_circle: WARNING: A key in etcd belongs to no doppler');
  expect(text.split('\n')[1]).toBe('Fixed 2 of 3');
  expect(text).not.toContain('is running but not registered');
  expect(text.split('\n').at(-2)).toBe(':wrench: 1 fix available, see thread');
});

test.each([
  [unverified, 'UNVERIFIED · Restart doppler_z2/0: applied, but not verified'],
  [interrupted, "INTERRUPTED · Restart doppler_z2/0: it's unknown whether it was applied"],
  [failed, 'FAILED · Restart doppler_z2/0: task 4182 ended in error'],
  [mitigated, "MITIGATED · node-b: 1 -> 0 schedulable: this eases the fault but doesn't remove it"],
])('a fix that removes no fault keeps the headline: $0.state', (remediation, words) => {
  const { text, blocks } = withFixes(reported, [remediation], 0, state({}));
  const before = reported.text.split('\n');

  expect(text.split('\n')[0]).toBe(before[0]);
  expect(text.split('\n').toSpliced(1, 1)).toEqual(before);
  expect(JSON.stringify(blocks)).toContain(words);
  expect(blocks[0]).toEqual(reported.blocks[0]);
});

test('while everything remains, no part of the root says Fixed, although a fix has worked', () => {
  const { text } = withFixes(reported, [fixed], 0, state({}));

  expect(text.split('\n')[0]).toContain('CRITICAL');
  expect(text).not.toContain('Fixed');
  expect(text.split('\n')[1]).toContain('FIXED · doppler_z2: 0 ');
});

test('the root of a report with too many findings to save keeps its headline', () => {
  const findings = Array.from({ length: 500 }, (_, at) => ({ ...report.findings[0]!, target: `doppler/${at}`, summary: `x${at}`.repeat(40) }));
  const content = rootContentOf({ ...report, findings });

  expect(content).toEqual({ headline: 'CRITICAL', verdict: report.verdict });
});

test.each([fixed, mitigated, unverified, failed, interrupted])(
  'the outcome is one line that notifies the requester and the approvers: $state',
  async (remediation) => {
    const message = renderOutcome(remediation);

    expect(message.text).toMatch(/^:[a-z_]+: [A-Z]+ · .* · <@U0123ADA> <@U0123GRACE>$/);
    expect(problemsAllowing(['U0123ADA', 'U0123GRACE'], message)).toEqual([]);
    await expect(showMessage(message)).toMatchFileSnapshot(`fixes/outcome-${remediation.state}.slack.json`);
  },
);

test('the outcome names someone who requested and approved only once, and no one who has no account', () => {
  const at = '2026-11-20T14:05:02.000Z';
  const approvals = [{ by: 'U0123ADA', at }, { by: 'wrench', at }];

  expect(renderOutcome({ ...fixed, approvals }).text).toMatch(/12 of 12 · <@U0123ADA>$/);
});
