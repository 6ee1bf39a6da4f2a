import type { Block } from '../workspace/model.ts';
import { type Inline, parseMrkdwn, parsePlain } from '../workspace/mrkdwn.ts';
import { textOf } from '../workspace/read-args.ts';

/**
 * Finds what a person reads twice in a thread. Cells of tables, charts and buttons may repeat a sentence, and so may the message with the outcome of a
 * fix, which callers leave out. Details may repeat one another, but no sentence: two certificates of one issuer are two facts.
 */

/** One message as a person reads it, line by line. */
export interface ReadMessage {
  /** Its place in the thread, for the list of repetitions. */
  readonly name: string;
  readonly lines: readonly ReadLine[];
  /** What is shown as code: a name to copy is not a sentence. */
  readonly codes: readonly string[];
}

interface ReadLine {
  readonly text: string;
  /** A field, a quote or a line of a log. */
  readonly isDetail?: boolean;
}

interface Readable {
  readonly text: string;
  readonly blocks: readonly unknown[];
}

interface Clause {
  /** Between spaces, so that one clause contains another only at whole words. */
  readonly words: string;
  readonly source: string;
  readonly place: string;
  readonly isDetail: boolean;
}

/** Shorter ones are labels, names and numbers. */
const MIN_WORDS = 4;

/** `FIXED · ` before a sentence. */
const STATE = /^\W*[A-Z][A-Z ]+ · /;

const SEVERITIES = ['CRITICAL', 'WARNING', 'INFO', 'CLEAR', 'UNKNOWN'] as const;

/** What a person reads twice in these messages, severities that follow themselves, and `(empty)`. Empty if there is no problem. */
export function findRepetitions(messages: readonly ReadMessage[]): readonly string[] {
  const clauses = messages.flatMap(clausesOf);
  const shown = new Set<string>();
  const repeated = clauses.flatMap((clause, at) => {
    if (shown.has(clause.words)) return [];
    const others = clauses.filter((other, place) => place !== at && repeats(other, clause));
    if (others.length === 0) return [];
    shown.add(clause.words);
    return [`"${clause.source}" in ${[clause, ...others].map(({ place }) => place).join(', ')}`];
  });
  return [...repeated, ...messages.flatMap(repeatedSeverities), ...messages.flatMap(emptyCells)];
}

function repeats(other: Clause, clause: Clause): boolean {
  if (clause.isDetail && other.isDetail) return false;
  return other.words.includes(clause.words);
}

function clausesOf({ name, lines, codes }: ReadMessage): readonly Clause[] {
  return lines.flatMap(({ text, isDetail = isRow(text) }, at) =>
    text
      .replace(STATE, '')
      .split(/\s+·\s+/)
      // `sentence · detail · detail`
      .flatMap((part, index) => part.split(/;\s+|(?<=[.!?])\s+/).map((source) => ({ source, isDetail: isDetail || index > 0 })))
      .flatMap(({ source, isDetail: isLess }) => {
        const words = normalize(source);
        const isName = codes.includes(source.trim()) || words[0]?.startsWith('/') === true;
        if (words.length < MIN_WORDS || isName) return [];
        return [{ words: ` ${words.join(' ')} `, source: source.trim(), place: `${name} line ${at + 1}`, isDetail: isLess }];
      }),
  );
}

/** A row of a table that is shown as a list, `Place: vault · Expires: 2026-11-20`, or the columns with one value: `All  Expires: 2026-11-20`. */
function isRow(text: string): boolean {
  if (/^All {2}[^:]{1,30}: /.test(text)) return true;
  const cells = text.split(/\s+·\s+/);
  return cells.length > 1 && cells.every((cell) => /^[^:]{1,30}: /.test(cell));
}

/** Lower-case words without punctuation around them. Paths and names stay one word. */
function normalize(text: string): readonly string[] {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/:[a-z][a-z0-9_+-]*:/g, ' ')
    .split(/\s+/)
    .map((word) => word.replaceAll(/^[^\p{L}\p{N}/@-]+|[^\p{L}\p{N}/]+$|[\u200B\u2060]/gu, ''))
    .filter((word) => /[\p{L}\p{N}]/u.test(word));
}

