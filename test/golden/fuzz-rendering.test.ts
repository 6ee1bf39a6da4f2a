import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderPlainFallback } from '../../src/slack/render/report/fallback.ts';
import {
  renderApprovalRequest,
  renderApproved,
  renderDirectNotice,
  renderDirectRequest,
  renderOutcome,
  renderReminder,
} from '../../src/slack/render/remediation/notices.ts';
import { withOutcomes } from '../../src/slack/render/remediation/outcome-lines.ts';
import { renderHelp, renderProblem } from '../../src/slack/render/replies/help.ts';
import type { Message } from '../../src/slack/render/message.ts';
import {
  renderBug,
  renderJoined,
  renderChecking,
  renderLost,
  renderProgress,
  renderQueued,
  renderQueueDown,
} from '../../src/slack/render/replies/notices.ts';
import { renderOffers } from '../../src/slack/render/remediation/offers.ts';
import { renderRefusal } from '../../src/slack/render/replies/refusal.ts';
import { cardPlaceholder, renderCard } from '../../src/slack/render/remediation/card.ts';
import { renderReport } from '../../src/slack/render/report/report.ts';
import { renderRoot } from '../../src/slack/render/report/root.ts';
import { renderEvidenceView } from '../../src/slack/render/report/evidence-view.ts';
import type { Report } from '../../src/check/finding.ts';
import type { RemediationRecord } from '../../src/store/remediation/record.ts';
import { FUZZ_SEED } from '../random-inputs.ts';
import { validateMessage, validateView } from '../workspace/validate-blocks.ts';
import {
  hostileFinding,
  hostileMoment,
  hostileRemediation,
  hostileReport,
  hostileText,
} from './hostile-input.ts';
import { ASKED, messagesOf } from './inspect-messages.ts';

/** The limit of an edit, in UTF-8 bytes; any message may be edited. */
const MOST_BYTES = 4_000;

/** Why Slack would reject a message; empty if it would not. */
function rejections(message: Message): readonly string[] {
  const bytes = Buffer.byteLength(message.text);
  return [
    ...validateMessage(message).map(({ code, message: said, pointer }) => `${code} ${pointer}: ${said}`),
    ...(bytes > MOST_BYTES ? [`${bytes} bytes of text`] : []),
    ...(message.text.isWellFormed() ? [] : ['half of a surrogate pair in the text']),
    ...(/[^\p{Cc}\p{Cf}\p{Z}]/u.test(message.text) ? [] : ['nothing visible in the text']),
  ];
}

const SHOWN = 2_000;

let searches = 0;

/** The smallest input found whose messages Slack rejects, and why; undefined if it accepts all of them. */
function rejected<T>(
  runs: number,
  generated: fc.Arbitrary<T>,
  render: (value: T) => readonly Message[],
): { readonly input: string; readonly because: readonly string[]; readonly seed: number } | undefined {
  const reasons = (value: T) => render(value).flatMap(rejections);
  const { counterexample, seed } = fc.check(
    fc.property(generated, (value) => reasons(value).length === 0),
    // Shards try different inputs.
    { numRuns: runs, seed: FUZZ_SEED + searches++ },
  );
  if (counterexample === null) return undefined;
  const [value] = counterexample;
  return { input: fc.stringify(value).slice(0, SHOWN), because: reasons(value), seed };
}

const REPORT = {
  check: 'lab/things',
  environment: 'prod',
  args: {},
  status: 'found' as const,
  verdict: '1 of 3 things is broken',
  examined: 3,
  gaps: [],
  coverage: [],
  at: '2026-11-20T14:03:00.000Z',
  durationMs: 12,
};

/** Fixes of this finding that have ended: nothing remains, something else remains, or nothing was verified. */
function endedFixes(
  { reason, target, severity, targets, summary }: Report['findings'][number],
  fixes: readonly RemediationRecord[],
): readonly (readonly RemediationRecord[])[] {
  const finding = { reason, target, summary, ...(targets && { targets: [...targets] }) };
  const found = { ...finding, severity };
  const after = (findings: (typeof found)[]) => ({
    at: REPORT.at,
    finding: 'gone' as const,
    reasons: [],
    verdict: summary,
    measures: [],
    gaps: [target],
    report: { isWhole: true, findings, more: 0 },
  });
  const other = { ...found, reason: 'other', target: `${target}x` };
  return [
    fixes.map((one) => ({ ...one, finding, state: 'fixed' as const, after: after([]) })),
    fixes.map((one) => ({ ...one, finding, state: 'fixed' as const, after: after([other, other]) })),
    fixes.map((one) => ({ ...one, finding, state: 'unverified' as const })),
  ];
}

