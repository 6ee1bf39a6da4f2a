import { cleanText } from '../../../text/clean-text.ts';
import { countInWords, SEVERITY_WORDS, summaryOf } from '../../../check/report-in-words.ts';
import { type FoundFinding, OUTCOMES, type RemediationRecord } from '../../../store/remediation/record.ts';
import {
  utf8Length,
  truncateMrkdwn,
  truncate,
  truncateVerdict,
  escapeUntrusted,
  joinLinesWithin,
} from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import { type Blocks, emoji, plain, line, type RichTextPart, rich } from '../blocks.ts';
import { sentence } from '../sentence.ts';
import { headBlocks, signOf } from '../report/head.ts';
import {
  bySeverity,
  type RootContent,
  type RootFinding,
  topFindingLines,
  topFindings,
} from '../report/root-findings.ts';
import { outcomeInWords, remediationHeadline, remediationTarget, STATE_LABELS } from './words.ts';

const MAX_FIXES = 5;
const MAX_FIX_CHARS = 300;
const MAX_WAS_CHARS = 200;
const MAX_FIRST_CHARS = 500;
const MAX_UNCHECKED = 3;
/** Of the top-level text; an edit accepts at most 4,000 bytes. */
const MAX_EDIT_BYTES = 3_900;
const MAX_FIXES_BYTES = 1_800;

/** What the root of a report says, and which of its findings remain. */
export interface FixedReport {
  readonly content: RootContent;
  readonly resolved: readonly FoundFinding[];
  readonly left: readonly (RootFinding | FoundFinding)[];
  readonly isAllFixed: boolean;
  /** What the newest run couldn't check. */
  readonly unchecked: readonly string[];
}

interface FixLine {
  /** The name of an emoji. */
  readonly sign?: string;
  readonly text: string;
  /** Names from infrastructure in the text. */
  readonly names?: readonly string[];
}

/**
 * A report's root message with the outcome of its fixes, for people who read only the channel. It begins with FIXED once nothing remains, and otherwise
 * with the worst that remains; the outcomes are second. `open` is the number of offers that still have a button. The coverage stays the last line.
 * Without `report`, as for a digest, the headline stays and the outcomes are at the end.
 */
export function withFixes(
  root: Message,
  remediations: readonly RemediationRecord[],
  open: number,
  report?: FixedReport,
): Message {
  const ended = remediations.filter(({ state }) => OUTCOMES.has(state));
  const offers: readonly FixLine[] =
    open > 0 ? [{ sign: 'wrench', text: `${countInWords(open, 'fix', 'fixes')} available, see thread` }] : [];
  if (ended.length === 0 && offers.length === 0) return root;
  const outcomes = outcomeLines(ended);
  if (!report || ended.length === 0) {
    const all = [...outcomes, ...offers];
    return {
      text: joinText({ ...partsOf(root), second: [], last: all }),
      blocks: insertBeforeContext(root.blocks, linesBlock(all)),
    };
  }
  const head = report.isAllFixed
    ? fixedHead(ended, outcomes, report)
    : report.resolved.length > 0 && report.left.length > 0
      ? remainingHead(outcomes, report)
      : unchangedHead(root, outcomes, report);
  const shown = [...head.blocks, ...endOf(root.blocks)];
  return {
    text: joinText({ ...partsOf(root), ...head.lines, last: offers }),
    blocks: offers.length > 0 ? insertBeforeContext(shown, linesBlock(offers)) : shown,
  };
}

/** The last fixes, and how many came before. */
function outcomeLines(ended: readonly RemediationRecord[]): readonly FixLine[] {
  const before = ended.length - MAX_FIXES;
  return [
    ...ended.slice(-MAX_FIXES).map((one) => ({
      sign: STATE_LABELS[one.state].emoji,
      text: outcomeInWords(one),
      names: [remediationTarget(one), one.finding.target],
    })),
    ...(before > 0
      ? [{ sign: 'wrench', text: `${countInWords(before, 'more fix', 'more fixes')}, see thread` }]
      : []),
  ];
}

/** The beginning of a root, above its context, as blocks and as lines of text. */
interface RootHead {
  readonly blocks: Blocks;
  readonly lines: {
    readonly first: string;
    readonly second: readonly FixLine[];
    readonly rest: readonly string[];
  };
}

/** FIXED and the proof first, then what was wrong. What couldn't be checked may still be wrong, so it is named. */
function fixedHead(
  ended: readonly RemediationRecord[],
  outcomes: readonly FixLine[],
  { content, unchecked }: FixedReport,
): RootHead {
  const fixed = ended.filter(({ state }) => state === 'fixed');
  const proof = [...new Set(fixed.map(remediationHeadline))].join('; ');
  const { word, emoji: name } = STATE_LABELS.fixed;
  const was = truncateVerdict(content.verdict, MAX_WAS_CHARS);
  const second: readonly FixLine[] = [
    { text: `Was: ${content.headline} · ${was}` },
    ...(unchecked.length > 0 ? [{ text: `Still couldn't check ${uncheckedInWords(unchecked)}` }] : []),
    // A single fix is the headline.
    ...(ended.length > 1 ? outcomes : []),
  ];
  return {
    blocks: [...headBlocks(`:${name}: ${word}`, proof, fixed.map(remediationTarget)), linesBlock(second)],
    lines: {
      first: `:${name}: ${word} · ${escapeUntrusted(truncate(proof, MAX_FIRST_CHARS), MAX_FIRST_CHARS)}`,
      second,
      rest: [],
    },
  };
}

