import type { Pattern } from './container-commands.ts';

/** In a text, stands for text of any length that is only known when the command runs. Names, labels and images never contain it. */
const GAP = '\0';

/** Letters and digits that make a word. Fewer are in too many names. */
const MIN_WORD_CHARS = 4;

/** The text of a pattern with a gap for each variable. */
export function toGlob({ parts }: Pattern): string {
  return parts.map((part) => ('text' in part ? part.text.replaceAll(GAP, '') : GAP)).join('');
}

export function hasGap(glob: string): boolean {
  return glob.includes(GAP);
}

export function isOnlyGap(glob: string): boolean {
  return glob.replaceAll(GAP, '') === '';
}

/** Whether its known text is long enough to tell it from others. */
export function hasWord(glob: string): boolean {
  return glob.replaceAll(/[^\p{L}\p{N}]/gu, '').length >= MIN_WORD_CHARS;
}

/** A glob to compare many texts with. */
export interface CompiledGlob {
  readonly first: string;
  readonly between: readonly string[];
  /** Undefined without a gap. */
  readonly last: string | undefined;
}

export function compileGlob(glob: string): CompiledGlob {
  const [first = '', ...between] = glob.split(GAP);
  const last = between.pop();
  return { first, between, last };
}

/** Whether the text is that of the glob, in linear time. */
export function isGlobMatch({ first, between, last }: CompiledGlob, text: string): boolean {
  if (last === undefined) return first === text;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length)
    return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const piece of between) {
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}
