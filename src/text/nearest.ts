import { distance } from 'fastest-levenshtein';

/** The known word that was probably meant: at most two typos, or a third of the word's length, away. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const asked = word.toLowerCase();
  let best: { readonly word: string; readonly typos: number } | undefined;
  for (const candidate of known) {
    const plain = candidate.toLowerCase();
    const typos =
      plain.startsWith(asked) && asked.length >= 3
        ? 1
        : Math.min(distance(asked, plain), haveSameStem(asked, plain) ? 2 : Infinity);
    if (!best || typos < best.typos) best = { word: candidate, typos };
  }
  return best && best.typos <= Math.max(2, Math.floor(asked.length / 3)) ? best.word : undefined;
}

/** `rotate` and `rotation`, `expired` and `expiring`. */
function haveSameStem(one: string, other: string): boolean {
  const shorter = Math.min(one.length, other.length);
  let same = 0;
  while (same < shorter && one[same] === other[same]) same += 1;
  return same >= Math.max(4, shorter - 2);
}

/** What to add to a message about an unknown word: ` Did you mean …?`, or ` Available: …` with all known words. Empty if there are none. */
export function suggest(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  if (meant !== undefined) return ` Did you mean \`${meant}\`?`;
  return known.length > 0 ? ` Available: ${known.join(', ')}.` : '';
}

/** A flag that a command of `/wrench` does not have, without its dashes, with the one that was probably meant. */
export function unknownFlagText(flag: string, known: readonly string[]): string {
  const meant = nearest(flag, known);
  return `Unknown flag \`--${flag.slice(0, 40)}\`.${meant ? ` Did you mean \`--${meant}\`?` : ''}`;
}
