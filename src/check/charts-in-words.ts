import { cleanText } from '../text/clean-text.ts';
import { withUnit } from '../text/wording.ts';
import type { Chart } from './finding.ts';
import { countInWords, sparkline, timeInWords } from './report-in-words.ts';

/** The numbers of a chart as text, which every renderer shows next to the picture or instead of it. */
export interface ChartInWords {
  readonly title: string;
  /** The time range of lines: `2026-11-05 14:00 UTC to 2026-11-26 14:00 UTC`. */
  readonly period?: string;
  /** One for each bar or line. */
  readonly rows: readonly ChartRow[];
}

export interface ChartRow {
  readonly name: string;
  /** `12 certificates`, `12`, or `first 61%, last 91%, min 55%, max 92%`. */
  readonly numbers: string;
  /** The value of a bar, or the values of a line, oldest first; missing ones are left out. */
  readonly values: readonly number[];
}

/** Units are repeated with each number, so a long one is cut. */
const MAX_UNIT_CHARS = 30;
/** A regular plural such as `certificates`. */
const PLURAL = /^(\p{L}{2,}[^su\s])s$/u;

/** Every number is finite. A bar or line without a value is kept, and its text says so. */
export function chartInWords(chart: Chart): ChartInWords {
  const title = cleanText(chart.title);
  if (chart.kind === 'bars') {
    const rows = chart.labels.flatMap((_, at) => barsAt(chart, at));
    return { title, rows: PLURAL.test(chart.unit) ? withUnitOnce(rows) : rows };
  }
  const rows = chart.series.map(({ name, values }) => lineRow(cleanText(name), values, chart));
  return { title, period: periodOf(chart.labels), rows };
}

/** With several series, there are several bars at one label, each with the name of its series. */
function barsAt({ labels, series, unit }: Chart, at: number): readonly ChartRow[] {
  return series.map(({ name, values }) => {
    const value = finiteAt(values, at);
    const label = cleanText(labels[at] ?? '');
    return {
      name: series.length > 1 ? `${label}, ${cleanText(name)}` : label,
      numbers: value === undefined ? 'no value' : amount(value, unit),
      values: value === undefined ? [] : [value],
    };
  });
}

/** A symbol is repeated with each number, `61%`; a word is written once: `expired 15 certificates, under 7 days 0`. */
function withUnitOnce(rows: readonly ChartRow[]): readonly ChartRow[] {
  const first = rows.findIndex(({ values }) => values.length > 0);
  return rows.map((row, at) => {
    const [value] = row.values;
    return value === undefined || at === first ? row : { ...row, numbers: formatValue(value) };
  });
}

function lineRow(name: string, all: Chart['series'][number]['values'], { labels, unit }: Chart): ChartRow {
  const values = labels.flatMap((_, at) => finiteAt(all, at) ?? []);
  const [first] = values;
  const last = values.at(-1);
  if (first === undefined || last === undefined) return { name, numbers: 'no values', values };
  if (values.length === 1) return { name, numbers: amount(first, unit), values };
  const min = values.reduce((a, b) => Math.min(a, b));
  const max = values.reduce((a, b) => Math.max(a, b));
  const missing = labels.length - values.length;
  const parts = [
    `first ${amount(first, unit)}`,
    `last ${amount(last, unit)}`,
    `min ${amount(min, unit)}`,
    `max ${amount(max, unit)}`,
    ...(missing > 0 ? [`no value at ${missing} of ${countInWords(labels.length, 'time')}`] : []),
  ];
  return { name, numbers: parts.join(', '), values };
}

/** `▁▂▅█`; empty for fewer than two values. */
export function chartSparkline({ values }: Pick<ChartRow, 'values'>): string {
  if (values.length < 2) return '';
  const min = values.reduce((a, b) => Math.min(a, b));
  const max = values.reduce((a, b) => Math.max(a, b));
  return sparkline(values, min, max);
}

/** The value at a label; undefined if there is none. */
export function finiteAt(values: readonly (number | null)[], at: number): number | undefined {
  const value = values[at];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function periodOf(labels: readonly string[]): string {
  const [first = ''] = labels;
  const last = labels.at(-1) ?? '';
  return labels.length > 1 ? `${timeInWords(first)} to ${timeInWords(last)}` : timeInWords(first);
}

/** `61%`, `1 certificate`, `4,201 certificates`. */
function amount(value: number, unit: string): string {
  const word = cleanText(unit).slice(0, MAX_UNIT_CHARS).toWellFormed();
  return withUnit(formatValue(value), roundValue(value) === 1 ? word.replace(PLURAL, '$1') : word);
}

function formatValue(value: number): string {
  const rounded = roundValue(value);
  if (Math.abs(rounded) >= 1e15) return String(rounded);
  return rounded.toLocaleString('en-US', { maximumFractionDigits: 6 });
}

function roundValue(value: number): number {
  return Number(value.toPrecision(6));
}
