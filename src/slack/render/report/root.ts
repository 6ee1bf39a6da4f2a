import type { Finding, Report } from '../../../check/finding.ts';
import { askedInWords, coverageInWords, durationInWords } from '../../../check/report-in-words.ts';
import type { TrackedFinding } from '../../../check/tracked-finding.ts';
import { type Remaining, remainingFindings } from '../../../store/remediation/remaining.ts';
import {
  askedBy,
  type Blocks,
  context,
  countBlockChars,
  MAX_BLOCK_CHARS,
  MAX_TEXT_BYTES,
  noteContext,
  plainTextObject,
  rich,
} from '../blocks.ts';
import {
  escapeUntrusted,
  joinLinesWithin,
  truncate,
  truncateMrkdwn,
  utf8Length,
} from '../escape-untrusted.ts';
import type { Message, ReportRequest } from '../message.ts';
import {
  countOpenFixes,
  type Fixes,
  mostSevereFirst,
  offerBlocks,
  offerLines,
} from '../remediation/offers.ts';
import { availableLines, linesBlock, linesInMrkdwn } from '../remediation/outcome-lines.ts';
import { shortRun } from '../short-run.ts';
import { isOneMessage, renderOneFinding, type OneFinding } from './one-finding.ts';
import { reportButtons } from './report-buttons.ts';
import { type RootFinding, topFindingLines, topFindings } from './root-findings.ts';
import { rootHead, type RootHead } from './root-head.ts';
import { knownStatuses } from './tracked.ts';

const MAX_ROOT_NOTES = 5;
const MAX_NOTE_CHARS = 600;
/** In a root that has evidence too. */
const MAX_SHORT_NOTES = 3;
const MAX_SHORT_NOTE_CHARS = 300;
/** Bytes of the top-level text. */
const MAX_COVERAGE_BYTES = 1_500;
const MAX_EVIDENCE_CHARS = 4_500;
const MAX_FIXES_CHARS = 1_400;
const MAX_LISTED_FIXES = 6;
/** For the fixes and their outcomes, so that the evidence isn't cut for them later. */
const RESERVED_CHARS = MAX_FIXES_CHARS + 1_800;

/** A report, who requested it, and the status of its findings from earlier runs. */
export interface PostedReport {
  readonly report: Report;
  readonly asked: ReportRequest;
  readonly tracked?: readonly TrackedFinding[];
}

/** The fixes of a report as they are now. */
export interface RootFixes extends Fixes {
  /** A message that may be posted twice has no buttons for fixes: the copy would keep them. */
  readonly hasButtons?: boolean;
}

/**
 * The root of a report: the verdict or the outcome of its fixes in the first line, then what remains. Of a report with one finding it is the whole
 * answer, with the fix before the evidence. Stays within Slack's limits for any report.
 */
export function renderRoot(posted: PostedReport, fixes: RootFixes = { remediations: [] }): Message {
  const { report, asked } = posted;
  const remaining = remainingFindings(report.findings, fixes.remediations);
  const head = rootHead(report, fixes.remediations, remaining);
  const body = bodyOf({ ...posted, head, remaining, fixes });
  const { elements } = reportButtons(report, asked, asked.runId);
  return {
    text: rootText(posted, [...head.lines, ...body.lines], body.end),
    blocks: [
      ...head.blocks,
      ...body.blocks,
      ...endBlocks(posted),
      { type: 'actions', elements: [...body.buttons, ...elements] },
    ],
  };
}

/** Whether something is left out of the root of a report with one finding, which the attached CSV then has. */
export function isRootCut(posted: PostedReport): boolean {
  return isOneMessage(posted.report) && oneFindingAt(posted, evidenceSpace(posted)).isCut;
}

interface RootContext extends PostedReport {
  readonly head: RootHead;
  readonly remaining: Remaining<Finding>;
  readonly fixes: RootFixes;
}

interface RootBody {
  readonly blocks: Blocks;
  readonly buttons: OneFinding['buttons'];
  readonly lines: readonly string[];
  /** Lines of top-level text that are never left out. */
  readonly end: readonly string[];
}

const NOTHING: RootBody = { blocks: [], buttons: [], lines: [], end: [] };

function bodyOf(root: RootContext): RootBody {
  const { report, head, remaining, fixes } = root;
  const { remediations, now = new Date() } = fixes;
  if (isOneMessage(report)) return remaining.isAllFixed ? NOTHING : oneFindingBody(root);
  const findings = remainingInRoot(root);
  const available = availableLines(countOpenFixes(remediations, now));
  const list = topFindings(findings, { word: head.word, verdict: head.said });
  return {
    ...NOTHING,
    blocks: [
      ...(list.length > 0 ? [rich(...list)] : []),
      ...(available.length > 0 ? [linesBlock(available)] : []),
    ],
    lines: topFindingLines(findings),
    end: linesInMrkdwn(available),
  };
}

