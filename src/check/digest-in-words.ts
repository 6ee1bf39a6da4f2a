import { cleanText } from '../text/clean-text.ts';
import { count, list, span } from '../text/wording.ts';
import type { ChangedFinding, DigestChanges, DigestFinding, PartQuestion } from './compare-digest.ts';
import type { DigestRun, EndedSilence } from './digest-run.ts';
import { type Chart, SEVERITIES, type Severity, worst } from './finding.ts';
import {
  askedInWords,
  countInWords,
  coverageInWords,
  formatCount,
  groupGaps,
  type Headline,
  SEVERITY_WORDS,
  summaryOf,
  unreadInWords,
} from './report-in-words.ts';
import { claimFact, levelBefore, momentInWords, type StatusFact } from './tracked-in-words.ts';

/** Texts that every renderer of a digest shares. */

/** One entry of a section. The texts aren't cleaned or shortened. */
export interface DigestLine {
  readonly severity?: Severity;
  readonly text: string;
  /** Since when it exists, and who is on it. */
  readonly facts: readonly StatusFact[];
  /** Absent for a line that isn't about a single finding. */
  readonly about?: DigestFinding;
}

export interface DigestSection {
  readonly title: string;
  readonly lines: readonly DigestLine[];
  /** How many lines a message should show. */
  readonly most: number;
}

/** The first word of a digest. Silenced findings don't count, but a digest that has some isn't CLEAR. */
export function digestHeadline(changes: DigestChanges): Headline {
  const listed = [
    ...changes.appeared,
    ...changes.worse,
    ...changes.better,
    ...changes.steady,
    ...changes.flapping,
    ...changes.stillFlapping,
  ].map(({ finding }) => finding);
  const severity = worst(listed.filter(({ state }) => state === 'found'));
  if (severity) return SEVERITY_WORDS[severity];
  const isUnknown =
    changes.unchecked.length > 0 ||
    changes.unseen.length > 0 ||
    listed.some(({ state }) => state === 'unseen');
  if (isUnknown) return 'UNKNOWN';
  return listed.length > 0 || changes.silenced.length > 0 ? 'INFO' : 'CLEAR';
}

/** The conclusion without its headline: `nightly: 2 new, 1 worse, 3 gone`. */
export function digestVerdict(run: DigestRun, changes: DigestChanges): string {
  return `${cleanText(run.name)}: ${changes.isFirst ? firstInWords(run, changes) : changesInWords(run, changes)}`;
}

function firstInWords(run: DigestRun, changes: DigestChanges): string {
  const found = [...changes.steady, ...changes.flapping];
  return withState(
    found.length > 0 ? [`${countInWords(found.length, 'finding')}${severitiesOf(found)}`] : [],
    run,
    changes,
  );
}

function changesInWords(run: DigestRun, changes: DigestChanges): string {
  const { appeared, worse, better, gone, flapping, steady, unchecked, endedSilences, noLongerChecked } =
    changes;
  const headline = digestHeadline(changes);
  const counted: readonly (readonly [readonly DigestFinding[], string])[] = [
    [appeared, 'new'],
    [worse, 'worse'],
    [better, 'better'],
    [gone, 'gone'],
    [flapping, 'flapping'],
  ];
  const words = counted.flatMap(([findings, word]) =>
    findings.length > 0
      ? [`${formatCount(findings.length)} ${word}${word === 'gone' ? '' : severitiesOf(findings, headline)}`]
      : [],
  );
  const persisting =
    steady.length > 0
      ? [`${countInWords(steady.length, 'persists', 'persist')}${severitiesOf(steady, headline)}`]
      : [];
  // Changes come first.
  if (words.length === 0 && unchecked.some(({ isNew }) => isNew))
    return [uncheckedVerdict(changes), ...persisting].join(', ');
  if (words.length === 0 && endedSilences.length > 0)
    words.push(countInWords(endedSilences.length, 'silence has ended', 'silences have ended'));
  else if (words.length === 0 && noLongerChecked.length > 0)
    words.push(`${countInWords(noLongerChecked.length, 'finding')} no longer checked`);
  return withState([...words, ...persisting], run, changes);
}

/** Adds what must never be missed besides the changes: that not everything was checked, or that nothing is wrong. */
function withState(words: readonly string[], run: DigestRun, changes: DigestChanges): string {
  const { unchecked, silenced, unseen } = changes;
  if (unchecked.length > 0) return [...words, uncheckedVerdict(changes)].join(', ');
  if (digestHeadline(changes) === 'CLEAR') return [...words, allClear(run)].join(', ');
  if (words.length > 0) return words.join(', ');
  if (unseen.length > 0) return `${countInWords(unseen.length, 'finding')} may persist`;
  return silenced.length > 0 ? `no findings except ${formatCount(silenced.length)} silenced` : 'no findings';
}

