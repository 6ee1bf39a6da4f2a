import { expect, test } from 'vitest';
import { findingIdOf } from '../../../check/finding-id.ts';
import { fingerprint, type Report } from '../../../check/finding.ts';
import type { TrackedFinding } from '../../../check/tracked-finding.ts';
import { renderPlainFallback } from './fallback.ts';
import { renderReport } from './report.ts';
import { withoutMentions } from '../without-mentions.ts';

const asked = { by: 'U0ADA', at: '2026-11-20T14:03:00Z', runId: 'run-7f3a2c91' };
const finding = {
  reason: 'certificate-expired',
  severity: 'critical' as const,
  target: 'vault:secret/cf/bbs/tls',
  summary: 'bbs expired 11 hours ago',
  level: { value: 91, unit: '%' },
};
const report: Report = {
  check: 'certs/expiring',
  environment: 'prod',
  args: {},
  status: 'found',
  verdict: '1 of 41 certificates has expired',
  examined: 41,
  findings: [finding],
  gaps: [],
  coverage: [],
  at: '2026-11-20T14:03:00Z',
  durationMs: 1_240,
};
const tracked: TrackedFinding = {
  reason: finding.reason,
  target: finding.target,
  state: 'found',
  severity: 'critical',
  summary: finding.summary,
  since: '2026-11-17T03:12:00.000Z',
  lastFound: '2026-11-20T14:03:01.000Z',
};
const claim = { by: 'U0GRACE', at: '2026-11-20T14:00:00.000Z', comment: 'checking <!channel> the *Vault*' };
const silence = {
  id: 's0123456789',
  by: 'U0KATE',
  at: '2026-11-20T12:00:00.000Z',
  until: '2026-11-21T12:00:00.000Z',
  because: 'rotates tonight',
};
const id = findingIdOf(fingerprint(report, finding));

const shown = (known: Partial<TrackedFinding>) => renderReport(report, asked, [{ ...tracked, ...known }]);
const contextOf = (known: Partial<TrackedFinding>) => {
  const block = shown(known).root.blocks.find(({ type }) => type === 'context');
  return JSON.stringify(block);
};
const buttonsOf = (thread: ReturnType<typeof renderReport>) =>
  [thread.root, ...thread.replies]
    .flatMap(({ blocks }) => blocks)
    .flatMap((block) => (block.type === 'actions' ? block.elements : []))
    .flatMap((one) => (one.type === 'button' ? [[one.text.text, one.action_id, one.value]] : []))
    .filter(([, action]) => !/again|evidence|form/.test(action ?? ''));

test('a finding that was found before shows since when, in the root and in the thread', () => {
  const since = 'since <!date^1794885120^{date_short_pretty} {time}|Tuesday 03:12 UTC>';
  expect(contextOf({})).toContain(`${id}  ·  ${since}`);
  expect(shown({}).root.text).toContain(`bbs expired 11 hours ago (vault`);
  expect(shown({}).root.text).toContain(` · ${since}`);
  const other = { ...finding, target: 'vault:secret/other' };
  const { root, replies } = renderReport({ ...report, findings: [finding, other] }, asked, [tracked]);
  expect(JSON.stringify(root.blocks)).toContain('"fallback":"Tuesday 03:12 UTC"');
  expect(root.text).toContain(` · ${since}`);
  expect(replies[0]?.text).toContain(`${id} · ${since}`);
});

test('a finding that this run found first has an id but no "since"', () => {
  const first = { since: tracked.lastFound };
  expect(contextOf(first)).toContain(id);
  expect(contextOf(first)).not.toContain('since');
  expect(JSON.stringify(shown(first).root)).not.toContain('since');
});

test.each([
  ['about a day before', '2026-11-19T14:00:00.000Z', '61% yesterday'],
  ['36 hours before', '2026-11-19T02:03:00.000Z', '61% on Thursday 02:03 UTC'],
])('compares with a level %s', (_, at, words) => {
  expect(contextOf({ before: { at, value: 61, unit: '%' } })).toContain(words);
});

test('does not compare levels with different units', () => {
  expect(
    contextOf({ before: { at: '2026-11-19T14:00:00.000Z', value: 61, unit: 'days left' } }),
  ).not.toContain('61');
});

test('shows who is on it and who silenced it; what they typed has no markup', () => {
  const text = contextOf({ claim, silence });
  expect(text).toMatch(/<@U0GRACE> has been on it since <!date.*: checking &lt;!channel&gt; the ∗Vault∗/);
  expect(text).toMatch(/silenced by <@U0KATE> until <!date.*\|Saturday 12:00 UTC>: rotates tonight/);
});

test('a silence changes neither the headline nor the verdict', () => {
  const header = (thread: ReturnType<typeof renderReport>) => thread.root.blocks[0];
  expect(header(shown({ silence, claim }))).toEqual(header(renderReport(report, asked)));
});

test('buttons have only the id; a silenced finding has one to end the silence', () => {
  expect(buttonsOf(shown({}))).toEqual([
    ["I'm on it", 'wrench:take', id],
    ['Silence…', 'wrench:silence', id],
  ]);
  expect(buttonsOf(shown({ silence }))).toEqual([
    ["I'm on it", 'wrench:take', id],
    ['End silence', 'wrench:unsilence', id],
  ]);
});

test('a finding that was not recorded has neither an id nor buttons, because a click could not find it', () => {
  const thread = renderReport(report, asked, [{ ...tracked, target: 'vault:secret/other' }]);
  expect(thread).toEqual(renderReport(report, asked));
  expect(buttonsOf(thread)).toEqual([]);
});

test('the ten most severe findings have buttons, and the id of each is in the thread or the CSV', () => {
  const findings = Array.from({ length: 40 }, (_, at) => ({
    ...finding,
    target: `t${at}`,
    severity: at < 30 ? ('warning' as const) : ('critical' as const),
  }));
  const thread = renderReport(
    { ...report, findings },
    asked,
    findings.map(({ target }) => ({ ...tracked, target })),
  );
  const ids = findings.map((one) => findingIdOf(fingerprint(report, one)));
  const csv = thread.attachments[0]?.content ?? '';
  expect(csv.split('\r\n')[0]).toMatch(/,id$/);
  expect(ids.filter((one) => !csv.includes(one))).toEqual([]);
  const all = JSON.stringify(
    renderReport(
      { ...report, findings: findings.slice(20) },
      asked,
      findings.map(({ target }) => ({ ...tracked, target })),
    ),
  );
  expect(all.match(/wrench:take/g)).toHaveLength(10);
});

test('new posts mention only the requester', () => {
  const { root, replies } = shown({ claim, silence });
  for (const message of [root, ...replies]) {
    const text = JSON.stringify(withoutMentions(message, ['U0ADA']));
    expect(text).not.toMatch(/U0GRACE|U0KATE/);
    expect(text).toContain('someone');
  }
  const plain = shown({});
  expect(withoutMentions(plain.root, ['U0ADA'])).toBe(plain.root);
});

test('the plain fallback shows the same status', () => {
  expect(renderPlainFallback(report, undefined, [{ ...tracked, claim }]).text).toMatch(
    new RegExp(`${id} · since .*Tuesday 03:12 UTC.* · <@U0GRACE> has been on it`),
  );
});
