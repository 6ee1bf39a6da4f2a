import type { ContainerReference, Pattern } from './container-commands.ts';
import type { TextAt } from './source-text.ts';

/** One word as a command gets it, as far as the script says. */
export interface ShellWord {
  readonly parts: readonly WordPiece[];
  /** Where it is written. */
  readonly at: number;
  readonly end: number;
  readonly isQuoted: boolean;
  /** Whether it is an argument of the function around it, and so written elsewhere. */
  readonly isArgument?: true;
}

export type WordPiece = TextAt | UnknownText;

/** Text that is known when the script runs. */
export interface UnknownText {
  /** Names it in patterns: `$TAG`. */
  readonly variable: string;
  /** As written, for people: `"${ARGS[@]}"`. */
  readonly shown: string;
  /** `TAG`. Absent for other expansions. */
  readonly name?: string;
  readonly at: number;
  /** `split`: any number of words, as of `$OPTS`. `list`: the same for arrays and `"$@"`, which are never a lone image. */
  readonly words: 'one' | 'split' | 'list';
  /** All values that it may have, if the script has them. */
  readonly choices?: readonly Choice[];
  /** Containers that a command prints: `$(docker ps -aq)`. */
  readonly containers?: readonly ContainerReference[];
}

/** `unknown`: one that the script doesn't have. */
export type Choice = Value | 'unknown';

/** The words of a variable. Only an array has more or less than one. */
export interface Value {
  readonly words: readonly (readonly WordPiece[])[];
  readonly isArray: boolean;
}

const MAX_PIECES = 64;
const MAX_LENGTH = 4000;
const MAX_WORDS = 400;

/** Keeps the time linear that growing values take. */
export function isTooLong({ words }: Value): boolean {
  if (words.length > MAX_WORDS) return true;
  let length = 0;
  let pieces = 0;
  for (const word of words) {
    pieces += word.length;
    for (const piece of word) length += 'text' in piece ? piece.text.length : 0;
  }
  return length > MAX_LENGTH || pieces > MAX_PIECES + words.length;
}

/** Its text, if the script has all of it. */
export function literalText(word: { readonly parts: readonly WordPiece[] } | undefined): string | undefined {
  if (!word) return undefined;
  const { parts } = word;
  if (parts.length === 1) return 'text' in parts[0]! ? parts[0].text : undefined;
  let text = '';
  for (const part of parts) {
    if (!('text' in part)) return undefined;
    text += part.text;
  }
  return text;
}

/** Its text up to the first unknown part. */
export function leadingText({ parts }: { readonly parts: readonly WordPiece[] }): string {
  let text = '';
  for (const part of parts) {
    if (!('text' in part)) return text;
    text += part.text;
  }
  return text;
}

/** The part that is all of the word, if that part is unknown. */
export function loneUnknown(word: ShellWord | undefined): UnknownText | undefined {
  const known = word?.parts.filter((part) => !('text' in part) || part.text !== '');
  const [part, ...more] = known ?? [];
  return part && !('text' in part) && more.length === 0 ? part : undefined;
}

export function patternOf(parts: readonly WordPiece[]): Pattern {
  const result: ({ text: string } | { variable: string })[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if (!('text' in part)) result.push({ variable: part.variable });
    else if (last && 'text' in last) last.text += part.text;
    else if (part.text !== '') result.push({ text: part.text });
  }
  return { parts: result };
}

/** The same word without its first characters. */
export function withoutStart(parts: readonly WordPiece[], length: number): readonly WordPiece[] {
  const result: WordPiece[] = [];
  let left = length;
  for (const part of parts) {
    if (!('text' in part)) {
      result.push(part);
      continue;
    }
    const cut = Math.min(left, part.text.length);
    left -= cut;
    if (cut < part.text.length)
      result.push({ text: part.text.slice(cut), at: part.at < 0 ? -1 : part.at + cut });
  }
  return result;
}

/** Where the text of a word ends in the script. Absent if it isn't there. */
export function endInScript({ parts }: ShellWord): number | undefined {
  const last = parts.at(-1);
  return last && 'text' in last && last.at >= 0 ? last.at + last.text.length : undefined;
}

/** The words of an unquoted value. `null` marks a place where words are split. */
export function splitPieces(pieces: readonly WordPiece[]): readonly (WordPiece | null)[] {
  const result: (WordPiece | null)[] = [];
  for (const piece of pieces) {
    if (!('text' in piece)) {
      result.push(piece);
      continue;
    }
    let start = 0;
    for (let at = 0; at <= piece.text.length; at += 1) {
      const isEnd = at === piece.text.length;
      const isSpace =
        !isEnd && (piece.text[at] === ' ' || piece.text[at] === '\t' || piece.text[at] === '\n');
      if (!isEnd && !isSpace) continue;
      if (at > start)
        result.push({ text: piece.text.slice(start, at), at: piece.at < 0 ? -1 : piece.at + start });
      if (isSpace) result.push(null);
      start = at + 1;
    }
  }
  return result;
}

/** The words that a value becomes: one for each of an array, those of an unquoted text otherwise. */
export function valueWords({ words, isArray }: Value, word: ShellWord): readonly ShellWord[] {
  if (isArray) return words.map((parts) => ({ ...word, parts, isQuoted: true }));
  const result: ShellWord[] = [];
  let parts: WordPiece[] = [];
  for (const piece of [...splitPieces(words[0] ?? []), null]) {
    if (piece) parts.push(piece);
    else {
      if (parts.length > 0) result.push({ ...word, parts });
      parts = [];
    }
  }
  return result;
}
