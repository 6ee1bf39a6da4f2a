import { type Diagnosis, wording } from '../../kit.ts';
import type { Facts } from './collect.ts';
import { type Due, dueFinding } from './expiry.ts';
import { inOrderOfWork, type Task } from './order.ts';
import { siteProblems, weaknesses } from './problems.ts';
import type { RenewOffer } from './renew.ts';
import { judge, type Standing, type Thresholds } from './severity.ts';
import type { Held } from './tally.ts';
import { verdictOf } from './verdict.ts';

export interface Asked extends Omit<Thresholds, 'withinMs'> {
  readonly within: number;
}

/** Authorities of one name that a finding mentions: deployments like to call theirs the same. */
const MOST_SIGNERS = 5;

export function diagnose(
  { certificates, sites }: Facts,
  { within, ...levels }: Asked,
  now: Date,
): Diagnosis<RenewOffer> {
  const nowMs = now.getTime();
  const thresholds = { ...levels, withinMs: within };
  const judged = certificates.map((held) => ({ held, standing: judge(held.certificate, thresholds, nowMs) }));
  const due = judged.filter(isDue);
  const dueAuthorities = Map.groupBy(
    due.filter(({ held }) => held.certificate.authority),
    ({ held }) => held.certificate.subject,
  );
  const dated = due.map(({ held, standing }): Task => {
    const { subject, issuer, notAfter } = held.certificate;
    if (subject === issuer)
      return { finding: dueFinding(held, standing, nowMs, []), untilMs: notAfter.getTime(), signs: subject };
    const signers = (dueAuthorities.get(issuer) ?? []).slice(0, MOST_SIGNERS).map((one) => one.held);
    const finding = dueFinding(held, standing, nowMs, signers);
    return { finding, untilMs: notAfter.getTime(), signs: subject, signedBy: issuer };
  });
  const others = [...siteProblems(sites), ...certificates.flatMap(weaknesses)];
  const counts = countOf(judged, others.length);
  return {
    examined: certificates.length,
    verdict: verdictOf(counts, within),
    findings: inOrderOfWork([...dated, ...others]),
    measures: [
      { label: 'certificates', value: counts.expired, unit: 'expired' },
      { label: 'certificates', value: counts.expiring, unit: `expiring within ${wording.span(within)}` },
    ],
  };
}

interface Judged {
  readonly held: Held;
  readonly standing: Standing;
}

function isDue(judged: Judged): judged is { readonly held: Held; readonly standing: Due } {
  return 'severity' in judged.standing;
}

/** What is served along without need is no certificate that has expired for anybody: it counts among the other problems. */
function countOf(judged: readonly Judged[], problems: number) {
  const counts = { expired: 0, expiring: 0, 'not-yet-valid': 0, undated: 0, 'on-schedule': 0, good: 0 };
  let extra = 0;
  for (const { held, standing } of judged) {
    if ('severity' in standing && held.places.every(({ as }) => as === 'extra')) extra += 1;
    else counts[standing.is] += 1;
  }
  return { ...counts, total: judged.length, problems: problems + extra };
}
