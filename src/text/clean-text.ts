import { stripVTControlCharacters } from 'node:util';

/** Shown for a text without visible characters. */
export const NOTHING_VISIBLE = '(empty)';

const BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]/gu;
/** Control characters, bidi overrides and other invisible characters (Unicode's default ignorables). */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

/** Text from the infrastructure, in one line of visible characters: nothing in it moves the cursor, reverses the text or hides. */
export function cleanText(text: string): string {
  const seen = cleanLine(text).trim();
  return seen === '' ? NOTHING_VISIBLE : seen;
}

/** The same for a line of a log: it keeps its indentation, and may be empty. */
export function cleanLine(text: string): string {
  return stripVTControlCharacters(text).toWellFormed().replace(BREAKS, ' ').replace(UNSEEN, '').trimEnd();
}
