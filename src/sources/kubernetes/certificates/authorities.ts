import type { X509Certificate } from 'node:crypto';
import type { Certificate } from '../../../ports/certificate.ts';
import type { InspectOptions, ScanResult, SeenPlace } from '../../../ports/certificates.ts';
import { SourceError } from '../../../ports/source-error.ts';
import { findCertificates } from '../../../wire/find-certificates.ts';
import { printable, toCertificate } from '../../../wire/x509.ts';

/** The certificates in a bundle, each once, in the order in which they were found. */
interface Bundle {
  readonly certificates: readonly Certificate[];
  readonly ders: readonly Buffer[];
  /** Why a part of it can't be read. */
  readonly unreadable?: string;
}

/** Thousands of Secrets contain the same few CAs. */
const MAX_KNOWN = 200;

/** Reads bundles of authorities. Equal ones are parsed once, and their certificates are the same objects. */
export function openBundleReader(): (content: Buffer | string) => Bundle {
  const known = new Map<string, Bundle>();
  return (content) => {
    const key = typeof content === 'string' ? content : content.toString('base64');
    const same = known.get(key);
    if (same) return same;
    const bundle = readBundle(content);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, bundle);
    return bundle;
  };
}

/** In a bundle, each certificate is trusted on its own, also one that another one has signed. */
function readBundle(content: Buffer | string): Bundle {
  const { certificates, unreadable } = findCertificates(content);
  const all = new Map<string, X509Certificate>();
  for (const { chain } of certificates) for (const one of chain) all.set(one.fingerprint256, one);
  const [first] = unreadable;
  return {
    certificates: [...all.values()].map(toCertificate),
    ders: [...all.values()].map(({ raw }) => raw),
    ...(first && { unreadable: first.because }),
  };
}

/** One result for each certificate of a bundle, and one for what can't be read in it. */
export function bundleResults(
  source: string,
  place: string,
  { certificates, ders, unreadable }: Bundle,
  {
    onCertificate,
    ...facts
  }: Pick<InspectOptions, 'onCertificate'> & Pick<SeenPlace, 'verifies' | 'storedSince'> = {},
): readonly ScanResult[] {
  for (const der of ders) onCertificate?.(der);
  const because = unreadable ?? (certificates.length === 0 ? 'it contains no certificate' : undefined);
  return [
    ...certificates.map((certificate, index): ScanResult => ({
      kind: 'seen',
      place: printable(index === 0 ? place : `${place}#${index + 1}`),
      chain: [certificate],
      ...facts,
    })),
    ...(because === undefined ? [] : [unseen(source, place, because)]),
  ];
}

/** @param because never quotes what was read. */
export function unseen(source: string, place: string, because: string): ScanResult {
  return { kind: 'unseen', place: printable(place), error: new SourceError(source, 'malformed', because) };
}

/** The bytes of base64 as the API server writes it; undefined if it is anything else. */
export function fromBase64(value: unknown): Buffer | undefined {
  if (typeof value !== 'string' || value.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value))
    return undefined;
  return Buffer.from(value, 'base64');
}

/** Text as text, because PEM is found faster in it; anything else as bytes. */
export function asContent(bytes: Buffer): Buffer | string {
  const text = bytes.toString('utf8');
  return text.includes('\uFFFD') || text.includes('\0') ? bytes : text;
}
