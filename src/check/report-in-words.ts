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

/** Texts that every renderer shares. */

export type Headline = 'CRITICAL' | 'WARNING' | 'INFO' | 'CLEAR' | 'UNKNOWN';

export const SEVERITY_WORDS: Readonly<Record<Severity, Headline>> = {
  critical: 'CRITICAL',
  warning: 'WARNING',
  info: 'INFO',
};

/** CLEAR only if the report says so itself, has no findings, and left nothing unchecked that could have one. */
export function reportHeadline({ status, findings, gaps }: Report): Headline {
  const severity = worst(findings);
  if (severity) return SEVERITY_WORDS[severity];
  return status === 'clear' && gaps.every(({ unrelated }) => unrelated) ? 'CLEAR' : 'UNKNOWN';
}

/** Between the verdict of a check and what couldn't be checked. */
export const BEFORE_UNCHECKED = "; couldn't check ";

/** Without invisible characters. Never capitalized, because a verdict may begin with a name such as `metron_agent`. */
export function verdictOf({ verdict }: Pick<Report, 'verdict'>): string {
  return cleanText(verdict);
}

/** What couldn't be checked and could have a finding. Without the gap that the requested name wasn't found, which the verdict says. */
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

/** The unchecked gaps to list: without the one that is the whole verdict. */
export function listedGaps(report: Pick<Report, 'gaps' | 'verdict' | 'findings'>): readonly Gap[] {
  if (report.findings.length > 0) return uncheckedGaps(report);
  return uncheckedGaps(report).filter(({ what, because }) => {
    const whole = because.startsWith(what) ? because : `${what}: ${because}`;
    return report.verdict !== whole && report.verdict !== `${because} (${what})`;
  });
}

/** A summary to show next to its target: the target in parentheses is left out. */
export function summaryOf({ summary, target }: Pick<Finding, 'summary' | 'target'>): string {
  return cleanText(cleanText(summary).replace(` (${cleanText(target)})`, ''));
}

/** The summary of a finding as a title that names its target once, in full. */
export interface FindingTitle {
  readonly words: string;
  /** Where the target begins in the words; undefined if they don't name it. */
  readonly targetAt?: number;
  /** To be shown below the words, if they don't name it. */
  readonly target?: string;
}

/** `web-2: 41% free` becomes `prod:web-2: 41% free`: the name of its source distinguishes it from others. */
export function titleOf({ summary, target }: Pick<Finding, 'summary' | 'target'>): FindingTitle {
  const words = summaryOf({ summary, target });
  const whole = cleanText(target);
  const bare = whole.replace(/^[\w.-]+:(?=.)/, '');
  // Several words, such as an issuer, are shown as they are: `server:443 intermediate R3`.
  if (/\s/.test(whole))
    return bare
      .trim()
      .split(/\s+/)
      .every((word) => wordAt(words, word) !== -1)
      ? { words }
      : { words, target: whole };
  // A name such as `nodes` may be only a word of the sentence.
  for (const name of /[^a-z]/.test(bare) ? [whole, bare] : [whole]) {
    const at = wordAt(words, name);
    if (at === -1) continue;
    return { words: words.slice(0, at) + whole + words.slice(at + name.length), targetAt: at };
  }
  return { words, target: whole };
}

/** Where a name is in a sentence, not as a part of a longer name; -1 if it isn't. */
function wordAt(words: string, name: string): number {
  if (name === '') return -1;
  for (let at = words.indexOf(name); at !== -1; at = words.indexOf(name, at + name.length)) {
    const isStart = at === 0 || /[\s("'`]/.test(words.charAt(at - 1));
    if (isStart && /^(?:$|[\s)"'`]|[,;:.?!](?:$|\s))/.test(words.slice(at + name.length))) return at;
  }
  return -1;
}

/** The command as a person could type it: `/certs expiring --within 30d`. */
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

/** The command of a next check as a person could type it: `/node leftovers --node node-b --env prod`. */
export function nextInWords(
  { check, args }: NextCheck,
  { environment }: Pick<Report, 'environment'>,
): string {
  return askedInWords({ check, args: { ...args, env: environment } });
}

/** How many sources these gaps stand for: one gap may hide several. The verdict counts the same way. */
export function countPlaces(gaps: readonly Pick<Gap, 'places'>[]): number {
  return gaps.reduce((sum, { places = 1 }) => sum + places, 0);
}

/** What gaps are counted as. A place in a file isn't a source. */
export function nounOfGaps(gaps: readonly Pick<Gap, 'location'>[]): 'place' | 'source' {
  return gaps.some(({ location }) => location) ? 'place' : 'source';
}

/** `3 sources`, `2 places`: as the verdict counts them. */
export function unreadInWords(gaps: readonly Pick<Gap, 'places' | 'location'>[]): string {
  return countInWords(countPlaces(gaps), nounOfGaps(gaps));
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
 * How much was checked, and why the rest wasn't: `41 places checked, 2 unreachable, 1 denied`. The gaps are listed elsewhere with their reasons; if
 * all have the same kind of reason, only the verdict has their number.
 */
export function coverageInWords(report: Report): string {
  const { examined, gaps, coverage, counts } = report;
  const sources = coverage.map(({ source, examined: count }) => `${cut(source, 60)} ${formatCount(count)}`);
  const spread = sources.length > 1 && sources.length <= 4 ? ` (${sources.join(', ')})` : '';
  // A target may be in several places. If a check counts those, they are what was checked.
  const covered = coverage.reduce((sum, { examined: count }) => sum + count, 0);
  const checked = covered || examined;
  const related = uncheckedGaps(report);
  const unrelated = countPlaces(gaps.filter((gap) => gap.unrelated));
  // A file with such a place isn't counted as checked, so the places are not the rest of anything.
  const inFiles = related.filter(({ location }) => location);
  const unchecked = Object.entries(GAP_WORDS).flatMap(([kind, word]) => {
    const some = related.filter((gap) => gap.kind === kind && !gap.location);
    if (some.length === 0) return [];
    const all = checked > 0 ? 'the rest' : 'all';
    const howMany = some.length === related.length && unrelated === 0 ? all : formatCount(countPlaces(some));
    return [`${howMany} ${word}`];
  });
  if (inFiles.length > 0) unchecked.push(`${countInWords(inFiles.length, 'place')} unknown`);
  if (unrelated > 0) unchecked.push(`${countInWords(unrelated, 'unrelated source')} not checked`);
  // What was examined is counted by the verdict, which says what it is.
  const isCounted = counts !== undefined && covered > 0;
  const amount = isCounted ? countInWords(covered, cut(counts, 40)) : formatCount(checked);
  return [`${amount} checked${spread}`, ...unchecked].join(', ');
}

export interface GapGroup {
  /** `unreachable: connection timed out`. What is unknown at a place in a file is a sentence of its own. */
  readonly because: string;
  readonly whats: readonly string[];
}

/** By reason, the most common first. */
export function groupGaps(gaps: readonly Gap[]): readonly GapGroup[] {
  const groups = Map.groupBy(gaps, ({ kind, because, location }) =>
    location ? cleanText(because) : `${GAP_WORDS[kind]}: ${cleanText(because)}`,
  );
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

/** `2026-11-20 14:03 UTC`; text that isn't a time is returned unchanged. */
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

/** At most {@link SPARKS} bars. Each shows the highest of its share of the points, because peaks matter most. */
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
