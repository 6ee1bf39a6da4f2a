import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { SourceError } from '../../ports/source-error.ts';
import { fileError } from './file-error.ts';

export interface ReadRoots {
  readonly roots: readonly X509Certificate[];
  /** Files that couldn't be read; their contents count as untrusted. */
  readonly unread: readonly { readonly path: string; readonly error: SourceError }[];
}

/** The private roots in the PEM files under `trust`. */
export async function readRoots(paths: readonly string[], source: string): Promise<ReadRoots> {
  const roots: X509Certificate[] = [];
  const unread: { path: string; error: SourceError }[] = [];
  for (const path of paths) {
    try {
      roots.push(...certificatesIn(await readFile(path, 'latin1'), source));
    } catch (error) {
      unread.push({ path, error: fileError(error, source) });
    }
  }
  return { roots, unread };
}

function certificatesIn(text: string, source: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (blocks === null) throw new SourceError(source, 'malformed', 'this file contains no PEM certificate');
  try {
    return blocks.map((pem) => new X509Certificate(pem));
  } catch {
    throw new SourceError(source, 'malformed', "couldn't read a certificate in this file");
  }
}
