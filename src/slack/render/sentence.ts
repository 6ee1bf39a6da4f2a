import type { RichTextText } from '@slack/types';
import { cleanText } from '../../text/clean-text.ts';
import { truncate } from './escape-untrusted.ts';

/** A pair of backticks that is a word of its own. What is inside is short, so that a stray backtick styles no half of a sentence. */
const CODE = /(?<=^|[\s("'])`([^`]{1,80})`(?=$|[\s.,;:)"'?!])/gu;

interface SentenceOptions {
  readonly max?: number;
  readonly isBold?: boolean;
  /** Names from infrastructure in the sentence. If one of them has a backtick, all backticks stay text. */
  readonly names?: readonly string[];
}

/**
 * A sentence in a `rich_text` block, which has no markup: commands, flags and keys in backticks get the style of code instead. A name in backticks that
 * is not among `names` gets it too, which is harmless: elements of `rich_text` are only text.
 */
export function sentence(
  words: string,
  { max = 1_000, isBold = false, names = [] }: SentenceOptions = {},
): readonly RichTextText[] {
  const shown = truncate(cleanText(words), max);
  const style = isBold ? { bold: true } : undefined;
  const text = (piece: string): RichTextText => ({ type: 'text', text: piece, ...(style && { style }) });
  if (names.some((name) => name.includes('`'))) return [text(shown)];
  const elements: RichTextText[] = [];
  let end = 0;
  for (const match of shown.matchAll(CODE)) {
    const [whole, inside = ''] = match;
    if (match.index > end) elements.push(text(shown.slice(end, match.index)));
    elements.push({ type: 'text', text: inside, style: { ...style, code: true } });
    end = match.index + whole.length;
  }
  if (end < shown.length) elements.push(text(shown.slice(end)));
  return elements;
}
