import { type ArchiveEntry, packedIn, type Packed, UnreadableArchive } from './archive.ts';
import { carve, readContainer } from './containers.ts';
import { namesCertificateFile, namesPemFile, promisesCertificate } from './certificate-names.ts';
import { encodedIn, mayHoldCertificates } from './encoded.ts';
import { type Documents, findInDocument, MAX_YAML_TOKENS, parseDocuments } from './find-in-document.ts';
import { findInPem } from './find-in-pem.ts';
import {
  prefixPlaces,
  type FoundChain,
  type FoundContent,
  isEmpty,
  isNoContent,
  matchWithin,
  NO_CONTENT,
  ordinal,
  type Others,
  mergeContent,
  type Unreadable,
  UNKNOWN_CONTENT,
  unreadableContent,
  nestPlaces,
} from './found-content.ts';
import { type PemBlock, splitPem } from './pem.ts';
import { decodeText, unescapeText } from './plain-text.ts';
import type { EncodedPart } from './trial.ts';
import { printable } from './x509.ts';

export interface FindOptions {
  /** Passphrases to try on PKCS#12 files, after none. */
  readonly passphrases?: readonly string[];
  /** Default 10 MiB. Larger content is not searched, and is one `unreadable`. */
  readonly maxBytes?: number;
}

export interface FoundCertificates {
  readonly certificates: readonly FoundChain[];
  /** What should contain a certificate but does not, or couldn't be read. */
  readonly unreadable: readonly Unreadable[];
  readonly others: Others;
}

export const DEFAULT_MAX_BYTES = 10 * 1024 * 1024;

/** Real nesting is a few levels deep (base64 in an archive in a Secret in YAML); deeper nesting can only be meant to be slow. */
const MAX_WRAPPINGS = 10;
/** For everything that one content unpacks to, at all levels together. */
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;

/** The limits of one search, including everything that is nested in the content. */
interface Search {
  readonly passphrases: readonly string[];
  /** How many more levels may be opened. */
  readonly wrappings: number;
  /** How many more bytes may be unpacked; shared by all levels. */
  readonly budget: { bytes: number; yamlTokens: number };
}

/**
 * Finds the certificates in the content of a file or a field, in whatever form they are stored: PEM (also mangled), DER, PKCS#7, PKCS#12, Java
 * keystores; encoded as base64 or
 * hexadecimal; in YAML, JSON, other text, archives, compressed data or unknown binary formats; and any of these nested in one another.
 * What looks like a certificate or a container but can't be read is `unreadable`, with the reason, and so is what a limit excluded.
 * Private keys are only compared with the certificates and are not in the result. Never throws.
 */
export function findCertificates(content: Buffer | string, options: FindOptions = {}): FoundCertificates {
  const { maxBytes = DEFAULT_MAX_BYTES } = options;
  if (content.length > maxBytes)
    return toFound(unreadableContent('', `it is larger than ${sizeInWords(maxBytes)}`));
  return toFound(findSafely(() => find(content, startSearch(options))));
}

/** Like {@link findCertificates}, for a parsed document, such as the fields of a secret. Places are `:field`, `:field.path` and so on. */
export function findCertificatesInDocument(document: object, options: FindOptions = {}): FoundCertificates {
  const search = startSearch(options);
  return toFound(findSafely(() => findInDocument(document, (value) => find(value, search))));
}

/** Crafted content can overflow the stack. It must not hide other content. */
function findSafely(search: () => FoundContent): FoundContent {
  try {
    return search();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return unreadableContent('', 'it is too deeply nested or too long to search');
  }
}

function startSearch({ passphrases = [] }: FindOptions): Search {
  return {
    passphrases,
    wrappings: MAX_WRAPPINGS,
    budget: { bytes: MAX_UNPACKED_BYTES, yamlTokens: MAX_YAML_TOKENS },
  };
}

/** So that one file can't fill a report. */
const MAX_UNREADABLE = 1000;

function toFound({ chains, unreadable, others }: FoundContent): FoundCertificates {
  const more = unreadable.length - MAX_UNREADABLE;
  const shown =
    more > 0
      ? [
          ...unreadable.slice(0, MAX_UNREADABLE),
          { at: '', because: `${more} more places in it can't be read` },
        ]
      : unreadable;
  return { certificates: chains, unreadable: shown, others };
}

function find(content: Buffer | string, search: Search): FoundContent {
  return typeof content === 'string' ? findInText(content, search) : findInBytes(content, search);
}

