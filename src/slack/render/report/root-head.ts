import { cleanText } from '../../../text/clean-text.ts';
import type { Finding, Report } from '../../../check/finding.ts';
import { proofInWords } from '../../../check/proof.ts';
import { reportHeadline, SEVERITY_WORDS, summaryOf, verdictOf } from '../../../check/report-in-words.ts';
import { type FoundFinding, OUTCOMES, type RemediationRecord } from '../../../store/remediation/record.ts';
import type { Remaining } from '../../../store/remediation/remaining.ts';
import { type Blocks, EMOJI } from '../blocks.ts';
import { escapeUntrusted, truncate, truncateVerdict } from '../escape-untrusted.ts';
import { type FixLine, linesBlock, linesInMrkdwn, outcomeLines } from '../remediation/outcome-lines.ts';
import {
  outcomeAfterState,
  remediationHeadline,
  remediationTarget,
  STATE_LABELS,
} from '../remediation/words.ts';
import { headBlocks, signOf } from './head.ts';
import { bySeverity } from './root-findings.ts';
import { saidBefore, unsaidClauses } from '../../../text/unsaid.ts';

const MAX_WAS_CHARS = 200;
const MAX_VERDICT_CHARS = 290;
const MAX_FIRST_CHARS = 500;
const MAX_UNCHECKED = 3;

/** The beginning of a root. */
export interface RootHead {
  readonly blocks: Blocks;
  /** The same as lines of top-level text. */
  readonly lines: readonly string[];
  /** The word at its beginning, and everything else that it says. */
  readonly word: string;
  readonly said: string;
  /** The finding that it says in full. */
  readonly shown?: Finding | FoundFinding;
}

/**
 * The beginning of a report's root. Once nothing remains, it is FIXED and the proof. If the last fix for the worst that remains has another outcome, it
 * is that outcome. If some of the findings are fixed or have changed, it is the worst that remains; otherwise the verdict.
 */
export function rootHead(
  report: Report,
  remediations: readonly RemediationRecord[],
  remaining: Remaining<Finding>,
): RootHead {
  const ended = remediations
    .filter(({ state }) => OUTCOMES.has(state))
    .toSorted((a, b) => endedMs(a) - endedMs(b));
  if (remaining.isAllFixed) return fixedHead(report, ended, remaining);
  const leading = leadingOutcome(ended, remaining);
  if (leading) return outcomeHead(report, ended, remaining, leading);
  const isChanged =
    remaining.resolved.length > 0 || remaining.left.some((finding) => !isAsReported(finding, report));
  if (isChanged && remaining.left.length > 0) return worstHead(report, ended, remaining);
  return headOf(signOf(reportHeadline(report)), verdictOf(report), {
    joint: ': ',
    names: targetsOf(report),
    second: outcomeLines(ended),
  });
}

/** Whether no later run has worded it. */
function isAsReported({ summary }: FoundFinding | Finding, { findings }: Report): boolean {
  return findings.some((one) => one.summary === summary);
}

function endedMs({ endedAt }: RemediationRecord): number {
  return endedAt === undefined ? 0 : Date.parse(endedAt);
}

/** The names from infrastructure that a verdict may contain. */
function targetsOf({ findings, gaps }: Report): readonly string[] {
  return [...findings.map(({ target }) => target), ...gaps.map(({ what }) => what)];
}

interface HeadContent {
  readonly names: readonly string[];
  readonly second: readonly FixLine[];
  /** After the word, in top-level text. */
  readonly joint?: ': ' | ' · ';
}

function headOf(sign: string, words: string, { names, second, joint = ' · ' }: HeadContent): RootHead {
  return {
    blocks: [...headBlocks(sign, words, names), ...(second.length > 0 ? [linesBlock(second)] : [])],
    lines: [
      `${sign}${joint}${escapeUntrusted(truncateVerdict(words, MAX_FIRST_CHARS), MAX_FIRST_CHARS)}`,
      ...linesInMrkdwn(second),
    ],
    word: sign.split(' ').at(-1) ?? '',
    said: [words, ...second.map(({ text }) => text)].join('\n'),
  };
}

/** What was wrong, after what comes first; without what that says. */
function wasLines(report: Report, said = ''): readonly FixLine[] {
  const verdict = truncateVerdict(unsaidClauses(verdictOf(report), said), MAX_WAS_CHARS);
  return verdict === ''
    ? []
    : [{ text: `Was: ${reportHeadline(report)} · ${verdict}`, names: targetsOf(report) }];
}

