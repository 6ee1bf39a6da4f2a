import { readElement } from './der.ts';
import { type Held, nothing } from './held.ts';

/** Bytes that stand in a text in another form. */
export interface Encoded {
  readonly from: number;
  readonly to: number;
  readonly bytes: Buffer;
}

/** Whether a text could hold anything that {@link encodedIn} or PEM's readers find: quick, and wrong only where it says yes. */
export function mayHoldCertificates(text: string): boolean {
  return PROMISING.test(text);
}

const PROMISING =
  /-----[ ]?BEGIN|BEGIN(?:%20|\+|=20)|[A-Za-z0-9+/_-]{40}|(?:[A-Za-z0-9+/_-]{16,40}[^A-Za-z0-9+/_-]{1,40}){6}|(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[\s:,]{1,20}){24}|(?:-?\d{1,3}\s{0,40},\s{0,40}){48}|\\x82|\\u0082|(?:\\0|\\u0000|\\x00|%00).{1,2}(?:\\0|\\u0000|\\x00|%00)/i;

/** Shorter ones hold no certificate: the smallest in use have some 250 bytes. */
const SHORTEST = 160;

/** What was read at a place of a text. */
export interface Part {
  readonly from: number;
  readonly to: number;
  readonly held: Held;
}

/**
 * Finds base64 (RFC 4648, both alphabets) and hexadecimal digits in a text, whatever stands around them: one run, wrapped lines, string literals put together,
 * comments. Candidates are taken by their form. DER says its own length, so it is found in the middle of other words too.
 * The work is bounded by the length of the text; `cut` says that it was not enough.
 */
export function encodedIn(
  text: string,
  read: (bytes: Buffer) => Held,
): { readonly parts: readonly Part[]; readonly cut: boolean } {
  const trial = startTrial(read, WORK_PER_CHARACTER * text.length + 100_000);
  const parts = [...hexIn(text, trial), ...numbersIn(text, trial)];
  const failures = new Map<Form, Failure>();
  for (let at = 0, token = tokenAt(text, at); token && !trial.isSpent(); token = tokenAt(text, at)) {
    const part = readToken(text, token, failures, trial);
    if (part) parts.push(part);
    // What is only recognized, or cannot be read, may have been put together wrongly: the next token is tried all the same.
    at = part && part.held.chains.length > 0 ? part.to : token.to;
  }
  return { parts: withoutCovered(parts), cut: trial.isSpent() };
}

/** Drops what turned out to be a wrong reading of a place where certificates were found. */
function withoutCovered(parts: readonly Part[]): readonly Part[] {
  const found = parts.filter(({ held }) => held.chains.length > 0);
  if (found.length === 0 || found.length === parts.length) return parts;
  const overlaps = ({ from, to }: Part) => found.some((other) => other.from < to && from < other.to);
  return parts.filter((part) => part.held.chains.length > 0 || !overlaps(part));
}

const WORK_PER_CHARACTER = 4;

interface Trial {
  readonly attempt: (encoded: Encoded) => Part | undefined;
  /** Whether as many bytes as allowed have been tried. */
  readonly isSpent: () => boolean;
}

function startTrial(read: (bytes: Buffer) => Held, bytes: number): Trial {
  let left = bytes;
  return {
    attempt: (encoded) => {
      left -= encoded.bytes.length;
      const held = left < 0 ? nothing : read(encoded.bytes);
      return held === nothing ? undefined : { from: encoded.from, to: encoded.to, held };
    },
    isSpent: () => left < 0,
  };
}

/** Where a form failed last: what begins inside it is tried once more, for a word may stand in front; later it would be the same lines again. */
interface Failure {
  readonly to: number;
  readonly again: boolean;
}

/** The best of what the forms find in a token: certificates, else what is known or unreadable. A candidate may have been put together wrongly. */
function readToken(
  text: string,
  { from, to }: Span,
  failures: Map<Form, Failure>,
  trial: Trial,
): Part | undefined {
  let best: Part | undefined;
  for (const form of FORMS) {
    const failure = failures.get(form);
    const isInside = failure !== undefined && from < failure.to;
    if (isInside && !failure.again) continue;
    let end = 0;
    for (const encoded of form(text, from, to)) {
      const part = trial.attempt(encoded);
      if (part && part.held.chains.length > 0) return part;
      if (trial.isSpent()) return best;
      if (best === undefined || (part && rank(part) > rank(best))) best = part;
      end = Math.max(end, encoded.to);
    }
    if (end > 0 && form !== derAt) failures.set(form, { to: end, again: !isInside });
  }
  return best;
}

