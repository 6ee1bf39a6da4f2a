/**
 * Decodes UTF-8, UTF-16 and UTF-32, with or without a byte order mark. Binary data becomes one character per byte, so that text inside it can be
 * found.
 */
export function decodeText(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe && bytes[2] !== 0) return bytes.toString('utf16le', 2);
  if (bytes[0] === 0xfe && bytes[1] === 0xff && bytes[2] === 0)
    return Buffer.from(bytes.subarray(2, bytes.length - (bytes.length % 2)))
      .swap16()
      .toString('utf16le');
  if (!bytes.includes(0)) return bytes.toString('utf8').replace(/^\uFEFF/, '');
  // PEM and base64 are ASCII: in UTF-16 and UTF-32 of either byte order, only zeros separate their characters.
  const text = bytes.toString('latin1');
  if (!WIDE.test(text)) return text.replaceAll('\0', '\n');
  // UTF-16 strings may end in two zeros.
  const apart = UTF32.test(text) ? text : text.replaceAll(/\0{3,}/g, '\n');
  return apart.replaceAll('\0', '');
}

/** Some words in UTF-16 or UTF-32, in either byte order. */
const UTF32 = new RegExp(String.raw`(?:[ -~]\0{3}){12}|(?:\0{3}[ -~]){12}`);
const WIDE = new RegExp(String.raw`(?:[ -~]\0{1,3}){12}|(?:\0{1,3}[ -~]){12}`);

const ENCODED =
  /%[0-9A-Fa-f]{2}|&(?:#(?:x[0-9A-Fa-f]{1,6}|\d{1,7})|quot|amp|lt|gt|apos|nbsp);|\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}(?![0-9A-Fa-f]{8})|[0-3][0-7]{2}|0|\r?\n|[nrt/"'\\])/g;
/** One round resolves one level of escapes. Real nesting is a few levels deep. */
const MAX_ROUNDS = 20;

/**
 * Resolves the escapes of URLs, XML, quoted-printable mail and string literals, also if they are nested a few times. Base64 and PEM contain none
 * of these and stay as they are.
 */
export function unescapeText(text: string): string {
  let plain = text;
  let isUnfolded = false;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const resolved = plain.replaceAll(ENCODED, unescape);
    if (resolved !== plain) plain = resolved;
    // The header counts once: when the text is unfolded, a `=` may be a literal one.
    else if (isFolded(plain) || (!isUnfolded && /quoted-printable/i.test(plain))) {
      isUnfolded = true;
      plain = unfold(plain);
    } else if (plain.includes('\0')) {
      isUnfolded = false;
      plain = decodeText(Buffer.from(plain, 'latin1'));
    } else return plain;
  }
  return plain;
}

/**
 * Whether a text is quoted-printable (RFC 2045 section 6.7) without a header that says so: escaped characters, or lines of one width that end in `=`.
 */
function isFolded(text: string): boolean {
  return FOLDED_LINES.test(text) || (ESCAPED_BREAKS.test(text) && /=\r?\n/.test(text));
}

const FOLDED_LINES = /=\r?\n(?:[^\r\n=]{60,75}=\r?\n){2}/;
const ESCAPED_BREAKS = /=(?:3D|0A|0D|2D)/;

function unfold(text: string): string {
  return text.replaceAll(/=\r?\n/g, '').replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => character(hex, 16));
}

const NAMED: Readonly<Record<string, string>> = {
  quot: '"',
  amp: '&',
  lt: '<',
  gt: '>',
  apos: "'",
  nbsp: ' ',
};
const LETTERS: Readonly<Record<string, string>> = {
  0: '\0',
  n: '\n',
  r: '\r',
  t: '\t',
  '\n': '',
  '\r\n': '',
};

function unescape(encoded: string): string {
  const rest = encoded.slice(1);
  if (encoded.startsWith('%')) return character(rest, 16);
  if (encoded.startsWith('&')) {
    const name = rest.slice(0, -1);
    if (!name.startsWith('#')) return NAMED[name] ?? encoded;
    return name[1] === 'x' ? character(name.slice(2), 16) : character(name.slice(1), 10);
  }
  if (/^[ux]./.test(rest)) return character(rest.slice(1), 16);
  if (/^[0-3].{2}$/.test(rest)) return character(rest, 8);
  return LETTERS[rest] ?? rest;
}

function character(digits: string, base: number): string {
  const code = Number.parseInt(digits, base);
  return code <= 0x10_ff_ff ? String.fromCodePoint(code) : '\uFFFD';
}