function uncheckedVerdict({ unchecked, unseen }: DigestChanges): string {
  const newly = unchecked.filter(({ isNew }) => isNew).map(({ question }) => questionInWords(question));
  const what = newly.length > 0 ? `all of ${list(newly)}` : 'everything';
  const hidden = unseen.length > 0 ? ` (${countInWords(unseen.length, 'finding')} may persist)` : '';
  return `couldn't check ${what}${hidden}`;
}

/** ` (1 critical, 2 warning)`; empty if all have the severity in the headline. */
function severitiesOf(findings: readonly DigestFinding[], headline?: Headline): string {
  const counts = SEVERITIES.flatMap((severity) => {
    const amount = findings.filter(({ finding }) => finding.severity === severity).length;
    return amount > 0 ? [{ severity, amount }] : [];
  });
  const [only] = counts;
  if (counts.length === 1 && only && (!headline || SEVERITY_WORDS[only.severity] === headline)) return '';
  if (counts.length === 1 && only) return ` (${only.severity})`;
  return ` (${counts.map(({ severity, amount }) => `${formatCount(amount)} ${severity}`).join(', ')})`;
}

function allClear({ parts }: DigestRun): string {
  if (parts.length === 1) return 'the check is clear';
  return parts.length === 2 ? 'both checks are clear' : `all ${parts.length} checks are clear`;
}

/** What follows `nothing new since …, ` if nothing has changed: `4 findings persist, 1 of them taken, 2 silenced`. */
export function persistingInWords(run: DigestRun, changes: DigestChanges): string {
  const { steady, unseen, stillFlapping, silenced, unchecked } = changes;
  if (digestHeadline(changes) === 'CLEAR') return allClear(run);
  const taken = steady.filter(({ finding }) => finding.claim).length;
  const words = [
    ...(steady.length > 0
      ? [`${countInWords(steady.length, 'finding persists', 'findings persist')}${severitiesOf(steady)}`]
      : []),
    ...(taken > 0 ? [`${formatCount(taken)} of them taken`] : []),
    ...(unseen.length > 0 ? [`${countInWords(unseen.length, 'finding')} may persist`] : []),
    ...(stillFlapping.length > 0 ? [`${formatCount(stillFlapping.length)} still flapping`] : []),
    ...(silenced.length > 0 ? [`${formatCount(silenced.length)} silenced`] : []),
    ...(unchecked.length > 0
      ? [`still couldn't check all of ${list(unchecked.map(({ question }) => questionInWords(question)))}`]
      : []),
  ];
  return words.join(', ');
}

/** Everything that a digest lists, most important first. Empty sections are left out. */
export function digestSections(run: DigestRun, changes: DigestChanges): readonly DigestSection[] {
  const isMixed = new Set(run.parts.map(({ environment }) => environment)).size > 1;
  const now = endOf(run);
  const at = (word: string, iso: string): StatusFact => [
    { kind: 'words', words: `${word} ` },
    { kind: 'time', iso, words: momentInWords(iso, now) },
  ];
  const about = (
    one: DigestFinding,
    more: readonly string[] = [],
    ...facts: readonly StatusFact[]
  ): DigestLine => {
    const { severity, claim } = one.finding;
    return {
      severity,
      text: [summaryOf(one.finding), ...(isMixed ? [one.question.environment] : []), ...more].join(' · '),
      facts: [
        ...facts,
        ...levelBefore(one.finding, { now, level: one.reported?.level }),
        ...(claim ? [claimFact(claim, now)] : []),
      ],
      about: one,
    };
  };
  // For a finding that was found for the first time, both are the time of that run.
  const since = ({ finding }: DigestFinding) =>
    Date.parse(finding.since) < Date.parse(finding.lastFound) ? [at('since', finding.since)] : [];
  const lastFound = (one: DigestFinding) => at('last found', one.finding.lastFound);
  const sections: readonly DigestSection[] = [
    {
      title: 'New',
      lines: changes.appeared.map((one) =>
        one.finding.state === 'unseen'
          ? about(one, ["couldn't check it again"], lastFound(one))
          : about(one, one.was && !one.was.silence ? ['again'] : []),
      ),
      most: 10,
    },
    { title: 'Worse', lines: changes.worse.map((one) => about(one, changeInWords(one))), most: 10 },
    { title: 'Better', lines: changes.better.map((one) => about(one, changeInWords(one))), most: 5 },
    {
      title: 'Gone',
      lines: changes.gone.map((one) => {
        const { severity: _, ...line } = about(one, goneInWords(one));
        return { ...line, facts: [] };
      }),
      most: 10,
    },
    {
      title: 'Flapping',
      lines: changes.flapping.map((one) =>
        about(
          one,
          [one.finding.state === 'gone' ? 'not found now' : 'found now'],
          at('flapping since', one.finding.flappingSince ?? one.finding.since),
        ),
      ),
      most: 5,
    },
    {
      title: 'Silences ended',
      lines: changes.endedSilences.map((one) => endedInWords(one, at('ended', one.at))),
      most: 5,
    },
    {
      title: changes.isFirst ? 'Found' : 'Unchanged',
      lines: changes.steady.map((one) => about(one, [], ...since(one))),
      most: 10,
    },
    {
      title: 'Still flapping',
      lines: changes.stillFlapping.map((one) =>
        about(one, [], at('since', one.finding.flappingSince ?? one.finding.since)),
      ),
      most: 3,
    },
    {
      title: "Couldn't check, may persist",
      lines: changes.unseen.map((one) => about(one, [], lastFound(one))),
      most: 5,
    },
    {
      title: 'No longer checked',
      lines: changes.noLongerChecked.map((one) =>
        about(one, [questionInWords(one.question)], lastFound(one)),
      ),
      most: 3,
    },
  ];
  return sections.filter(({ lines }) => lines.length > 0);
}

