import { stripVTControlCharacters } from 'node:util';

/** Shown where a text has nothing in it that can be seen. */
export const NOTHING_VISIBLE = '(empty)';

const BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]/gu;
/** Control characters, bidi overrides and all else that acts on a text without being seen in it (Unicode's default ignorables). */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

/** What infrastructure says, on one line, as it is seen: nothing in it moves a cursor, turns the text around or hides. */
export function cleanText(text: string): string {
  const seen = cleanLine(text).trim();
  return seen === '' ? NOTHING_VISIBLE : seen;
}

/** The same for a line of a log: its indentation stays, and it may be empty. */
export function cleanLine(text: string): string {
  return stripVTControlCharacters(text).toWellFormed().replace(BREAKS, ' ').replace(UNSEEN, '').trimEnd();
}
