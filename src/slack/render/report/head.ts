import { BEFORE_UNCHECKED, type Headline } from '../../../check/report-in-words.ts';
import { type Blocks, EMOJI, headerBlock, line, MAX_HEADER_CHARS, rich } from '../blocks.ts';
import { sentence } from '../sentence.ts';
import { encodedLength, truncateVerdict, withoutEmoji } from '../escape-untrusted.ts';

const MAX_WHOLE_CHARS = 1_500;

/** The color and the word that a root begins with: `:red_circle: CRITICAL`. A color never appears without its word. */
export function signOf(headline: Headline): string {
  return `:${EMOJI[headline]}: ${headline}`;
}

/** The first line of a report's root, and below it what doesn't fit. */
export function headBlocks(sign: string, words: string, names: readonly string[] = []): Blocks {
  const [first, rest] = splitVerdict(words, MAX_HEADER_CHARS - `${sign} · `.length);
  const below = truncateVerdict(rest, MAX_WHOLE_CHARS);
  return [
    headerBlock(sign, first),
    ...(below === '' ? [] : [rich(line(...sentence(below, { max: MAX_WHOLE_CHARS, names })))]),
  ];
}

/** A shorter beginning says too little. */
const MIN_FIRST_CHARS = 25;

/**
 * A verdict as a first line and the rest, cut between clauses or words. What couldn't be checked stays in the first line; if it is too long for that,
 * the rest is the whole verdict.
 */
function splitVerdict(verdict: string, maxChars: number): readonly [first: string, rest: string] {
  const fits = (words: string) => encodedLength(withoutEmoji(words)) <= maxChars;
  if (fits(verdict)) return [verdict, ''];
  const at = verdict.lastIndexOf(BEFORE_UNCHECKED);
  const main = at === -1 ? verdict : verdict.slice(0, at);
  const unchecked = at === -1 ? '' : verdict.slice(at);
  const spaces = [...main.matchAll(/(?<clause>[;.:,]?) /g)].filter((space) =>
    fits(`${main.slice(0, space.index)}${space.groups?.['clause']} …${unchecked}`),
  );
  const clauses = spaces.filter(
    ({ index, groups }) => /[;.]/.test(groups?.['clause'] ?? '') && index >= MIN_FIRST_CHARS,
  );
  const cut = clauses.at(-1) ?? spaces.at(-1);
  if (!cut || cut.index < MIN_FIRST_CHARS) return [verdict, verdict];
  const end = cut.index + cut[0].length;
  return [`${main.slice(0, end)}…${unchecked}`, `… ${main.slice(end)}`];
}
