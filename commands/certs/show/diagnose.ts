import { type Diagnosis, type Finding, wording } from '../../kit.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { withoutSource } from '../../shared/sources.ts';
import { certificateDetails, keyOf } from './details.ts';
import type { Facts, Shown } from './collect.ts';
import { describeDates, type Problem, problemsOf } from './problems.ts';
import { siteOf } from './search.ts';

/** This many are shown in full where they are what was named: a site may serve another certificate at each of its addresses. */
const MAX_IN_FULL = 5;

/**
 * The certificate itself is an answer and not a fault, so it is information; what is wrong with it comes first, as findings of their own.
 * Where nothing is found, nothing was examined: the report is then `unknown`, says why, and is never clear.
 */
export function diagnose(facts: Facts, _: unknown, now: Date): Diagnosis {
  const { what, exact, shown, matching } = facts;
  const nowMs = now.getTime();
  if (matching === 0) return { examined: 0, verdict: '', findings: [] };
  if (matching > (exact ? MAX_IN_FULL : 1)) return listed(what, shown, matching, nowMs);
  const labels = labelsOf(shown);
  const judged = sortByProblem(
    shown.map((one) => {
      const label = labels.get(one) ?? one.certificate.name;
      return { one, label, problems: problemsOf(one, label, now) };
    }),
    ({ problems }) => problems.find(({ isDated }) => isDated),
  );
  const problems = sortByProblem(
    judged.flatMap((one) => one.problems),
    (problem) => problem,
  );
  return {
    examined: shown.length,
    verdict: verdictOf(judged, problems, nowMs),
    findings: [...problems.map(({ finding }) => finding), ...judged.map(({ one }) => inFull(one, facts))],
  };
}

interface Judged {
  readonly one: Shown;
  readonly label: string;
  readonly problems: readonly Problem[];
}

/** The worst first; last what has no problem. */
function sortByProblem<T>(items: readonly T[], problemOf: (item: T) => Problem | undefined): readonly T[] {
  return items.toSorted((one, other) => {
    const [a, b] = [problemOf(one), problemOf(other)];
    return a && b ? compareSeverity(a.finding, b.finding) : Number(!a) - Number(!b);
  });
}

/** Everything critical, or else the worst; then how long each certificate is valid, the worst first. Dates are said once. */
function verdictOf(judged: readonly Judged[], problems: readonly Problem[], nowMs: number): string {
  const others = problems.filter(({ isDated }) => !isDated);
  const shown = others.filter(
    (one, at) => one.finding.severity === 'critical' || (at === 0 && one === problems[0]),
  );
  const [only] = judged.length === 1 ? judged : [];
  const isDatedFirst = problems[0]?.isDated ?? shown.length === 0;
  const states = judged.map(
    ({ one, label }) => `${only && !isDatedFirst ? 'it' : label} ${describeDates(one.certificate, nowMs)}`,
  );
  const summaries = shown.map(({ finding }, at) =>
    only && (isDatedFirst || at > 0) ? `it ${finding.summary.slice(only.label.length + 1)}` : finding.summary,
  );
  const left = others.length - shown.length;
  return [
    ...(isDatedFirst ? [...states, ...summaries] : [...summaries, ...states]),
    ...(left > 0 ? [wording.count(left, 'other problem')] : []),
  ].join('; ');
}

function inFull(shown: Shown, { unchecked }: Facts): Finding {
  const { certificate, seen, count } = shown;
  const others = count > 1 ? ` and ${wording.count(count - 1, 'other place')}` : '';
  return {
    reason: 'certificate-shown',
    severity: 'info',
    target: seen.place,
    summary: `Details of ${certificate.name} (${seen.place}${others})`,
    evidence: certificateDetails(shown, unchecked),
  };
}

function listed(what: string, shown: readonly Shown[], matching: number, nowMs: number): Diagnosis {
  const rows = shown.map((one) => [
    one.certificate.name,
    describeDates(one.certificate, nowMs).replace(/^is /, ''),
    one.seen.place,
    keyOf(one.certificate),
    one.certificate.fingerprint.slice(0, 16),
  ]);
  const first = shown.length < matching ? ` (first ${shown.length} shown)` : '';
  return {
    examined: matching,
    verdict: `${matching} certificates match “${what}”`,
    findings: [
      {
        reason: 'certificates-matching',
        severity: 'info',
        target: what,
        summary: `Specify one by its place or fingerprint${first}`,
        evidence: [{ kind: 'table', columns: ['Name', 'Status', 'Place', 'Key', 'SHA-256 prefix'], rows }],
      },
    ],
  };
}

/** As servers and their documentation call them. */
const KEY_TYPES: Readonly<Record<string, string>> = { rsa: 'RSA', 'rsa-pss': 'RSA-PSS', ec: 'ECDSA' };

/** What may tell certificates of one name apart, the shortest first; a fingerprint always does. */
const TRAITS: readonly ((one: Shown) => string)[] = [
  ({ seen: { place } }) => place.slice(siteOf(place).length + 1),
  ({ certificate: { key } }) => `(${KEY_TYPES[key.type] ?? key.type})`,
  ({ seen: { place } }) => `(${withoutSource(place)})`,
];

/** What to call each certificate: its name, and where several have that, what tells them apart: `localhost (RSA)`. */
function labelsOf(shown: readonly Shown[]): ReadonlyMap<Shown, string> {
  const groups = Map.groupBy(shown, ({ certificate }) => certificate.name);
  return new Map(
    [...groups].flatMap(([name, group]) => {
      const trait = traitOf(group);
      return group.map((one) => [one, group.length === 1 ? name : `${name} ${trait(one)}`] as const);
    }),
  );
}

function traitOf(group: readonly Shown[]): (one: Shown) => string {
  const isDistinct = (trait: (one: Shown) => string) => {
    const texts = new Set(group.map(trait));
    return texts.size === group.length && !texts.has('');
  };
  return (
    TRAITS.find(isDistinct) ?? (({ certificate }) => `(SHA-256 ${certificate.fingerprint.slice(0, 16)})`)
  );
}
