import { flagOf, type WrittenArguments } from './arguments.ts';
import { cleanText } from '../text/clean-text.ts';
import { withUnit } from '../text/wording.ts';
import {
  type Evidence,
  type Finding,
  type Gap,
  type NextCheck,
  type Report,
  type Severity,
  worst,
} from './finding.ts';

/** What every renderer says in the same words. */

export type Headline = 'CRITICAL' | 'WARNING' | 'INFO' | 'CLEAR' | 'UNKNOWN';

export const SEVERITY_WORDS: Readonly<Record<Severity, Headline>> = {
  critical: 'CRITICAL',
  warning: 'WARNING',
  info: 'INFO',
};

/** CLEAR needs everything: a report that says so itself, no finding, and nothing unchecked that could hold one. */
export function reportHeadline({ status, findings, gaps }: Report): Headline {
  const severity = worst(findings);
  if (severity) return SEVERITY_WORDS[severity];
  return status === 'clear' && gaps.every(({ unrelated }) => unrelated) ? 'CLEAR' : 'UNKNOWN';
}

/** Left as it is, but for what cannot be seen: a verdict may begin with a name, and `www.Example.com` is not `Www.Example.com`. */
export function verdictOf({ verdict }: Pick<Report, 'verdict'>): string {
  return cleanText(verdict);
}

/** Places that could not be checked and could hold what was asked for. That what was asked for is nowhere is no place, and the verdict says it. */
export function uncheckedGaps({ gaps, verdict }: Pick<Report, 'gaps' | 'verdict'>): readonly Gap[] {
  return gaps.filter(
    ({ what, because, kind, unrelated }) =>
      !unrelated &&
      !(
        kind === 'missing' &&
        [`${what}: ${because}`, `${because} (${what})`].some((words) => verdict.startsWith(words))
      ),
  );
}

/** Those of them that are to be listed: not the one that is the whole verdict. */
export function listedGaps(report: Pick<Report, 'gaps' | 'verdict' | 'findings'>): readonly Gap[] {
  if (report.findings.length > 0) return uncheckedGaps(report);
  return uncheckedGaps(report).filter(({ what, because }) => {
    const whole = because.startsWith(what) ? because : `${what}: ${because}`;
    return report.verdict !== whole && report.verdict !== `${because} (${what})`;
  });
}

/** A summary beside its target: what says the target once more, in parentheses, is left out. */
export function summaryOf({ summary, target }: Pick<Finding, 'summary' | 'target'>): string {
  return cleanText(cleanText(summary).replace(` (${cleanText(target)})`, ''));
}

/** The question as somebody could type it: `/certs expiring --within 30d`. */
export function askedInWords({
  check,
  args,
}: {
  readonly check: string;
  readonly args: WrittenArguments;
}): string {
  const flags = Object.entries(args).map(([name, value]) =>
    value === 'true'
      ? flagOf(name)
      : `${flagOf(name)}${value.startsWith('-') ? '=' : ' '}${quotedValue(value)}`,
  );
  return cleanText([`/${check.replace('/', ' ')}`, ...flags].join(' '));
}