/** Searches content that is nested in other content, within the limits. */
function findInside(content: Buffer | string, search: Search): FoundContent {
  search.budget.bytes -= content.length;
  if (search.budget.bytes < 0)
    return unreadableContent(
      '',
      `it unpacks to more than ${sizeInWords(MAX_UNPACKED_BYTES)}, so not all of it was read`,
    );
  if (search.wrappings === 0)
    return mayHoldMore(content)
      ? unreadableContent('', `it is nested more than ${MAX_WRAPPINGS} levels deep`)
      : NO_CONTENT;
  return find(content, { ...search, wrappings: search.wrappings - 1 });
}

/** Compressed data and DER do not look like text. */
function mayHoldMore(content: Buffer | string): boolean {
  const bytes = Buffer.from(content);
  return (
    packedIn(bytes) !== undefined ||
    readContainer(bytes, []) !== undefined ||
    mayHoldCertificates(bytes.toString('latin1'))
  );
}

function findInText(text: string, search: Search): FoundContent {
  if (text.includes('\0')) return findInBytes(Buffer.from(text, 'latin1'), search);
  const packed = packedIn(Buffer.from(text.slice(0, 40), 'latin1'));
  if (packed?.kind === 'encrypted') return findInPacked(packed, search);
  const plain = unescapeText(text);
  if (!mayHoldCertificates(text) && !mayHoldCertificates(plain)) return NO_CONTENT;
  const documents = parse(text, search) ?? (plain === text ? undefined : parse(plain, search));
  const inText = (text: string) => findInPlainText(text, search, { mayHoldBytes: plain !== text });
  if (documents === undefined) return inText(plain);
  const { values, kind } = documents;
  const contents = findInDocument(values.length === 1 ? values[0] : values, (value) =>
    findInside(value, search),
  );
  if (isNoContent(contents)) return inText(plain);
  // Names, lists of lines, and all but the last of several equal keys: parsers do not return these as values. Comments are not searched.
  const more = kind === 'json' ? plain : plain.replaceAll(/^[ \t]*#.*$/gm, '');
  return mergeContent([contents, onlyNew(inText(more), contents)]);
}

function parse(text: string, { budget }: Search): Documents | undefined {
  const documents = parseDocuments(text, budget.yamlTokens);
  budget.yamlTokens -= documents?.yamlTokens ?? 0;
  return documents;
}

/** Only chains with a new leaf. */
function onlyNew(contents: FoundContent, known: FoundContent): FoundContent {
  const seen = new Set(
    known.chains.flatMap(({ chain }) => chain.map(({ fingerprint256 }) => fingerprint256)),
  );
  return {
    ...NO_CONTENT,
    chains: contents.chains.filter(({ chain: [leaf] }) => !seen.has(leaf.fingerprint256)),
  };
}

/**
 * @param text without escapes
 * @param options.mayHoldBytes a string literal may contain raw DER after its escapes are resolved
 */
function findInPlainText(
  text: string,
  search: Search,
  { mayHoldBytes }: { readonly mayHoldBytes: boolean },
): FoundContent {
  const pem = splitPem(text);
  const inPem = findInPem(text, pem, (bytes) => findInside(bytes, search));
  const encoded = findEncoded(text, pem.blocks, inPem.count, search);
  // A broken block is reported once, as broken; base64 in it counts only if it is a whole certificate.
  const isReported = pem.broken.length > 0 && inPem.contents.unreadable.length > 0;
  const whole = isReported ? encoded.filter(({ chains }) => chains.length > 0) : encoded;
  const bytes = mayHoldBytes && /0[\x81-\x83]/.test(text) ? carve(Buffer.from(text, 'latin1')) : NO_CONTENT;
  const found = mergeContent([inPem.contents, ...whole]);
  return isNoContent(bytes)
    ? found
    : mergeContent([found, placedAfter(onlyNew(bytes, found), found.chains.length)]);
}

/**
 * Base64 and hexadecimal outside PEM blocks. @param before the number of places in blocks, from which the numbering continues
 */
function findEncoded(
  text: string,
  blocks: readonly PemBlock[],
  before: number,
  search: Search,
): FoundContent[] {
  const parts: EncodedPart[] = [];
  let from = 0;
  let cut = false;
  for (const end of [...blocks, { from: text.length, to: text.length }]) {
    const outside = text.slice(from, end.from);
    from = end.to;
    if (!mayHoldCertificates(outside)) continue;
    const encoded = encodedIn(outside, (bytes) => findInside(bytes, search));
    for (const part of encoded.parts) parts.push(part);
    cut ||= encoded.cut;
  }
  const found = parts.map(({ contents }) => contents).filter((contents) => !isNoContent(contents));
  let count = before;
  const placed = found.map((contents) =>
    isEmpty(contents) ? contents : prefixPlaces(ordinal((count += 1)), contents),
  );
  return cut
    ? [...placed, unreadableContent(ordinal(count + 1), 'searching it for certificates takes too long')]
    : placed;
}

function findInBytes(bytes: Buffer, search: Search): FoundContent {
  if (bytes.length === 0) return NO_CONTENT;
  const packed = packedIn(bytes);
  if (packed) return findInPacked(packed, search);
  const contained = readContainer(bytes, search.passphrases);
  if (contained === undefined) return findInAnything(bytes, search);
  const { contents, inner, rest } = contained;
  const further = [inner, rest && withoutPadding(rest)].flatMap((more) =>
    more !== undefined && more.length > 0 ? [findInside(more, search)] : [],
  );
  const own = contents.chains.length + contents.unreadable.length;
  return mergeContent([contents, ...further.map((more, index) => placedAfter(more, own + index))]);
}

/** Content of an unknown format: DER certificates anywhere among its bytes, and PEM or base64 in its text. */
function findInAnything(bytes: Buffer, search: Search): FoundContent {
  const carved = carve(bytes);
  const text = findInText(decodeText(bytes), search);
  return isNoContent(carved) ? text : mergeContent([carved, placedAfter(text, carved.chains.length)]);
}

function placedAfter(contents: FoundContent, before: number): FoundContent {
  if (before === 0 || isEmpty(contents)) return contents;
  return prefixPlaces(ordinal(before + 1), contents);
}

function findInPacked(packed: Packed, search: Search): FoundContent {
  // An encrypted value is usually a password. An encrypted file was configured to be read, so it is a gap.
  if (packed.kind === 'encrypted')
    return search.wrappings === MAX_WRAPPINGS
      ? unreadableContent('', `it is ${packed.format}`)
      : UNKNOWN_CONTENT;
  if (packed.kind === 'opaque')
    return unreadableContent('', `it is ${packed.format}, which is not supported`);
  const maxBytes = Math.max(1, search.budget.bytes);
  try {
    if (packed.kind === 'stream') return findInside(packed.read(maxBytes), search);
    return findInFiles(packed.read(maxBytes), search);
  } catch (error) {
    const because =
      error instanceof UnreadableArchive ? error.message : 'it is damaged, or its content is too large';
    return unreadableContent('', `it is ${packed.format}, but ${because}`);
  }
}

/** The files of an archive. Keys are compared with the certificates of the same folder. */
function findInFiles(files: readonly ArchiveEntry[], search: Search): FoundContent {
  const found = files.map(({ name, content }) => {
    const base = name.slice(name.lastIndexOf('/') + 1);
    const contents = reportIfMissing(base, content, findInside(content, search));
    return { name, folder: name.slice(0, -base.length || undefined), base, contents };
  });
  const matched = new Map(
    [...Map.groupBy(found, ({ folder }) => folder).values()].flatMap((beside) => {
      const contents = matchWithin(beside.map(({ base, contents }) => [base, contents]));
      return beside.map((file, index) => [file, contents[index] ?? NO_CONTENT] as const);
    }),
  );
  return mergeContent(found.map((file) => nestPlaces(printable(file.name), matched.get(file) ?? NO_CONTENT)));
}

/** Reports a file in an archive that is named like a certificate but contains none. */
function reportIfMissing(base: string, content: Buffer, contents: FoundContent): FoundContent {
  const isNamed = namesCertificateFile(base) || namesPemFile(base);
  if (!isNamed || !promisesCertificate(base) || !isEmpty(contents) || contents.others.harmless > 0)
    return contents;
  return {
    ...contents,
    unreadable: [{ at: '', because: content.length === 0 ? 'it is empty' : 'it contains no certificate' }],
  };
}

/** Files end in line breaks, and blocks are padded with zeros. */
function withoutPadding(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (
    end > 0 &&
    (bytes[end - 1] === 0 || bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d || bytes[end - 1] === 0x20)
  )
    end -= 1;
  return bytes.subarray(0, end);
}

export function sizeInWords(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${Math.round(bytes / 1024 / 1024)} MB` : `${Math.round(bytes / 1024)} kB`;
}
