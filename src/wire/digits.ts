import { HEAD_LENGTH, isContainerHead, sizeOf } from './der-kind.ts';
import { matchFrom } from './match-from.ts';
import { type EncodedPart, MIN_ENCODED_LENGTH, type DecodeBudget } from './trial.ts';

/** A run of at least a hundred bytes, and DER in the middle of one. */
const HEX_RUN = /(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[\s:,\\'"-]{0,20}){100}/g;
const HEX_DER = /30[\s:,\\'"-]{0,20}(?:0x|\\x)?8[0-4]/gi;
const HEX_DIGITS = /(?:0x|\\x)?((?:[0-9A-Fa-f]{2}){1,64})[\s:,\\'"-]{0,20}/y;

/** Hexadecimal digits: `3082…`, `30:82:…`, `0x30, 0x82, …`, `\x30\x82…`. */
export function hexIn(text: string, trial: DecodeBudget): EncodedPart[] {
  const parts: EncodedPart[] = [];
  let covered = 0;
  const take = (from: number, wanted: number): boolean => {
    const { bytes, to } = digitsAt(text, from, wanted);
    const part = bytes.length < MIN_ENCODED_LENGTH / 2 ? undefined : trial.attempt({ from, to, bytes });
    if (part) parts.push(part);
    if (part) covered = to;
    return part !== undefined;
  };
  for (const { index: from } of text.matchAll(HEX_RUN)) {
    if (trial.isSpent()) break;
    if (from < covered || take(from, Infinity)) continue;
    const end = digitsAt(text, from, Infinity).to;
    for (const { index } of text.slice(from, end).matchAll(HEX_DER)) {
      const head = digitsAt(text, from + index, HEAD_LENGTH).bytes;
      if (trial.isSpent() || (isContainerHead(head) && take(from + index, sizeOf(head) ?? 0))) break;
    }
    covered = Math.max(covered, end);
  }
  return parts;
}

/** At least a hundred numbers of a byte each; then one number at a time. */
const NUMBER_RUN = /(?:-?\d{1,3}\s{0,40},\s{0,40}){100}/g;
const NUMBER = /(-?\d{1,3})\s{0,40}(?:,\s{0,40}|(?=[^\d,]|$))/y;

/** Bytes as a list of numbers: `[48, 130, …]`, signed in Java. */
export function numbersIn(text: string, trial: DecodeBudget): EncodedPart[] {
  const parts: EncodedPart[] = [];
  let covered = 0;
  for (const { index: from } of text.matchAll(NUMBER_RUN)) {
    if (trial.isSpent()) break;
    if (from < covered) continue;
    const numbers: number[] = [];
    covered = from;
    for (
      let match = matchFrom(NUMBER, text, from);
      match !== null;
      match = matchFrom(NUMBER, text, covered)
    ) {
      numbers.push(Number(match[1]));
      covered += match[0].length;
    }
    const part = trial.attempt({ from, to: covered, bytes: Buffer.from(numbers) });
    if (part) parts.push(part);
  }
  return parts;
}

/** The bytes of hexadecimal digits from an offset on, up to a maximum or to the first other character. */
function digitsAt(
  text: string,
  from: number,
  wanted: number,
): { readonly bytes: Buffer; readonly to: number } {
  const pieces: string[] = [];
  let length = 0;
  let to = from;
  while (length < 2 * wanted) {
    const match = matchFrom(HEX_DIGITS, text, to);
    const [piece, digits] = match ?? [];
    if (piece === undefined || digits === undefined) break;
    pieces.push(digits);
    length += digits.length;
    to += piece.length;
  }
  const bytes = Buffer.from(pieces.join(''), 'hex');
  return { bytes: bytes.subarray(0, Math.min(bytes.length, wanted)), to };
}
