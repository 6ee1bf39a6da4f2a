import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { InspectOptions, SeenPlace, ScanResult } from '../../ports/certificates.ts';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { explainFileError } from '../../wire/explain-file-error.ts';
import { findCertificates, type FoundCertificates, sizeInWords } from '../../wire/find-certificates.ts';
import type { FoundChain } from '../../wire/found-content.ts';
import type { ListedFile } from '../../wire/list-files.ts';
import { printable, toCertificate } from '../../wire/x509.ts';
import { compareWithKeyBeside } from './compare-with-key.ts';
import type { FilesConfig } from './config.ts';
import { type OtherContent, isPromising, missesCertificate } from './promising-name.ts';
import { isRoot, isTrustStoreContent, isTrustStorePath } from '../../wire/trust-stores.ts';

export interface FileContent {
  readonly results: readonly ScanResult[];
  /** It was read, and contains no certificate, which is expected. */
  readonly isEmpty: boolean;
  /** Paths of the private keys that its certificate was compared with. */
  readonly keysCompared: readonly string[];
}

export const EMPTY_FILE: FileContent = { results: [], isEmpty: false, keysCompared: [] };

export const IS_FOLDER = 'it is a folder; use a pattern such as `folder/**/*.pem`';

interface ReadFileOptions extends Pick<InspectOptions, 'onCertificate'> {
  /** Whether the configured patterns match a path, so that it may be read. */
  readonly isMatched: (path: string, real: string) => boolean;
}

/** The results for one file: none if it is of another type and not named like a certificate. */
export async function readCertificateFile(
  config: FilesConfig,
  file: ListedFile,
  options: ReadFileOptions,
): Promise<FileContent> {
  const { path, literal } = file;
  const isPromised = literal || isPromising(basename(path));
  const gap = (kind: SourceErrorKind, because: string): FileContent => ({
    ...EMPTY_FILE,
    results: [toUnseen(config, path, kind, because)],
  });
  const other = (because: string) => (isPromised ? gap('malformed', because) : EMPTY_FILE);
  try {
    const facts = await stat(path);
    if (facts.isDirectory()) return other(IS_FOLDER);
    // Reading a pipe or a device might never end.
    if (!facts.isFile()) return other('it is not a regular file');
    if (facts.size > config.maxFileBytes)
      return gap(
        'malformed',
        `it is larger than ${sizeInWords(config.maxFileBytes)} (maxFileBytes), and was not read`,
      );
    return await contentOf(config, file, { content: await readFile(path), modifiedAt: facts.mtime }, options);
  } catch (error) {
    const [kind, because] = await explainFileError(error as NodeJS.ErrnoException, path);
    return gap(kind, because);
  }
}

async function contentOf(
  config: FilesConfig,
  { path, real, literal }: ListedFile,
  { content, modifiedAt }: { readonly content: Buffer; readonly modifiedAt: Date },
  { isMatched, onCertificate }: ReadFileOptions,
): Promise<FileContent> {
  const found = findCertificates(content, {
    passphrases: config.passphrases,
    maxBytes: config.maxFileBytes,
  });
  const { chains, keysCompared } = await compareWithKeyBeside(
    { path, content, chains: found.certificates },
    { isMatched, maxBytes: config.maxFileBytes },
  );
  for (const { raw } of onCertificate ? chains.flatMap(({ chain }) => chain) : []) onCertificate?.(raw);
  const results: ScanResult[] = [
    ...markTrusted(
      chains.map((chain) => toSeen(config, path, chain, modifiedAt)),
      isTrustStorePath(path) || isTrustStorePath(real),
    ),
    ...found.unreadable.map(({ at, because, locked }) =>
      toUnseen(config, path + at, locked ? 'refused' : 'malformed', because),
    ),
  ];
  if (results.length > 0) return { results, isEmpty: false, keysCompared };
  if (!missesCertificate(basename(path), literal, othersIn(found))) return { ...EMPTY_FILE, isEmpty: true };
  const because = content.length === 0 ? 'it is empty' : 'it contains no certificate';
  return { ...EMPTY_FILE, results: [toUnseen(config, path, 'malformed', because)] };
}

function othersIn({ others }: FoundCertificates): OtherContent {
  return { requests: others.requests, keysAndLists: others.harmless };
}

function toSeen(
  config: FilesConfig,
  path: string,
  { at, chain, keyMatches }: FoundChain,
  storedSince: Date,
): SeenPlace {
  const [leaf, ...issuers] = chain;
  return {
    kind: 'seen',
    place: placeOf(config, path + at),
    chain: [toCertificate(leaf), ...issuers.map(toCertificate)],
    storedSince,
    ...(keyMatches !== undefined && { keyMatches }),
  };
}

function markTrusted(seen: readonly SeenPlace[], inTrustStore: boolean): readonly SeenPlace[] {
  if (!inTrustStore && !isTrustStoreContent(seen.map(({ chain }) => chain))) return seen;
  return seen.map((one) => (isRoot(one.chain[0]) ? { ...one, trustStore: true } : one));
}

export function toUnseen(
  config: FilesConfig,
  path: string,
  kind: SourceErrorKind,
  because: string,
): ScanResult {
  return { kind: 'unseen', place: placeOf(config, path), error: new SourceError(config.name, kind, because) };
}

/** File names are untrusted text. */
function placeOf(config: FilesConfig, path: string): string {
  return `${config.name}:${printable(path)}`;
}
