import { inflateSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { unzipSync } from 'fflate';

/** One file of an archive. */
export interface ArchiveEntry {
  /** As in the archive: untrusted text. */
  readonly name: string;
  readonly content: Buffer;
}

/** An archive or compressed data. `read` throws if the content is larger than `maxBytes`. */
export type Packed =
  | { readonly kind: 'stream'; readonly format: string; readonly read: (maxBytes: number) => Buffer }
  | {
      readonly kind: 'archive';
      readonly format: string;
      readonly read: (maxBytes: number) => readonly ArchiveEntry[];
    }
  /** Recognized, but not supported. */
  | { readonly kind: 'opaque'; readonly format: string }
  | { readonly kind: 'encrypted'; readonly format: string };

/** Why an archive is not read. The message follows `it is a ZIP archive, but`. */
export class UnreadableArchive extends Error {
  override readonly name = 'UnreadableArchive';
}

/** Recognizes an archive or compressed data; undefined for anything else. */
export function packedIn(bytes: Buffer): Packed | undefined {
  if (startsWith(bytes, '1f8b08')) return stream('gzip data', bytes, gunzipSync);
  if (startsWith(bytes, '28b52ffd')) return stream('Zstandard data', bytes, zstdDecompressSync);
  if (isZlib(bytes)) return stream('zlib data', bytes, inflateSync);
  if (startsWith(bytes, '504b0304') || endsAsZip(bytes))
    return { kind: 'archive', format: 'a ZIP archive', read: (maxBytes) => readZip(bytes, maxBytes) };
  if (isTarHeader(bytes, 0)) return { kind: 'archive', format: 'a tar archive', read: () => readTar(bytes) };
  const opaque = OPAQUE.find(([magic, at]) => bytes.toString('hex', at, at + magic.length / 2) === magic);
  if (opaque) return { kind: 'opaque', format: opaque[2] };
  const encrypted = ENCRYPTED.find(([magic]) => bytes.subarray(0, magic.length).equals(magic));
  return encrypted && { kind: 'encrypted', format: encrypted[1] };
}

/** The magic number in hex, its offset in bytes, and the name of the format. */
const OPAQUE: readonly (readonly [magic: string, at: number, format: string])[] = [
  ['fd377a585a00', 0, 'xz data'],
  ['314159265359', 4, 'bzip2 data'],
  ['04224d18', 0, 'LZ4 data'],
  ['4c5a4950', 0, 'lzip data'],
  ['1f9d90', 0, 'compress data (.Z)'],
  ['377abcaf271c', 0, 'a 7-Zip archive'],
  ['526172211a07', 0, 'a RAR archive'],
  ['4d534346', 0, 'a cabinet archive'],
  ['edabeedb', 0, 'an RPM package'],
  ['213c617263683e0a', 0, 'an ar archive (a Debian package, a static library)'],
  ['68737173', 0, 'a SquashFS image'],
];

const ENCRYPTED: readonly (readonly [magic: Buffer, format: string])[] = [
  [Buffer.from('Salted__'), 'encrypted by OpenSSL'],
  [Buffer.from('$ANSIBLE_VAULT;'), 'encrypted by Ansible Vault'],
  [Buffer.from('age-encryption.org/'), 'encrypted by age'],
  [Buffer.from('-----BEGIN AGE ENCRYPTED FILE-----'), 'encrypted by age'],
  [Buffer.from('-----BEGIN PGP MESSAGE-----'), 'encrypted by OpenPGP'],
  [Buffer.from('\0GITCRYPT\0'), 'encrypted by git-crypt'],
];

function stream(
  format: string,
  bytes: Buffer,
  unpack: (bytes: Buffer, options: { maxOutputLength: number }) => Buffer,
): Packed {
  return { kind: 'stream', format, read: (maxOutputLength) => unpack(bytes, { maxOutputLength }) };
}

/** RFC 1950 section 2.2: deflate with a window of 32 KB, and two bytes that are a multiple of 31. That is a weak signature, so the data must also inflate. */
function isZlib(bytes: Buffer): boolean {
  if (bytes[0] !== 0x78 || bytes.length < 60 || bytes.readUInt16BE(0) % 31 !== 0) return false;
  try {
    inflateSync(bytes.subarray(0, 4096), { maxOutputLength: 1024 * 1024, finishFlush: 2 });
    return true;
  } catch {
    return false;
  }
}

/** @throws {UnreadableArchive} if it is encrypted or its content is larger than `maxBytes`; fflate's error if it is damaged. */
function readZip(bytes: Buffer, maxBytes: number): readonly ArchiveEntry[] {
  if (flagsOfFiles(bytes).some((flags) => (flags & ENCRYPTED_FILE) !== 0))
    throw new UnreadableArchive('files in it are encrypted');
  let total = 0;
  const names = new Set<string>();
  const files = unzipSync(bytes, {
    filter: ({ name, originalSize, compression }) => {
      if (compression !== 0 && compression !== 8)
        throw new UnreadableArchive('files in it use a compression method that is not supported');
      total += originalSize;
      if (total > maxBytes) throw new UnreadableArchive('its content is too large');
      if (name.endsWith('/')) return false;
      if (names.has(name)) throw new UnreadableArchive('two files in it have the same name');
      names.add(name);
      return true;
    },
  });
  const entries = Object.entries(files);
  // fflate fills a plain object, which can't have the key `__proto__`.
  if (entries.length !== names.size)
    throw new UnreadableArchive('a file in it has a name that is not supported');
  return entries.map(([name, content]) => ({
    name,
    content: Buffer.from(content.buffer, content.byteOffset, content.byteLength),
  }));
}

/**
 * Also if a program precedes it (self-extracting archives, executable JARs):
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT section 4.3.16.
 */
function endsAsZip(bytes: Buffer): boolean {
  const end = bytes.lastIndexOf(END_RECORD);
  return end >= 0 && end + 22 <= bytes.length && end + 22 + bytes.readUInt16LE(end + 20) === bytes.length;
}

const END_RECORD = Buffer.from('504b0506', 'hex');
const END_RECORD_64 = 0x06064b50;
const END_LOCATOR_64 = 0x07064b50;
const FILE_RECORD = 0x02014b50;
/** APPNOTE.TXT section 4.4.4: fflate ignores it. */
const ENCRYPTED_FILE = 1;

/**
 * The flags of the files in a ZIP archive, from its directory (APPNOTE.TXT sections 4.3.12 to 4.3.16).
 * @throws {UnreadableArchive} if the directory is damaged.
 */
function flagsOfFiles(bytes: Buffer): readonly number[] {
  const flags: number[] = [];
  let { count, at } = directoryOf(bytes);
  for (; count > 0; count -= 1) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== FILE_RECORD)
      throw new UnreadableArchive('its directory is damaged');
    flags.push(bytes.readUInt16LE(at + 8));
    at += 46 + bytes.readUInt16LE(at + 28) + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return flags;
}

