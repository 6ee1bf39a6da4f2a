import type { Finding, ports } from '../kit.ts';
import { type CertificateOccurrences, isNeeded } from './certificate-occurrences.ts';

type Severity = Finding['severity'];

export type PlaceProblem =
  | 'key-mismatch'
  | 'chain-broken'
  | 'no-alternative-name'
  | 'name-mismatch'
  | 'chain-incomplete'
  | 'self-signed'
  | 'legacy-protocol'
  | 'must-staple-without-staple';

export type Weakness = 'weak-key' | 'weak-signature';

interface PlaceRule {
  readonly reason: PlaceProblem;
  readonly severity: Severity;
  readonly applies: (
    shown: Pick<ports.SeenPlace, 'served'> & { readonly keyMatches?: boolean | undefined },
    leaf: ports.Certificate,
  ) => boolean;
}

/**
 * Problems of a place other than dates. Each check has its own words for them. Critical if no client can connect or no server can start; a
 * warning if only strict clients refuse the connection. A required client certificate is not a problem: it is intended, and the evidence
 * shows it.
 */
export const PLACE_RULES: readonly PlaceRule[] = [
  { reason: 'key-mismatch', severity: 'critical', applies: ({ keyMatches }) => keyMatches === false },
  { reason: 'chain-broken', severity: 'critical', applies: ({ served }) => served?.path === 'broken' },
  {
    reason: 'no-alternative-name',
    severity: 'warning',
    applies: ({ served }, { alternativeNames }) =>
      served?.nameMatches === false && alternativeNames.length === 0,
  },
  {
    reason: 'name-mismatch',
    severity: 'warning',
    applies: ({ served }, { alternativeNames }) =>
      served?.nameMatches === false && alternativeNames.length > 0,
  },
  { reason: 'chain-incomplete', severity: 'warning', applies: ({ served }) => served?.path === 'incomplete' },
  { reason: 'self-signed', severity: 'warning', applies: ({ served }) => served?.path === 'self-signed' },
  {
    reason: 'legacy-protocol',
    severity: 'warning',
    applies: ({ served }) => /^(SSL|TLSv1(\.[01])?$)/.test(served?.protocol ?? ''),
  },
  {
    reason: 'must-staple-without-staple',
    severity: 'warning',
    // A handshake that fails because there is no client certificate may end before the OCSP response is sent.
    applies: ({ served }, { mustStaple }) =>
      mustStaple && served !== undefined && !served.stapled && !served.clientCertificateRequired,
  },
];

/**
 * Keys and signatures that are too weak for current clients. A certificate that is only stored may never be served, so its severity is
 * `info`. Trust stores are skipped: systems keep old roots to verify old signatures.
 */
export function weaknessesOf(
  occurrences: Pick<CertificateOccurrences, 'certificate' | 'places' | 'live'>,
): readonly { readonly reason: Weakness; readonly severity: Severity }[] {
  const { key, signature, selfSigned } = occurrences.certificate;
  if (!isNeeded(occurrences)) return [];
  const severity = occurrences.live ? 'warning' : 'info';
  const isWeakKey = key.type.startsWith('rsa') && key.bits !== undefined && key.bits < 2048;
  // Clients do not verify the signature of a root.
  const isWeakSignature = !selfSigned && /sha-?1(?!\d)|md[245]/i.test(signature);
  return [
    ...(isWeakKey ? [{ reason: 'weak-key', severity } as const] : []),
    ...(isWeakSignature ? [{ reason: 'weak-signature', severity } as const] : []),
  ];
}