function changeInWords({
  from,
  addedTargets,
  removedTargets,
  targets,
  targetsBefore,
}: ChangedFinding): readonly string[] {
  return [
    ...(from ? [`was ${SEVERITY_WORDS[from]}`] : []),
    ...(addedTargets.length > 0 ? [`${addedTargets.length} more: ${list(addedTargets)}`] : []),
    ...(removedTargets.length > 0 ? [`${removedTargets.length} fewer: ${list(removedTargets)}`] : []),
    ...(addedTargets.length + removedTargets.length === 0 && targets !== targetsBefore
      ? [`${targets} affected, ${targetsBefore} before`]
      : []),
  ];
}

function goneInWords({ finding, was }: DigestFinding): readonly string[] {
  const { resolution, goneAt } = finding;
  const began = was?.flappingSince ?? finding.since;
  const lastedMs = goneAt === undefined ? NaN : Date.parse(goneAt) - Date.parse(began);
  return [
    resolution ?? 'no longer found',
    ...(was ? [] : ['appeared since the last digest']),
    ...(lastedMs >= 0 ? [`lasted ${span(lastedMs)}`] : []),
  ];
}

const ENDED_BECAUSE: Readonly<Record<EndedSilence['because'], string>> = {
  gone: 'the finding is gone',
  worse: 'the finding got worse',
  spread: 'the finding spread',
  expired: 'the silence expired',
};

function endedInWords({ about, because }: EndedSilence, when: StatusFact): DigestLine {
  return { text: `${about} · ${ENDED_BECAUSE[because]}`, facts: [when] };
}

/** When everything was checked. Relative times such as `yesterday` refer to it. */
export function endOf({ at, durationMs }: DigestRun): Date {
  return new Date(Date.parse(at) + durationMs);
}

/** `/certs expiring in prod`. */
export function questionInWords({ check, environment }: Pick<PartQuestion, 'check' | 'environment'>): string {
  return cleanText(`/${check.replace('/', ' ')} in ${environment}`);
}

/** What couldn't be checked, part by part. Never left out of a digest. */
export function uncheckedInWords({ unchecked }: DigestChanges): readonly string[] {
  return unchecked.map(({ question, because, gaps, isNew }) => {
    const reasons = groupGaps(gaps).map(({ because: reason, whats }) => `${reason} (${list(whats)})`);
    const what = because ?? `couldn't check ${unreadInWords(gaps)}: ${list(reasons)}`;
    return `${questionInWords(question)}${isNew ? '' : ', as before'}: ${cleanText(what)}`;
  });
}

/** How much of each part was checked: `/certs expiring --within 30d in prod: 41 checked`. */
export function coverageOfParts({ parts }: DigestRun): readonly string[] {
  return parts.map(
    ({ report, ...question }) =>
      `${askedInWords(question)} in ${cleanText(question.environment)}: ${report ? coverageInWords(report) : "couldn't run"}`,
  );
}

/** The charts of all parts. Titles name the environment if there are several. */
export function chartsOfParts({ parts }: DigestRun): readonly Chart[] {
  const isMixed = new Set(parts.map(({ environment }) => environment)).size > 1;
  return parts.flatMap(({ report, environment }) =>
    (report?.charts ?? []).map((chart) =>
      isMixed ? { ...chart, title: `${cleanText(environment)}: ${chart.title}` } : chart,
    ),
  );
}

/** The notes of all parts, each with the check that it is about. */
export function notesOfParts({ parts }: DigestRun): readonly string[] {
  return parts.flatMap((part) =>
    (part.report?.notes ?? []).map((note) => `Note: ${questionInWords(part)}: ${cleanText(note)}`),
  );
}

/** `3 checks, 1 incomplete, 2 findings silenced`. */
export function digestCoverage({ parts }: DigestRun, { unchecked, silenced }: DigestChanges): string {
  return [
    count(parts.length, 'check'),
    ...(unchecked.length > 0 ? [`${unchecked.length} incomplete`] : []),
    ...(silenced.length > 0 ? [`${countInWords(silenced.length, 'finding')} silenced`] : []),
  ].join(', ');
}

/** A run that started later than this after it was due says so. */
const LATE_MS = 300_000;

/** When a late run was due; undefined if it was on time. */
export function lateSince({ due, at }: DigestRun): string | undefined {
  return due !== undefined && Date.parse(at) - Date.parse(due) > LATE_MS ? due : undefined;
}