/** A reason why something cannot be read says more than that something is there. */
function rank({ held }: Part): number {
  return held.unreadable.length > 0 ? 1 : 0;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Looks for one form of encoding at a token. */
type Form = (text: string, from: number, to: number) => Iterable<Encoded>;

const TOKEN = /[A-Za-z0-9+/_-]{16,}={0,2}/g;

function tokenAt(text: string, at: number): Span | undefined {
  TOKEN.lastIndex = at;
  const match = TOKEN.exec(text);
  return match ? { from: match.index, to: TOKEN.lastIndex } : undefined;
}

/** `30 8x` in base64: every DER value of more than 127 bytes, and BER's indefinite length. */
const DER_START = /MI[A-P]/g;

/** The DER values in a token that are worth reading, as far as their own length says. */
function* derAt(text: string, from: number, to: number): Generator<Encoded, void, undefined> {
  for (const { index } of text.slice(from, to).matchAll(DER_START)) {
    const start = from + index;
    const head = Buffer.from(gather(text, start, HEAD_LENGTH).base64, 'base64');
    if (index > 0 && !isContainerHead(head)) continue;
    const size = sizeOf(head);
    if (size === undefined) continue;
    const whole = gather(text, start, Math.ceil((size * 4) / 3));
    if (whole.base64.length >= SHORTEST)
      yield { from: start, to: whole.to, bytes: Buffer.from(whole.base64, 'base64') };
  }
}

const HEAD_LENGTH = 40;

/** Certificates, PKCS#7, PKCS#12, and lists of certificates. */
function isContainerHead(bytes: Buffer): boolean {
  return /^30(8[0-4])?(?:..){0,4}?(?:30(8[1-4])(?:..){1,4}?(?:a0030201|02|30)|06092a864886f70d0107|020103)/.test(
    bytes.toString('hex', 0, 24),
  );
}

/** How long the value is, by its own first bytes; without a limit for BER's indefinite length. */
function sizeOf(bytes: Buffer): number | undefined {
  try {
    if (bytes[1] === 0x80) return Infinity;
    return readElement(bytes, 0, Infinity).next;
  } catch {
    return undefined;
  }
}

/** What begins as PEM (also in base64 twice), gzip, Zstandard, ZIP or a Java keystore begins. */
const ANCHOR = /(?:LS0tLS1CRUdJTi|TFMwdExTMUNSVWRK|TUlJ|H4sI|KLUv|UEsDB|\/u3\+7Q|zs7Ozg)/y;

/** To the end of all that can belong to it, for such lines may be wrapped anywhere. */
function* anchoredAt(text: string, from: number): Generator<Encoded, void, undefined> {
  ANCHOR.lastIndex = from;
  if (!ANCHOR.test(text)) return;
  const { base64, to } = gather(text, from, Infinity);
  if (base64.length >= SHORTEST) yield { from, to, bytes: Buffer.from(base64, 'base64') };
}

/** Lines of one length, of which the first and the last may be shorter; otherwise words that stand side by side would be read as one. */
function* wrappedAt(text: string, from: number, firstEnd: number): Generator<Encoded, void, undefined> {
  const parts = [text.slice(from, firstEnd)];
  let to = firstEnd;
  let width = 0;
  while (text[to - 1] !== '=') {
    SEPARATOR.lastIndex = to;
    if (!SEPARATOR.test(text)) break;
    const start = SEPARATOR.lastIndex;
    const next = charactersAt(text, start);
    if (next === '' || (width > 0 && next.length > width)) break;
    parts.push(next);
    to = start + next.length;
    if (width > 0 && next.length < width) break;
    width = next.length;
  }
  const base64 = parts.join('');
  if (base64.length >= SHORTEST) yield { from, to, bytes: Buffer.from(base64, 'base64') };
  const [alone = ''] = parts;
  if (parts.length > 1 && alone.length >= SHORTEST)
    yield { from, to: firstEnd, bytes: Buffer.from(alone, 'base64') };
}

/** In pieces, so that a search that wants few of a million characters does not read the million each time. */
const CHARACTERS = /[A-Za-z0-9+/_-]{1,4096}={0,2}/y;

function charactersAt(text: string, at: number): string {
  CHARACTERS.lastIndex = at;
  return CHARACTERS.exec(text)?.[0] ?? '';
}

/**
 * What may stand between two pieces: white space, a backslash at a line's end, a comment's or a quotation's mark at a line's beginning, and the
 * end of one string literal with the beginning of the next.
 */
const SEPARATOR = /(?:[\s\\]{1,200}(?:(?:\/\/|[#>*|;]{1,4})[ \t]{1,20})?|["'`][\s+.\\&|()]{0,200}["'`])/y;

/** Characters of base64 from a place on, as many as are wanted, or until what comes next cannot belong to them. */
function gather(
  text: string,
  from: number,
  wanted: number,
): { readonly base64: string; readonly to: number } {
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
    SEPARATOR.lastIndex = at;
    if (at > to || !SEPARATOR.test(text)) break;
    at = SEPARATOR.lastIndex;
  }
  return { base64: parts.join(''), to };
}

/** As many digits as the smallest certificate has; and DER in the middle of other digits. */
const HEX_RUN = /(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[\s:,\\]{0,20}){100}/g;
const HEX_DER = /30[\s:,\\]{0,20}(?:0x|\\x)?8[0-4]/gi;
const HEX_DIGITS = /(?:0x|\\x)?((?:[0-9A-Fa-f]{2}){1,64})[\s:,\\]{0,20}/y;

/** Hexadecimal digits: `3082…`, `30:82:…`, `0x30, 0x82, …`, `\x30\x82…`. */
function hexIn(text: string, trial: Trial): Part[] {
  const parts: Part[] = [];
  let covered = 0;
  const take = (from: number, wanted: number): boolean => {
    const { bytes, to } = digitsAt(text, from, wanted);
    const part = bytes.length < SHORTEST / 2 ? undefined : trial.attempt({ from, to, bytes });
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

/** A hundred numbers of a byte each, and the next ones. */
const NUMBER_RUN = /(?:-?\d{1,3}\s{0,40},\s{0,40}){100}/g;
const NUMBERS = /(-?\d{1,3})\s{0,40}(?:,\s{0,40}|(?=[^\d,]|$))/y;

/** Bytes as a list of numbers: `[48, 130, …]`, with a sign in Java. */
function numbersIn(text: string, trial: Trial): Part[] {
  const parts: Part[] = [];
  let covered = 0;
  for (const { index: from } of text.matchAll(NUMBER_RUN)) {
    if (trial.isSpent()) break;
    if (from < covered) continue;
    const numbers: number[] = [];
    NUMBERS.lastIndex = from;
    for (let match = NUMBERS.exec(text); match !== null; match = NUMBERS.exec(text)) {
      numbers.push(Number(match[1]));
      covered = NUMBERS.lastIndex;
    }
    const part = trial.attempt({ from, to: covered, bytes: Buffer.from(numbers) });
    if (part) parts.push(part);
  }
  return parts;
}

function digitsAt(
  text: string,
  from: number,
  wanted: number,
): { readonly bytes: Buffer; readonly to: number } {
  const pieces: string[] = [];
  let length = 0;
  let to = from;
  while (length < 2 * wanted) {
    HEX_DIGITS.lastIndex = to;
    const digits = HEX_DIGITS.exec(text)?.[1];
    if (digits === undefined) break;
    pieces.push(digits);
    length += digits.length;
    to = HEX_DIGITS.lastIndex;
  }
  const bytes = Buffer.from(pieces.join(''), 'hex');
  return { bytes: bytes.subarray(0, Math.min(bytes.length, wanted)), to };
}

const FORMS: readonly Form[] = [derAt, anchoredAt, wrappedAt];
