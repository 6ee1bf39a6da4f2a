import { X509Certificate } from 'node:crypto';
import { splitPem } from '../../wire/pem.ts';

const BLOCK = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[\s\S]+?-----END \1-----/g;

/** The certificates of a value in their order; what is not one is left out. */
export function certificatesOf(text: unknown): readonly X509Certificate[] {
  if (typeof text !== 'string') return [];
  return splitPem(text).blocks.flatMap((block) => read(block.text) ?? []);
}

/**
 * Puts a new certificate in the place of an old one, wherever the old one stands in a text; all else stays as it is, character by
 * character: what follows the leaf, the key in `combined`, line ends. Undefined where the old one is not in it.
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

/** Lines end as they did: some keep a PEM with `\n` written out, with CRLF, indented, or joined by blanks. */
function inLinesOf(block: string, pem: string): string {
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
