import { expect, test } from 'vitest';
import { failed, fixed, interrupted, mitigated, offered, planned, unverified } from './remediations.ts';
import type { Report } from '../../src/check/finding.ts';
import { renderOutcome } from '../../src/slack/render/remediation/notices.ts';
import { withOutcomes } from '../../src/slack/render/remediation/outcome-lines.ts';
import { type RootFixes, renderRoot } from '../../src/slack/render/report/root.ts';
import type { Observation, RemediationRecord } from '../../src/store/remediation/record.ts';
import { ASKED, problemsAllowing, showMessage } from './inspect-messages.ts';
import type { Message } from '../../src/slack/render/message.ts';

type Found = Report['findings'][number];

/** A doppler lost its key, metron_agent fails because of it, and a key belongs to no one. */
const doppler: Found = {
  reason: 'doppler-not-registered',
  severity: 'critical',
  target: 'doppler_z2/0',
  summary: "doppler_z2/0 is running but not registered: clients can't find it until doppler is restarted",
  evidence: [{ kind: 'field', label: 'Running since', value: '2026-11-18 02:11 UTC' }],
};
const metron: Found = {
  reason: 'dependent-down',
  severity: 'critical',
  target: 'metron_agent',
  summary: 'metron_agent is down on 12 of 12 VMs: most likely because doppler_z2/0 is not registered',
};
const key: Found = {
  reason: 'orphan-key',
  severity: 'warning',
  target: '/healthstatus/doppler/z9/doppler/9',
  summary: 'A key in etcd belongs to no doppler',
};
const report: Report = {
  check: 'etcd/doppler',
  environment: 'prod',
  args: {},
  status: 'found',
  verdict: 'doppler_z2/0 is running but not registered; the other 2 are. metron_agent is down on 12 of 12 VMs',
  examined: 3,
  findings: [doppler, metron, key],
  gaps: [],
  coverage: [],
  at: '2026-11-20T14:03:00.000Z',
  durationMs: 812,
};
const one: Report = { ...report, verdict: 'doppler_z2/0 is running but not registered; the other 2 are', findings: [doppler] };

const now = new Date('2026-11-20T14:10:00.000Z');
const asked = { ...ASKED, command: '/etcd doppler' };
const rootOf = (of: Report, remediations: readonly RemediationRecord[], more: Partial<RootFixes> = {}) =>
  renderRoot({ report: of, asked }, { remediations, now, ...more });

/** The run that verified a fix, and what it found. */
const sawAfter = (
  remediation: RemediationRecord,
  found: Partial<NonNullable<Observation['report']>>,
  gaps: readonly string[] = [],
): RemediationRecord => ({
  ...remediation,
  after: {
    ...(remediation.after ?? fixed.after!),
    gaps: [...gaps],
    report: { isWhole: true, findings: [], more: 0, ...found },
  },
});
const about = ({ reason, target, summary }: Found) => ({ reason, target, summary });
const foundAgain = (finding: Found) => ({ ...about(finding), severity: finding.severity });
const allFixed = sawAfter(fixed, {});
const keyRemains = sawAfter(fixed, { findings: [foundAgain(key)] });
/** The same fix for the key. */
const forKey = (remediation: RemediationRecord, title: string): RemediationRecord => ({
  ...remediation,
  id: `m${'1'.repeat(16)}`,
  title,
  finding: about(key),
});
const renewAll: RemediationRecord = {
  ...offered,
  id: `m${'2'.repeat(16)}`,
  risk: 'safe',
  title: 'Renew all 13',
  each: Array.from({ length: 13 }, (_, at) => ({ target: `cell/${at}`, params: {} })),
  finding: { ...offered.finding, targets: Array.from({ length: 13 }, (_, at) => `cell/${at}`) },
};

test.each([
  ['offered', rootOf(report, [offered])],
  ['fixed', rootOf(report, [allFixed])],
  ['fixed-with-gaps', rootOf(one, [sawAfter(fixed, { isWhole: false }, ['doppler_z1/0', 'bosh', 'vm-1', 'vm-2'])])],
  ['fixed-in-part', rootOf(report, [keyRemains, forKey(offered, 'Delete the key')])],
  ['fixed-first-symptoms-remain', rootOf(report, [sawAfter(fixed, { findings: [foundAgain(metron), foundAgain(key)] })])],
  ['fixed-in-part-then-failed', rootOf(report, [keyRemains, forKey(failed, 'Delete the key')])],
  ['unverified', rootOf(report, [unverified])],
  ['failed', rootOf(report, [failed])],
  ['interrupted', rootOf(report, [interrupted])],
  ['mitigated', rootOf({ ...one, findings: [{ ...doppler, reason: 'disk-nearly-full', target: 'node-b', summary: 'node-b: 8 % of the disk is free' }], verdict: 'node-b: 8 % of the disk is free' }, [mitigated])],
  ['one-offered', rootOf(one, [offered])],
  ['one-planned', rootOf(one, [planned])],
  ['one-unverified', rootOf(one, [unverified])],
  ['one-fixed', rootOf(one, [allFixed])],
])('the root of a report after its fix is %s matches its golden file', async (name, message) => {
  expect(problemsAllowing([ASKED.by, 'U0123ADA'], message)).toEqual([]);
  await expect(showMessage(message)).toMatchFileSnapshot(`fixes/${name}.slack.json`);
});

