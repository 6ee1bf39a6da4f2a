import { SourceError } from '../../ports/source-error.ts';
import type { Certificate, InspectOptions, ScanResult } from '../../ports/certificates.ts';
import { findCertificatesInDocument } from '../../wire/find-certificates.ts';
import { printable, toCertificate } from '../../wire/x509.ts';
import type { JsonObject } from '../../wire/json-object.ts';

/** The key in which `safe` also stores the certificate and its private key, in one value. */
const COMBINED = ':combined';

interface CertificatesInOptions extends Pick<InspectOptions, 'onCertificate'> {
  readonly isWritable?: boolean;
}

/**
 * The certificates in the values of a secret, each at `<place>:<key>`. `safe` stores the same certificate in `certificate` and in
 * `combined`, which is one place. Private keys are compared and dropped; only certificates are returned. With `isWritable`, certificates
 * that can be renewed are marked.
 */
export function certificatesIn(
  source: string,
  place: string,
  values: JsonObject,
  { isWritable = false, onCertificate }: CertificatesInOptions = {},
): readonly ScanResult[] {
  const { certificates, unreadable } = findCertificatesInDocument(values);
  const elsewhere = new Set(
    certificates.filter(({ at }) => at !== COMBINED).map(({ chain: [leaf] }) => leaf.fingerprint256),
  );
  return [
    ...certificates
      .filter(({ at, chain: [leaf] }) => at !== COMBINED || !elsewhere.has(leaf.fingerprint256))
      .map(({ at, chain, keyMatches }): ScanResult => {
        const [leaf, ...rest] = chain;
        for (const { raw } of onCertificate ? chain : []) onCertificate?.(raw);
        const renewable = isWritable && keyMatches === true && !leaf.ca && isRenewedAt(at, place, values);
        return {
          kind: 'seen',
          place: printable(place + at),
          chain: [toCertificate(leaf), ...rest.map(toCertificate)] as [Certificate, ...Certificate[]],
          ...(keyMatches !== undefined && { keyMatches }),
          ...(renewable && { renewable }),
        };
      }),
    ...unreadable.map(({ at, because, locked }): ScanResult => ({
      kind: 'unseen',
      place: printable(place + at),
      error: new SourceError(source, locked ? 'refused' : 'malformed', because),
    })),
  ];
}

/** In the layout of `safe`: `certificate` with its `key`. A name that is not printable as it is couldn't be found again. */
function isRenewedAt(at: string, place: string, values: JsonObject): boolean {
  const laidOut = at === ':certificate' && typeof values['key'] === 'string';
  return laidOut && printable(place) === place && !place.includes('\uFFFD');
}