describe('Slack accepts every message made of 10,000 hostile inputs', () => {
  test.each([1, 2, 3, 4])('1,500 findings, shard %i of 4', () => {
    expect(rejected(1_500, hostileFinding, (finding) =>
      messagesOf(renderReport({ ...REPORT, findings: [finding] }, ASKED)),
    )).toBeUndefined();
  });

  test.each([1, 2])('500 reports, shard %i of 2', () => {
    expect(rejected(500, hostileReport, (report) => [
      ...messagesOf(renderReport(report, ASKED)),
      { ...renderPlainFallback(report), blocks: [] },
    ])).toBeUndefined();
  });

  test('500 reports whose evidence is shown in a modal', () => {
    const problems = (report: Report) => validateView({ ...renderEvidenceView(report) });
    const { counterexample } = fc.check(
      fc.property(hostileReport, (report) => problems(report).length === 0),
      { numRuns: 500, seed: FUZZ_SEED },
    );
    expect(counterexample?.map(problems)).toBeUndefined();
  });

  test.each([1, 2])('500 remediations with their card, shard %i of 2', () => {
    expect(rejected(500, hostileRemediation, (remediation) => [
      renderCard(remediation),
      { text: cardPlaceholder(remediation), blocks: [] },
    ])).toBeUndefined();
  });

  test.each([1, 2])('500 remediations with everything that people are notified of, shard %i of 2', () => {
    expect(rejected(500, fc.tuple(hostileRemediation, fc.array(hostileText, { maxLength: 30 })), ([remediation, asked]) => [
      renderApprovalRequest(remediation, asked),
      renderReminder(remediation, { asked, nowMs: Date.parse(REPORT.at) }),
      renderApproved(remediation),
      renderDirectNotice(renderDirectRequest(remediation), { channelId: 'C0INCIDENT', link: asked[0] }),
      renderOutcome(remediation),
    ])).toBeUndefined();
  });

  test('500 lists of offers', () => {
    const withheld = fc.array(fc.record({ title: hostileText, because: hostileText }), { maxLength: 6 });
    const many = fc
      .tuple(fc.array(hostileRemediation, { maxLength: 2 }), fc.constantFrom(1, 1, 60))
      .map(([some, times]) => Array.from({ length: times }, () => some).flat());
    expect(rejected(500, fc.tuple(many, withheld), ([remediations, off]) => [
      renderOffers(remediations, { disabled: off }),
    ])).toBeUndefined();
  });

  test('500 roots with fixes in any state and after their outcomes', () => {
    const many = fc
      .tuple(fc.array(hostileRemediation, { minLength: 1, maxLength: 2 }), fc.constantFrom(1, 8))
      .map(([some, times]) => Array.from({ length: times }, () => some).flat());
    expect(rejected(500, fc.tuple(hostileFinding, many, fc.nat()), ([finding, fixes, open]) => [
      ...[[finding], [finding, finding]].flatMap((findings) => {
        const report = { ...REPORT, verdict: finding.summary, findings };
        const all = findings.length > 1 ? endedFixes(finding, fixes) : [fixes, ...endedFixes(finding, fixes).slice(1)];
        return all.map((remediations) =>
          renderRoot({ report, asked: ASKED }, { remediations, now: new Date(REPORT.at) }),
        );
      }),
      withOutcomes(renderReport({ ...REPORT, findings: [finding] }, ASKED).root, fixes, open),
      ...fixes.map((one) => renderOutcome(one)),
    ])).toBeUndefined();
  });

  test('1,000 notices of every kind', () => {
    const asked = fc.record(
      {
        by: hostileText,
        at: hostileMoment,
        runId: hostileText,
        check: hostileText,
        environment: hostileText,
        command: hostileText,
        args: fc.dictionary(hostileText, hostileText, { maxKeys: 3 }),
      },
      { requiredKeys: ['by', 'at', 'runId', 'check', 'environment'] },
    );
    const notice = fc.record({
      asked,
      word: hostileText,
      count: fc.oneof(fc.constantFrom(0, -0, NaN, Infinity, -1), fc.double()),
      usage: fc.array(hostileText, { maxLength: 4 }).chain((some) =>
        fc.constantFrom(1, 30).map((times) => Array.from({ length: times }, () => some).flat()),
      ),
    });
    expect(rejected(1_000, notice, ({ asked: question, word, count, usage }) => [
      renderChecking(question),
      renderProgress({ examined: count, gaps: count }, question),
      renderProgress(
        {
          examined: count,
          gaps: count,
          sources: usage.slice(0, 3).map((source) => ({
            source,
            state: 'waiting',
            examined: count,
            of: count,
            unit: word,
            waitingFor: word,
          })),
          moreSources: count,
        },
        question,
      ),
      renderBug({ jobId: word }),
      renderLost({ jobId: word }),
      renderQueued(question),
      renderJoined({ threadLink: word, by: word, at: word }),
      renderQueueDown(),
      renderRefusal({ because: word, what: question.environment }),
      renderProblem({ problem: word, usage }),
      renderHelp({
        title: word,
        why: question.environment,
        usage,
        examples: usage,
        commands: usage.map((one) => ({ name: one, about: word })),
        flags: usage.map((one) => ({ name: word, about: one })),
        fixes: usage,
        more: word,
      }),
    ])).toBeUndefined();
  });
});