/** `CRITICAL · CRITICAL`, or a line that begins with the severity of the line above it. */
function repeatedSeverities({ name, lines }: ReadMessage): readonly string[] {
  const first = ({ text }: ReadLine) => SEVERITIES.find((word) => new RegExp(`^\\W*${word}\\b`).test(text));
  return lines.flatMap((line, at) => {
    const word = first(line);
    if (word === undefined) return [];
    const place = `${name} line ${at + 1}`;
    const isTwice = new RegExp(`^\\W*${word}\\W+${word}\\b`).test(line.text);
    const above = lines[at - 1];
    // The second of two findings without details also begins with its severity; only a headline is about the same thing.
    const isBelow = at === 1 && above !== undefined && first(above) === word;
    return isTwice || isBelow ? [`${word} twice in a row in ${place}`] : [];
  });
}

const EMPTY = '(empty)';

function emptyCells({ name, lines }: ReadMessage): readonly string[] {
  return lines.some(({ text }) => text.includes(EMPTY)) ? [`${EMPTY} in ${name}`] : [];
}

type Node = Readonly<Record<string, unknown>>;

/** A message of Slack in the order of its blocks. Of tables, only cells that say {@link EMPTY} are read. */
export function readMessage(name: string, { text, blocks }: Readable): ReadMessage {
  if (blocks.length === 0) return { name, lines: linesOf(readMrkdwn(text)), codes: [] };
  return { name, lines: (blocks as readonly Block[]).flatMap(readBlock), codes: codesIn(blocks) };
}

function codesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(codesIn);
  if (value === null || typeof value !== 'object') return [];
  const { type, style, text, ...rest } = value as Node & { readonly style?: { readonly code?: boolean } };
  if (type === 'text' && style?.code === true) return [textOf(text).trim()];
  if (type === 'mrkdwn') return codesIn(parseMrkdwn(textOf(text)));
  return Object.values({ text, ...rest }).flatMap(codesIn);
}

function readBlock(block: Block): readonly ReadLine[] {
  switch (block.type) {
    case 'header':
      return linesOf(readText(block['text']));
    case 'section':
      return [
        ...linesOf(readText(block['text'])),
        ...nodesOf(block['fields']).map((field) => ({ text: readText(field).replaceAll('\n', ' '), isDetail: true })),
      ];
    case 'context':
      return linesOf(nodesOf(block['elements']).map(readText).join(' · '));
    case 'rich_text':
      return nodesOf(block['elements']).flatMap(readRich);
    case 'table':
      return nodesOf((block['rows'] as readonly (readonly Node[])[]).flat())
        .filter((cell) => textOf(cell['text']) === EMPTY)
        .slice(0, 1)
        .map(() => ({ text: EMPTY }));
    default:
      return [];
  }
}

function readRich(part: Node): readonly ReadLine[] {
  const elements = nodesOf(part['elements']);
  if (part['type'] === 'rich_text_list') return elements.flatMap(readRich);
  const lines = linesOf(readInline(elements as unknown as readonly Inline[]));
  return part['type'] === 'rich_text_section' ? lines : lines.map((line) => ({ ...line, isDetail: true }));
}

function readText(text: unknown): string {
  const node = (text ?? {}) as Node;
  const source = textOf(node['text']);
  return node['type'] === 'mrkdwn' ? readMrkdwn(source) : readInline(parsePlain(source));
}

function readMrkdwn(source: string): string {
  return parseMrkdwn(source)
    .map(({ elements }) => readInline(elements))
    .join('\n');
}

function readInline(elements: readonly Inline[]): string {
  return elements
    .map((element) => {
      switch (element.type) {
        case 'text':
          return element.text;
        case 'link':
          return element.text ?? element.url;
        case 'user':
          return `@${element.user_id}`;
        case 'usergroup':
          return `@${element.usergroup_id}`;
        case 'channel':
          return `#${element.channel_id}`;
        case 'broadcast':
          return `@${element.range}`;
        case 'date':
          return element.fallback;
        case 'emoji':
          return '';
      }
    })
    .join('');
}

function linesOf(text: string): readonly ReadLine[] {
  return text
    .split('\n')
    .map((line) => ({ text: line.trim() }))
    .filter((line) => line.text !== '');
}

function nodesOf(value: unknown): readonly Node[] {
  return (value ?? []) as readonly Node[];
}
