import { type Diagnosis, wording } from '../../kit.ts';
import type { Facts } from './collect.ts';
import { type Due, dueFinding, isNeeded, isOnlyTrusted } from './expiry.ts';
import { inOrderOfWork, type Task } from './sort-findings.ts';
import { siteProblems, weaknesses } from './problems.ts';
import type { RenewOffer } from './renew.ts';
import { judge, type Status, type Thresholds } from './severity.ts';
import type { Held } from './group-by-fingerprint.ts';
import { trustStoreTask } from './trust-stores.ts';
import { verdictOf } from './verdict.ts';

export interface Asked extends Omit<Thresholds, 'withinMs'> {
  readonly within: number;
}

interface Judged<S extends Status = Status> {
  readonly held: Held;
  readonly status: S;
}

/** Authorities of one name that a finding mentions; some deployments give the same name to all of theirs. */
const MOST_SIGNERS = 5;

export function diagnose(
  { certificates, sites, placeCount }: Facts,
  { within, ...levels }: Asked,
  now: Date,
): Diagnosis<RenewOffer> {
  const nowMs = now.getTime();
  const thresholds = { ...levels, withinMs: within };
  const judged = certificates.map((held) => ({ held, status: judge(held.certificate, thresholds, nowMs) }));
  const trusted = judged.filter(({ held }) => isOnlyTrusted(held));
  const others = judged.filter(({ held }) => !isOnlyTrusted(held));
  const signersOf = findSigners(others);
  const tasks = others.filter(isDue).map((one) => ({ ...one, task: dueTask(one, signersOf(one), nowMs) }));
  // What no client needs counts among the lesser problems, as do the roots of trust stores.
  const needed = tasks.filter(({ held }) => isNeeded(held));
  const unneeded = tasks.filter(({ held }) => !isNeeded(held)).map(({ status: { is } }) => is);
  const trustStore = trustStoreTask(trusted.filter(isDue), nowMs);
  const problems = [...siteProblems(sites), ...certificates.flatMap(weaknesses)];
  const amountOf = (is: Status['is']) => needed.filter(({ status }) => status.is === is).length;
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
    findings: inOrderOfWork([
      ...tasks.map(({ task }) => task),
      ...problems,
      ...(trustStore ? [trustStore] : []),
    ]),
    measures: [
      { label: 'certificates', value: amountOf('expired'), unit: 'expired' },
      { label: 'certificates', value: amountOf('expiring'), unit: `expiring within ${wording.span(within)}` },
    ],
  };
}

function isDue(judged: Judged): judged is Judged<Due> {
  return 'severity' in judged.status;
}

function dueTask({ held, status }: Judged<Due>, signers: readonly Held[], nowMs: number): Task {
  const { subject, issuer, notAfter } = held.certificate;
  const task = { finding: dueFinding(held, status, nowMs, signers), untilMs: notAfter.getTime() };
  // One that nobody needs must not come before the certificates that name it as their issuer.
  if (!isNeeded(held)) return task;
  return subject === issuer ? { ...task, signs: subject } : { ...task, signs: subject, signedBy: issuer };
}

/**
 * The authorities to renew before a certificate: those with its issuer's name that are due themselves and stored here. One that is only in
 * a served chain or a trust store is renewed by someone else; and where another one of that name is stored and not due, that one can sign.
 */
function findSigners(judged: readonly Judged[]): (one: Judged<Due>) => readonly Held[] {
  const kept = judged.filter(({ held }) => held.certificate.authority && held.keptAt !== undefined);
  const signers = new Map(
    [...Map.groupBy(kept, ({ held }) => held.certificate.subject)].map(([subject, named]) => [
      subject,
      named.every(isDue) ? named.slice(0, MOST_SIGNERS).map((one) => one.held) : [],
    ]),
  );
  return ({ held: { certificate } }) =>
    certificate.subject === certificate.issuer ? [] : (signers.get(certificate.issuer) ?? []);
}
