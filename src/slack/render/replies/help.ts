import type { RichTextSection } from '@slack/types';
import type { Help, Question } from '../../../request/parse.ts';
import { cleanText } from '../../../text/clean-text.ts';
import { code, cost, fit, inert, joinWithin } from '../inert.ts';
import type { Message } from '../message.ts';
import {
  type Blocks,
  bullets,
  codeSpan,
  context,
  costOf,
  glue,
  line,
  note,
  type Part,
  preformatted,
  rich,
  say,
  TEXT_ROOM,
} from '../pieces.ts';

export type QuestionProblem = Omit<Extract<Question, { kind: 'problem' }>, 'kind'>;

const MOST_ENTRIES = 25;
/** Characters of the blocks. Together with title, reason and example they fit into a message. */
const USAGE_ROOM = 2_500;
const ENTRIES_ROOM = 4_500;

/** What can be asked, generated from the declarations. */
export function renderHelp({ title, why, entries, example }: Help): Message {
  const usage = entries.filter(({ about }) => about === '').map((entry) => fit(cleanText(entry.usage), 400));
  const rest = entries.filter(({ about }) => about !== '').map(entryLine);
  const shown = within(rest, ENTRIES_ROOM);
  const left = rest.length - shown.length;
  const parts: Part[] = [
    ...(why ? [line(say(why, 1_500))] : []),
    ...(usage.length > 0 ? [preformatted(within(usage, USAGE_ROOM))] : []),
    ...(shown.length > 0 ? [bullets(shown)] : []),
    ...(left > 0 ? [line(say(`and ${left} more`))] : []),
  ];
  const blocks: Blocks = [
    { type: 'header', text: { type: 'plain_text', text: fit(cleanText(title), 150), emoji: false } },
    ...(parts.length > 0 ? [rich(...parts)] : []),
    ...(example ? [context(note(`For example: ${example}`, 400))] : []),
  ];
  const lines = [
    inert(title, 300),
    ...(why ? [inert(why, 600)] : []),
    ...entries.map((entry) =>
      `• ${code(entry.usage, 300)} ${entry.about ? inert(entry.about, 200) : ''}`.trim(),
    ),
    ...(example ? [`For example: ${code(example, 300)}`] : []),
  ];
  return { text: joinWithin(lines, TEXT_ROOM), blocks };
}

/** As many items as there is room for. */
function within<T>(items: readonly T[], room: number): readonly T[] {
  let spent = 0;
  return items.slice(0, MOST_ENTRIES).filter((item) => {
    spent += typeof item === 'string' ? cost(item) + 1 : costOf(item);
    return spent <= room;
  });
}

function entryLine({ usage, about }: Help['entries'][number]): RichTextSection {
  return line(codeSpan(usage, 120), glue('  '), say(about, 200));
}

/** What was not understood, for the asker alone: the reason, the nearest word where there is one, the usage. */
export function renderProblem({ problem, usage }: QuestionProblem): Message {
  const shown = usage.slice(0, MOST_ENTRIES);
  const lined = shown.map((one) => fit(cleanText(one), 200));
  const parts: Part[] = [
    line(...withCode(fit(cleanText(problem), 1_500))),
    ...(shown.length > 0 ? [preformatted(within(lined, USAGE_ROOM))] : []),
  ];
  const lines = [inert(problem, 900), ...shown.map((one) => code(one, 300))];
  return { text: joinWithin(lines, TEXT_ROOM), blocks: [rich(...parts)] };
}

/** What a problem puts between backticks is code; a backtick of the asker's own may shift that, and does no harm. */
function withCode(text: string): RichTextSection['elements'] {
  const pieces = text.split('`');
  const elements = pieces.flatMap((piece, at) => {
    if (piece === '') return [];
    const isCode = at % 2 === 1 && at < pieces.length - 1;
    return isCode ? [codeSpan(piece)] : [glue(piece)];
  });
  return elements.length > 0 ? elements : [say(text)];
}
