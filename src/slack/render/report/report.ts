import type { Report } from '../../../check/finding.ts';
import {
  askedInWords,
  coverageInWords,
  durationInWords,
  reportHeadline,
  listedGaps,
  verdictOf,
} from '../../../check/report-in-words.ts';
import type { TrackedFinding } from '../../../check/tracked-finding.ts';
import { renderCharts } from './charts.ts';
import { renderFinding } from './finding.ts';
import { renderGaps } from './gaps.ts';
import { headBlocks, signOf } from './head.ts';
import { nextQuestions } from './next-checks.ts';
import {
  utf8Length,
  truncateMrkdwn,
  truncate,
  truncateVerdict,
  escapeUntrusted,
  joinLinesWithin,
} from '../escape-untrusted.ts';
import type { ReportRequest, Message, ThreadContent } from '../message.ts';
import { findingsCsv, gapsCsv, renderRest } from './overview.ts';
import { packUnits } from './pack.ts';
import {
  type RootContent,
  type RootFinding,
  rootFindingsOf,
  topFindingLines,
  topFindings,
} from './root-findings.ts';
import { knownStatuses } from './tracked.ts';
import { sentenceInMrkdwn } from '../sentence.ts';
import { shortRun } from '../short-run.ts';
import {
  askedBy,
  type Blocks,
  context,
  noteContext,
  plainTextObject,
  rich,
  MAX_TEXT_BYTES,
} from '../blocks.ts';

const MAX_ROOT_NOTES = 5;
/** More findings are shown as a list and a file. */
const MAX_FULL_FINDINGS = 30;
/** Slack accepts one post per second and channel. */
const MAX_REPLIES = 10;
/** Bytes of the top-level text. */
const MAX_COVERAGE_BYTES = 1_500;

/**
 * A report as a thread: the verdict in the root's first line, then findings with evidence, charts, and what couldn't be checked.
 * `tracked`: the status of its findings from earlier runs, which never changes the headline.
 * Stays within Slack's limits for any report. What doesn't fit is in the attached CSV, and the thread says so.
 */
export function renderReport(
  report: Report,
  asked: ReportRequest,
  tracked: readonly TrackedFinding[] = [],
): ThreadContent {
  const { findings } = report;
  const gaps = listedGaps(report);
  const missing = gaps.length > 0 ? renderGaps(gaps) : undefined;
  const charts = renderCharts(report.charts ?? []);
  const questions = nextQuestions(report);
  const known = knownStatuses(report, tracked);
  const units = findings
    .slice(0, MAX_FULL_FINDINGS)
    .map((finding, at) => renderFinding(finding, questions[at], known[at]));
  const most = MAX_REPLIES - (charts ? 1 : 0) - (missing ? 1 : 0);
  const whole = packUnits(units, most);
  const isWhole = whole.placed === findings.length;
  const { messages, placed } = isWhole ? whole : packUnits(units, most - 1);
  const replies: Message[] = [...messages];
  if (!isWhole) replies.push(renderRest(findings.slice(placed), findings.length, 'findings.csv'));
  if (charts) replies.push(charts);
  if (missing) replies.push(missing.message);
  return {
    root: renderRoot(report, asked, rootFindingsOf(report, known)),
    replies,
    attachments: [
      ...(!isWhole || units.some(({ isCut }) => isCut) ? [findingsCsv(report, known)] : []),
      ...(missing?.isCut ? [gapsCsv(report)] : []),
    ],
  };
}

/** A report with more isn't saved: its root keeps its headline after a fix. */
const MAX_SAVED_CHARS = 50_000;

/** What a report's root says, to be saved: after a fix, the root is rendered again without the report. */
export function rootContentOf(report: Report, tracked: readonly TrackedFinding[] = []): RootContent {
  const headline = reportHeadline(report);
  const verdict = verdictOf(report);
  const findings = rootFindingsOf(report, knownStatuses(report, tracked));
  const content = { headline, verdict, findings };
  return JSON.stringify(content).length > MAX_SAVED_CHARS ? { headline, verdict } : content;
}

function renderRoot(report: Report, asked: ReportRequest, findings: readonly RootFinding[]): Message {
  const command = asked.command ?? askedInWords(report);
  const blocks: Blocks = [
    ...headBlocks(signOf(reportHeadline(report)), verdictOf(report), targetsOf(report)),
  ];
  if (findings.length > 0) blocks.push(rich(...topFindings(findings)));
  blocks.push(
    context(plainTextObject(`${report.environment}  ·  ${truncate(command, 400)}`), askedBy(asked)),
    context(
      plainTextObject(
        `${coverageInWords(report)}  ·  ${durationInWords(report.durationMs)}  ·  run ${shortRun(asked.runId)}`,
      ),
    ),
  );
  for (const text of (report.notes ?? []).slice(0, MAX_ROOT_NOTES))
    blocks.push(noteContext(`Note: ${text}`, 600));
  return { text: rootText(report, command, findings), blocks };
}

/** The names from infrastructure that a verdict may contain. */
function targetsOf({ findings, gaps }: Report): readonly string[] {
  return [...findings.map(({ target }) => target), ...gaps.map(({ what }) => what)];
}

/** The coverage is never left out. */
function rootText(report: Report, command: string, findings: readonly RootFinding[]): string {
  const asked = `${escapeUntrusted(report.environment, 80)}, ${escapeUntrusted(command, 200)}`;
  const coverage = truncateMrkdwn(
    `${asked}: ${escapeUntrusted(coverageInWords(report), 600)}`,
    MAX_COVERAGE_BYTES,
  );
  const headline = reportHeadline(report);
  const lines = [
    `${signOf(headline)}: ${sentenceInMrkdwn(truncateVerdict(verdictOf(report), 500), { max: 500, names: targetsOf(report) })}`,
    ...topFindingLines(findings),
  ];
  return `${joinLinesWithin(lines, MAX_TEXT_BYTES - utf8Length(coverage) - 1)}\n${coverage}`;
}
