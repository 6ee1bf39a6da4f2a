import { type Diagnosis, type Finding, wording } from '../../kit.ts';
import { card, keyOf } from './card.ts';
import type { Facts, Shown } from './collect.ts';
import { expired, problemsOf } from './problems.ts';

/** Named outright, so many are shown in full: a site may show another certificate at each of its addresses. */
const MOST_IN_FULL = 5;

const NEVER_MS = 253_402_214_400_000;

/**
 * What is shown is an answer and no fault, so it is information; what is wrong with it stands before it, as findings of their own.
 * With nothing found nothing was examined: the report is then `unknown` and says where it was looked for, and is never all clear.
 */
export function diagnose({ what, exact, shown, matching }: Facts, _: unknown, now: Date): Diagnosis {
  const nowMs = now.getTime();
  if (matching === 0) return { examined: 0, verdict: '', findings: [] };
  if (matching > (exact ? MOST_IN_FULL : 1)) return listed(what, shown, matching, nowMs);
  const problems = shown.flatMap((one) => problemsOf(one, nowMs));
  const critical = problems.filter(({ severity }) => severity === 'critical');
  const others = problems.filter(({ severity }) => severity !== 'critical');
  return {
    examined: shown.length,
    verdict: `The certificate ${shown.map((one) => `${one.certificate.name} ${state(one, nowMs)}`).join('; ')}`,
    findings: [...critical, ...others, ...shown.map((one) => inFull(one, nowMs))],
  };
}

function inFull(shown: Shown, nowMs: number): Finding {
  const { certificate, seen, placeCount } = shown;
  const others = placeCount > 1 ? ` and ${wording.count(placeCount - 1, 'other place')}` : '';
  return {
    reason: 'certificate-shown',
    severity: 'info',
    target: seen.place,
    summary: `${certificate.name} ${state(shown, nowMs)} (${seen.place}${others})`,
    evidence: card(shown),
  };
}

function state({ certificate }: Shown, nowMs: number): string {
  const { notBefore, notAfter } = certificate;
  if (notAfter.getTime() >= NEVER_MS) return 'never expires';
  if (nowMs < notBefore.getTime()) return `is not valid before ${wording.moment(notBefore)}`;
  return (
    expired(certificate, nowMs) ??
    `is good for ${wording.span(notAfter.getTime() - nowMs)}, until ${wording.moment(notAfter)}`
  );
}

function listed(what: string, shown: readonly Shown[], matching: number, nowMs: number): Diagnosis {
  const rows = shown.map((one) => [
    one.certificate.name,
    state(one, nowMs),
    one.seen.place,
    keyOf(one.certificate),
    one.certificate.fingerprint.slice(0, 16),
  ]);
  const first = shown.length < matching ? `, the first ${shown.length} of them here` : '';
  const summary = `${matching} certificates have “${what}” in a name or place${first}: ask for one by its place or its fingerprint`;
  return {
    examined: matching,
    verdict: `${matching} certificates match “${what}”: say which one`,
    findings: [
      {
        reason: 'certificates-matching',
        severity: 'info',
        target: what,
        summary,
        evidence: [{ kind: 'table', columns: ['Name', 'State', 'Place', 'Key', 'SHA-256 begins'], rows }],
      },
    ],
  };
}
