import type { RichTextText } from '@slack/types';
import { cleanText } from '../../text/clean-text.ts';
import { code, escapeUntrusted, truncate } from './escape-untrusted.ts';

/** A pair of backticks that is a word of its own. What is inside is short, so that a stray backtick styles no half of a sentence. */
const CODE = /(?<=^|[\s("'])`([^`]{1,200})`(?=$|[\s.,;:)"'?!])/gu;

interface SentenceOptions {
  readonly max?: number;
  readonly isBold?: boolean;
  /** Names from infrastructure in the sentence. If one of them has a backtick, all backticks stay text. */
  readonly names?: readonly string[];
  /** Where a name from infrastructure is in the sentence that is shown as code too, for people to copy. */
  readonly codeAt?: { readonly start: number; readonly end: number };
}

/**
 * A sentence in a `rich_text` block, which has no markup: commands, flags and keys in backticks get the style of code instead. A name in backticks that
 * is not among `names` gets it too, which is harmless: elements of `rich_text` are only text.
 */
export function sentence(
  words: string,
  { max = 1_000, isBold = false, names = [], codeAt }: SentenceOptions = {},
): readonly RichTextText[] {
  const shown = truncate(cleanText(words), max);
  const style = isBold ? { bold: true } : undefined;
  const text = (piece: string): RichTextText => ({ type: 'text', text: piece, ...(style && { style }) });
  const elements: RichTextText[] = [];
  let end = 0;
  for (const span of codeSpans(shown, names, codeAt)) {
    if (span.start > end) elements.push(text(shown.slice(end, span.start)));
    elements.push({ type: 'text', text: span.inside, style: { ...style, code: true } });
    end = span.end;
  }
  if (end < shown.length) elements.push(text(shown.slice(end)));
  return elements;
}

/** The same in mrkdwn: the top-level text of a message, and what has no `rich_text`. Everything else in the sentence is escaped. */
export function sentenceInMrkdwn(
  words: string,
  { max = 1_000, names = [] }: Pick<SentenceOptions, 'max' | 'names'> = {},
): string {
  const shown = truncate(cleanText(words), max);
  let mrkdwn = '';
  let end = 0;
  for (const span of codeSpans(shown, names, undefined)) {
    mrkdwn += escapeWithSpaces(shown.slice(end, span.start)) + code(span.inside);
    end = span.end;
  }
  return mrkdwn + escapeWithSpaces(shown.slice(end));
}

function escapeWithSpaces(piece: string): string {
  const words = piece.trim();
  if (words === '') return piece;
  return piece.replace(words, () => escapeUntrusted(words, Infinity));
}

/** The same where no style is possible, as in a header. */
export function withoutBackticks(words: string): string {
  return words.replace(CODE, '$1');
}

interface CodeSpan {
  readonly start: number;
  readonly end: number;
  readonly inside: string;
}

function codeSpans(
  shown: string,
  names: readonly string[],
  codeAt: SentenceOptions['codeAt'],
): readonly CodeSpan[] {
  const hasBacktick = names.some((name) => name.includes('`'));
  const own = hasBacktick
    ? []
    : [...shown.matchAll(CODE)].map(({ 0: whole, 1: inside = '', index }) => ({
        start: index,
        end: index + whole.length,
        inside,
      }));
  if (!codeAt || codeAt.end > shown.length || (codeAt.end === shown.length && shown.endsWith('…')))
    return own;
  const named = { ...codeAt, inside: shown.slice(codeAt.start, codeAt.end) };
  const others = own.filter(({ start, end }) => end <= named.start || start >= named.end);
  return [...others, named].toSorted((a, b) => a.start - b.start);
}
