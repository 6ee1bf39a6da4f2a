import { cleanText } from '../../../text/clean-text.ts';
import type { Finding } from '../../../check/finding.ts';
import { SEVERITY_WORDS, titleOf } from '../../../check/report-in-words.ts';
import { renderEvidence } from './evidence.ts';
import { code, encodedLength, escapeUntrusted } from '../escape-untrusted.ts';
import { findingButtons } from './finding-buttons.ts';
import type { NextQuestion } from './next-checks.ts';
import { type KnownStatus, statusContext, statusLine } from './tracked.ts';
import { badge, type Blocks, codeSpan, plain, line, rich } from '../blocks.ts';
import { sentence, sentenceInMrkdwn } from '../sentence.ts';

/** A part of a thread that is never split across messages. */
export interface Unit {
  readonly blocks: Blocks;
  /** Its share of the message's top-level text. */
  readonly text: string;
  readonly isCut: boolean;
}

const MAX_TARGET_CHARS = 1_000;
const MAX_SUMMARY_CHARS = 1_500;
const MAX_EVIDENCE_CHARS = 6_000;
/** If the status from earlier runs is shown too. */
const MAX_EVIDENCE_CHARS_IF_KNOWN = 5_000;

/** A finding in a message. */
export interface ShownFinding extends Finding {
  /** The summary is only what the verdict doesn't say; it may be empty. Without its beginning it may not say what it is about. */
  readonly isRest?: boolean;
}

/** Severity and summary, the target to copy, the evidence, the status from earlier runs, then the next checks. */
export function renderFinding(
  finding: ShownFinding,
  questions: readonly NextQuestion[] = [],
  known?: KnownStatus,
): Unit {
  const { summary, target, evidence = [], level } = finding;
  const { parts, isCut } = renderEvidence(evidence, known ? MAX_EVIDENCE_CHARS_IF_KNOWN : MAX_EVIDENCE_CHARS);
  const buttons = findingButtons(questions, known);
  return {
    blocks: [
      rich(line(...badge(finding.severity), ...titleElements(finding)), ...parts),
      ...(known ? [statusContext(known, level)] : []),
      ...(buttons ? [buttons] : []),
    ],
    text: [
      findingLine(finding),
      ...(known ? [statusLine(known, level)] : []),
      ...questions.map(nextLine),
    ].join('\n'),
    isCut:
      isCut ||
      encodedLength(cleanText(target)) > MAX_TARGET_CHARS ||
      encodedLength(cleanText(summary)) > MAX_SUMMARY_CHARS,
  };
}

/** The summary in bold, with the target as code to copy: in the summary if that names it, before the rest of a summary, otherwise below. */
function titleElements(finding: ShownFinding): ReturnType<typeof sentence> {
  const { words, targetAt, target } = titleOf(finding);
  if (finding.isRest && target !== undefined)
    return [
      codeSpan(target, MAX_TARGET_CHARS),
      ...(finding.summary === ''
        ? []
        : [plain('  '), ...sentence(words, { max: MAX_SUMMARY_CHARS, isBold: true })]),
    ];
  const end = targetAt === undefined ? 0 : targetAt + cleanText(finding.target).length;
  return [
    ...sentence(words, {
      max: MAX_SUMMARY_CHARS,
      isBold: true,
      names: [finding.target],
      ...(targetAt !== undefined && { codeAt: { start: targetAt, end } }),
    }),
    ...(target === undefined || words === target ? [] : [plain('\n'), codeSpan(target, MAX_TARGET_CHARS)]),
  ];
}

/** One line of top-level text. The target is left out if the summary names it. */
export function findingLine(
  finding: Pick<ShownFinding, 'severity' | 'target' | 'summary' | 'isRest'>,
): string {
  const { words, target } = titleOf(finding);
  if (finding.isRest && target !== undefined)
    return `• ${SEVERITY_WORDS[finding.severity]}: ${escapeUntrusted(target, 200)}${finding.summary === '' ? '' : ` ${sentenceInMrkdwn(words, { max: 300 })}`}`;
  const where = target === undefined ? '' : ` (${escapeUntrusted(target, 200)})`;
  return `• ${SEVERITY_WORDS[finding.severity]}: ${sentenceInMrkdwn(words, { max: 300, names: [finding.target] })}${where}`;
}

/** The same as text, for people who can't see or click the button. */
export function nextLine({ command }: NextQuestion): string {
  return `  Next: ${code(command, 300)}`;
}
