import { type Finding, type ports, wording } from '../../kit.ts';
import { certificatePath, severityOfDue } from '../../shared/certificate-occurrences.ts';
import {
  PLACE_RULES,
  type PlaceProblem,
  type Weakness,
  weaknessesOf,
} from '../../shared/certificate-problems.ts';
import {
  DEFAULT_THRESHOLDS,
  describeDue,
  isDueStatus,
  judgeValidity,
  neverEnds,
  VALIDITY_REASONS,
} from '../../shared/certificate-validity.ts';
import type { Shown } from './collect.ts';
import type { Problem } from './managed.ts';

interface IssuerProblem extends Pick<Finding, 'reason' | 'severity'> {
  readonly says: string;
}

type DescribeProblem = (shown: Shown) => string;

const PLACE_WORDS: Readonly<Record<PlaceProblem, DescribeProblem>> = {
  'key-mismatch': () => 'does not match the private key next to it',
  'chain-broken': () => 'is not signed by the issuer that is served with it',
  'no-alternative-name': () => 'has no subject alternative name',
  'name-mismatch': ({ seen: { served } }) =>
    `is not for ${served?.servername ?? served?.address ?? 'that address'}`,
  'chain-incomplete': ({ seen: { chain, path = chain } }) =>
    `has an incomplete chain: the issuer ${path.at(-1)?.issuer || '(unnamed)'} is neither served nor a known root`,
  'self-signed': () => 'is self-signed',
  'legacy-protocol': ({ seen: { served } }) => `supports nothing newer than ${served?.protocol ?? ''}`,
  'must-staple-without-staple': () => 'requires a stapled OCSP response (must-staple), and none was sent',
};

const WEAKNESS_WORDS: Readonly<Record<Weakness, DescribeProblem>> = {
  'weak-key': ({ certificate: { key } }) => `has an RSA key of ${key.bits} bits`,
  'weak-signature': ({ certificate: { signature } }) => `is signed with ${signature}`,
};

/** The problems of a certificate, with the reasons and severities of `/certs expiring`. `label` is the name to show for it. */
export function problemsOf(shown: Shown, label: string, now: Date): Problem[] {
  const nowMs = now.getTime();
  const { certificate, seen } = shown;
  const isLeaf = certificate.fingerprint === seen.chain[0].fingerprint;
  const problem = (
    { reason, severity }: Pick<Finding, 'reason' | 'severity'>,
    says: string,
    isDated = false,
  ) => ({ finding: { reason, severity, target: seen.place, summary: `${label} ${says}` }, isDated });
  const status = judgeValidity(certificate, DEFAULT_THRESHOLDS, nowMs);
  const due = isDueStatus(status)
    ? [{ reason: VALIDITY_REASONS[status.is], severity: severityOfDue(shown, status) }]
    : [];
  const rules = isLeaf ? PLACE_RULES.filter(({ applies }) => applies(seen, certificate)) : [];
  return [
    ...due.map((one) => problem(one, describeDates(certificate, nowMs), true)),
    ...(isLeaf ? issuerProblems(shown, now) : []).map((one) => problem(one, one.says)),
    ...rules.map((rule) => problem(rule, PLACE_WORDS[rule.reason](shown))),
    ...weaknessesOf(shown).map((one) => problem(one, WEAKNESS_WORDS[one.reason](shown))),
  ];
}

/** Continues a sentence after the certificate's name, or after `it`: `expired 10 hours ago`. */
export function describeDates(certificate: ports.Certificate, nowMs: number): string {
  const status = judgeValidity(certificate, DEFAULT_THRESHOLDS, nowMs);
  const until = wording.utcTime(certificate.notAfter);
  if (!isDueStatus(status))
    return neverEnds(certificate)
      ? 'never expires'
      : `is valid for ${wording.span(certificate.notAfter.getTime() - nowMs)}, until ${until}`;
  const says = describeDue(certificate, status, nowMs);
  return status.is === 'expiring' ? `${says}, at ${until}` : says;
}

/** Follows the path that clients take: an issuer that expires before the leaf breaks it as well. */
function issuerProblems({ certificate, seen }: Shown, now: Date): readonly IssuerProblem[] {
  const nowMs = now.getTime();
  const issuers = certificatePath(seen, now).slice(1);
  const expired = issuers.filter(({ notAfter }) => notAfter.getTime() < nowMs);
  if (expired.length > 0) {
    const named = expired.map(
      ({ name, notAfter }) => `${name} (expired ${wording.span(nowMs - notAfter.getTime())} ago)`,
    );
    const says = `depends on an expired issuer: ${wording.list(named)}`;
    return [{ reason: 'issuer-expired', severity: 'critical', says }];
  }
  // A certificate without expiry outlives every issuer, so that matters only when one of them is due.
  const isEndless = neverEnds(certificate);
  const shorter = issuers.filter((one) =>
    isEndless
      ? judgeValidity(one, DEFAULT_THRESHOLDS, nowMs).is === 'expiring'
      : one.notAfter < certificate.notAfter,
  );
  if (shorter.length === 0) return [];
  const named = shorter.map(({ name, notAfter }) => `${name}, until ${wording.utcTime(notAfter)}`);
  const what = isEndless ? 'has an issuer that expires soon' : 'expires later than its issuer';
  return [{ reason: 'issuer-expires-first', severity: 'warning', says: `${what}: ${wording.list(named)}` }];
}