/** What couldn't be checked may still be wrong, so it is named. */
function fixedHead(
  report: Report,
  ended: readonly RemediationRecord[],
  { unchecked }: Remaining<Finding>,
): RootHead {
  const fixed = ended.filter(({ state }) => state === 'fixed');
  const proof = proofOf(fixed) || [...new Set(fixed.map(remediationHeadline))].join('; ');
  return headOf(stateSign('fixed'), proof, {
    names: fixed.map(remediationTarget),
    second: [
      ...wasLines(report),
      ...(unchecked.length > 0
        ? [{ text: `Still couldn't check ${uncheckedInWords(unchecked)}`, names: unchecked }]
        : []),
      // A single fix is the headline.
      ...(ended.length > 1 ? outcomeLines(ended) : []),
    ],
  });
}

/** From before the first of several fixes to after the last: what was proven in between may have changed since. */
function proofOf(fixed: readonly RemediationRecord[]): string {
  const before = fixed[0]?.before?.measures ?? [];
  const after = fixed.at(-1)?.after?.measures ?? [];
  const proof = fixed.length > 1 ? proofInWords(before, after) : '';
  return proof && cleanText(proof);
}

function stateSign(state: RemediationRecord['state']): string {
  const { word, emoji } = STATE_LABELS[state];
  return `:${emoji}: ${word}`;
}

function uncheckedInWords(gaps: readonly string[]): string {
  const named = gaps.slice(0, MAX_UNCHECKED).map((gap) => truncate(cleanText(gap), 60));
  const more = gaps.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/**
 * The outcome that a root begins with: that of the last fix for one of the worst findings that remain, unless that fix worked. A mitigation sounds
 * better than the fault that it leaves, so nothing as bad may remain besides.
 */
function leadingOutcome(
  ended: readonly RemediationRecord[],
  { left }: Remaining<Finding>,
): RemediationRecord | undefined {
  const worst = left.filter(({ severity }) => severity === bySeverity(left)[0]?.severity);
  const last = worst.flatMap(({ reason, target }) => {
    const found = ended.findLast(({ finding }) => finding.reason === reason && finding.target === target);
    return found && found.state !== 'fixed' ? [found] : [];
  });
  const newest = last.toSorted((a, b) => endedMs(a) - endedMs(b)).at(-1);
  return newest?.state === 'mitigated' && worst.length > 1 ? undefined : newest;
}

function outcomeHead(
  report: Report,
  ended: readonly RemediationRecord[],
  remaining: Remaining<Finding>,
  leading: RemediationRecord,
): RootHead {
  const others = ended.filter((one) => one !== leading);
  return headOf(stateSign(leading.state), outcomeAfterState(leading), {
    names: [remediationTarget(leading), leading.finding.target],
    second: [
      ...(remaining.resolved.length > 0
        ? [...fixedCount(report, remaining), ...wasLines(report)]
        : [verdictLine(report)]),
      ...outcomeLines(others),
    ],
  });
}

/** The fault that is still there, after an outcome that comes first. */
function verdictLine(report: Report): FixLine {
  const headline = reportHeadline(report);
  const verdict = truncateVerdict(verdictOf(report), MAX_VERDICT_CHARS - headline.length);
  return { sign: EMOJI[headline], text: `${headline} · ${verdict}`, names: targetsOf(report) };
}

function fixedCount({ findings }: Report, { resolved }: Remaining<Finding>): readonly FixLine[] {
  return resolved.length > 0 ? [{ text: `Fixed ${resolved.length} of ${findings.length}` }] : [];
}

function worstHead(
  report: Report,
  ended: readonly RemediationRecord[],
  remaining: Remaining<Finding>,
): RootHead {
  const [worst] = bySeverity<Finding | FoundFinding>(remaining.left);
  if (!worst) throw new Error('nothing remains');
  // A reply says the rest of its summary, unless a later run has worded it.
  const words = isAsReported(worst, report)
    ? saidBefore(summaryOf(worst), verdictOf(report))
    : summaryOf(worst);
  const head = headOf(signOf(SEVERITY_WORDS[worst.severity]), words, {
    joint: ': ',
    names: [worst.target],
    second: [...fixedCount(report, remaining), ...outcomeLines(ended), ...wasLines(report, words)],
  });
  return { ...head, shown: worst };
}
