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
 * What is wrong with a place besides dates; each check has its own words for it.
 * Critical where no client can connect or no server can start; warning where strict clients refuse the connection and others do not yet.
 * A site that requires a client certificate is not a problem: that is intended, and the evidence shows it.
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
    // A handshake that ends for lack of a client certificate may end before the response is sent.
    applies: ({ served }, { mustStaple }) =>
      mustStaple && served !== undefined && !served.stapled && !served.clientCertificateRequired,
  },
];

/**
 * Keys and signatures too weak for current clients. One that is only stored may never be served, so it is information. In trust stores
 * nothing is reported: systems keep old roots for old signatures, and they cannot be replaced here.
 */
export function weaknessesOf(
  occurrences: Pick<CertificateOccurrences, 'certificate' | 'places' | 'live'>,
): readonly { readonly reason: Weakness; readonly severity: Severity }[] {
  const { key, signature, selfSigned } = occurrences.certificate;
  if (!isNeeded(occurrences)) return [];
  const severity = occurrences.live ? 'warning' : 'info';
  const isWeakKey = key.type.startsWith('rsa') && key.bits !== undefined && key.bits < 2048;
  // Nobody verifies the signature of a root.
  const isWeakSignature = !selfSigned && /sha-?1(?!\d)|md[245]/i.test(signature);
  return [
    ...(isWeakKey ? [{ reason: 'weak-key', severity } as const] : []),
    ...(isWeakSignature ? [{ reason: 'weak-signature', severity } as const] : []),
  ];
}
