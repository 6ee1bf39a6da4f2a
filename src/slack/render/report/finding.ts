import { cleanText } from '../../../text/clean-text.ts';
import type { Finding } from '../../../check/finding.ts';
import { SEVERITY_WORDS, summaryOf } from '../../../check/report-in-words.ts';
import { renderEvidence } from './evidence.ts';
import { code, encodedLength, escapeUntrusted } from '../escape-untrusted.ts';
import { findingButtons } from './finding-buttons.ts';
import type { NextQuestion } from './next-checks.ts';
import { type KnownStatus, statusContext, statusLine } from './tracked.ts';
import { badge, type Blocks, codeSpan, plain, line, rich } from '../blocks.ts';
import { sentence } from '../sentence.ts';

/** A part of a thread that is never split across messages. */
export interface Unit {
  readonly blocks: Blocks;
  /** Its share of the message's top-level text. */
  readonly text: string;
  /** Slack shows a table below everything else: nothing may follow it. */
  readonly hasTable: boolean;
  readonly isCut: boolean;
}

const MAX_TARGET_CHARS = 1_000;
const MAX_SUMMARY_CHARS = 1_500;
const MAX_EVIDENCE_CHARS = 6_000;
/** If the status from earlier runs is shown too. */
const MAX_EVIDENCE_CHARS_IF_KNOWN = 5_000;

/** Severity and summary, the target to copy, the evidence, the status from earlier runs, then the next checks. */
export function renderFinding(
  finding: Finding,
  questions: readonly NextQuestion[] = [],
  known?: KnownStatus,
): Unit {
  const { severity, summary, target, evidence = [], level } = finding;
  const { parts, table, isCut } = renderEvidence(
    evidence,
    known ? MAX_EVIDENCE_CHARS_IF_KNOWN : MAX_EVIDENCE_CHARS,
  );
  const title = line(
    ...badge(severity),
    ...sentence(summaryOf(finding), { max: MAX_SUMMARY_CHARS, isBold: true, names: [target] }),
    plain('\n'),
    codeSpan(target, MAX_TARGET_CHARS),
  );
  const buttons = findingButtons(questions, known);
  return {
    blocks: [
      rich(title, ...parts),
      ...(known ? [statusContext(known, level)] : []),
      ...(buttons ? [buttons] : []),
      ...(table ? [table] : []),
    ],
    text: [
      findingLine(finding),
      ...(known ? [statusLine(known, level)] : []),
      ...questions.map(nextLine),
    ].join('\n'),
    hasTable: table !== undefined,
    isCut:
      isCut ||
      encodedLength(cleanText(target)) > MAX_TARGET_CHARS ||
      encodedLength(cleanText(summary)) > MAX_SUMMARY_CHARS,
  };
}

/** One line of top-level text. The target is left out if the summary names it. */
export function findingLine(finding: Pick<Finding, 'severity' | 'target' | 'summary'>): string {
  const { severity, target } = finding;
  const summary = summaryOf(finding);
  const where = summary.includes(cleanText(target)) ? '' : ` (${escapeUntrusted(target, 200)})`;
  return `• ${SEVERITY_WORDS[severity]}: ${escapeUntrusted(summary, 300)}${where}`;
}

/** The same as text, for people who can't see or click the button. */
export function nextLine({ command }: NextQuestion): string {
  return `  Next: ${code(command, 300)}`;
}
