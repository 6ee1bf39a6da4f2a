import type { HeaderBlock } from '@slack/types';
import { type Finding, type Report, SEVERITIES } from '../../../check/finding.ts';
import {
  askedInWords,
  countInWords,
  coverageInWords,
  durationInWords,
  headlineOf,
  summaryOf,
  listedGaps,
  verdictOf,
} from '../../../check/report-in-words.ts';
import { findingInText, renderFinding } from './finding.ts';
import { renderGaps } from './gaps.ts';
import { bytesOf, cutMrkdwn, fit, inert, joinWithin, withoutEmoji } from '../inert.ts';
import type { Asked, Message, Thread } from '../message.ts';
import { findingsCsv, gapsCsv, renderOverview } from './overview.ts';
import { pack } from './pack.ts';
import { shortRun } from '../short-run.ts';
import {
  askedBy,
  badge,
  type Blocks,
  bullets,
  context,
  EMOJI,
  line,
  note,
  type Part,
  rich,
  say,
  TEXT_ROOM,
} from '../pieces.ts';

/** In the root: what a phone shows without scrolling. */
const ROOT_FINDINGS = 5;
const ROOT_SUMMARY = 200;
const ROOT_NOTES = 5;
/** Beyond these a thread is not read; a table and a file are. */
const FULL_FINDINGS = 30;
/** One post a second is what a channel takes. */
const MOST_REPLIES = 10;
const HEADER = 150;
/** Bytes of the top-level text. */
const COVERAGE_ROOM = 1_500;

/**
 * A report as a thread: the answer in the root's first line, then findings with evidence, then what could not be checked.
 * Holds Slack's limits whatever the report holds; what has no room is in the attached CSV, and the thread says so.
 * `offered` is how many remediations get a button at the end of the thread; see `renderOffers`.
 */
export function renderReport(report: Report, asked: Asked): Thread {
  const { findings } = report;
  const gaps = listedGaps(report);
  const missing = gaps.length > 0 ? renderGaps(gaps) : undefined;
  const units = findings.slice(0, FULL_FINDINGS).map(renderFinding);
  const most = MOST_REPLIES - (missing ? 1 : 0);
  const whole = pack(units, most);
  const isWhole = whole.placed === findings.length;
  const { messages, placed } = isWhole ? whole : pack(units, most - 1);
  const replies: Message[] = [...messages];
  if (!isWhole) replies.push(renderOverview(findings, placed));
  if (missing) replies.push(missing.message);
  return {
    root: renderRoot(report, asked),
    replies,
    attachments: [
      ...(!isWhole || units.some(({ isCut }) => isCut) ? [findingsCsv(report)] : []),
      ...(missing?.isCut ? [gapsCsv(report)] : []),
    ],
  };
}

function renderRoot(report: Report, asked: Asked): Message {
  const headline = headlineOf(report);
  const verdict = verdictOf(report);
  const first = `:${EMOJI[headline]}: ${headline} · `;
  const header: HeaderBlock = {
    type: 'header',
    text: {
      type: 'plain_text',
      text: first + fit(withoutEmoji(verdict), HEADER - first.length),
      emoji: true,
    },
  };
  const isLong = first.length + fit(verdict, HEADER).length > HEADER || verdict.length > HEADER;
  const command = asked.command ?? askedInWords(report);
  const blocks: Blocks = [header];
  if (isLong) blocks.push(rich(line(say(verdict, 1_500))));
  if (report.findings.length > 0) blocks.push(rich(...topFindings(report.findings)));
  blocks.push(
    context(note(`${report.environment}  ·  ${fit(command, 400)}`), askedBy(asked)),
    context(
      note(
        `${coverageInWords(report)}  ·  ${durationInWords(report.durationMs)}  ·  run ${shortRun(asked.runId)}`,
      ),
    ),
  );
  for (const text of (report.notes ?? []).slice(0, ROOT_NOTES))
    blocks.push(context(note(`Note: ${fit(text, 600)}`)));
  return { text: rootText(report, command), blocks };
}

/** The worst, in the order of the report; under their severities where these differ. */
function topFindings(findings: readonly Finding[]): readonly Part[] {
  const top = mostSevere(findings);
  const isMixed = new Set(top.map(({ severity }) => severity)).size > 1;
  const parts: Part[] = SEVERITIES.flatMap((severity) => {
    const these = top.filter((finding) => finding.severity === severity);
    if (these.length === 0) return [];
    const list = bullets(these.map((finding) => line(say(summaryOf(finding), ROOT_SUMMARY))));
    return isMixed ? [line(...badge(severity)), list] : [list];
  });
  const rest = findings.length - top.length;
  return rest > 0
    ? [
        ...parts,
        line({ ...say(`and ${moreInWords(findings, top)}, in the thread`), style: { italic: true } }),
      ]
    : parts;
}

function mostSevere(findings: readonly Finding[]): readonly Finding[] {
  return SEVERITIES.flatMap((severity) => findings.filter((finding) => finding.severity === severity)).slice(
    0,
    ROOT_FINDINGS,
  );
}

/** `8 more critical, 2 warning` */
function moreInWords(findings: readonly Finding[], top: readonly Finding[]): string {
  const counts = SEVERITIES.map((severity) => {
    const of = (list: readonly Finding[]) => list.filter((finding) => finding.severity === severity).length;
    return { severity, rest: of(findings) - of(top) };
  }).filter(({ rest }) => rest > 0);
  return `${counts.map(({ severity, rest }) => `${rest.toLocaleString('en-US')} ${severity}`).join(', ')} more`;
}

/** The coverage is never what is left out. */
function rootText(report: Report, command: string): string {
  const headline = headlineOf(report);
  const rest = report.findings.length - ROOT_FINDINGS;
  const asked = `${inert(report.environment, 80)}, ${inert(command, 200)}`;
  const coverage = cutMrkdwn(`${asked}: ${inert(coverageInWords(report), 600)}`, COVERAGE_ROOM);
  const lines = [
    `:${EMOJI[headline]}: ${headline}: ${inert(verdictOf(report), 500)}`,
    ...mostSevere(report.findings).map(findingInText),
    ...(rest > 0 ? [`and ${countInWords(rest, 'more finding')} in the thread`] : []),
  ];
  return `${joinWithin(lines, TEXT_ROOM - bytesOf(coverage) - 1)}\n${coverage}`;
}
