import { X509Certificate } from 'node:crypto';
import { arrangeChains } from './arrange-chains.ts';
import { below, type Held, heldKey, nothing, numbered, ordinal, together, unreadable } from './held.ts';
import { MAX_BLOCKS, type PemBlock, splitPem } from './pem.ts';
import { readPkcs7 } from './pkcs7.ts';
import { groupChains } from './x509.ts';

const CERTIFICATE = /^(X509 |TRUSTED )?CERTIFICATE$/;
const PKCS7 = /^(PKCS7|PKCS #7 SIGNED DATA|CMS)$/;

/** What a text with PEM in it holds; places are counted over the blocks that should hold certificates, keys left out. */
export function findInPem(text: string): Held {
  const { blocks, broken, more } = splitPem(text);
  const wanted = [...blocks, ...broken]
    .filter(({ label }) => isWanted(label))
    .toSorted((a, b) => a.at - b.at)
    .map(({ at }) => at);
  const placeOf = ({ at }: { at: number }) => ordinal(wanted.indexOf(at) + 1);

  const parts: Held[] = [];
  const loose: { place: string; certificate: X509Certificate }[] = [];
  for (const block of blocks) {
    if (CERTIFICATE.test(block.label)) {
      const certificate = readCertificateBlock(block);
      if (typeof certificate === 'string') parts.push(unreadable(placeOf(block), certificate));
      else loose.push({ place: placeOf(block), certificate });
    } else if (PKCS7.test(block.label)) parts.push(below(placeOf(block), findInPkcs7(bodyOf(block))));
    else if (block.label.endsWith('PRIVATE KEY')) parts.push(heldKey(block.text, block.label));
    else parts.push({ ...nothing, others: 1 });
  }
  for (const block of broken) {
    parts.push(isWanted(block.label) ? unreadable(placeOf(block), block.because) : { ...nothing, others: 1 });
  }
  if (more)
    parts.push(unreadable(`#${MAX_BLOCKS + 1}`, `more than ${MAX_BLOCKS} blocks; the rest was not read`));
  return together([{ ...nothing, chains: chainsOf(loose) }, ...parts]);
}

function chainsOf(loose: readonly { place: string; certificate: X509Certificate }[]): Held['chains'] {
  const places = new Map(loose.map(({ place, certificate }) => [certificate, place]));
  return groupChains([...places.keys()]).flatMap(([leaf, ...issuers]) =>
    leaf ? [{ at: places.get(leaf) ?? '', chain: [leaf, ...issuers] as const }] : [],
  );
}

export function findInPkcs7(der: Buffer): Held {
  try {
    return { ...nothing, chains: numbered(arrangeChains(readPkcs7(der))) };
  } catch (error) {
    const because =
      error instanceof RangeError
        ? 'it is a PKCS#7 bundle, but damaged or cut short'
        : 'it is a PKCS#7 bundle with a certificate that cannot be read';
    return unreadable('', because);
  }
}

/** The certificate, or why there is none. */
export function readX509(content: Buffer | string): X509Certificate | string {
  try {
    const certificate = new X509Certificate(content);
    const dated =
      Number.isFinite(certificate.validFromDate.getTime()) &&
      Number.isFinite(certificate.validToDate.getTime());
    return dated ? certificate : 'its dates cannot be read';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return `it is no certificate that OpenSSL can read (${code})`;
  }
}

function readCertificateBlock(block: PemBlock): X509Certificate | string {
  return readX509(block.text);
}

function bodyOf({ text }: PemBlock): Buffer {
  return Buffer.from(text.split('\n').slice(1, -2).join(''), 'base64');
}

function isWanted(label: string): boolean {
  return CERTIFICATE.test(label) || PKCS7.test(label);
}
