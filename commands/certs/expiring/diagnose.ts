import { type Diagnosis, wording } from '../../kit.ts';
import {
  type CertificateOccurrences,
  isNeeded,
  isOnlyTrusted,
} from '../../shared/certificate-occurrences.ts';
import {
  type DueStatus,
  isDueStatus,
  judgeValidity,
  type ValidityStatus,
  type ValidityThresholds,
} from '../../shared/certificate-validity.ts';
import type { Facts } from './collect.ts';
import { dueFinding } from './expiry.ts';
import { groupByIssuer } from './group-by-issuer.ts';
import { siteProblems, weaknesses } from './problems.ts';
import type { RenewOffer } from './renew.ts';
import { sortFindings, type SortableFinding } from './sort-findings.ts';
import { timeLeftCharts } from './time-left.ts';
import { trustStoreFinding } from './trust-stores.ts';
import { verdictOf } from './verdict.ts';

export interface DiagnoseArgs extends Omit<ValidityThresholds, 'withinDays'> {
  /** In milliseconds. */
  readonly within: number;
}

interface Judged<S extends ValidityStatus = ValidityStatus> {
  readonly occurrences: CertificateOccurrences;
  readonly status: S;
}

/** How many authorities of the same name a finding mentions. Some deployments give all of theirs the same name. */
const MAX_SIGNERS = 5;
const DAY_MS = 86_400_000;

export function diagnose(
  { certificates, sites, placeCount }: Facts,
  { within, ...levels }: DiagnoseArgs,
  now: Date,
): Diagnosis<RenewOffer> {
  const nowMs = now.getTime();
  const thresholds = { ...levels, withinDays: within / DAY_MS };
  const judged = certificates.map((occurrences) => ({
    occurrences,
    status: judgeValidity(occurrences.certificate, thresholds, nowMs),
  }));
  const trusted = judged.filter(({ occurrences }) => isOnlyTrusted(occurrences));
  const others = judged.filter(({ occurrences }) => !isOnlyTrusted(occurrences));
  const signersOf = findSigners(others);
  const tasks = others.filter(isDue).map((one) => ({ ...one, task: toTask(one, signersOf(one), nowMs) }));
  // Certificates that no client needs are minor problems, and so are the roots in trust stores.
  const needed = tasks.filter(({ occurrences }) => isNeeded(occurrences));
  const unneeded = tasks.filter(({ occurrences }) => !isNeeded(occurrences)).map(({ status: { is } }) => is);
  const trustStore = trustStoreFinding(trusted.filter(isDue), nowMs);
  const problems = [...siteProblems(sites), ...certificates.flatMap(weaknesses)];
  const single = sortFindings([
    ...tasks.map(({ task }) => task),
    ...problems,
    ...(trustStore ? [trustStore] : []),
  ]);
  const amountOf = (is: ValidityStatus['is']) => needed.filter(({ status }) => status.is === is).length;
  return {
    examined: certificates.length,
    verdict: verdictOf({
      total: others.length - unneeded.length,
      placeCount,
      dated: needed.map(({ task: { finding, untilMs }, status: { is } }) => ({
        is,
        severity: finding.severity,
        leftMs: untilMs - nowMs,
      })),
      onSchedule: others.filter(({ status }) => status.is === 'on-schedule').length,
      unneeded,
      trusted: { total: trusted.length, due: trusted.filter(isDue).map(({ status }) => status) },
      problems,
      withinMs: within,
    }),
    findings: sortFindings(groupByIssuer(single, nowMs)).map(({ finding }) => finding),
    measures: [
      { label: 'certificates', value: amountOf('expired'), unit: 'expired' },
      { label: 'certificates', value: amountOf('expiring'), unit: `expiring within ${wording.span(within)}` },
    ],
    // What the verdict counts.
    charts: timeLeftCharts(
      others
        .filter((one) => !isDue(one) || isNeeded(one.occurrences))
        .map(({ occurrences: { certificate }, status }) => ({ certificate, status })),
      nowMs,
    ),
  };
}

function isDue(judged: Judged): judged is Judged<DueStatus> {
  return isDueStatus(judged.status);
}

function toTask(
  { occurrences, status }: Judged<DueStatus>,
  signers: readonly CertificateOccurrences[],
  nowMs: number,
): SortableFinding {
  const { subject, issuer, notAfter } = occurrences.certificate;
  const finding = dueFinding(occurrences, status, nowMs, signers);
  const task = { finding, untilMs: notAfter.getTime(), about: { occurrences, signers } };
  // A certificate that no chain needs must not come before the certificates that name it as their issuer.
  if (!isNeeded(occurrences)) return task;
  return subject === issuer ? { ...task, signs: subject } : { ...task, signs: subject, signedBy: issuer };
}

/**
 * The authorities to renew before a certificate: those with its issuer's name that are due and stored here. An authority that is only in a
 * served chain or a trust store is renewed by someone else. If another authority of that name is stored and not due, it can sign.
 */
function findSigners(
  judged: readonly Judged[],
): (one: Judged<DueStatus>) => readonly CertificateOccurrences[] {
  const stored = judged.filter(
    ({ occurrences }) => occurrences.certificate.authority && occurrences.storedAt !== undefined,
  );
  const signers = new Map(
    [...Map.groupBy(stored, ({ occurrences }) => occurrences.certificate.subject)].map(([subject, named]) => [
      subject,
      named.every(isDue) ? named.slice(0, MAX_SIGNERS).map((one) => one.occurrences) : [],
    ]),
  );
  return ({ occurrences: { certificate } }) =>
    certificate.subject === certificate.issuer ? [] : (signers.get(certificate.issuer) ?? []);
}