test('once nothing remains, the root begins with the proof, and what was wrong is second', () => {
  const { text, blocks } = rootOf(report, [allFixed]);
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
  const { text } = rootOf(report, [keyRemains, forKey(offered, 'Delete the key')]);

  expect(text.split('\n')[0]).toBe(':large_yellow_circle: WARNING: A key in etcd belongs to no doppler');
  expect(text.split('\n')[1]).toBe('Fixed 2 of 3');
  expect(text.split('\n').at(-2)).toBe(':wrench: 1 fix available, see thread');
});

test.each([
  [unverified, ':warning: UNVERIFIED · Restart doppler'],
  [interrupted, ':rotating_light: INTERRUPTED · Restart doppler'],
  [failed, ':x: FAILED · Restart doppler'],
])('the root begins with the outcome of the fix for the worst that remains, and the fault is second: $0.state', (remediation, words) => {
  for (const of of [report, one]) {
    const [first, second] = rootOf(of, [remediation]).text.split('\n');

    expect(first?.startsWith(words)).toBe(true);
    expect(second).toMatch(/^:red_circle: CRITICAL · doppler[^ ]z2\/0 is running but not registered; the other 2 are/u);
  }
});

test.each([unverified, interrupted, failed])(
  'an outcome for something less severe than what remains does not come first: $state',
  (remediation) => {
    const [first, second] = rootOf(report, [forKey(remediation, 'Delete the key')]).text.split('\n');

    expect(first).toContain('CRITICAL: doppler');
    expect(second).toContain(`${remediation.state.toUpperCase()} · Delete the key`);
  },
);

test('a mitigation comes first only if nothing as bad remains besides', () => {
  const eased = { ...mitigated, finding: about(doppler) };
  const first = (of: Report) => rootOf(of, [eased]).text.split('\n')[0];

  expect(first(one)).toContain('MITIGATED · node-b: 1 -&gt; 0 schedulable');
  expect(first({ ...report, findings: [doppler, key] })).toContain('MITIGATED');
  expect(first(report)).toContain('CRITICAL: doppler');
});

test('an outcome does not come first if a later fix for the same finding has worked but the finding is back', () => {
  const later = { ...fixed, endedAt: '2026-11-20T15:00:00.000Z' };
  const [first] = rootOf(report, [unverified, later]).text.split('\n');

  expect(first).toContain('CRITICAL: doppler');
});

test('while everything remains, the headline does not say FIXED, although a fix has worked', () => {
  const { text } = rootOf(report, [fixed]);

  expect(text.split('\n')[0]).toContain('CRITICAL');
  expect(text).not.toContain('Fixed');
  expect(text.split('\n')[1]).toContain('FIXED · doppler_z2: 0 ');
});

test('what only a later run found is listed with its summary, which no reply has', () => {
  const news = { ...foundAgain(key), target: 'doppler_z1/0', summary: 'doppler_z1/0 is down' };
  const { blocks } = rootOf(report, [sawAfter(fixed, { findings: [foundAgain(metron), news] })]);
  const shown = JSON.stringify(blocks);

  expect(shown).toContain('"doppler_z1/0 is down"');
  expect(shown).toContain('Fixed 2 of 3');
});

test('if the verification finds only others, a report with one finding lists each of them once and no evidence of the one that is gone', () => {
  const warning = { ...foundAgain(key), summary: 'A key belongs to no doppler' };
  const worse = { ...foundAgain(doppler), target: 'doppler_z1/0', summary: 'doppler_z1/0 is down' };
  const { text, blocks } = rootOf(one, [sawAfter(fixed, { findings: [warning, worse] })]);
  const shown = JSON.stringify(blocks);

  expect(text.split('\n')[0]).toBe(':red_circle: CRITICAL: doppler_z1/0 is down');
  expect(shown.match(/doppler_z1\/0 is down/g)).toHaveLength(1);
  expect(shown.match(/A key belongs to no doppler/g)).toHaveLength(1);
  expect(shown).not.toContain('Running since');
});

