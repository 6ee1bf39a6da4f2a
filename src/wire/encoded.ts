import { hexIn, numbersIn } from './digits.ts';
import { HEAD_LENGTH, isContainerHead, sizeOf } from './der-kind.ts';
import type { FoundContent } from './found-content.ts';
import { matchFrom } from './match-from.ts';
import {
  type Encoded,
  type EncodedPart,
  MIN_ENCODED_LENGTH,
  startDecoding,
  type DecodeBudget,
} from './trial.ts';

/**
 * A quick test whether a text could contain anything that {@link encodedIn} or the PEM readers find. False positives are possible, false negatives
 * are not.
 */
export function mayHoldCertificates(text: string): boolean {
  return PROMISING.test(text);
}

const PROMISING =
  /-----[ ]?BEGIN|BEGIN(?:%20|\+|=20)|[A-Za-z0-9+/_-]{40}|(?:[A-Za-z0-9+/_-]{16,40}[^A-Za-z0-9+/_-]{1,40}){6}|(?:(?:0x|\\x)?(?:[0-9A-Fa-f]{2}){1,8}[\s:,'"-]{1,20}){12}|(?:-?\d{1,3}\s{0,40},\s{0,40}){48}|\\x82|\\u0082|(?:\\0|\\u0000|\\x00|%00).{1,2}(?:\\0|\\u0000|\\x00|%00)/i;

/**
 * Finds base64 (RFC 4648, both alphabets), hexadecimal digits and lists of numbers in a text, whatever surrounds them: one run, wrapped lines,
 * concatenated
 * string literals, comments. Candidates are recognized by their form. DER begins with its own length, so it is found in the middle of other words
 * too.
 * The work is bounded by the length of the text; `cut` means that the bound was reached.
 */
export function encodedIn(
  text: string,
  read: (bytes: Buffer) => FoundContent,
): { readonly parts: readonly EncodedPart[]; readonly cut: boolean } {
  const trial = startDecoding(read, WORK_PER_CHARACTER * text.length + 100_000);
  const parts = [...hexIn(text, trial), ...numbersIn(text, trial)];
  const failures = new Map<Form, Failure>();
  for (let at = 0, token = tokenAt(text, at); token && !trial.isSpent(); token = tokenAt(text, at)) {
    const part = readToken(text, token, failures, trial);
    if (part) parts.push(part);
    // A candidate without certificates may have been joined incorrectly, so the next token is always tried.
    at = part && part.contents.chains.length > 0 ? part.to : token.to;
  }
  return { parts: withoutCovered(parts), cut: trial.isSpent() };
}

/** Drops wrong readings of text in which certificates were found. */
function withoutCovered(parts: readonly EncodedPart[]): readonly EncodedPart[] {
  const found = parts.filter(({ contents }) => contents.chains.length > 0);
  if (found.length === 0 || found.length === parts.length) return parts;
  const overlaps = ({ from, to }: EncodedPart) => found.some((other) => other.from < to && from < other.to);
  return parts.filter((part) => part.contents.chains.length > 0 || !overlaps(part));
}

const WORK_PER_CHARACTER = 4;

/**
 * Where an encoding failed last. What begins inside is tried once more, because a word may have preceded it; after that it would be the same lines
 * again.
 */
interface Failure {
  readonly to: number;
  readonly again: boolean;
}

/**
 * The best that the encodings find in a token: certificates, else something unreadable, else something recognized. A candidate may have been joined
 * incorrectly.
 */
function readToken(
  text: string,
  { from, to }: Span,
  failures: Map<Form, Failure>,
  trial: DecodeBudget,
): EncodedPart | undefined {
  let best: EncodedPart | undefined;
  for (const form of FORMS) {
    const failure = failures.get(form);
    const isInside = failure !== undefined && from < failure.to;
    if (isInside && !failure.again) continue;
    let end = 0;
    for (const encoded of form(text, from, to)) {
      const part = trial.attempt(encoded);
      if (part && part.contents.chains.length > 0) return part;
      if (trial.isSpent()) return best;
      if (best === undefined || (part && rank(part) > rank(best))) best = part;
      end = Math.max(end, encoded.to);
    }
    if (end > 0 && form !== derAt) failures.set(form, { to: end, again: !isInside });
  }
  return best;
}

/** The reason why something can't be read is more useful than its presence. */
function rank({ contents }: EncodedPart): number {
  return contents.unreadable.length > 0 ? 1 : 0;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Tries one encoding at a token. */
type Form = (text: string, from: number, to: number) => Iterable<Encoded>;

const FORMS: readonly Form[] = [derAt, anchoredAt, wrappedAt];

/** The start of a token. The rest is read in pieces, because a single expression overflows the stack on megabytes. */
const TOKEN = /[A-Za-z0-9+/_-]{16}/g;

function tokenAt(text: string, at: number): Span | undefined {
  const match = matchFrom(TOKEN, text, at);
  if (!match) return undefined;
  let to = match.index;
  for (let piece = charactersAt(text, to); piece !== ''; piece = charactersAt(text, to)) {
    to += piece.length;
    if (piece.endsWith('=')) break;
  }
  return { from: match.index, to };
}

/** `30 8x` in base64: every DER value of more than 127 bytes, and BER's indefinite length. */
const DER_START = /MI[A-P]/g;

/** The DER values that begin in a token, each as long as its header says. */
function* derAt(text: string, from: number, to: number): Generator<Encoded, void, undefined> {
  for (const { index } of text.slice(from, to).matchAll(DER_START)) {
    const start = from + index;
    const head = Buffer.from(gather(text, start, HEAD_LENGTH).base64, 'base64');
    if (index > 0 && !isContainerHead(head)) continue;
    const size = sizeOf(head);
    if (size === undefined) continue;
    const whole = gather(text, start, Math.ceil((size * 4) / 3));
    if (whole.base64.length >= MIN_ENCODED_LENGTH)
      yield { from: start, to: whole.to, bytes: Buffer.from(whole.base64, 'base64') };
  }
}

/** Base64 of the first bytes of PEM (also encoded twice), DER, gzip, Zstandard, ZIP and Java keystores. */
const ANCHOR = /(?:LS0tLS1CRUdJTi|TFMwdExTMUNSVWRK|TUlJ|H4sI|KLUv|UEsDB|\/u3\+7Q|zs7Ozg)/y;
/** Long enough not to occur by chance in the middle of a token: `cert_LS0t…`. */
const SURE_ANCHOR = /LS0tLS1CRUdJTi|TFMwdExTMUNSVWRK/g;

/** Reads as far as anything can belong to it, because lines may be wrapped anywhere, or to where the next one may begin. */
function* anchoredAt(text: string, from: number, to: number): Generator<Encoded, void, undefined> {
  const sure = matchFrom(SURE_ANCHOR, text.slice(from, to), 0);
  const start = matchFrom(ANCHOR, text, from) ? from : sure ? from + sure.index : undefined;
  if (start === undefined) return;
  const one = gather(text, start, Infinity, ANCHOR);
  const all = gather(text, start, Infinity);
  for (const { base64, to } of one.to < all.to ? [one, all] : [all])
    if (base64.length >= MIN_ENCODED_LENGTH) yield { from: start, to, bytes: Buffer.from(base64, 'base64') };
}

/** Reads lines of equal length, of which the first and the last may be shorter; otherwise adjacent words would be joined. */
function* wrappedAt(text: string, from: number, firstEnd: number): Generator<Encoded, void, undefined> {
  const parts = [text.slice(from, firstEnd)];
  let to = firstEnd;
  let width = 0;
  while (text[to - 1] !== '=') {
    const separator = matchFrom(SEPARATOR, text, to);
    if (!separator) break;
    const start = to + separator[0].length;
    const next = charactersAt(text, start);
    if (next === '' || (width > 0 && next.length > width)) break;
    parts.push(next);
    to = start + next.length;
    if (width > 0 && next.length < width) break;
    width = next.length;
  }
  const base64 = parts.join('');
  if (base64.length >= MIN_ENCODED_LENGTH) yield { from, to, bytes: Buffer.from(base64, 'base64') };
  const [alone = ''] = parts;
  if (parts.length > 1 && alone.length >= MIN_ENCODED_LENGTH)
    yield { from, to: firstEnd, bytes: Buffer.from(alone, 'base64') };
}

/**
 * In pieces, so that a search that needs a few of a million characters does not read all of them each time, and because an unbounded expression
 * overflows the stack on ten million.
 */
const CHARACTERS = /[A-Za-z0-9+/_-]{1,4096}={0,2}/y;

function charactersAt(text: string, at: number): string {
  return matchFrom(CHARACTERS, text, at)?.[0] ?? '';
}

/**
 * What may separate two pieces: white space, a backslash at the end of a line, the mark of a comment or a quotation at the start of one, or the
 * end of one string literal and the start of the next.
 */
const SEPARATOR =
  /(?:[\s\\]{0,200}["'`][\s+.\\&|()_]{0,200}["'`][\s\\]{0,200}|[\s\\]{1,200}(?:(?:\/\/|[#>*|;]{1,4})[ \t]{1,20})?)/y;
/** Also the next one of a list, if the remaining length is known. */
const SEPARATOR_IN_LIST =
  /(?:[\s\\]{0,200}["'`][\s+.\\&|()_,-]{0,200}["'`][\s\\]{0,200}|[\s\\]{1,200}(?:(?:\/\/|[#>*|;-]{1,4})[ \t]{1,20})?)/y;

/**
 * Joins characters of base64 from an offset on, up to a maximum or to the first character that cannot belong to them.
 * @param stop what begins something else, after a separator
 */
function gather(
  text: string,
  from: number,
  wanted: number,
  stop?: RegExp,
): { readonly base64: string; readonly to: number } {
  const separators = wanted === Infinity ? SEPARATOR : SEPARATOR_IN_LIST;
  const parts: string[] = [];
  let length = 0;
  let to = from;
  for (let at = from; length < wanted;) {
    const part = charactersAt(text, at).slice(0, wanted - length);
    if (part !== '') {
      parts.push(part);
      length += part.length;
      to = at + part.length;
      if (part.endsWith('=')) break;
      at = to;
      continue;
    }
    const separator = at > to ? null : matchFrom(separators, text, at);
    if (!separator) break;
    at += separator[0].length;
    if (stop && matchFrom(stop, text, at)) break;
  }
  return { base64: parts.join(''), to };
}
