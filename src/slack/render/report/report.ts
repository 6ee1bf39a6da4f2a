import type { Report } from '../../../check/finding.ts';
import { listedGaps, summaryOf, verdictOf } from '../../../check/report-in-words.ts';
import type { TrackedFinding } from '../../../check/tracked-finding.ts';
import type { ReportRequest, Message, ThreadContent } from '../message.ts';
import { renderCharts } from './charts.ts';
import { renderFinding } from './finding.ts';
import { renderGaps } from './gaps.ts';
import { nextQuestions } from './next-checks.ts';
import { isOneMessage } from './one-finding.ts';
import { findingsCsv, gapsCsv, renderRest } from './overview.ts';
import { packUnits } from './pack.ts';
import { isRootCut, renderRoot } from './root.ts';
import { type KnownStatus, knownStatuses } from './tracked.ts';
import { unsaid } from '../../../text/unsaid.ts';

/** More findings are shown as a list and a file. */
const MAX_FULL_FINDINGS = 30;
/** Slack accepts one post per second and channel. */
const MAX_REPLIES = 10;

/**
 * A report as a thread: the verdict in the root's first line, then findings with evidence, charts, and what couldn't be checked. Its fixes, which
 * change, come right after the root ({@link renderOffers}). The root of a report with one finding has its evidence and its fix.
 * `tracked`: the status of its findings from earlier runs, which never changes the headline.
 * Stays within Slack's limits for any report. What doesn't fit is in the attached CSV, and the thread says so.
 */
export function renderReport(
  report: Report,
  asked: ReportRequest,
  tracked: readonly TrackedFinding[] = [],
): ThreadContent {
  const posted = { report, asked, tracked };
  const gaps = listedGaps(report);
  const missing = gaps.length > 0 ? renderGaps(gaps) : undefined;
  const charts = renderCharts(report.charts ?? []);
  const known = knownStatuses(report, tracked);
  const most = MAX_REPLIES - (charts ? 1 : 0) - (missing ? 1 : 0);
  const shown = isOneMessage(report)
    ? { replies: [], isCut: isRootCut(posted) }
    : findingReplies(report, known, most);
  return {
    root: renderRoot(posted),
    replies: [...shown.replies, ...(charts ? [charts] : []), ...(missing ? [missing.message] : [])],
    attachments: [
      ...(shown.isCut ? [findingsCsv(report, known)] : []),
      ...(missing?.isCut ? [gapsCsv(report)] : []),
    ],
  };
}

/**
 * The findings, each with its evidence. The root says the verdict, so their summaries don't repeat it. A finding that has nothing else is only in
 * the root.
 */
function findingReplies(
  report: Report,
  known: readonly (KnownStatus | undefined)[],
  most: number,
): { readonly replies: readonly Message[]; readonly isCut: boolean } {
  const questions = nextQuestions(report);
  const verdict = verdictOf(report);
  const shown = report.findings
    .map((finding, at) => {
      const whole = summaryOf(finding);
      const rest = unsaid(whole, verdict);
      return { finding, rest, isRest: rest !== whole, questions: questions[at] ?? [], known: known[at] };
    })
    .filter(
      (one) => one.rest !== '' || one.finding.evidence?.length || one.questions.length > 0 || one.known,
    );
  const findings = shown.map(({ finding }) => finding);
  const units = shown
    .slice(0, MAX_FULL_FINDINGS)
    .map((one) =>
      renderFinding({ ...one.finding, summary: one.rest, isRest: one.isRest }, one.questions, one.known),
    );
  const whole = packUnits(units, most);
  const isWhole = whole.placed === findings.length;
  const { messages, placed } = isWhole ? whole : packUnits(units, most - 1);
  return {
    replies: [
      ...messages,
      ...(isWhole ? [] : [renderRest(findings.slice(placed), report.findings.length, 'findings.csv')]),
    ],
    isCut: !isWhole || units.some(({ isCut }) => isCut),
  };
}
