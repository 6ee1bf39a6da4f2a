import { distance } from 'fastest-levenshtein';

/** The known word that was probably meant: at most two slips, or a third of the word's length, away. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const asked = word.toLowerCase();
  let best: { readonly word: string; readonly slips: number } | undefined;
  for (const candidate of known) {
    const plain = candidate.toLowerCase();
    const slips = plain.startsWith(asked) && asked.length >= 3 ? 1 : distance(asked, plain);
    if (!best || slips < best.slips) best = { word: candidate, slips };
  }
  return best && best.slips <= Math.max(2, Math.floor(asked.length / 3)) ? best.word : undefined;
}
