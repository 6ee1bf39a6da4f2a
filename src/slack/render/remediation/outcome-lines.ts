import { countInWords } from '../../../check/report-in-words.ts';
import { OUTCOMES, type RemediationRecord } from '../../../store/remediation/record.ts';
import { type Blocks, emoji, line, plain, rich, type RichTextPart } from '../blocks.ts';
import { escapeUntrusted, truncate, truncateMrkdwn } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import { sentence } from '../sentence.ts';
import { outcomeInWords, remediationTarget, STATE_LABELS } from './words.ts';

const MAX_FIXES = 5;
const MAX_LINE_CHARS = 300;
/** Of the top-level text. Together with the text of a report they fit into an edit, which accepts 4,000 bytes. */
const MAX_OUTCOME_BYTES = 900;

/** A line of a root, below its headline. */
export interface FixLine {
  /** The name of an emoji. */
  readonly sign?: string;
  readonly text: string;
  /** Names from infrastructure in the text. */
  readonly names?: readonly string[];
}

/** The outcomes of the last fixes, and how many came before. */
export function outcomeLines(ended: readonly RemediationRecord[]): readonly FixLine[] {
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

/** The line of a root whose fixes are in its thread; none if there are none. */
export function availableLines(open: number): readonly FixLine[] {
  return open > 0
    ? [{ sign: 'wrench', text: `${countInWords(open, 'fix', 'fixes')} available, see thread` }]
    : [];
}

export function linesBlock(lines: readonly FixLine[]): Blocks[number] {
  const parts: RichTextPart[] = lines.map((one) =>
    line(
      ...(one.sign === undefined ? [] : [emoji(one.sign), plain(' ')]),
      ...sentence(one.text, { max: MAX_LINE_CHARS, ...(one.names && { names: one.names }) }),
    ),
  );
  return rich(...parts);
}

/** The same as lines of top-level text. */
export function linesInMrkdwn(lines: readonly FixLine[]): readonly string[] {
  return lines.map(({ sign, text }) => {
    const shown = escapeUntrusted(truncate(text, MAX_LINE_CHARS), MAX_LINE_CHARS);
    return sign === undefined ? shown : `:${sign}: ${shown}`;
  });
}

/** The root of a digest, or of a report that isn't saved, with the outcomes of its fixes at the end. `open`: how many faults have a fix. */
export function withOutcomes(
  { text, blocks }: Message,
  remediations: readonly RemediationRecord[],
  open: number,
): Message {
  const lines = [
    ...outcomeLines(remediations.filter(({ state }) => OUTCOMES.has(state))),
    ...availableLines(open),
  ];
  if (lines.length === 0) return { text, blocks };
  return {
    text: `${text}\n${truncateMrkdwn(linesInMrkdwn(lines).join('\n'), MAX_OUTCOME_BYTES)}`,
    blocks: [...blocks, linesBlock(lines)],
  };
}
