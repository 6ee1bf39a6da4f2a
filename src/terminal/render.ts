import { styleText } from 'node:util';
import { alignTable, rowInWords, visibleTable } from '../text/align-table.ts';
import { cleanLine, cleanText } from '../text/clean-text.ts';
import { chartInWords, chartSparkline } from '../check/charts-in-words.ts';
import { findingIdOf } from '../check/finding-id.ts';
import {
  type Chart,
  type Evidence,
  type Finding,
  fingerprint,
  type Location,
  type Offer,
  type Report,
} from '../check/finding.ts';
import type { TrackedFinding } from '../check/tracked-finding.ts';
import { factInWords, trackedFacts } from '../check/tracked-in-words.ts';
import {
  askedInWords,
  countInWords,
  coverageInWords,
  durationInWords,
  groupGaps,
  type Headline,
  reportHeadline,
  SEVERITY_WORDS,
  seriesInWords,
  timeInWords,
  type FindingTitle,
  titleOf,
  listedGaps,
  unreadInWords,
  nextInWords,
  verdictOf,
} from '../check/report-in-words.ts';
import type { Help, HelpEntry, ParsedRequest } from '../request/parse.ts';
import { type HelpPage, renderHelpPage } from './help-page.ts';
import { locationLines, unknownLocationLines } from './locations.ts';
import { unsaid } from '../text/unsaid.ts';
import { capitalize } from '../text/wording.ts';
import { wrap } from './wrap.ts';

export interface Screen {
  /** Whether to use colors. They add no information. */
  readonly color: boolean;
  readonly columns: number;
  /** The command as typed. Without it, all arguments are shown. */
  readonly command?: string;
  /** What is known of the findings from earlier runs. */
  readonly tracked?: readonly TrackedFinding[];
  /** Where a file is, from the folder that the command runs in. Default: its path in its repository. */
  readonly pathOf?: (location: Location) => string;
}

type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style, text: string) => string;

/** Only CLEAR is green. */
const STYLES: Readonly<Record<Headline, Style>> = {
  CRITICAL: ['bold', 'red'],
  WARNING: ['bold', 'yellow'],
  INFO: ['bold', 'blue'],
  CLEAR: ['bold', 'green'],
  UNKNOWN: ['bold', 'inverse'],
};

/** The longest severity and two spaces: the details of a finding are aligned with its summary. */
export const INDENT = ' '.repeat('CRITICAL'.length + 2);
/** A longer label is above its value. */
const MAX_LABEL_COLUMNS = 24;
const MAX_ROWS = 40;
const MAX_LINES = 40;
const MAX_WHATS = 20;

/**
 * A report for a terminal: the answer first. Lines are wrapped between words, but a word is never broken, so that targets can be
 * copied. Control characters from infrastructure are removed.
 */
export function renderTerminal(report: Report, screen: Screen): string {
  const paint = painter(screen);
  const headline = reportHeadline(report);
  const asked = `${cleanText(report.environment)} · ${cleanText(screen.command ?? askedInWords(report))} · ${timeInWords(report.at)}`;
  const coverage = `${coverageInWords(report)} · ${durationInWords(report.durationMs)}`;
  return `${[
    entry(headline, verdictOf(report), screen, paint, true),
    ...wrap(asked, screen.columns, INDENT).map((line) => paint('dim', line)),
    ...report.findings.flatMap((finding) => ['', ...renderFinding(finding, report, screen, paint)]),
    ...renderTerminalCharts(report.charts, screen, paint),
    ...renderGaps(report, screen, paint),
    ...renderNotes(report, screen, paint),
    '',
    ...wrap(coverage, screen.columns),
  ].join('\n')}\n`;
}

function renderNotes({ notes = [] }: Report, { columns }: Screen, paint: Paint): string[] {
  const lines = notes.flatMap((note) => wrap(`Note: ${cleanText(note)}`, columns));
  return lines.length === 0 ? [] : ['', ...lines.map((line) => paint('dim', line))];
}

export function painter({ color }: Screen): Paint {
  return (style, text) => (color ? styleText(style, text, { validateStream: false }) : text);
}

/** `CRITICAL  what is wrong`, with further lines aligned under the first. */
export function entry(
  word: Headline,
  text: string,
  { columns }: Screen,
  paint: Paint,
  isBold = false,
): string {
  const [first = '', ...rest] = wrap(text, columns, INDENT);
  const label = paint(STYLES[word], word) + ' '.repeat(INDENT.length - word.length);
  const lines = [first.slice(INDENT.length), ...rest].map((line) => (isBold ? paint('bold', line) : line));
  return label + lines.join('\n');
}

