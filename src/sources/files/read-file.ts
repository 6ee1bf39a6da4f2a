import { readFile, lstat, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Seen, Sighting } from '../../ports/certificates.ts';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { findCertificates } from '../../wire/find-certificates.ts';
import type { FoundChain } from '../../wire/held.ts';
import { printable, toCertificate } from '../../wire/x509.ts';
import type { FilesConfig } from './config.ts';

/** Names that promise a certificate. `.key` and `.csr` do not, and `.crl` neither. */
const PROMISING = /\.(pem|crt|cer|cert|der|p12|pfx|p7b|p7c|p7s|jks|jceks|keystore|truststore|bcfks)$/i;

/**
 * What one file holds: nothing at all where it is of another kind and its name promises none.
 * @param literal it was asked for by this very name, so that whatever keeps it from being read is told
 */
export async function readCertificateFile(
  config: FilesConfig,
  path: string,
  literal: boolean,
): Promise<Sighting[]> {
  const promised = literal || PROMISING.test(basename(path));
  const tell = (kind: SourceErrorKind, because: string, at = '') => [
    unseen(config, path + at, kind, because),
  ];
  try {
    const facts = await stat(path);
    if (facts.isDirectory())
      return promised
        ? tell('malformed', 'it is a folder; a pattern such as `folder/**/*.pem` looks into it')
        : [];
    // Reading a pipe or a device might never end.
    if (!facts.isFile()) return promised ? tell('malformed', 'it is no regular file') : [];
    if (facts.size > config.maxFileBytes)
      return tell(
        'malformed',
        `it is larger than ${inWords(config.maxFileBytes)} (maxFileBytes), and was not read`,
      );
    return found(config, path, promised, await readFile(path));
  } catch (error) {
    const [kind, because] = await explain(error as NodeJS.ErrnoException, path);
    return tell(kind, because);
  }
}

function found(config: FilesConfig, path: string, promised: boolean, content: Buffer): Sighting[] {
  const { certificates, unreadable, others } = findCertificates(content, {
    passphrases: config.passphrases,
    maxBytes: config.maxFileBytes,
  });
  const sightings: Sighting[] = [
    ...certificates.map((certificate) => seen(config, path, certificate)),
    ...unreadable.map(({ at, because, locked }) =>
      unseen(config, path + at, locked ? 'refused' : 'malformed', because),
    ),
  ];
  if (sightings.length > 0 || others > 0 || !promised) return sightings;
  return [
    unseen(config, path, 'malformed', content.length === 0 ? 'it is empty' : 'it holds no certificate'),
  ];
}

function seen(config: FilesConfig, path: string, { at, chain, keyMatches }: FoundChain): Seen {
  const [leaf, ...issuers] = chain;
  return {
    kind: 'seen',
    place: placeOf(config, path + at),
    chain: [toCertificate(leaf), ...issuers.map(toCertificate)],
    ...(keyMatches !== undefined && { keyMatches }),
  };
}

export function unseen(config: FilesConfig, path: string, kind: SourceErrorKind, because: string): Sighting {
  return { kind: 'unseen', place: placeOf(config, path), error: new SourceError(config.name, kind, because) };
}

/** Names of files are anybody's text. */
function placeOf(config: FilesConfig, path: string): string {
  return `${config.name}:${printable(path)}`;
}

/** What an error of the file system means to the one who asked. @throws it where it is none. */
export async function explain(
  error: NodeJS.ErrnoException,
  path: string,
): Promise<[SourceErrorKind, string]> {
  if (error.code === undefined || error.syscall === undefined) throw error;
  if (error.code === 'EACCES' || error.code === 'EPERM')
    return ['refused', 'reading it is not permitted to the user that the worker runs as'];
  if (error.code === 'ELOOP') return ['missing', 'its links lead round in a circle'];
  if (error.code !== 'ENOENT') return ['unreachable', `reading it failed (${error.code})`];
  const isLink = await isDangling(path);
  return [
    'missing',
    isLink ? 'it is a link to something that is not there' : 'it went away while it was looked for',
  ];
}

async function isDangling(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch {
    return false;
  }
}

function inWords(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${Math.round(bytes / 1024 / 1024)} MB` : `${Math.round(bytes / 1024)} kB`;
}
