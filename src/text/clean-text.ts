/** Shown for a text without visible characters. */
export const NOTHING_VISIBLE = '(empty)';

const BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]/gu;
/** Control characters, bidi overrides and other invisible characters (Unicode's default ignorables). */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

/** Escape sequences of terminals: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html */
const ESCAPES =
  // oxlint-disable-next-line no-control-regex -- they begin with one
  /\u001B\][^\u0007\u001B\u009C]*(?:\u0007|\u001B\\|\u009C)|(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]|\u001B[ -/]*[0-~]/g;

/** Without escape sequences, such as colors. `stripVTControlCharacters` of Node takes minutes for a megabyte of sequences that don't end. */
export function stripEscapes(text: string): string {
  return text.replace(ESCAPES, '');
}

/** Text from the infrastructure, in one line of visible characters: nothing in it moves the cursor, reverses the text or hides. */
export function cleanText(text: string): string {
  const seen = cleanLine(text).trim();
  return seen === '' ? NOTHING_VISIBLE : seen;
}

/** The same for a line of a log: it keeps its indentation, and may be empty. */
export function cleanLine(text: string): string {
  return stripEscapes(text).toWellFormed().replace(BREAKS, ' ').replace(UNSEEN, '').trimEnd();
}
