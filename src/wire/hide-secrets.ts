import { X509Certificate } from 'node:crypto';
import type { Redact } from '../text/redact.ts';
import { getOrCreate } from './get-or-create.ts';
import { parseJson } from '../text/parse-json.ts';
import { holdsPrivateKey, replaceEncoded } from './private-keys.ts';

const REDACTED = '[redacted]';

/** Redacts what must not be in a file that people attach to an issue. */
export interface HideSecrets {
  readonly inText: (text: string) => string;
  /** In plain JSON: the same structure. */
  readonly inJson: (value: unknown) => unknown;
}

/**
 * Redacts what `redact` knows in each text and name, all values whose name indicates a secret (`password`, `client_secret`, `token`), and private
 * keys and keystores of each known format and encoding. Certificates stay.
 */
export function makeHideSecrets(redact: Redact): HideSecrets {
  const known = new Map<string, string>();
  /** Most texts are short and repeat. */
  const inText = (text: string, depth = MAX_DEPTH): string => {
    if (text.length > MAX_KNOWN_LENGTH) return inAnyText(text, depth);
    const make = () => (ORDINARY.test(text) ? redact(text) : inAnyText(text, depth));
    return getOrCreate(known, `${depth} ${text}`, make, MAX_KNOWN);
  };

  const inAnyText = (text: string, depth: number): string => {
    const nested = text.length > 1 && /^\s*[[{]/.test(text) ? parseJson(text) : undefined;
    if (typeof nested === 'object' && nested !== null) {
      const hidden = JSON.stringify(inJson(nested, depth));
      return hidden === JSON.stringify(nested) ? text : hidden;
    }
    // A stream of JSON has one value per line.
    const lines = text.includes('\n') ? text.replaceAll(/^[[{].*$/gm, (line) => inText(line, depth)) : text;
    return outsideCertificates(lines, (part) => inPlainText(part, depth));
  };

  const inPlainText = (text: string, depth: number): string => {
    const redacted = redact(text);
    if (holdsPrivateKey(Buffer.from(redacted, 'latin1'))) return REDACTED;
    const named = (depth > 0 ? inParts(redacted, depth) : redacted)
      .replaceAll(XML_ELEMENT, (all, open: string, name: string, close: string) =>
        isSecretName(name) ? `${open}${REDACTED}${close}` : all,
      )
      .replaceAll(HEADER, `$1${REDACTED}`)
      .replaceAll(QUOTED_VALUE, `$1${REDACTED}`)
      .replaceAll(VALUE, `$1${REDACTED}`)
      .replaceAll(FLAG, `$1${REDACTED}`);
    return replaceEncoded(
      named,
      (bytes) => holdsPrivateKey(bytes) || (depth > 0 && holdsSecretText(bytes, depth)),
      REDACTED,
    );
  };

  /** JSON in other text or XML, or encoded as in a URL. */
  const inParts = (text: string, depth: number): string =>
    inFragment(text, depth)
      .replaceAll(XML_TEXT, (content) => (/[[{]/.test(content) ? inText(content, depth - 1) : content))
      .replaceAll(WORD, (word) => {
        const decoded = percentDecoded(word);
        return decoded === word || inText(decoded, depth - 1) === decoded ? word : REDACTED;
      });

  /** From the first bracket to the last one, if that is JSON. */
  const inFragment = (text: string, depth: number): string => {
    const from = text.search(/[[{]/);
    const to = Math.max(text.lastIndexOf(']'), text.lastIndexOf('}')) + 1;
    const isPart = from >= 0 && from < to && to - from < text.trim().length;
    if (!isPart) return text;
    return text.slice(0, from) + inText(text.slice(from, to), depth - 1) + text.slice(to);
  };

  const holdsSecretText = (bytes: Buffer, depth: number): boolean => {
    const texts = bytes.toString('utf8').split(UNPRINTABLE);
    return texts.some((text) => text.length >= MIN_TEXT_LENGTH && inText(text, depth - 1) !== text);
  };

  const inJson = (value: unknown, depth = MAX_DEPTH): unknown => {
    if (typeof value === 'string') return inText(value, depth);
    if (typeof value === 'number') return redact(String(value)) === String(value) ? value : REDACTED;
    if (Array.isArray(value))
      return isKeyInNumbers(value) ? REDACTED : value.map((one) => inJson(one, depth));
    if (typeof value !== 'object' || value === null) return value;
    const isHidden = secretFields(value);
    return Object.fromEntries(
      Object.entries(value).map(([name, field]: [string, unknown]) => [
        inText(name, depth),
        isHidden(name) ? allHidden(field) : inJson(field, depth),
      ]),
    );
  };

  return { inText: (text) => inText(text), inJson: (value) => inJson(value) };
}

const MAX_KNOWN_LENGTH = 200;
const MAX_KNOWN = 10_000;
/** A word of this length is neither a key nor an assignment. */
const ORDINARY = /^[\w. -]{0,20}$/;
/** How many encodings may be nested. */
const MAX_DEPTH = 3;
/** Control characters except tabs and line breaks, and invalid UTF-8. */
const UNPRINTABLE = /(?:(?![\t\n\r])[\p{Cc}\uFFFD])+/u;
/** The minimum length of text in bytes; a shorter one may be coincidence. */
const MIN_TEXT_LENGTH = 12;

const SECRET_WORDS =
  'passw(?:or)?d|(?<![a-z])pass|(?<![a-z])pwd|passphrase|secret|token|authorization|cookie|credential|jwt|accessor|secret[-_]?id|role[-_]?id|' +
  '(?:private|api|access|secret|signing|encryption|master|unseal|recovery|shared)[-_]?key';
const SECRET_NAME = new RegExp(`(?:(?:${SECRET_WORDS})s?|password_?hash)$`);
/** `password=…`, `token: …`, `"client_secret": "…"`, `pass => …`, also with escaped quotes, and as a block of YAML. */
const ASSIGNED = String.raw`(?:\\{0,3}["'])?\s{0,3}(?:=>|[:=])\s{0,3}(?:[|>][-+]?\s{1,40})?`;
const QUOTED_VALUE = new RegExp(
  String.raw`((?:${SECRET_WORDS})s?${ASSIGNED}(\\{0,3}["']))(?:(?!\2)(?:\\.|.)){1,10000}`,
  'gi',
);
/** `--password …` */
const FLAG = new RegExp(
  String.raw`((?<!\S)--?[\w-]{0,40}(?:${SECRET_WORDS})\s{1,3})(?!\$\{\{)[^\s"'&,;<>\\-][^\s"'<>]*`,
  'gi',
);
/** Without expressions of GitHub (`${{ secrets.TOKEN }}`), which only name a secret. */
const VALUE = new RegExp(String.raw`((?:${SECRET_WORDS})s?${ASSIGNED})(?!\$\{\{)[^\s"'&,;<>\\]+`, 'gi');
/** The rest of the line: these values have several parts. */
const HEADER = new RegExp(String.raw`((?:authorization|cookie)${ASSIGNED})[^"'\\<>\n][^<>\n]*`, 'gi');
/** The text of an element. */
const XML_TEXT = /(?<=>)[^<>]{2,}(?=<)/g;
const WORD = /[^\s"'<>]+/g;
const XML_ELEMENT = /(<([\w:.-]+)(?:\s[^<>]{0,1000})?>)[^<]+(<\/)/g;

function isSecretName(name: string): boolean {
  const words = name.replaceAll(/([a-z])([A-Z])/g, '$1_$2').replaceAll(/[-.\s]/g, '_');
  return SECRET_NAME.test(words.toLowerCase());
}

/**
 * Which fields of an object are secret: by their own names, by that of a pair (`{ name: 'PASSWORD', value: … }`, also in the base64 of etcd), and
 * of a private JSON Web Key.
 */
function secretFields(object: object): (name: string) => boolean {
  const fields = new Map(
    Object.entries(object).map(([name, field]) => [name.toLowerCase(), field as unknown]),
  );
  const isPair = [fields.get('name'), fields.get('key')].some(
    (one) =>
      typeof one === 'string' && [one, Buffer.from(one, 'base64').toString('latin1')].some(isSecretPath),
  );
  const isPrivateKey = typeof fields.get('kty') === 'string';
  return (field) =>
    isSecretName(field) ||
    (isPair && /^values?$/i.test(field)) ||
    (isPrivateKey && /^(d|p|q|dp|dq|qi|k|oth)$/.test(field));
}

/** The last part of a path counts. */
function isSecretPath(path: string): boolean {
  return isSecretName(path.replace(/^.*\//, ''));
}

function allHidden(value: unknown): unknown {
  if (typeof value === 'string') return value === '' ? value : REDACTED;
  if (typeof value === 'number') return REDACTED;
  if (Array.isArray(value)) return value.map(allHidden);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]: [string, unknown]) => [name, allHidden(field)]),
  );
}

function isKeyInNumbers(values: readonly unknown[]): boolean {
  if (values.length < 40 || !values.every((value) => Number.isInteger(value))) return false;
  return holdsPrivateKey(Buffer.from(values as number[]));
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]{1,100000}?-----END CERTIFICATE-----/g;

/** Certificates contain no secrets. Only what parses as one counts. */
function outsideCertificates(text: string, hide: (part: string) => string): string {
  const parts: string[] = [];
  let from = 0;
  for (const { 0: pem, index } of text.matchAll(PEM_CERTIFICATE)) {
    if (!isCertificate(pem)) continue;
    parts.push(hide(text.slice(from, index)), pem);
    from = index + pem.length;
  }
  return [...parts, hide(text.slice(from))].join('');
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.equals(
      Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'),
    );
  } catch {
    return false;
  }
}

function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  return text.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (bytes) =>
    Buffer.from(bytes.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}
