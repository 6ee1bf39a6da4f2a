import { type Evidence, type Finding, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { describeSigners } from './expiry.ts';
import { isAboutLogs, likelyImpact } from './impact.ts';
import type { RenewOffer } from '../../shared/renew.ts';
import { compareUrgency, type SortableFinding } from './sort-findings.ts';

/** The finding of one certificate, which may be grouped with others. */
interface Member extends SortableFinding {
  readonly about: NonNullable<SortableFinding['about']>;
}

/** Two certificates are as easy to read and renew one by one. */
const MIN_TOGETHER = 3;
const TOGETHER_MS = 24 * 3_600_000;

/**
 * Groups certificates of one authority that expire within 24 hours into one finding: they were issued in one run, and can be renewed in one
 * maintenance window.
 *
 * The 24 hours are measured from the first certificate, not from one to the next: otherwise certificates that are issued daily would form
 * one endless group. Expired certificates are grouped by when they expired, not by when they were issued: what broke at another time is
 * another event.
 *
 * Only stored certificates with readable dates are grouped. Those that can be renewed are separate from those that cannot. Authorities, and
 * certificates that can be renewed in several places, remain findings of their own, because each needs its own decision.
 */
export function groupByIssuer(findings: readonly SortableFinding[], nowMs: number): SortableFinding[] {
  const alike = Map.groupBy(findings.filter(isMember), ({ finding, about }) =>
    JSON.stringify([finding.reason, finding.offers !== undefined, about.issuer]),
  );
  const groups = [...alike.values()].flatMap(splitByTime).filter(({ length }) => length >= MIN_TOGETHER);
  const grouped = new Set<SortableFinding>(groups.flat());
  return [
    ...findings.filter((one) => !grouped.has(one)),
    ...groups.map((members) => toFinding(members.toSorted(compareUrgency), nowMs)),
  ];
}

function isMember(one: SortableFinding): one is Member {
  const { finding, about } = one;
  if (!about || !/^certificate-(expired|expiring)$/.test(finding.reason)) return false;
  return about.isStored && about.canBeGrouped;
}

function splitByTime(members: readonly Member[]): readonly (readonly Member[])[] {
  const groups: Member[][] = [];
  for (const one of members.toSorted((a, b) => a.untilMs - b.untilMs)) {
    const first = groups.at(-1)?.[0];
    if (first && one.untilMs - first.untilMs <= TOGETHER_MS) groups.at(-1)?.push(one);
    else groups.push([one]);
  }
  return groups;
}

/**
 * `members` has the most urgent first. The target contains a day, so that another group of the same issuer is another finding. It is the
 * day on which the last one expires: they are renewed and expire beginning with the first, and the finding of the rest must stay the same.
 */
function toFinding(members: readonly Member[], nowMs: number): SortableFinding {
  const [first] = members;
  if (!first) throw new TypeError('a group has members');
  const { signers } = first.about;
  const earliest = earliestOf(members);
  const { issuer, notAfter } = earliest.about;
  const lastDay = wording.utcTime(latestOf(members).about.notAfter).slice(0, 10);
  const finding: Finding<RenewOffer> = {
    reason: first.finding.reason,
    severity: first.finding.severity,
    target: `issuer ${issuer}, until ${lastDay}${first.finding.offers ? '' : ', not renewable here'}`,
    targets: members.map(({ finding: { target } }) => target),
    summary: summaryOf(members, nowMs),
    ...(earliest.finding.level && { level: earliest.finding.level }),
    evidence: [
      ...(signers.length === 0 ? [] : [field('Renew first', describeSigners(signers))]),
      ...placesOf(members),
    ],
    ...(first.finding.offers && { offers: offersFor(members) }),
  };
  return { finding, untilMs: notAfter.getTime(), signedBy: issuer };
}

function earliestOf(members: readonly Member[]): Member {
  return members.reduce((earliest, one) => (one.untilMs < earliest.untilMs ? one : earliest));
}

function latestOf(members: readonly Member[]): Member {
  return members.reduce((latest, one) => (one.untilMs > latest.untilMs ? one : latest));
}

/** One offer for all of them, then one for each. */
function offersFor(members: readonly Member[]): readonly RenewOffer[] {
  const each = members.flatMap(({ finding: { target, offers = [] } }) =>
    offers.flatMap((offer) => ('params' in offer ? [{ target, params: offer.params }] : [])),
  );
  return [
    { remediation: 'renew', each },
    ...each.map(({ target, params }) => ({ remediation: 'renew', params, target }) as const),
  ];
}

function summaryOf(members: readonly Member[], nowMs: number): string {
  const { issuer, notAfter } = earliestOf(members).about;
  const untilMs = notAfter.getTime();
  const last = members.reduce((latest, one) => Math.max(latest, one.untilMs), untilMs);
  const soonest = wording.span(untilMs - nowMs);
  const start = soonest === wording.span(last - nowMs) ? ' ' : ', the first ';
  const when =
    untilMs < nowMs ? `expired together${start}${soonest} ago` : `expire together${start}in ${soonest}`;
  const says = `${members.length} certificates issued by ${nameIn(issuer)} ${when}`;
  const [first, ...more] = impactsOf(members);
  if (untilMs < nowMs && first)
    return `${says}; likely impact: ${first.impact}${more.length > 0 ? `, and ${more.length} more` : ''}`;
  const names = members.map(({ about }) => about.name);
  return `${says} (${wording.list(names, 2)})`;
}

/** What the certificates are likely to break, by the number of certificates; what only loses logs comes last. */
function impactsOf(
  members: readonly Member[],
): readonly { readonly impact: string; readonly count: number }[] {
  const groups = Map.groupBy(members, impactOf);
  return [...groups]
    .flatMap(([impact, { length }]) => (impact === undefined ? [] : [{ impact, count: length }]))
    .toSorted((a, b) => Number(isAboutLogs(a.impact)) - Number(isAboutLogs(b.impact)) || b.count - a.count);
}

function impactOf({ about: { places, name } }: Member): string | undefined {
  return likelyImpact(places[0], name);
}

/** The CN of a subject, or the whole subject. */
function nameIn(subject: string): string {
  return /(?:^|, )CN=([^,]+)/.exec(subject)?.[1] ?? subject;
}

/** What is likely to break, then where each certificate is. Leaves out columns that are empty or the same for all. */
function placesOf(members: readonly Member[]): readonly Evidence[] {
  const rows = members.map((one) => {
    const { name, notAfter, places, count } = one.about;
    return {
      Certificate: name,
      Place: places[0],
      Expires: wording.utcTime(notAfter),
      'Other places': wording.list(places.slice(1), 2, count - 1),
    };
  });
  const ends = new Set(rows.map(({ Expires }) => Expires));
  const columns = (['Certificate', 'Place', 'Expires', 'Other places'] as const).filter((column) =>
    column === 'Expires' ? ends.size > 1 : rows.some((row) => row[column] !== ''),
  );
  return [
    ...impactEvidence(members),
    ...(ends.size === 1 ? [field(isExpired(members) ? 'Expired' : 'Expires', [...ends].join(''))] : []),
    { kind: 'table', columns, rows: rows.map((row) => columns.map((column) => row[column])) },
  ];
}

function isExpired([first]: readonly Member[]): boolean {
  return first?.finding.reason === 'certificate-expired';
}

/** The summary of expired certificates has the first impact. */
function impactEvidence(members: readonly Member[]): readonly Evidence[] {
  const isFirstSaid = isExpired(members);
  const impacts = impactsOf(members).slice(isFirstSaid ? 1 : 0);
  const label = isFirstSaid ? 'Other likely impact' : 'Likely impact';
  const [first, ...others] = impacts;
  if (!first) return [];
  if (others.length === 0) return [field(label, first.impact)];
  const rows = impacts.map(({ impact, count }) => [impact, String(count)]);
  return [{ kind: 'table', columns: [label, 'Certificates'], rows }];
}
