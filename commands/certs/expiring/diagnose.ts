import { type Diagnosis, type ports, wording } from '../../kit.ts';
import {
  type CertificateOccurrences,
  isNeeded,
  isOnlyTrusted,
} from '../../shared/certificate-occurrences.ts';
import {
  type DueStatus,
  isDueStatus,
  isInverted,
  judgeValidity,
  type ValidityStatus,
  type ValidityThresholds,
} from '../../shared/certificate-validity.ts';
import { indexSuccessors } from '../../shared/former-certificates.ts';
import type { Facts } from './collect.ts';
import { dueFinding } from './expiry.ts';
import { groupByIssuer } from './group-by-issuer.ts';
import { issuerProblems } from './issuers.ts';
import { managedFindings } from './managed-findings.ts';
import { hasCopiedStart, judgeManaged, verifiedElsewhere } from './managed-units.ts';
import { siteProblems, weaknesses } from './problems.ts';
import type { RenewOffer } from '../../shared/renew.ts';
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
  /** Whether its beginning says when it was issued. */
  readonly hasOwnStart: boolean;
}

/** How many authorities of the same name a finding mentions. Some deployments give all of theirs the same name. */
const MAX_SIGNERS = 5;
const DAY_MS = 86_400_000;

export function diagnose(
  { certificates: found, sites, placeCount, managed, issuers }: Facts,
  { within, ...levels }: DiagnoseArgs,
  now: Date,
): Diagnosis<RenewOffer> {
  const nowMs = now.getTime();
  const thresholds = { ...levels, withinDays: within / DAY_MS };
  const units = judgeManaged(managed, found, thresholds, nowMs);
  const asked = units.filter(({ isAsked }) => isAsked);
  const joined = new Set(asked.map(({ occurrences }) => occurrences));
  const certificates = found.filter((one) => !joined.has(one));
  const judged = judgeAll(certificates, found, thresholds, nowMs);
  const trusted = judged.filter(({ occurrences }) => isOnlyTrusted(occurrences));
  const stored = judged.filter(({ occurrences }) => !isOnlyTrusted(occurrences));
  const dependentsOf = findDependents(stored);
  const unused = new Set(issuers.filter(({ isUsed }) => !isUsed).map(({ place }) => place));
  // An issuer that was replaced stays in the list for years. It is needed as long as a certificate that it signed is valid for longer.
  const others = stored.filter(
    (one) =>
      !one.occurrences.places.every(({ place }) => unused.has(place)) ||
      (isDue(one) && dependentsOf(one).length > 0),
  );
  const reported = new Set(
    others.filter(isDue).flatMap(({ occurrences }) => occurrences.places.map(({ place }) => place)),
  );
  const signersOf = findSigners(others);
  const successorOf = findSuccessors(found);
  const tasks = others.filter(isDue).map((one) => ({
    ...one,
    task: toTask(
      one,
      { signers: signersOf(one), endsWith: dependentsOf(one), successor: successorOf(one.occurrences) },
      nowMs,
    ),
  }));
  const managedTasks = managedFindings(units, nowMs);
  const early = asked.flatMap(({ status, early: end }) =>
    end && !(status && isDueStatus(status))
      ? [{ ...end.status, leftMs: end.ends.notAfter.getTime() - nowMs }]
      : [],
  );
  // Certificates that no client needs are minor problems, and so are the roots in trust stores.
  const needed = tasks.filter(({ occurrences }) => isNeeded(occurrences));
  const unneeded = tasks.filter(({ occurrences }) => !isNeeded(occurrences)).map(({ status: { is } }) => is);
  const trustStore = trustStoreFinding(trusted.filter(isDue), nowMs);
  const isVerifiedElsewhere = verifiedElsewhere(units);
  const problems = [
    ...siteProblems(sites.filter((site) => !isVerifiedElsewhere(site))),
    ...found.flatMap(weaknesses),
    ...managedTasks.flatMap(({ task }) => (task.at ? [task] : [])),
    ...issuers
      .filter(({ place, isUsed }) => isUsed || !reported.has(place))
      .flatMap((issuer) => issuerProblems(issuer, thresholds, nowMs)),
  ];
  const single = sortFindings([
    ...tasks.map(({ task }) => task),
    ...managedTasks.flatMap(({ task }) => (task.at ? [] : [task])),
    ...problems,
    ...(trustStore ? [trustStore] : []),
  ]);
  const dated = [
    ...needed.map(({ task: { finding, untilMs }, status: { is } }) => ({
      is,
      severity: finding.severity,
      leftMs: untilMs - nowMs,
    })),
    ...asked.flatMap(({ status, dates }) =>
      status && isDueStatus(status)
        ? [{ ...status, leftMs: (dates.notAfter?.getTime() ?? NaN) - nowMs }]
        : [],
    ),
  ];
  const amountOf = (is: ValidityStatus['is']) => dated.filter((one) => one.is === is).length;
  const onSchedule = [...others, ...asked].filter(({ status }) => status?.is === 'on-schedule').length;
  return {
    examined: certificates.length + asked.length,
    verdict: verdictOf({
      total: others.length - unneeded.length + asked.length,
      placeCount,
      dated,
      early,
      onSchedule,
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
      [
        ...others
          .filter((one) => !isDue(one) || isNeeded(one.occurrences))
          .map(({ occurrences: { certificate }, status }) => ({ certificate, status })),
        ...asked.flatMap(({ status, dates: { notAfter } }) =>
          status ? [{ certificate: { ...(notAfter && { notAfter }) }, status }] : [],
        ),
      ],
      nowMs,
    ),
  };
}

function isDue(judged: Judged): judged is Judged<DueStatus> {
  return isDueStatus(judged.status);
}

function toTask(
  { occurrences, status, hasOwnStart }: Judged<DueStatus>,
  around: Surroundings,
  nowMs: number,
): SortableFinding {
  const { certificate, places, count, storedAt, renewable } = occurrences;
  const { name, subject, issuer, notAfter } = certificate;
  const first = around.signers.map(({ certificate: signer, storedAt: place = '' }) => ({
    name: signer.name,
    place,
  }));
  const [here, ...elsewhere] = places.map(({ place }) => place);
  const task = {
    finding: dueFinding(occurrences, status, nowMs, {
      first,
      endsWith: around.endsWith,
      hasOwnStart,
      ...(around.successor !== undefined && { successor: around.successor }),
    }),
    untilMs: notAfter.getTime(),
    about: {
      name,
      issuer,
      notAfter,
      places: [here ?? '', ...elsewhere] as const,
      count,
      isStored: storedAt !== undefined,
      canBeGrouped:
        renewable.length < 2 &&
        !certificate.authority &&
        !isInverted(certificate) &&
        issuer !== '' &&
        issuer !== subject,
      signers: first,
    },
  };
  // A certificate that no chain needs must not come before the certificates that name it as their issuer.
  if (!isNeeded(occurrences)) return task;
  return subject === issuer ? { ...task, signs: subject } : { ...task, signs: subject, signedBy: issuer };
}

interface Surroundings {
  readonly signers: readonly CertificateOccurrences[];
  readonly endsWith: readonly CertificateOccurrences[];
  readonly successor: string | undefined;
}

/** Where what a site still serves is already renewed. A certificate that is stored itself is renewed there. */
function findSuccessors(
  found: readonly CertificateOccurrences[],
): (one: CertificateOccurrences) => string | undefined {
  const successorOf = indexSuccessors(
    found.flatMap(({ storedAt, certificate }) =>
      storedAt === undefined ? [] : [{ place: storedAt, certificate }],
    ),
  );
  return ({ certificate, storedAt, live }) =>
    live && storedAt === undefined ? successorOf(certificate) : undefined;
}

/** A certificate whose beginning was copied from its authority is judged by its end alone. */
function judgeAll(
  certificates: readonly CertificateOccurrences[],
  all: readonly CertificateOccurrences[],
  thresholds: ValidityThresholds,
  nowMs: number,
): readonly Judged[] {
  const startKey = (subject: string, { notBefore }: ports.Certificate) => `${subject} ${notBefore.getTime()}`;
  // Of several with the same name and start, the one that lasts longest decides.
  const authorities = new Map(
    all
      .map((one) => one.certificate)
      .filter(({ authority }) => authority)
      .toSorted((a, b) => a.notAfter.getTime() - b.notAfter.getTime())
      .map((one) => [startKey(one.subject, one), one]),
  );
  return certificates.map((occurrences) => {
    const { certificate } = occurrences;
    const { notAfter, issuer, selfSigned } = certificate;
    const authority = selfSigned ? undefined : authorities.get(startKey(issuer, certificate));
    const hasOwnStart = !authority || !hasCopiedStart(certificate, authority);
    const dates = hasOwnStart ? certificate : { notAfter };
    return { occurrences, hasOwnStart, status: judgeValidity(dates, thresholds, nowMs) };
  });
}

/**
 * The stored certificates that end with a stored authority: its key signed them, by the identifiers of keys, and no other authority with that key lasts
 * longer.
 */
function findDependents(
  judged: readonly Judged[],
): (one: Judged<DueStatus>) => readonly CertificateOccurrences[] {
  const lasting = judged.filter((one) => !isDue(one)).map(({ occurrences }) => occurrences);
  const keyOf = (name: string, keyId = '') => (keyId === '' ? undefined : `${name} ${keyId}`);
  const signed = Map.groupBy(
    lasting.filter(({ storedAt }) => storedAt !== undefined),
    ({ certificate: { issuer, authorityKeyId } }) => keyOf(issuer, authorityKeyId),
  );
  const authorities = new Set(
    lasting
      .filter(({ certificate: { authority } }) => authority)
      .map(({ certificate: { subject, subjectKeyId } }) => keyOf(subject, subjectKeyId)),
  );
  return ({ occurrences: { certificate: authority, storedAt }, status: { is } }) => {
    const key = keyOf(authority.subject, authority.subjectKeyId);
    const isAuthority = authority.authority && storedAt !== undefined && key !== undefined;
    if (!isAuthority || authorities.has(key) || (is !== 'expired' && is !== 'expiring')) return [];
    return (signed.get(key) ?? []).filter(({ certificate }) => certificate.notAfter > authority.notAfter);
  };
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
