import { type Diagnosis, type Finding, wording } from '../../kit.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { withoutSource } from '../../shared/sources.ts';
import { certificateDetails, keyOf } from './details.ts';
import { type Facts, MAX_IN_FULL, type Shown } from './collect.ts';
import {
  describeManagedDates,
  managedInFull,
  managedProblems,
  type Problem,
  type ShownManaged,
} from './managed.ts';
import { describeDates, problemsOf } from './problems.ts';
import { siteOf } from './search.ts';

/**
 * The details of a certificate are information. Its problems come first, as separate findings. If nothing matches, nothing was examined, so
 * the report is `unknown` and never clear.
 */
export function diagnose(facts: Facts, _: unknown, now: Date): Diagnosis {
  const { what, exact, shown, managed, matching } = facts;
  const nowMs = now.getTime();
  if (matching === 0) return { examined: 0, verdict: '', findings: [] };
  if (matching > (exact ? MAX_IN_FULL : 1)) return listed(what, { shown, managed }, matching, nowMs);
  const labels = labelsOf(shown);
  const judged = sortByProblem(
    shown.map((one) => {
      const label = labels.get(one) ?? one.certificate.name;
      return { one, label, problems: problemsOf(one, label, now) };
    }),
    ({ problems }) => problems.find(({ isDated }) => isDated),
  );
  const byName = managed.map((one) => ({
    label: one.certificate.name,
    dates: describeManagedDates(one.certificate, nowMs),
    problems: managedProblems(one, nowMs),
  }));
  const all = [
    ...byName,
    ...judged.map(({ one, ...rest }) => ({ ...rest, dates: describeDates(one.certificate, nowMs) })),
  ];
  const problems = sortByProblem(
    all.flatMap((one) => one.problems),
    (problem) => problem,
  );
  return {
    examined: all.length,
    verdict: verdictOf(all, problems),
    findings: [
      ...problems.map(({ finding }) => finding),
      ...managed.map(managedInFull),
      ...judged.map(({ one }) => inFull(one, facts)),
    ],
  };
}

interface Judged {
  readonly label: string;
  /** How long it is valid: continues a sentence. */
  readonly dates: string;
  readonly problems: readonly Problem[];
}

/** The worst first, those without a problem last. */
function sortByProblem<T>(items: readonly T[], problemOf: (item: T) => Problem | undefined): readonly T[] {
  return items.toSorted((one, other) => {
    const [a, b] = [problemOf(one), problemOf(other)];
    return a && b ? compareSeverity(a.finding, b.finding) : Number(!a) - Number(!b);
  });
}

/** Everything critical, or otherwise the worst problem; then how long each certificate is valid. Dates appear once. */
function verdictOf(judged: readonly Judged[], problems: readonly Problem[]): string {
  const others = problems.filter(({ isDated }) => !isDated);
  const shown = others.filter(
    (one, at) => one.finding.severity === 'critical' || (at === 0 && one === problems[0]),
  );
  const [only] = judged.length === 1 ? judged : [];
  const isDatedFirst = problems[0]?.isDated ?? shown.length === 0;
  const states = judged.map(({ label, dates }) => `${only && !isDatedFirst ? 'it' : label} ${dates}`);
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

function listed(
  what: string,
  { shown, managed }: { readonly shown: readonly Shown[]; readonly managed: readonly ShownManaged[] },
  matching: number,
  nowMs: number,
): Diagnosis {
  const byName = managed.map(({ certificate }) => [
    certificate.name,
    describeManagedDates(certificate, nowMs).replace(/^is /, ''),
    certificate.place,
    '',
    '',
  ]);
  const atPlaces = shown.map((one) => [
    one.certificate.name,
    describeDates(one.certificate, nowMs).replace(/^is /, ''),
    one.seen.place,
    keyOf(one.certificate),
    one.certificate.fingerprint.slice(0, 16),
  ]);
  const rows = [...byName, ...atPlaces];
  const first = rows.length < matching ? `; ${rows.length} of them are listed` : '';
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

/** The names that servers and their documentation use. */
const KEY_TYPES: Readonly<Record<string, string>> = { rsa: 'RSA', 'rsa-pss': 'RSA-PSS', ec: 'ECDSA' };

/** What can distinguish certificates of the same name, the shortest first. A fingerprint always does. */
const TRAITS: readonly ((one: Shown) => string)[] = [
  ({ seen: { place } }) => place.slice(siteOf(place).length + 1),
  ({ certificate: { key } }) => `(${KEY_TYPES[key.type] ?? key.type})`,
  ({ seen: { place } }) => `(${withoutSource(place)})`,
];

/** The label of each certificate: its name, and if several have the same name, what distinguishes them: `localhost (RSA)`. */
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
