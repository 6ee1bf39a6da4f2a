import type { ActionsBlock, RichTextSection } from '@slack/types';
import type { Help, HelpEntry, ParsedRequest } from '../../../request/parse.ts';
import { cleanText } from '../../../text/clean-text.ts';
import { code, encodedLength, truncate, escapeUntrusted, joinLinesWithin } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import {
  type Blocks,
  bold,
  bullets,
  button,
  codeSpan,
  countBlockChars,
  plain,
  line,
  type RichTextPart,
  preformatted,
  rich,
  text,
  MAX_TEXT_BYTES,
} from '../blocks.ts';
import { sentence, sentenceInMrkdwn } from '../sentence.ts';
import { capitalize } from '../../../text/wording.ts';

export type RequestProblem = Omit<Extract<ParsedRequest, { kind: 'problem' }>, 'kind'>;

const MAX_ENTRIES = 25;
/** Characters in blocks. Together with the title and the reason they fit into one message. */
const MAX_USAGE_CHARS = 2_500;
const MAX_EXAMPLES_CHARS = 500;
const MAX_ENTRIES_CHARS = 3_000;
const MAX_FIXES_CHARS = 1_000;

/** The help of a command or a check, generated from its declaration: how to write it, examples, then the details. */
export function renderHelp(help: Help): Message {
  const { title, why, usage = [], examples = [], commands = [], flags = [], fixes = [], more } = help;
  const fixLines = fixes.map((fix) => line(...sentence(capitalize(cleanText(fix)), { max: 300 })));
  const parts: RichTextPart[] = [
    ...(why ? [line(...sentence(why, { max: 1_500 }))] : []),
    ...codeLines(usage, MAX_USAGE_CHARS),
    ...(examples.length > 0 ? [line(bold(examplesTitle(examples)))] : []),
    ...codeLines(examples, MAX_EXAMPLES_CHARS),
    ...listWithin([...commands, ...flags].map(entryLine), MAX_ENTRIES_CHARS),
    ...(fixLines.length > 0 ? [line(bold('Fixes')), ...listWithin(fixLines, MAX_FIXES_CHARS)] : []),
    ...(more ? [line(...withCode(truncate(cleanText(more), 300)))] : []),
  ];
  const blocks: Blocks = [
    { type: 'header', text: { type: 'plain_text', text: truncate(cleanText(title), 150), emoji: false } },
    ...(parts.length > 0 ? [rich(...parts)] : []),
    ...(help.form === undefined ? [] : [formButton(help.form)]),
  ];
  const lines = [
    escapeUntrusted(title, 300),
    ...(why ? [sentenceInMrkdwn(why, { max: 600 })] : []),
    ...usage.map((one) => `• ${code(one, 300)}`),
    ...(examples.length > 0
      ? [`${examplesTitle(examples)}: ${examples.map((one) => code(one, 300)).join(', ')}`]
      : []),
    ...[...commands, ...flags].map(
      ({ name, about }) => `• ${code(name, 300)} ${sentenceInMrkdwn(about, { max: 200 })}`,
    ),
    ...fixes.map((fix) => `• Fix: ${sentenceInMrkdwn(fix, { max: 200 })}`),
    ...(more ? [sentenceInMrkdwn(more, { max: 300 })] : []),
  ];
  return { text: joinLinesWithin(lines, MAX_TEXT_BYTES), blocks };
}

function formButton(command: string): ActionsBlock {
  return {
    type: 'actions',
    elements: [button({ label: 'Open form', describes: command, action: 'wrench:form', value: command })],
  };
}

function examplesTitle({ length }: readonly string[]): string {
  return length === 1 ? 'Example' : 'Examples';
}

function codeLines(lines: readonly string[], maxChars: number): readonly RichTextPart[] {
  const shown = itemsWithin(
    lines.map((one) => truncate(cleanText(one), 400)),
    maxChars,
  );
  return shown.length > 0 ? [preformatted(shown)] : [];
}

/** As many bullets as fit, and how many are left out. */
function listWithin(items: readonly RichTextSection[], maxChars: number): readonly RichTextPart[] {
  const shown = itemsWithin(items, maxChars);
  const left = items.length - shown.length;
  return [
    ...(shown.length > 0 ? [bullets(shown)] : []),
    ...(left > 0 ? [line(text(`and ${left} more`))] : []),
  ];
}

/** As many items as fit. */
function itemsWithin<T>(items: readonly T[], maxChars: number): readonly T[] {
  let usedChars = 0;
  return items.slice(0, MAX_ENTRIES).filter((item) => {
    usedChars += typeof item === 'string' ? encodedLength(item) + 1 : countBlockChars(item);
    return usedChars <= maxChars;
  });
}

function entryLine({ name, about }: HelpEntry): RichTextSection {
  return line(codeSpan(name, 120), plain('  '), ...sentence(about, { max: 200 }));
}

/** Why a request is invalid and the usage, visible only to the sender. */
export function renderProblem({ problem, usage }: RequestProblem): Message {
  const shown = usage.slice(0, MAX_ENTRIES);
  const lined = shown.map((one) => truncate(cleanText(one), 200));
  const parts: RichTextPart[] = [
    line(...withCode(truncate(cleanText(problem), 1_500))),
    ...(shown.length > 0 ? [preformatted(itemsWithin(lined, MAX_USAGE_CHARS))] : []),
  ];
  const lines = [sentenceInMrkdwn(problem, { max: 900 }), ...shown.map((one) => code(one, 300))];
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
