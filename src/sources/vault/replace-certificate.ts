import { X509Certificate } from 'node:crypto';
import { splitPem } from '../../wire/pem.ts';

const BLOCK = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[\s\S]+?-----END \1-----/g;

/** The certificates in a value, in order; invalid ones are dropped. */
export function certificatesOf(text: unknown): readonly X509Certificate[] {
  if (typeof text !== 'string') return [];
  return splitPem(text).blocks.flatMap((block) => read(block.text) ?? []);
}

/**
 * Replaces every occurrence of an old certificate in a text by a new one. Everything else stays unchanged: the chain, the key in
 * `combined`, line breaks. Undefined if the old certificate is not in the text.
 */
export function replaceCertificate(
  text: string,
  old: X509Certificate,
  fresh: X509Certificate,
): string | undefined {
  let found = false;
  const replaced = text.replaceAll(BLOCK, (block) => {
    const [present] = certificatesOf(block);
    if (present?.fingerprint256 !== old.fingerprint256) return block;
    found = true;
    return inLinesOf(block, fresh.toString().trimEnd());
  });
  return found ? replaced : undefined;
}

/** Line breaks stay as they were: some secrets contain a PEM with escaped `\n`, with CRLF, indented, or joined by spaces. */
export function inLinesOf(block: string, pem: string): string {
  const end = /-----(\r\n|\r|\\r\\n|\\n|\n[ \t]*| (?=\S))/.exec(block)?.[1] ?? '\n';
  return pem.replaceAll('\n', () => end);
}

function read(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
