import type { Button, RichTextBlock } from '@slack/types';
import { cleanText } from '../../../text/clean-text.ts';
import type { Report } from '../../../check/finding.ts';
import { summaryOf } from '../../../check/report-in-words.ts';
import { type Blocks, codeSpan, line, rich, type RichTextPart } from '../blocks.ts';
import { encodedLength } from '../escape-untrusted.ts';
import { sentence } from '../sentence.ts';
import { type RenderedEvidence, renderEvidence } from './evidence.ts';
import { findingLine, nextLine } from './finding.ts';
import { findingButtons } from './finding-buttons.ts';
import { nextQuestions } from './next-checks.ts';
import { type KnownStatus, statusContext, statusLine } from './tracked.ts';
import { unsaid } from '../../../text/unsaid.ts';

const MAX_SUMMARY_CHARS = 800;
const MAX_TARGET_CHARS = 300;

/** A report with one finding is one message: these are its parts for the root. */
export interface OneFinding {
  /** What the root doesn't say above: the rest of the summary and the target. */
  readonly summary?: RichTextBlock;
  /** The evidence, and the status from earlier runs. */
  readonly details: Blocks;
  readonly buttons: readonly Button[];
  /** The same as lines of top-level text. */
  readonly lines: readonly string[];
  /** The attached CSV has the rest. */
  readonly isCut: boolean;
}

/** Whether the root of a report has its finding with the evidence and the fix, and no reply is about it. */
export function isOneMessage({ findings }: Pick<Report, 'findings'>): boolean {
  return findings.length === 1;
}

/** The parts for the root of a report with one finding. `said` is what the root says above them. */
export function renderOneFinding(
  report: Report,
  known: KnownStatus | undefined,
  { said, maxChars }: { readonly said: string; readonly maxChars: number },
): OneFinding {
  const [finding] = report.findings;
  if (!finding) throw new Error('the report has no finding');
  const { target, summary, evidence = [], level } = finding;
  const [questions = []] = nextQuestions(report);
  const rest = unsaid(summaryOf(finding), said);
  const isNamed = [said, rest].some((words) => words.includes(cleanText(target)));
  const parts: RichTextPart[] = [
    ...(rest === '' ? [] : [line(...sentence(rest, { max: MAX_SUMMARY_CHARS, names: [target] }))]),
    ...(isNamed ? [] : [line(codeSpan(target, MAX_TARGET_CHARS))]),
  ];
  const shown: RenderedEvidence =
    maxChars > 0 ? renderEvidence(evidence, maxChars) : { parts: [], isCut: evidence.length > 0 };
  return {
    ...(parts.length > 0 && { summary: rich(...parts) }),
    details: [
      ...(shown.parts.length > 0 ? [rich(...shown.parts)] : []),
      ...(known ? [statusContext(known, level)] : []),
    ],
    buttons: (findingButtons(questions, known)?.elements ?? []) as Button[],
    lines: [
      ...(rest === '' && isNamed ? [] : [findingLine(finding)]),
      ...(known ? [statusLine(known, level)] : []),
      ...questions.map(nextLine),
    ],
    isCut:
      shown.isCut ||
      (!isNamed && encodedLength(cleanText(target)) > MAX_TARGET_CHARS) ||
      encodedLength(cleanText(summary)) > MAX_SUMMARY_CHARS,
  };
}