function quotedValue(value: string): string {
  if (/^[^\s"']+$/.test(value)) return value;
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}

/** The question of a next check as somebody could type it: `/node leftovers --node node-b --env prod`. */
export function nextInWords(
  { check, args }: NextCheck,
  { environment }: Pick<Report, 'environment'>,
): string {
  return askedInWords({ check, args: { ...args, env: environment } });
}

/** How many places these gaps stand for: one gap may be the reason for many. The verdict counts in the same way. */
export function countPlaces(gaps: readonly Pick<Gap, 'places'>[]): number {
  return gaps.reduce((sum, { places = 1 }) => sum + places, 0);
}

const GAP_WORDS: Readonly<Record<Gap['kind'], string>> = {
  unreachable: 'unreachable',
  refused: 'denied',
  missing: 'missing',
  malformed: 'unreadable',
  'not-configured': 'not configured',
  unfinished: 'unfinished',
};

/**
 * How much was checked, and what kind of reason kept the rest from it: `41 checked, 2 unreachable, 1 denied`. Which they are and why is
 * listed once, with the gaps; how many were not checked is in the verdict, where all have one kind of reason.
 */
export function coverageInWords(report: Report): string {
  const { examined, gaps, coverage } = report;
  const sources = coverage.map(({ source, examined: count }) => `${cut(source, 60)} ${formatCount(count)}`);
  const spread = sources.length > 1 && sources.length <= 4 ? ` (${sources.join(', ')})` : '';
  // A target may be found at many places: what was checked is the places, where a check counts them.
  const checked = coverage.reduce((sum, { examined: count }) => sum + count, 0) || examined;
  const related = uncheckedGaps(report);
  const unrelated = countPlaces(gaps.filter((gap) => gap.unrelated));
  const unchecked = Object.entries(GAP_WORDS).flatMap(([kind, word]) => {
    const some = related.filter((gap) => gap.kind === kind);
    if (some.length === 0) return [];
    const all = checked > 0 ? 'the rest' : 'all';
    const howMany = some.length === related.length && unrelated === 0 ? all : formatCount(countPlaces(some));
    return [`${howMany} ${word}`];
  });
  if (unrelated > 0) unchecked.push(`${countInWords(unrelated, 'unrelated place')} not checked`);
  return [`${formatCount(checked)} checked${spread}`, ...unchecked].join(', ');
}

export interface GapGroup {
  /** Why, in words: `unreachable: connection timed out`. */
  readonly because: string;
  readonly whats: readonly string[];
}

/** By reason, the reason that hides most first. */
export function groupGaps(gaps: readonly Gap[]): readonly GapGroup[] {
  const groups = Map.groupBy(gaps, ({ kind, because }) => `${GAP_WORDS[kind]}: ${cleanText(because)}`);
  return [...groups]
    .map(([because, members]) => ({ because, whats: members.map(({ what }) => cleanText(what)) }))
    .toSorted((a, b) => b.whats.length - a.whats.length);
}

export function durationInWords(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `2026-11-20 14:03 UTC`; what is not a time is given back as it is. */
export function timeInWords(iso: string): string {
  const at = Date.parse(iso);
  return Number.isNaN(at)
    ? cleanText(iso)
    : `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

export function countInWords(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

const BARS = '▁▂▃▄▅▆▇█';
const SPARKS = 24;

/** A series on one line: `▁▂▃▅█ last 91%, min 12%, max 91% (48 points)`. */
export function seriesInWords({ unit, points }: Extract<Evidence, { kind: 'series' }>): string {
  const values = points.map(({ value }) => value).filter(Number.isFinite);
  const last = values.at(-1);
  if (last === undefined) return 'no points';
  const min = values.reduce((a, b) => Math.min(a, b));
  const max = values.reduce((a, b) => Math.max(a, b));
  const word = unit.trim() && cleanText(unit);
  const say = (value: number) => withUnit(String(Number(value.toPrecision(6))), word);
  const numbers = `last ${say(last)}, min ${say(min)}, max ${say(max)} (${countInWords(values.length, 'point')})`;
  return values.length > 1 ? `${sparkline(values, min, max)} ${numbers}` : numbers;
}

/** At most {@link SPARKS} bars; each stands for the highest of its share of the points, since peaks are what one looks for. */
export function sparkline(values: readonly number[], min: number, max: number): string {
  const width = Math.min(SPARKS, values.length);
  return Array.from({ length: width }, (_, at) => {
    const share = values.slice(
      Math.floor((at * values.length) / width),
      Math.floor(((at + 1) * values.length) / width),
    );
    const peak = share.reduce((a, b) => Math.max(a, b));
    const height = max > min ? (peak / 2 - min / 2) / (max / 2 - min / 2) : 0;
    return BARS[Math.min(BARS.length - 1, Math.floor(height * BARS.length))];
  }).join('');
}

/** `4,201` */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

function cut(text: string, max: number): string {
  const seen = cleanText(text);
  return seen.length > max ? `${seen.slice(0, max - 1).toWellFormed()}…` : seen;
}
