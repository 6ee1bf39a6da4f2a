import { type Diagnosis, type Finding, wording } from '../../kit.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { withoutSource } from '../../shared/sources.ts';
import { certificateDetails, keyOf } from './details.ts';
import type { Facts, Shown } from './collect.ts';
import { describeDates, type Problem, problemsOf } from './problems.ts';
import { siteOf } from './search.ts';

/** How many certificates are shown in full if they were named exactly: a site may serve another one at each of its addresses. */
const MAX_IN_FULL = 5;

/**
 * The details of a certificate are information. Its problems come first, as separate findings. If nothing matches, nothing was examined, so
 * the report is `unknown` and never clear.
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

/** The worst first, those without a problem last. */
function sortByProblem<T>(items: readonly T[], problemOf: (item: T) => Problem | undefined): readonly T[] {
  return items.toSorted((one, other) => {
    const [a, b] = [problemOf(one), problemOf(other)];
    return a && b ? compareSeverity(a.finding, b.finding) : Number(!a) - Number(!b);
  });
}

/** Everything critical, or otherwise the worst problem; then how long each certificate is valid. Dates appear once. */
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
  const first = shown.length < matching ? `; ${shown.length} of them are listed` : '';
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