function uncheckedInWords(gaps: readonly string[]): string {
  const named = gaps.slice(0, MAX_UNCHECKED).map((gap) => truncate(cleanText(gap), 60));
  const more = gaps.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The worst that remains first, then how many are fixed. */
function remainingHead(outcomes: readonly FixLine[], { content, resolved, left }: FixedReport): RootHead {
  const [worst, ...others] = bySeverity<RootFinding | FoundFinding>(left);
  if (!worst) throw new Error('nothing remains');
  const sign = signOf(SEVERITY_WORDS[worst.severity]);
  const summary = summaryOf(worst);
  const all = content.findings?.length ?? resolved.length;
  const second = [{ text: `Fixed ${resolved.length} of ${all}` }, ...outcomes];
  return {
    blocks: [
      ...headBlocks(sign, summary, [worst.target]),
      linesBlock(second),
      ...(others.length > 0 ? [rich(...topFindings(others))] : []),
    ],
    lines: {
      first: `${sign}: ${escapeUntrusted(truncate(summary, MAX_FIRST_CHARS), MAX_FIRST_CHARS)}`,
      second,
      rest: topFindingLines(others),
    },
  };
}

/** The headline of the report, then the outcomes: none of its findings is known to be gone. */
function unchangedHead(root: Message, outcomes: readonly FixLine[], { content }: FixedReport): RootHead {
  const head = headBlocks(signOf(content.headline), content.verdict);
  const end = endOf(root.blocks).length;
  return {
    blocks: [
      ...root.blocks.slice(0, head.length),
      linesBlock(outcomes),
      ...root.blocks.slice(head.length, root.blocks.length - end),
    ],
    lines: { ...partsOf(root), second: outcomes },
  };
}

function linesBlock(lines: readonly FixLine[]): Blocks[number] {
  const parts: RichTextPart[] = lines.map((one) =>
    line(
      ...(one.sign === undefined ? [] : [emoji(one.sign), plain(' ')]),
      ...sentence(one.text, { max: MAX_FIX_CHARS, ...(one.names && { names: one.names }) }),
    ),
  );
  return rich(...parts);
}

interface TextParts {
  readonly first: string;
  readonly second: readonly FixLine[];
  readonly rest: readonly string[];
  readonly last: readonly FixLine[];
  readonly coverage: string;
}

/** The top-level text of a root: its headline, its findings, and the coverage at the end. */
function partsOf({ text }: Message): Pick<TextParts, 'first' | 'rest' | 'coverage'> {
  const [first = '', ...rest] = text.split('\n');
  const coverage = rest.pop();
  return coverage === undefined ? { first: '', rest, coverage: first } : { first, rest, coverage };
}

/** Cuts the report's text rather than the outcome of its fixes, which is newer. */
function joinText({ first, second, rest, last, coverage }: TextParts): string {
  const share = second.length > 0 && last.length > 0 ? MAX_FIXES_BYTES - 100 : MAX_FIXES_BYTES;
  const outcomes = truncateMrkdwn(linesText(second), share);
  const end = [linesText(last), coverage].filter(Boolean).map((part) => truncateMrkdwn(part, share));
  const fixedBytes = utf8Length([outcomes, ...end].filter(Boolean).join('\n'));
  const report = joinAgain([first, ...rest].filter(Boolean), MAX_EDIT_BYTES - fixedBytes - 2);
  const [head = '', ...others] = report.split('\n');
  return [head, outcomes, ...others, ...end].filter(Boolean).join('\n');
}

function linesText(lines: readonly FixLine[]): string {
  return lines
    .map(({ sign, text }) => {
      const shown = escapeUntrusted(truncate(text, MAX_FIX_CHARS), MAX_FIX_CHARS);
      return sign === undefined ? shown : `:${sign}: ${shown}`;
    })
    .join('\n');
}

const MORE = /^… and (\d+) more$/;

/** {@link joinLinesWithin} for lines that may have been cut before: lines left out then are included in the count. */
function joinAgain(lines: readonly string[], maxBytes: number): string {
  const joined = joinLinesWithin(lines, maxBytes);
  const before = Number(MORE.exec(lines.at(-1) ?? '')?.[1] ?? 0);
  if (before === 0 || joined === lines.join('\n')) return joined;
  // The line with the earlier count is one of those left out now.
  return joined.replace(/\d+(?= more$)/, (now) => String(Number(now) - 1 + before));
}

/** The context blocks at the end. */
function endOf(blocks: Message['blocks']): Blocks {
  return blocks.slice(blocks.findLastIndex(({ type }) => type !== 'context') + 1);
}

/** Inserts a block above the context blocks at the end. */
function insertBeforeContext(blocks: Message['blocks'], added: Blocks[number]): Blocks {
  const end = endOf(blocks);
  return [...blocks.slice(0, blocks.length - end.length), added, ...end];
}
