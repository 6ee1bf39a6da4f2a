import { EMOJI } from '../../src/slack/render/blocks.ts';
import type { Message } from '../../src/slack/render/message.ts';
import { textOf } from '../workspace/read-args.ts';
import { readMessage } from './repeated-sentences.ts';

/**
 * What a person who can't see a message would miss. A screen reader says only the top-level `text` of a message, then the labels of its buttons.
 * https://docs.slack.dev/reference/methods/chat.postMessage
 */

type Node = Readonly<Record<string, unknown>>;

/** Buttons that sound the same, and colors without a word. Empty if there is no problem. */
export function ambiguousParts({ text, blocks }: Message): readonly string[] {
  return [...sameNames(blocks), ...bareColors({ text, blocks })];
}

function sameNames(blocks: Message['blocks']): readonly string[] {
  const names = nodesIn(blocks)
    .filter(({ type }) => type === 'button')
    .map((button) => textOf(button['accessibility_label'], textOf((button['text'] as Node)['text'])));
  const twice = new Set(names.filter((name, at) => names.indexOf(name) !== at));
  return [...twice].map((name) => `several buttons named "${name}"`);
}

const COLORS = new Set<string>(Object.values(EMOJI).filter((name) => name.endsWith('_circle')));
const WORD_AFTER = /^ ?\*?\p{Lu}{4}/u;

/** A space after it may be an element of its own. */
const textAfter = (elements: readonly Node[], at: number): string =>
  elements.slice(at + 1, at + 3).map(({ text }) => textOf(text)).join('');

/** Colors that no word follows: not everyone sees them. */
export function bareColors({ text, blocks }: Message): readonly string[] {
  const inText = [text, ...nodesIn(blocks).filter(isEmojiText).map(({ text: source }) => textOf(source))].flatMap((source) =>
    [...source.matchAll(/:(\w+):(?=(.{0,10}))/gu)].flatMap(([, name = '', after = '']) =>
      COLORS.has(name) && !WORD_AFTER.test(after) ? [`:${name}: without a word: ${source.slice(0, 80)}`] : [],
    ),
  );
  const inRichText = nodesIn(blocks).flatMap(({ elements }) =>
    (Array.isArray(elements) ? (elements as readonly Node[]) : []).flatMap(({ type, name }, at, all) =>
      type === 'emoji' && COLORS.has(textOf(name)) && !WORD_AFTER.test(textAfter(all, at))
        ? [`:${textOf(name)}: without a word`]
        : [],
    ),
  );
  return [...inText, ...inRichText];
}

/** In `plain_text` without `emoji` it is only text. */
function isEmojiText({ type, emoji }: Node): boolean {
  return type === 'mrkdwn' || (type === 'plain_text' && emoji === true);
}

/** Enough to recognize a sentence whose end is cut in the text. */
const BEGINNING_CHARS = 80;
const SEVERITY = /^\W*(?:CRITICAL|WARNING|INFO)\b\W*/;

/**
 * What the top-level text leaves out of the blocks: the verdict, a finding, a fix, the title of a chart, and the command that a button runs.
 * A text that is cut says how much it leaves out.
 */
export function leftOutOfText({ text, blocks }: Message): readonly string[] {
  if (blocks.length === 0 || /^… and [\d,]+ more$/m.test(text)) return [];
  const heard = wordsOf(readMessage('', { text, blocks: [] }).lines.map((line) => line.text).join(' '));
  const sentences = readMessage('', { text, blocks: blocks.filter(({ type }) => type !== 'context') }).lines.filter(({ isDetail }) => !isDetail);
  const needed = [
    ...blocks.filter(({ type }) => type === 'header').flatMap((header) => readMessage('', { text, blocks: [header] }).lines.map((line) => line.text)),
    ...sentences.map((line) => line.text).filter((line) => SEVERITY.test(line)),
    ...blocks.filter((block) => block.type === 'section' && block.accessory).map((section) => readMessage('', { text, blocks: [section] }).lines[0]?.text ?? ''),
    ...blocks.filter(({ type }) => type === 'data_visualization').map((chart) => textOf((chart as unknown as Node)['title'])),
    ...nodesIn(blocks).filter(({ type }) => type === 'button').flatMap(commandOf),
  ];
  return [...new Set(needed)]
    .map((line) => line.replace(SEVERITY, '').replaceAll(/…$/gm, '').trim())
    .filter((line) => line !== '' && !heard.includes(wordsOf(line.slice(0, BEGINNING_CHARS)).trimEnd()));
}

/** The command that a button runs, or that its form starts with. A report's own text names its environment, then its command. */
function commandOf({ action_id: id, value }: Node): readonly string[] {
  const action = textOf(id);
  if (/^wrench:ask-\d+$/.test(action)) return [textOf(value)];
  return action === 'wrench:again' || action === 'wrench:form' ? [textOf(value).replace(/ --env \S+/, '')] : [];
}

/** Letters and digits only, since blocks and text are escaped differently. */
function wordsOf(text: string): string {
  const words = text.normalize('NFKC').replaceAll(/[\u200B\u2060\u02CB]/gu, ' ').toLowerCase().split(/[^\p{L}\p{N}]+/u);
  return ` ${words.filter(Boolean).join(' ')} `;
}

/** Every object in it, in order. */
function nodesIn(value: unknown): readonly Node[] {
  if (Array.isArray(value)) return value.flatMap(nodesIn);
  if (value === null || typeof value !== 'object') return [];
  return [value as Node, ...Object.values(value).flatMap(nodesIn)];
}
