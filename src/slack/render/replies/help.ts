import type { RichTextSection } from '@slack/types';
import type { Help, ParsedRequest } from '../../../request/parse.ts';
import { cleanText } from '../../../text/clean-text.ts';
import { code, encodedLength, truncate, escapeUntrusted, joinLinesWithin } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import {
  type Blocks,
  bullets,
  codeSpan,
  context,
  countBlockChars,
  plain,
  line,
  plainTextObject,
  type RichTextPart,
  preformatted,
  rich,
  text,
  MAX_TEXT_BYTES,
} from '../blocks.ts';

export type RequestProblem = Omit<Extract<ParsedRequest, { kind: 'problem' }>, 'kind'>;

const MAX_ENTRIES = 25;
/** Characters in blocks. Together with the title, the reason and the example they fit into one message. */
const MAX_USAGE_CHARS = 2_500;
const MAX_ENTRIES_CHARS = 4_500;

/** The help of a command or a check, generated from its declaration. */
export function renderHelp({ title, why, entries, example }: Help): Message {
  const usage = entries
    .filter(({ about }) => about === '')
    .map((entry) => truncate(cleanText(entry.usage), 400));
  const rest = entries.filter(({ about }) => about !== '').map(entryLine);
  const shown = itemsWithin(rest, MAX_ENTRIES_CHARS);
  const left = rest.length - shown.length;
  const parts: RichTextPart[] = [
    ...(why ? [line(text(why, 1_500))] : []),
    ...(usage.length > 0 ? [preformatted(itemsWithin(usage, MAX_USAGE_CHARS))] : []),
    ...(shown.length > 0 ? [bullets(shown)] : []),
    ...(left > 0 ? [line(text(`and ${left} more`))] : []),
  ];
  const blocks: Blocks = [
    { type: 'header', text: { type: 'plain_text', text: truncate(cleanText(title), 150), emoji: false } },
    ...(parts.length > 0 ? [rich(...parts)] : []),
    ...(example ? [context(plainTextObject(`For example: ${example}`, 400))] : []),
  ];
  const lines = [
    escapeUntrusted(title, 300),
    ...(why ? [escapeUntrusted(why, 600)] : []),
    ...entries.map((entry) =>
      `• ${code(entry.usage, 300)} ${entry.about ? escapeUntrusted(entry.about, 200) : ''}`.trim(),
    ),
    ...(example ? [`For example: ${code(example, 300)}`] : []),
  ];
  return { text: joinLinesWithin(lines, MAX_TEXT_BYTES), blocks };
}

/** As many items as fit. */
function itemsWithin<T>(items: readonly T[], maxChars: number): readonly T[] {
  let usedChars = 0;
  return items.slice(0, MAX_ENTRIES).filter((item) => {
    usedChars += typeof item === 'string' ? encodedLength(item) + 1 : countBlockChars(item);
    return usedChars <= maxChars;
  });
}

function entryLine({ usage, about }: Help['entries'][number]): RichTextSection {
  return line(codeSpan(usage, 120), plain('  '), text(about, 200));
}

/** Why a request is invalid and the usage, visible only to the sender. */
export function renderProblem({ problem, usage }: RequestProblem): Message {
  const shown = usage.slice(0, MAX_ENTRIES);
  const lined = shown.map((one) => truncate(cleanText(one), 200));
  const parts: RichTextPart[] = [
    line(...withCode(truncate(cleanText(problem), 1_500))),
    ...(shown.length > 0 ? [preformatted(itemsWithin(lined, MAX_USAGE_CHARS))] : []),
  ];
  const lines = [escapeUntrusted(problem, 900), ...shown.map((one) => code(one, 300))];
  return { text: joinLinesWithin(lines, MAX_TEXT_BYTES), blocks: [rich(...parts)] };
}

/** Text between backticks becomes a code span. A backtick that the person typed may shift the spans, which is harmless. */
function withCode(message: string): RichTextSection['elements'] {
  const pieces = message.split('`');
  const elements = pieces.flatMap((piece, at) => {
    if (piece === '') return [];
    const isCode = at % 2 === 1 && at < pieces.length - 1;
    return isCode ? [codeSpan(piece)] : [plain(piece)];
  });
  return elements.length > 0 ? elements : [text(message)];
}