function renderFinding(finding: Finding<Offer>, report: Report, screen: Screen, paint: Paint): string[] {
  const { severity, offers = [], next = [] } = finding;
  const evidence = shownEvidence(finding);
  const { words, target } = unrepeated(finding, report);
  const fields = evidence.filter((one) => one.kind === 'field' || one.kind === 'series');
  const width = fields.reduce(
    (widest, { label }) => Math.max(widest, Math.min(MAX_LABEL_COLUMNS, cleanText(label).length)),
    0,
  );
  return [
    entry(SEVERITY_WORDS[severity], words, screen, paint),
    ...(target === undefined ? [] : wrap(target, screen.columns, INDENT).map((line) => paint('cyan', line))),
    ...renderTracked(finding, report, screen).map((line) => paint('dim', line)),
    ...locationLines(finding, { ...screen, indent: INDENT }),
    ...evidence.flatMap((one) => renderEvidence(one, width, screen, paint)),
    ...offers.flatMap(({ title }) =>
      wrap(`Fix available in Slack: ${cleanText(title)}`, screen.columns, INDENT),
    ),
    ...next.flatMap((one) =>
      wrap(`Next: wrench run ${nextInWords(one, report).slice(1)}`, screen.columns, INDENT),
    ),
  ];
}

/** The summary of a single finding says only what the verdict doesn't. */
function unrepeated(finding: Finding<Offer>, report: Report): Pick<FindingTitle, 'words' | 'target'> {
  const title = titleOf(finding);
  if (report.findings.length > 1) return title;
  const verdict = verdictOf(report);
  const rest = unsaid(title.words, verdict);
  if (rest === title.words) return title;
  const target = cleanText(finding.target);
  if (rest === '') return { words: target };
  return verdict.includes(target) ? { words: rest } : { words: rest, target };
}

/** Places in files replace tables and logs, which say the same. */
function shownEvidence({ evidence = [], locations }: Finding<Offer>): readonly Evidence[] {
  if (!locations) return evidence;
  return evidence.filter(({ kind }) => kind === 'field' || kind === 'series');
}

/** The id of a finding and what is known of it from earlier runs; nothing if it was not recorded. */
function renderTracked(
  finding: Finding<Offer>,
  report: Report,
  { columns, tracked = [] }: Screen,
): readonly string[] {
  const name = fingerprint(report, finding);
  const known = tracked.find((one) => fingerprint(report, one) === name);
  if (!known) return [];
  const { level } = finding;
  const facts = trackedFacts(known, { now: new Date(report.at), ...(level && { level }) });
  return wrap([findingIdOf(name), ...facts.map(factInWords)].join(' · '), columns, INDENT);
}

function renderEvidence(evidence: Evidence, width: number, { columns }: Screen, paint: Paint): string[] {
  if (evidence.kind === 'table') return renderTable(evidence, columns, paint);
  if (evidence.kind === 'log') {
    const lines = evidence.lines
      .slice(-MAX_LINES)
      .map((line) => `${INDENT}${paint('dim', '│')} ${cleanLine(line)}`);
    const left = evidence.lines.length - lines.length;
    return left > 0 ? [`${INDENT}… ${countInWords(left, 'line')} before`, ...lines] : lines;
  }
  const label = cleanText(evidence.label).padEnd(width);
  const value = evidence.kind === 'field' ? cleanText(evidence.value) : seriesInWords(evidence);
  if (label.length > MAX_LABEL_COLUMNS) {
    const above = wrap(label, columns, INDENT).map((line) => paint('dim', line));
    return [...above, ...wrap(value, columns, `${INDENT}  `)];
  }
  const hanging = `${INDENT}${' '.repeat(label.length + 2)}`;
  const [first = '', ...rest] = wrap(value, columns, hanging);
  return [`${INDENT}${paint('dim', label)}  ${first.slice(hanging.length)}`, ...rest];
}

/** An aligned table if it fits the width, otherwise one sentence per row. */
function renderTable(table: Extract<Evidence, { kind: 'table' }>, columns: number, paint: Paint): string[] {
  const { columns: names, rows: all } = visibleTable(table.columns, table.rows);
  const rows = all.slice(0, MAX_ROWS);
  const aligned = alignTable(names, rows);
  const left = all.length - rows.length;
  const more = left > 0 ? [`${INDENT}… and ${countInWords(left, 'more row')} (--json has all)`] : [];
  if (aligned.every((line) => INDENT.length + line.length <= columns) || table.columns.length <= 1)
    return [...aligned.map((line, at) => INDENT + (at < 2 ? paint('dim', line) : line)), ...more];
  const sentences = rows.flatMap((row) => {
    const [first = '', ...rest] = wrap(rowInWords(names, row), columns, `${INDENT}  `);
    return [`${INDENT}- ${first.trimStart()}`, ...rest];
  });
  return [...sentences, ...more];
}

const MAX_BAR_COLUMNS = 24;

