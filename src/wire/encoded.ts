import { readElement } from './der.ts';

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
  /-----[ ]?BEGIN|BEGIN(?:%20|\+|=20)|[A-Za-z0-9+/_-]{40}|(?:[A-Za-z0-9+/_-]{16,40}[^A-Za-z0-9+/_-]{1,12}){6}|(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[\s:,]{1,4}){24}|(?:-?\d{1,3}\s{0,40},\s{0,40}){48}|\\x82|\\u0082/i;

/** Shorter ones hold no certificate: the smallest in use have some 250 bytes. */
const SHORTEST = 160;

/**
 * Finds base64 (RFC 4648, both alphabets) and hexadecimal digits in a text, whatever stands around them: one run, wrapped lines, string literals put together,
 * comments. Candidates are taken by their form, and in the order of the text. DER says its own length, so it is found in the middle of other words too.
 * The work is bounded by the length of the text; `cut` says that it was not enough.
 * @param read says what the bytes hold, undefined where that is nothing: they may then have been put together wrongly, and parts of them are tried
 */
export function encodedIn<T>(
  text: string,
  read: (bytes: Buffer) => T | undefined,
): { readonly parts: readonly Part<T>[]; readonly cut: boolean } {
  const trial = startTrial(read, WORK_PER_CHARACTER * text.length + 100_000);
  const parts = hexIn(text, trial);
  const tried = new Map<Form, number>();
  for (let at = 0, token = tokenAt(text, at); token && !trial.isSpent(); token = tokenAt(text, at)) {
    const part = firstIn(text, token, tried, trial);
    at = part?.to ?? token.to;
    if (part) parts.push(part);
  }
  return { parts, cut: trial.isSpent() };
}

const WORK_PER_CHARACTER = 4;

interface Trial<T> {
  readonly attempt: (encoded: Encoded) => T | undefined;
  /** Whether as many bytes as allowed have been tried. */
  readonly isSpent: () => boolean;
}

function startTrial<T>(read: (bytes: Buffer) => T | undefined, bytes: number): Trial<T> {
  let left = bytes;
  return {
    attempt: (encoded) => {
      left -= encoded.bytes.length;
      return left < 0 ? undefined : read(encoded.bytes);
    },
    isSpent: () => left < 0,
  };
}

/** The first thing that can be read in a token. */
function firstIn<T>(
  text: string,
  { from, to }: Span,
  tried: Map<Form, number>,
  trial: Trial<T>,
): Part<T> | undefined {
  for (const form of FORMS) {
    if (from < (tried.get(form) ?? 0)) continue;
    let end = to;
    for (const encoded of form(text, from, to)) {
      const value = trial.attempt(encoded);
      if (value !== undefined) return { from: encoded.from, to: encoded.to, value };
      if (trial.isSpent()) return undefined;
      end = Math.max(end, encoded.to);
    }
    // One line later it would be the same lines again; a word in front of them is given a second chance.
    if (form !== derAt) tried.set(form, tried.has(form) ? end : to);
  }
  return undefined;
}

export interface Part<T> {
  readonly from: number;
  readonly to: number;
  readonly value: T;
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

/** DER of a certificate or a container, and `-----BEGIN`. */
const HEX_START =
  /30[\s:,\\]{0,6}(?:0x|\\x)?8[0-4]|2d(?:[\s:,\\]{0,6}(?:0x|\\x)?2d){4}[\s:,\\]{0,6}(?:0x|\\x)?42/gi;
const HEX_DIGITS = /(?:0x|\\x)?((?:[0-9A-Fa-f]{2}){1,64})[\s:,\\]{0,6}/y;

/** Hexadecimal digits: `3082…`, `30:82:…`, `0x30, 0x82, …`, `\x30\x82…`. */
function hexIn<T>(text: string, trial: Trial<T>): Part<T>[] {
  const parts: Part<T>[] = [];
  let covered = 0;
  for (const { 0: start, index: from } of text.matchAll(HEX_START)) {
    if (trial.isSpent()) break;
    if (from < covered) continue;
    const isText = /^2d/i.test(start);
    const head = digitsAt(text, from, HEAD_LENGTH).bytes;
    if (!isText && !isContainerHead(head)) continue;
    const { bytes, to } = digitsAt(text, from, isText ? Infinity : (sizeOf(head) ?? 0));
    const value = bytes.length < SHORTEST / 2 ? undefined : trial.attempt({ from, to, bytes });
    if (value === undefined) continue;
    parts.push({ from, to, value });
    covered = to;
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
