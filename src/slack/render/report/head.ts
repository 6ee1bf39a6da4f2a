import type { Headline } from '../../../check/report-in-words.ts';
import { type Blocks, EMOJI, headerBlock, line, MAX_HEADER_CHARS, rich } from '../blocks.ts';
import { sentence } from '../sentence.ts';
import { truncate, truncateVerdict } from '../escape-untrusted.ts';

const MAX_WHOLE_CHARS = 1_500;

/** The color and the word that a root begins with: `:red_circle: CRITICAL`. A color never appears without its word. */
export function signOf(headline: Headline): string {
  return `:${EMOJI[headline]}: ${headline}`;
}

/** The first line of a report's root, and below it the same in full if it doesn't fit. */
export function headBlocks(sign: string, words: string, names: readonly string[] = []): Blocks {
  const isLong =
    `${sign} · `.length + truncate(words, MAX_HEADER_CHARS).length > MAX_HEADER_CHARS ||
    words.length > MAX_HEADER_CHARS;
  return [
    headerBlock(sign, words),
    ...(isLong
      ? [rich(line(...sentence(truncateVerdict(words, MAX_WHOLE_CHARS), { max: MAX_WHOLE_CHARS, names })))]
      : []),
  ];
}
