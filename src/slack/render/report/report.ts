import { type Finding, type Report, SEVERITIES } from '../../../check/finding.ts';
import {
  askedInWords,
  countInWords,
  coverageInWords,
  durationInWords,
  reportHeadline,
  summaryOf,
  listedGaps,
  verdictOf,
} from '../../../check/report-in-words.ts';
import type { TrackedFinding } from '../../../check/tracked-finding.ts';
import { renderCharts } from './charts.ts';
import { findingLine, renderFinding } from './finding.ts';
import { renderGaps } from './gaps.ts';
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
import { findingsCsv, gapsCsv, renderOverview } from './overview.ts';
import { packUnits } from './pack.ts';
import { briefStatus, briefStatusText, type KnownStatus, knownStatuses } from './tracked.ts';
import { shortRun } from '../short-run.ts';
import {
  askedBy,
  badge,
  type Blocks,
  bullets,
  context,
  EMOJI,
  headlineBlock,
  line,
  MAX_HEADER_CHARS,
  plainTextObject,
  type RichTextPart,
  rich,
  text,
  MAX_TEXT_BYTES,
} from '../blocks.ts';
import { sentence } from '../sentence.ts';

/** In the root: as many as a phone shows without scrolling. */
const MAX_ROOT_FINDINGS = 5;
const MAX_ROOT_SUMMARY_CHARS = 200;
const MAX_ROOT_NOTES = 5;
/** More findings are shown as a table and a file. */
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
  if (!isWhole) replies.push(renderOverview(findings, placed));
  if (charts) replies.push(charts);
  if (missing) replies.push(missing.message);
  return {
    root: renderRoot(report, asked, new Map(findings.map((finding, at) => [finding, known[at]]))),
    replies,
    attachments: [
      ...(!isWhole || units.some(({ isCut }) => isCut) ? [findingsCsv(report, known)] : []),
      ...(missing?.isCut ? [gapsCsv(report)] : []),
    ],
  };
}

/** The status of each finding of a report. */
type Statuses = ReadonlyMap<Finding, KnownStatus | undefined>;

function renderRoot(report: Report, asked: ReportRequest, statuses: Statuses): Message {
  const headline = reportHeadline(report);
  const verdict = verdictOf(report);
  const first = `:${EMOJI[headline]}: ${headline} · `;
  const isLong =
    first.length + truncate(verdict, MAX_HEADER_CHARS).length > MAX_HEADER_CHARS ||
    verdict.length > MAX_HEADER_CHARS;
  const command = asked.command ?? askedInWords(report);
  const blocks: Blocks = [headlineBlock(headline, verdict)];
  if (isLong)
    blocks.push(
      rich(line(...sentence(truncateVerdict(verdict, 1_500), { max: 1_500, names: targetsOf(report) }))),
    );
  if (report.findings.length > 0) blocks.push(rich(...topFindings(report.findings, statuses)));
  blocks.push(
    context(plainTextObject(`${report.environment}  ·  ${truncate(command, 400)}`), askedBy(asked)),
    context(
      plainTextObject(
        `${coverageInWords(report)}  ·  ${durationInWords(report.durationMs)}  ·  run ${shortRun(asked.runId)}`,
      ),
    ),
  );
  for (const text of (report.notes ?? []).slice(0, MAX_ROOT_NOTES))
    blocks.push(context(plainTextObject(`Note: ${truncate(text, 600)}`)));
  return { text: rootText(report, command, statuses), blocks };
}

/** The names from infrastructure that a verdict may contain. */
function targetsOf({ findings, gaps }: Report): readonly string[] {
  return [...findings.map(({ target }) => target), ...gaps.map(({ what }) => what)];
}

/** The most severe, in the order of the report, grouped by severity if they differ. */
function topFindings(findings: readonly Finding[], statuses: Statuses): readonly RichTextPart[] {
  const top = mostSevere(findings);
  const isMixed = new Set(top.map(({ severity }) => severity)).size > 1;
  const parts: RichTextPart[] = SEVERITIES.flatMap((severity) => {
    const these = top.filter((finding) => finding.severity === severity);
    if (these.length === 0) return [];
    const list = bullets(
      these.map((finding) => {
        const status = statuses.get(finding);
        const summary = sentence(summaryOf(finding), {
          max: MAX_ROOT_SUMMARY_CHARS,
          names: [finding.target],
        });
        return line(...summary, ...(status ? briefStatus(status) : []));
      }),
    );
    return isMixed ? [line(...badge(severity)), list] : [list];
  });
  const rest = findings.length - top.length;
  return rest > 0
    ? [
        ...parts,
        line({ ...text(`and ${moreFindingsText(findings, top)}, see thread`), style: { italic: true } }),
      ]
    : parts;
}

function mostSevere(findings: readonly Finding[]): readonly Finding[] {
  return SEVERITIES.flatMap((severity) => findings.filter((finding) => finding.severity === severity)).slice(
    0,
    MAX_ROOT_FINDINGS,
  );
}

/** `1 more warning`, or of several severities `10 more findings (8 critical, 2 warning)`. */
function moreFindingsText(findings: readonly Finding[], top: readonly Finding[]): string {
  const counts = SEVERITIES.map((severity) => {
    const of = (list: readonly Finding[]) => list.filter((finding) => finding.severity === severity).length;
    return { severity, rest: of(findings) - of(top) };
  }).filter(({ rest }) => rest > 0);
  const [only] = counts;
  if (only && counts.length === 1)
    return countInWords(
      only.rest,
      only.severity === 'warning' ? 'more warning' : `more ${only.severity} finding`,
    );
  const all = counts.reduce((sum, { rest }) => sum + rest, 0);
  const parts = counts.map(({ severity, rest }) => `${rest.toLocaleString('en-US')} ${severity}`);
  return `${countInWords(all, 'more finding')} (${parts.join(', ')})`;
}

/** The coverage is never left out. */
function rootText(report: Report, command: string, statuses: Statuses): string {
  const headline = reportHeadline(report);
  const rest = report.findings.length - MAX_ROOT_FINDINGS;
  const asked = `${escapeUntrusted(report.environment, 80)}, ${escapeUntrusted(command, 200)}`;
  const coverage = truncateMrkdwn(
    `${asked}: ${escapeUntrusted(coverageInWords(report), 600)}`,
    MAX_COVERAGE_BYTES,
  );
  const lines = [
    `:${EMOJI[headline]}: ${headline}: ${escapeUntrusted(truncateVerdict(verdictOf(report), 500), 500)}`,
    ...mostSevere(report.findings).map((finding) => {
      const status = statuses.get(finding);
      return `${findingLine(finding)}${status ? briefStatusText(status) : ''}`;
    }),
    ...(rest > 0 ? [`and ${countInWords(rest, 'more finding')}, see thread`] : []),
  ];
  return `${joinLinesWithin(lines, MAX_TEXT_BYTES - utf8Length(coverage) - 1)}\n${coverage}`;
}