/** The number of files in the directory, and its offset, read as fflate does. */
function directoryOf(bytes: Buffer): { readonly count: number; readonly at: number } {
  const end = bytes.length < 22 ? -1 : bytes.lastIndexOf(END_RECORD, bytes.length - 22);
  if (end < 0) throw new UnreadableArchive('it is truncated');
  if (end < 20 || bytes.readUInt32LE(end - 20) !== END_LOCATOR_64)
    return { count: bytes.readUInt16LE(end + 8), at: bytes.readUInt32LE(end + 16) };
  const wide = bytes.readUInt32LE(end - 12);
  if (wide + 56 > bytes.length || bytes.readUInt32LE(wide) !== END_RECORD_64)
    throw new UnreadableArchive('its directory is damaged');
  return { count: bytes.readUInt32LE(wide + 32), at: bytes.readUInt32LE(wide + 48) };
}

const BLOCK = 512;

/**
 * The regular files of a tar archive (POSIX.1-2024, pax). The tar readers on npm work on streams, or (nanotar) don't check the sizes in headers.
 * @throws {UnreadableArchive} if it is truncated or a header is damaged.
 */
function readTar(bytes: Buffer): readonly ArchiveEntry[] {
  const entries: ArchiveEntry[] = [];
  let longName: string | undefined;
  let hasEnded = false;
  for (let at = 0; at + BLOCK <= bytes.length;) {
    if (bytes.subarray(at, at + BLOCK).every((byte) => byte === 0)) {
      // Archives may be concatenated (`tar --concatenate`) and padded.
      hasEnded = true;
      at += BLOCK;
      continue;
    }
    if (!isTarHeader(bytes, at)) {
      if (hasEnded) break;
      throw new UnreadableArchive('it is damaged');
    }
    const size = numberAt(bytes, at + 124);
    const from = at + BLOCK;
    if (from + size > bytes.length) throw new UnreadableArchive('it is truncated');
    const content = bytes.subarray(from, from + size);
    const type = String.fromCharCode(bytes[at + 156] ?? 0);
    if (type === 'L') longName = content.toString('utf8').replace(/\0.*$/s, '');
    else if (type === 'x')
      longName = /(?:^|\n)\d+ path=([^\n]*)/.exec(content.toString('utf8'))?.[1] ?? longName;
    else if (type !== 'g' && type !== 'K') {
      const prefix = textAt(bytes, at + 345, 155);
      const name = longName ?? (prefix === '' ? '' : `${prefix}/`) + textAt(bytes, at, 100);
      longName = undefined;
      if (type === '0' || type === '\0' || type === '7') entries.push({ name, content });
    }
    at = from + Math.ceil(size / BLOCK) * BLOCK;
  }
  return entries;
}

/** The checksum of a header is the sum of its bytes, with the eight bytes of the checksum counted as spaces. */
function isTarHeader(bytes: Buffer, at: number): boolean {
  if (bytes.length < at + BLOCK || (bytes[at] ?? 0) === 0) return false;
  const written = Number.parseInt(textAt(bytes, at + 148, 8).trim(), 8);
  if (!(written > 0)) return false;
  let sum = 8 * 32;
  for (let index = 0; index < BLOCK; index += 1)
    if (index < 148 || index >= 156) sum += bytes[at + index] ?? 0;
  return sum === written;
}

/** Octal digits, or binary if the first bit is set (GNU). @throws {UnreadableArchive} if it is neither. */
function numberAt(bytes: Buffer, at: number): number {
  const binary = ((bytes[at] ?? 0) & 0x80) !== 0;
  const number = binary
    ? bytes.readUIntBE(at + 6, 6)
    : Number.parseInt(textAt(bytes, at, 12).trim() || '0', 8);
  if (!(number >= 0)) throw new UnreadableArchive('it is damaged');
  return number;
}

function textAt(bytes: Buffer, at: number, length: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString('utf8', at, end >= 0 && end < at + length ? end : at + length);
}

function startsWith(bytes: Buffer, hex: string): boolean {
  return bytes.toString('hex', 0, hex.length / 2) === hex;
}