/** What remains, without the finding that the root begins with. */
function remainingInRoot({ report, tracked = [], head, remaining }: RootContext): readonly RootFinding[] {
  const known = knownStatuses(report, tracked);
  return remaining.left
    .filter((finding) => finding !== head.shown)
    .map((finding): RootFinding => {
      const at = report.findings.findIndex(
        ({ reason, target }) => reason === finding.reason && target === finding.target,
      );
      const status = known[at];
      const isNew = report.findings[at]?.summary !== finding.summary;
      return { ...finding, ...(status && { status }), isNew };
    });
}

function oneFindingBody(root: RootContext): RootBody {
  const { report, head, remaining, fixes } = root;
  const { hasButtons = true } = fixes;
  const [reported] = report.findings;
  const ordered = {
    ...fixes,
    remediations: mostSevereFirst(fixes.remediations, report.findings),
    hasOutcomes: true,
  };
  const about = reported?.target ?? '';
  const offers = offerBlocks(ordered, {
    maxChars: MAX_FIXES_CHARS,
    maxListed: MAX_LISTED_FIXES,
    hasButtons,
    about,
  });
  const isOwn = ({ reason, target }: Pick<Finding, 'reason' | 'target'>) =>
    reason === reported?.reason && target === reported.target;
  const later = remaining.left
    .filter((finding) => !isOwn(finding) && finding !== head.shown)
    .map((finding): RootFinding => ({ ...finding, isNew: true }));
  const found =
    later.length > 0 ? [rich(...topFindings(later, { word: head.word, verdict: head.said }))] : [];
  // Only others remain: what proved the one that is gone would look as if it still were.
  if (remaining.resolved.length > 0)
    return {
      ...NOTHING,
      blocks: [...found, ...offers],
      lines: [...topFindingLines(later), ...offerLines(ordered)],
    };
  // The evidence is the same in every state of the fixes, unless their outcomes leave too little space for it.
  const spaceNow = spaceBeside(root, [...head.blocks, ...found, ...offers], 0);
  const maxChars = Math.min(evidenceSpace(root), spaceNow);
  const { summary, details, buttons, lines } = oneFindingAt(root, maxChars, head);
  return {
    blocks: [...(summary ? [summary] : []), ...found, ...offers, ...details],
    buttons,
    lines: [...lines, ...topFindingLines(later), ...offerLines(ordered)],
    end: [],
  };
}

/** How many characters the evidence of a report with one finding may have in its root. */
function evidenceSpace(posted: PostedReport): number {
  return Math.min(MAX_EVIDENCE_CHARS, spaceBeside(posted, firstHead(posted).blocks, RESERVED_CHARS));
}

function spaceBeside(posted: PostedReport, others: Blocks, reserved: number): number {
  const { summary, details, buttons } = oneFindingAt(posted, 0);
  const usedChars = countBlockChars([others, summary, details, buttons, endBlocks(posted)]);
  return Math.max(0, MAX_BLOCK_CHARS - reserved - usedChars - 200);
}

function oneFindingAt(
  posted: PostedReport,
  maxChars: number,
  { said }: RootHead = firstHead(posted),
): OneFinding {
  const { report, tracked = [] } = posted;
  return renderOneFinding(report, knownStatuses(report, tracked)[0], { said, maxChars });
}

/** The beginning of the root before any fix. */
function firstHead({ report }: PostedReport): RootHead {
  return rootHead(report, [], remainingFindings(report.findings, []));
}

/** Who ran what where, how much was checked, and what was read in another way. */
function endBlocks({ report, asked }: PostedReport): Blocks {
  const isShort = isOneMessage(report);
  const notes = (report.notes ?? []).slice(0, isShort ? MAX_SHORT_NOTES : MAX_ROOT_NOTES);
  const command = truncate(commandIn(report, asked), 400);
  return [
    context(plainTextObject(`${report.environment}  ·  ${command}`), askedBy(asked)),
    context(
      plainTextObject(
        `${coverageInWords(report)}  ·  ${durationInWords(report.durationMs)}  ·  run ${shortRun(asked.runId)}`,
      ),
    ),
    ...notes.map((note) => noteContext(`Note: ${note}`, isShort ? MAX_SHORT_NOTE_CHARS : MAX_NOTE_CHARS)),
  ];
}

function commandIn(report: Report, { command }: ReportRequest): string {
  return command ?? askedInWords(report);
}

/** The fixes in the thread and the coverage are never left out. */
function rootText({ report, asked }: PostedReport, lines: readonly string[], end: readonly string[]): string {
  const where = `${escapeUntrusted(report.environment, 80)}, ${escapeUntrusted(commandIn(report, asked), 200)}`;
  const coverage = truncateMrkdwn(
    `${where}: ${escapeUntrusted(coverageInWords(report), 600)}`,
    MAX_COVERAGE_BYTES,
  );
  const last = [...end, coverage].join('\n');
  return `${joinLinesWithin(lines, MAX_TEXT_BYTES - utf8Length(last) - 1)}\n${last}`;
}
