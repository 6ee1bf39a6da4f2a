import { cleanText } from '../../../text/clean-text.ts';

/** Spreadsheets treat these as the start of a formula, in full width too. https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA = /^[=+\-@＝＋－＠]/;

/** RFC 4180. A cell may have several lines; none is a formula. */
export function toCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(toCell).join(',')}\r\n`).join('');
}

function toCell(value: string): string {
  const lines = value === '' ? '' : value.split(/\r?\n/).map(cleanText).join('\n');
  const safe = FORMULA.test(lines) ? `'${lines}` : lines;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
