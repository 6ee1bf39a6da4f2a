import { SourceError } from '../../ports/source-error.ts';
import type { InspectOptions, ScanResult, SeenPlace } from '../../ports/certificates.ts';
import { findCertificatesInDocument } from '../../wire/find-certificates.ts';
import { printable, toCertificate } from '../../wire/x509.ts';
import type { JsonObject } from '../../wire/json-object.ts';

/** The key in which `safe` also stores the certificate and its private key, in one value. */
const COMBINED = ':combined';

/** The names under which the authorities of a certificate are stored beside it: by `vault write pki/issue`, CredHub and Kubernetes. */
const TRUSTS = /^:(ca|ca\.crt|issuing_ca|ca_chain)(?=$|[#.])/;

interface CertificatesInOptions extends Pick<InspectOptions, 'onCertificate'> {
  /** How its certificates may be renewed, if they may. */
  readonly renewal?: 'sign' | 'issue' | undefined;
  /** Facts of the secret that each of its places has. */
  readonly facts?: Pick<SeenPlace, 'version' | 'storedSince'>;
}

/**
 * The certificates in the values of a secret, each at `<place>:<key>`. `safe` stores the same certificate in `certificate` and in
 * `combined`, which is one place. Private keys are compared and dropped; only certificates are returned. With `renewal`, certificates that
 * can be renewed are marked.
 */
export function certificatesIn(
  source: string,
  place: string,
  values: JsonObject,
  { renewal, facts, onCertificate }: CertificatesInOptions = {},
): readonly ScanResult[] {
  const { certificates: found, unreadable } = findCertificatesInDocument(values);
  const certificates = found.map((one) => {
    const [leaf, ...rest] = one.chain;
    return { ...one, read: [toCertificate(leaf), ...rest.map(toCertificate)] as const };
  });
  const elsewhere = new Set(
    certificates.filter(({ at }) => at !== COMBINED).map(({ chain: [leaf] }) => leaf.fingerprint256),
  );
  const trusts = certificates.flatMap(({ at, read }) => (TRUSTS.test(at) ? read : []));
  return [
    ...certificates
      .filter(({ at, chain: [leaf] }) => at !== COMBINED || !elsewhere.has(leaf.fingerprint256))
      .map(({ at, chain, read, keyMatches }): ScanResult => {
        const [leaf] = chain;
        for (const { raw } of onCertificate ? chain : []) onCertificate?.(raw);
        const renewable =
          keyMatches === true && !leaf.ca && renewal && isRenewedAt(renewal, at, place, values);
        const isTrust = TRUSTS.test(at);
        return {
          kind: 'seen',
          place: printable(place + at),
          chain: read,
          ...facts,
          ...(trusts.length > 0 && !isTrust && { trusts }),
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

/**
 * `sign` needs the layout of `safe`, `certificate` with its `key`; `issue` any name at the top of the secret. A name that is not printable as it is
 * couldn't be found again.
 */
function isRenewedAt(renewal: 'sign' | 'issue', at: string, place: string, values: JsonObject): boolean {
  const laidOut =
    renewal === 'issue'
      ? typeof values[at.slice(1)] === 'string'
      : at === ':certificate' && typeof values['key'] === 'string';
  return laidOut && printable(place + at) === place + at && !(place + at).includes('\uFFFD');
}
