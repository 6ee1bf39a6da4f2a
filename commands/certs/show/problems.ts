import { type Finding, type ports, wording } from '../../kit.ts';
import type { Shown } from './collect.ts';

type Say = (shown: Shown, nowMs: number) => string | undefined;

const DAY_MS = 86_400_000;

/** What is wrong with what is shown, in the words and severities of `/certs expiring`; the proof stands in the card beside it. */
const PROBLEMS: readonly (readonly [reason: string, severity: Finding['severity'], say: Say])[] = [
  ['certificate-expired', 'critical', ({ certificate }, nowMs) => expired(certificate, nowMs)],
  ['certificate-not-yet-valid', 'critical', ({ certificate }, nowMs) => early(certificate, nowMs)],
  ['certificate-expiring', 'warning', ({ certificate }, nowMs) => expiring(certificate, nowMs)],
  ['issuer-expires-first', 'warning', ({ certificate, seen }) => outlived(certificate, seen.chain)],
  [
    'key-mismatch',
    'critical',
    ({ seen }) =>
      seen.keyMatches === false
        ? 'has a private key beside it that belongs to another certificate'
        : undefined,
  ],
  [
    'chain-broken',
    'critical',
    ({ seen }) =>
      seen.served?.path === 'broken' ? 'is not signed by the issuer that is served with it' : undefined,
  ],
  [
    'name-mismatch',
    'warning',
    ({ seen }) =>
      seen.served?.nameMatches === false
        ? `is not for ${seen.served.servername ?? seen.served.address}`
        : undefined,
  ],
  [
    'chain-incomplete',
    'warning',
    ({ seen }) =>
      seen.served?.path === 'incomplete'
        ? `hangs on ${seen.chain.at(-1)?.issuer}, which is neither served nor a known root`
        : undefined,
  ],
  [
    'self-signed',
    'warning',
    ({ seen }) => (seen.served?.path === 'self-signed' ? 'is signed by itself' : undefined),
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
    (shown) => (unstapled(shown) ? 'demands a stapled OCSP answer and none came' : undefined),
  ],
  [
    'weak-key',
    'warning',
    ({ certificate: { key } }) =>
      key.type.startsWith('rsa') && (key.bits ?? 2048) < 2048
        ? `has an RSA key of ${key.bits} bits`
        : undefined,
  ],
  [
    'weak-signature',
    'warning',
    ({ certificate }) =>
      !certificate.selfSigned && /sha-?1(?!\d)|md[245]/i.test(certificate.signature)
        ? `is signed with ${certificate.signature}`
        : undefined,
  ],
];

export function problemsOf(shown: Shown, nowMs: number): Finding[] {
  return PROBLEMS.flatMap(([reason, severity, say]) => {
    const words = say(shown, nowMs);
    const { certificate, seen } = shown;
    if (words === undefined) return [];
    return [{ reason, severity, target: seen.place, summary: `${certificate.name} ${words}` }];
  });
}

export function expired({ notAfter }: ports.Certificate, nowMs: number): string | undefined {
  return nowMs > notAfter.getTime() ? `expired ${wording.span(nowMs - notAfter.getTime())} ago` : undefined;
}

function early({ notBefore }: ports.Certificate, nowMs: number): string | undefined {
  return nowMs < notBefore.getTime() ? `is not valid before ${wording.moment(notBefore)}` : undefined;
}

/** A third of its lifetime, and thirty days: the defaults of `/certs expiring`, where the reasons stand. */
function expiring({ notBefore, notAfter }: ports.Certificate, nowMs: number): string | undefined {
  const left = notAfter.getTime() - nowMs;
  const share = left / (notAfter.getTime() - notBefore.getTime());
  return left >= 0 && left <= 30 * DAY_MS && share <= 0.33 ? `expires in ${wording.span(left)}` : undefined;
}

function outlived(certificate: ports.Certificate, chain: Shown['seen']['chain']): string | undefined {
  const shorter = chain
    .filter(({ subject, notAfter }) => subject === certificate.issuer && notAfter < certificate.notAfter)
    .map(({ name, notAfter }) => `${name}, until ${wording.moment(notAfter)}`);
  const other = chain.some(
    ({ subject, notAfter }) => subject === certificate.issuer && notAfter >= certificate.notAfter,
  );
  return shorter.length > 0 && !other && certificate.subject !== certificate.issuer
    ? `ends later than what signs it: ${wording.list(shorter)}`
    : undefined;
}

function unstapled({ certificate, seen: { served } }: Shown): boolean {
  return (
    certificate.mustStaple && served !== undefined && !served.stapled && !served.clientCertificateRequired
  );
}
