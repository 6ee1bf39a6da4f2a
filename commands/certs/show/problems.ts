import { type Finding, type ports, wording } from '../../kit.ts';
import type { Shown } from './collect.ts';
import { neverEnds, type Status, statusOf } from './status.ts';

type Severity = Finding['severity'];
type Phrase = string | undefined;
type DescribeProblem = (shown: Shown, nowMs: number) => Phrase;

export interface Problem {
  readonly finding: Finding;
  /** It is about the certificate's own dates, which are in the verdict in any case. */
  readonly isDated: boolean;
}

/** What is wrong with a certificate, in the words and severities of `/certs expiring`; the card has the evidence. */
const PROBLEMS: readonly (readonly [reason: string, severity: Severity, say: DescribeProblem])[] = [
  ['issuer-expired', 'critical', ({ certificate, seen }, nowMs) => expiredIssuer(certificate, seen, nowMs)],
  [
    'key-mismatch',
    'critical',
    ({ seen }) => (seen.keyMatches === false ? 'does not match the private key beside it' : undefined),
  ],
  [
    'chain-broken',
    'critical',
    ({ seen }) =>
      seen.served?.path === 'broken' ? 'is not signed by the issuer that is served with it' : undefined,
  ],
  ['issuer-expires-first', 'warning', ({ certificate, seen }, nowMs) => outlived(certificate, seen, nowMs)],
  [
    'no-alternative-name',
    'warning',
    ({ certificate: { alternativeNames }, seen }) =>
      seen.served?.nameMatches === false && alternativeNames.length === 0
        ? 'has no subject alternative name'
        : undefined,
  ],
  [
    'name-mismatch',
    'warning',
    ({ certificate: { alternativeNames }, seen }) =>
      seen.served?.nameMatches === false && alternativeNames.length > 0
        ? `is not for ${seen.served.servername ?? seen.served.address}`
        : undefined,
  ],
  [
    'chain-incomplete',
    'warning',
    ({ seen }) =>
      seen.served?.path === 'incomplete'
        ? `has an incomplete chain: the issuer ${(seen.path ?? seen.chain).at(-1)?.issuer || '(unnamed)'} is neither served nor a known root`
        : undefined,
  ],
  [
    'self-signed',
    'warning',
    ({ seen }) => (seen.served?.path === 'self-signed' ? 'is self-signed' : undefined),
  ],
  [
    'legacy-protocol',
    'warning',
    ({ seen }) =>
      /^(SSL|TLSv1(\.[01])?$)/.test(seen.served?.protocol ?? '')
        ? `is served with ${seen.served?.protocol ?? ''} and nothing newer`
        : undefined,
  ],
  [
    'must-staple-without-staple',
    'warning',
    (shown) =>
      unstapled(shown) ? 'requires a stapled OCSP response (must-staple), and none was sent' : undefined,
  ],
  [
    'weak-key',
    'warning',
    ({ certificate: { key }, seen }) =>
      !seen.trustStore && key.type.startsWith('rsa') && (key.bits ?? 2048) < 2048
        ? `has an RSA key of ${key.bits} bits`
        : undefined,
  ],
  [
    'weak-signature',
    'warning',
    ({ certificate, seen }) =>
      !seen.trustStore && !certificate.selfSigned && /sha-?1(?!\d)|md[245]/i.test(certificate.signature)
        ? `is signed with ${certificate.signature}`
        : undefined,
  ],
];

const REASON: Readonly<Record<Exclude<Status['is'], 'valid'>, string>> = {
  expired: 'certificate-expired',
  'never-valid': 'certificate-never-valid',
  'not-yet-valid': 'certificate-not-yet-valid',
  expiring: 'certificate-expiring',
  undated: 'certificate-dates-unreadable',
};

/** `label` is what the certificate is called. */
export function problemsOf(shown: Shown, label: string, nowMs: number): Problem[] {
  const { certificate, seen } = shown;
  const problem = (reason: string, severity: Severity, says: string, isDated: boolean) => ({
    finding: { reason, severity, target: seen.place, summary: `${label} ${says}` },
    isDated,
  });
  const { is, severity: worst = 'info', says } = statusOf(certificate, nowMs);
  const dated = is === 'valid' ? [] : [problem(REASON[is], severityOf(is, worst, shown), says, true)];
  const others = PROBLEMS.flatMap(([reason, severity, say]) => {
    const words = say(shown, nowMs);
    return words === undefined ? [] : [problem(reason, severity, words, false)];
  });
  return [...dated, ...others];
}

/** Critical where a site serves it before it is valid. Roots of a trust store are information, because clients ignore those that expired. */
function severityOf(is: Status['is'], worst: Severity, { certificate, seen }: Shown): Severity {
  if (seen.trustStore && (certificate.authority || certificate.selfSigned)) return 'info';
  return is === 'not-yet-valid' && seen.served !== undefined ? 'critical' : worst;
}

function isLeaf({ fingerprint }: ports.Certificate, { chain }: ports.SeenPlace): boolean {
  return fingerprint === chain[0].fingerprint;
}

/** Looks at the path that clients take, where that is known; else at every certificate with the issuer's name. */
function expiredIssuer(certificate: ports.Certificate, seen: ports.SeenPlace, nowMs: number): Phrase {
  const isOver = ({ notAfter }: ports.Certificate) => notAfter.getTime() < nowMs;
  const issuers = seen.path ? seen.path.slice(1) : issuersOf(certificate, seen);
  const over = issuers.filter(isOver);
  if (!isLeaf(certificate, seen) || over.length === 0 || (!seen.path && over.length < issuers.length))
    return undefined;
  const named = over.map(
    ({ name, notAfter }) => `${name} (expired ${wording.span(nowMs - notAfter.getTime())} ago)`,
  );
  return `depends on an expired issuer: ${wording.list(named)}`;
}

function outlived(certificate: ports.Certificate, seen: ports.SeenPlace, nowMs: number): Phrase {
  const issuers = seen.path ? seen.path.slice(1) : issuersOf(certificate, seen);
  if (!isLeaf(certificate, seen) || expiredIssuer(certificate, seen, nowMs) !== undefined) return undefined;
  // What never expires outlives every issuer: it matters only once one of them is due.
  const isEndless = neverEnds(certificate);
  const shorter = issuers.filter((one) =>
    isEndless ? statusOf(one, nowMs).is === 'expiring' : one.notAfter < certificate.notAfter,
  );
  if (shorter.length === 0 || (!seen.path && shorter.length < issuers.length)) return undefined;
  const named = shorter.map(({ name, notAfter }) => `${name}, until ${wording.utcTime(notAfter)}`);
  return `${isEndless ? 'has an issuer that expires soon' : 'expires later than its issuer'}: ${wording.list(named)}`;
}

function issuersOf(
  { subject, issuer }: ports.Certificate,
  { chain }: ports.SeenPlace,
): readonly ports.Certificate[] {
  return subject === issuer ? [] : chain.filter((one) => one.subject === issuer);
}

function unstapled({ certificate, seen: { served } }: Shown): boolean {
  return (
    certificate.mustStaple && served !== undefined && !served.stapled && !served.clientCertificateRequired
  );
}
