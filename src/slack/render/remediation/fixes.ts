import { countInWords } from '../../../check/report-in-words.ts';
import type { RemediationRecord, RemediationState } from '../../../store/remediation/record.ts';
import {
  utf8Length,
  truncateMrkdwn,
  truncate,
  escapeUntrusted,
  joinLinesWithin,
} from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import { type Blocks, emoji, plain, line, type RichTextPart, rich } from '../blocks.ts';
import { remediationHeadline, remediationTarget, STATE_LABELS } from './words.ts';
import { sentence } from '../sentence.ts';

/** States that the channel message shows too: something was applied. All others appear only in the thread. */
const SHOWN_IN_CHANNEL: ReadonlySet<RemediationState> = new Set([
  'fixed',
  'mitigated',
  'unverified',
  'failed',
  'interrupted',
]);
const MAX_FIXES = 5;
const MAX_FIX_CHARS = 300;
/** Of the top-level text; an edit accepts at most 4,000 bytes. */
const MAX_EDIT_BYTES = 3_900;
const MAX_FIXES_BYTES = 1_800;

/**
 * A report's root message with the outcome of its fixes, for people who read only the channel.
 * `open` is the number of offers that still have a button. The coverage stays the last line.
 */
export function withFixes(root: Message, remediations: readonly RemediationRecord[], open: number): Message {
  const ended = remediations.filter(({ state }) => SHOWN_IN_CHANNEL.has(state));
  const shown = ended.slice(-MAX_FIXES);
  const lines = [
    ...shown.map((one) => ({
      sign: STATE_LABELS[one.state].emoji,
      text: `${STATE_LABELS[one.state].word} · ${remediationHeadline(one)}`,
      names: [remediationTarget(one), one.finding.target],
    })),
    ...(ended.length > MAX_FIXES
      ? [
          {
            sign: 'wrench',
            text: `${countInWords(ended.length - MAX_FIXES, 'more fix', 'more fixes')}, see thread`,
            names: [],
          },
        ]
      : []),
    ...(open > 0
      ? [
          {
            sign: 'wrench',
            text: `${countInWords(open, 'fix', 'fixes')} available, see thread`,
            names: [],
          },
        ]
      : []),
  ];
  if (lines.length === 0) return root;
  const parts: RichTextPart[] = lines.map((one) =>
    line(emoji(one.sign), plain(' '), ...sentence(one.text, { max: MAX_FIX_CHARS, names: one.names })),
  );
  return { text: withLines(root.text, lines), blocks: insertBeforeContext(root.blocks, rich(...parts)) };
}

const MORE = /^… and (\d+) more$/;

/** Cuts the report's text rather than the state of its fixes, which is newer. */
function withLines(text: string, lines: readonly { readonly sign: string; readonly text: string }[]): string {
  const reportLines = text.split('\n');
  const coverage = reportLines.pop() ?? '';
  const fixes = lines
    .map((one) => `:${one.sign}: ${escapeUntrusted(truncate(one.text, MAX_FIX_CHARS), MAX_FIX_CHARS)}`)
    .join('\n');
  const end = `${truncateMrkdwn(fixes, MAX_FIXES_BYTES)}\n${coverage}`;
  return `${joinAgain(reportLines, MAX_EDIT_BYTES - utf8Length(end) - 1)}\n${end}`;
}

/** {@link joinLinesWithin} for lines that may have been cut before: lines left out then are included in the count. */
function joinAgain(lines: readonly string[], maxBytes: number): string {
  const joined = joinLinesWithin(lines, maxBytes);
  const before = Number(MORE.exec(lines.at(-1) ?? '')?.[1] ?? 0);
  if (before === 0 || joined === lines.join('\n')) return joined;
  // The line with the earlier count is one of those left out now.
  return joined.replace(/\d+(?= more$)/, (now) => String(Number(now) - 1 + before));
}

/** Inserts a block above the context blocks at the end. */
function insertBeforeContext(blocks: Message['blocks'], added: Blocks[number]): Blocks {
  const at = blocks.findLastIndex(({ type }) => type !== 'context') + 1;
  return [...blocks.slice(0, at), added, ...blocks.slice(at)];
}