test('a finding that a later run words differently comes first in these words, although none is fixed completely', () => {
  const now = { ...foundAgain(doppler), target: 'doppler_z2/0', targets: ['doppler_z3/0'], summary: 'doppler_z3/0 is not registered' };
  for (const of of [report, one]) {
    const [first] = rootOf(of, [sawAfter(fixed, { findings: [now] })]).text.split('\n');

    expect(first).toMatch(/^:red_circle: CRITICAL: doppler[^ ]z3\/0 is not registered$/u);
  }
});

test('FIXED is proven from before the first fix to after the last, not by what was still wrong in between', () => {
  const measured = (second: number, value: number): Observation => ({
    ...fixed.after!,
    at: `2026-11-20T14:05:0${second}.000Z`,
    verdict: value === 3 ? 'All 3 dopplers are registered' : `${3 - value} dopplers are not registered`,
    measures: [{ label: 'doppler', value, of: 3, unit: 'registered' }],
    report: { isWhole: true, findings: value === 3 ? [] : [foundAgain(key)], more: 0 },
  });
  const first = { ...fixed, before: measured(0, 1), after: measured(1, 2), endedAt: '2026-11-20T14:05:02.000Z' };
  const second = { ...forKey(fixed, 'Restart doppler_z3/0'), before: measured(3, 2), after: measured(4, 3), endedAt: '2026-11-20T14:05:05.000Z' };

  expect(rootOf(report, [first, second]).text.split('\n')[0]).toBe(
    ':white_check_mark: FIXED · doppler registered on 3 of 3',
  );
  const without = (one: RemediationRecord) => ({
    ...one,
    before: { ...one.before!, measures: [] },
    after: { ...one.after!, measures: [] },
  });
  expect(rootOf(report, [without(first), without(second)]).text.split('\n')[0]).toMatch(
    /^:white_check_mark: FIXED · Restart doppler[^ ]z2\/0; All 3 dopplers are registered$/u,
  );
});

test('the fix of a report with one finding is in its root, before the evidence and without a repeated name', () => {
  const shown = JSON.stringify(rootOf(one, [offered]).blocks);

  expect(shown).toMatch(/Restart doppler_z2\/0.*wrench:request.*Running since.*wrench:again/);
  expect(shown).not.toContain('available, see thread');
  expect(JSON.stringify(rootOf(one, [offered], { hasButtons: false }).blocks)).not.toContain('wrench:request');
  expect(JSON.stringify(rootOf(one, [planned]).blocks)).toMatch(/Requested by .*in progress/);
});

test('one button fixes all targets of a finding, and the others are behind Choose', () => {
  const { each: _, ...withoutEach } = renewAll;
  const single = Array.from({ length: 13 }, (_one, at): RemediationRecord => ({
    ...withoutEach,
    id: `m${String(at).padStart(16, '0')}`,
    title: `Renew cell/${at}`,
    finding: { ...offered.finding, targets: [`cell/${at}`] },
  }));
  const shown = JSON.stringify(rootOf(one, [renewAll, ...single]).blocks);

  expect(shown.match(/"wrench:request"/g)).toHaveLength(1);
  expect(shown).toContain('"text":"Renew all 13"');
  expect(shown).toMatch(/13 more fixes, one at a time.*wrench:choose/);
  // Nothing is left to choose once all are fixed.
  expect(JSON.stringify(rootOf(one, [{ ...renewAll, state: 'fixed' }, ...single]).blocks)).not.toContain('wrench:choose');
});

const plainRoot: Message = {
  text: ':red_circle: CRITICAL: 2 new\nprod: 3 checked',
  blocks: [
    { type: 'header', text: { type: 'plain_text', text: 'CRITICAL' } },
    { type: 'context', elements: [{ type: 'plain_text', text: '3 checked' }] },
  ],
};

test('the root of a digest, or of a report that is not saved, keeps its headline and gets the outcomes at the end', () => {
  const { text, blocks } = withOutcomes(plainRoot, [fixed, interrupted], 2);

  expect(text.split('\n')).toEqual([
    ...plainRoot.text.split('\n'),
    expect.stringContaining('FIXED · doppler_z2: 0 '),
    expect.stringContaining('INTERRUPTED · Restart doppler_z2/0'),
    ':wrench: 2 fixes available, see thread',
  ]);
  expect(blocks.map(({ type }) => type)).toEqual(['header', 'context', 'rich_text']);
  expect(withOutcomes(plainRoot, [planned], 0)).toEqual(plainRoot);
});

test('names the last five outcomes and counts the rest, within the limit of an edit', () => {
  const long = { ...plainRoot, text: 'x'.repeat(3_000) };
  const many = Array.from({ length: 13 }, () => failed);
  const { text, blocks } = withOutcomes(long, many, 1);

  expect(JSON.stringify(blocks).match(/FAILED/g)).toHaveLength(5);
  expect(JSON.stringify(blocks)).toContain('8 more fixes, see thread');
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4_000);
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