/** Bar charts as bars and line charts as sparklines, with their numbers. */
export function renderTerminalCharts(
  charts: readonly Chart[] = [],
  { columns }: Screen,
  paint: Paint,
): readonly string[] {
  return charts.flatMap((chart) => {
    const { title, period, rows } = chartInWords(chart);
    const shown = rows.slice(0, MAX_ROWS);
    const left = rows.length - shown.length;
    const width = shown.reduce(
      (widest, { name }) => Math.max(widest, Math.min(MAX_LABEL_COLUMNS, name.length)),
      0,
    );
    const most = shown.reduce((highest, { values: [value = 0] }) => Math.max(highest, value), 0);
    const pictures = shown.map((row) =>
      period === undefined ? barOf(row.values[0] ?? 0, most) : chartSparkline(row),
    );
    const pictureWidth = pictures.reduce((widest, picture) => Math.max(widest, picture.length), 0);
    return [
      '',
      ...wrap(title, columns).map((line) => paint('bold', line)),
      ...(period === undefined ? [] : wrap(period, columns, '  ').map((line) => paint('dim', line))),
      ...shown.flatMap(({ name, numbers }, at) => {
        const picture = pictures[at] ?? '';
        const beside = pictureWidth === 0 ? '' : `${picture.padEnd(pictureWidth)}  `;
        const hanging = `  ${' '.repeat(width + 2)}${' '.repeat(beside.length)}`;
        const above = name.length > width ? wrap(name, columns, '  ') : [];
        const [first = '', ...rest] = wrap(numbers, columns, hanging);
        const label = (above.length > 0 ? '' : name).padEnd(width);
        return [...above, `  ${label}  ${paint('cyan', beside)}${first.slice(hanging.length)}`, ...rest];
      }),
      ...(left > 0 ? [`  … and ${countInWords(left, 'more', 'more')} (--json has all)`] : []),
    ];
  });
}

/** Nothing for zero and below, and at least one column for anything above. */
function barOf(value: number, most: number): string {
  if (value <= 0) return '';
  return '█'.repeat(Math.max(1, Math.round((value / most) * MAX_BAR_COLUMNS)));
}

/** What couldn't be checked, by reason. */
function renderGaps(report: Report, screen: Screen, paint: Paint): string[] {
  const gaps = listedGaps(report);
  if (gaps.length === 0) return [];
  const title = `Couldn't check ${unreadInWords(gaps)}`;
  const inFiles = gaps.filter(({ location }) => location);
  const places = inFiles
    .slice(0, MAX_WHATS)
    .flatMap((gap) => unknownLocationLines(gap, { ...screen, indent: INDENT }));
  const morePlaces = inFiles.length - MAX_WHATS;
  const groups = groupGaps(gaps.filter(({ location }) => !location)).flatMap(({ because, whats }) => {
    const shown = whats.slice(0, MAX_WHATS).flatMap((what) => wrap(what, screen.columns, `${INDENT}  `));
    const left = whats.length - MAX_WHATS;
    const more = left > 0 ? [`${INDENT}  … and ${countInWords(left, 'more', 'more')} (--json has all)`] : [];
    return [...wrap(because, screen.columns, INDENT), ...shown, ...more];
  });
  return [
    '',
    entry('UNKNOWN', title, screen, paint),
    ...groups,
    ...places,
    ...(morePlaces > 0 ? [`${INDENT}… and ${countInWords(morePlaces, 'more place')} (--json has all)`] : []),
  ];
}

/** `/certs expiring` as a command of this terminal: `wrench run certs expiring`. */
function asShellCommand(usage: string): string {
  return usage
    .replace(/^\/wrench /, 'wrench ')
    .replace(/^\/(\S+) help\b/, 'wrench help $1')
    .replace(/^\//, 'wrench run ');
}

/** The help of a command or a check. `ownFlags` are those of the terminal. */
export function renderHelpTerminal(
  { title, why, usage = [], examples = [], commands = [], flags = [], fixes = [] }: Help,
  columns?: number,
  ownFlags: Readonly<Record<string, string>> = {},
): string {
  const rows = (entries: readonly HelpEntry[]) =>
    Object.fromEntries(entries.map(({ name, about }) => [asShellCommand(name), capitalize(about)]));
  const allFlags = { ...rows(flags), ...ownFlags };
  const page: HelpPage = {
    about: title,
    ...(why !== undefined && { details: why }),
    usage: usage.map(asShellCommand),
    lists: {
      ...(commands.length > 0 && { Commands: rows(commands) }),
      ...(Object.keys(allFlags).length > 0 && { Flags: allFlags }),
    },
    fixes,
    examples: examples.map(asShellCommand),
  };
  return renderHelpPage(page, columns);
}

/** What is wrong with a command line, and its usage. */
export function renderProblemTerminal(
  { problem, usage }: Omit<Extract<ParsedRequest, { kind: 'problem' }>, 'kind'>,
  columns = 80,
): string {
  const lines = usage.flatMap((one) => wrap(cleanText(asShellCommand(one)), columns, '  '));
  return `${[...wrap(cleanText(problem), columns), ...(lines.length > 0 ? ['', ...lines] : [])].join('\n')}\n`;
}
