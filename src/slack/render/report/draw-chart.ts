import { cleanText } from '../../../text/clean-text.ts';
import { finiteAt } from '../../../check/charts-in-words.ts';
import type { Chart } from '../../../check/finding.ts';
import type { ChartBlock } from '../chart-block.ts';
import { encodedLength, truncate } from '../escape-untrusted.ts';

/** https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block */
const MAX_TITLE_CHARS = 50;
const MAX_SERIES = 6;
const MAX_POINTS = 20;
const MAX_NAME_CHARS = 20;
const MAX_AXIS_LABEL_CHARS = 50;
/** A sum may be infinite, which JSON can't represent. */
const MAX_VALUE = 1e300;
const DAY_MS = 86_400_000;

/** A chart as Slack draws it. */
export interface ChartPicture {
  readonly block: ChartBlock;
  /** How the picture differs from the numbers. */
  readonly notes: readonly string[];
}

/** A chart within Slack's limits, as accurate as they allow. Undefined if there is nothing to draw. */
export function drawChart(chart: Chart): ChartPicture | undefined {
  return chart.kind === 'bars' ? drawBars(chart) : drawLines(chart);
}

type Values = readonly (number | null)[];

/** One bar for each label that has a value. If there are too many, the last are added up, unless their sum has no meaning. */
function drawBars({ title, unit, labels, series }: Chart): ChartPicture | undefined {
  const shown = series.slice(0, MAX_SERIES);
  const known = labels.flatMap((label, at) => {
    const values = shown.map((one) => finiteAt(one.values, at));
    if (values.every((value) => value === undefined)) return [];
    return [{ label, values: values.map((value) => value ?? 0), isWhole: !values.includes(undefined) }];
  });
  if (known.every(({ values }) => values.every((value) => value === 0))) return undefined;
  const isTooMany = known.length > MAX_POINTS;
  const kept = isTooMany ? known.slice(0, MAX_POINTS - 1) : known;
  const rest = known.slice(kept.length);
  const canAdd = unit !== '%';
  const points =
    isTooMany && canAdd
      ? [...kept, { label: `${rest.length} others`, values: shown.map((_, at) => sum(rest, at)) }]
      : kept;
  const categories = uniqueNames(points.map(({ label }) => label));
  const notes = [
    ...(isTooMany && !canAdd ? [`The chart shows the first ${kept.length} of ${known.length}.`] : []),
    ...(known.some(({ isWhole }) => !isWhole) ? ['A bar without a value is drawn as 0.'] : []),
    ...leftOut(series.length),
  ];
  return {
    block: toBlock('bar', { title, unit }, categories, shown, (at) =>
      points.map((point) => point.values[at] ?? 0),
    ),
    notes,
  };
}

function sum(points: readonly { readonly values: readonly number[] }[], at: number): number {
  return points.reduce((total, { values }) => total + (values[at] ?? 0), 0);
}

/**
 * Lines over time. Slack needs a number at every time: a missing value is replaced by the previous one, or by the first one at the start, and a
 * note says so.
 */
function drawLines({ title, unit, labels, series }: Chart): ChartPicture | undefined {
  const known = series.filter(({ values }) => labels.some((_, at) => finiteAt(values, at) !== undefined));
  const shown = known.slice(0, MAX_SERIES);
  if (shown.length === 0 || labels.length < 2) return undefined;
  const kept = keptPoints(
    labels.length,
    shown.map(({ values }) => values),
  );
  const categories = uniqueNames(timeLabels(kept.map((at) => labels[at] ?? '')));
  const filled = shown.map(({ values }) => {
    const every = withoutHoles(values, labels.length);
    return kept.map((at) => every[at] ?? 0);
  });
  const holey = shown.filter(({ values }) => labels.some((_, at) => finiteAt(values, at) === undefined));
  const notes = [
    ...(holey.length > 0 ? [`Missing values are drawn as the previous one: ${namesOf(holey)}.`] : []),
    ...leftOut(known.length),
  ];
  return {
    block: toBlock('line', { title, unit, xLabel: 'UTC' }, categories, shown, (at) => filled[at] ?? []),
    notes,
  };
}

function leftOut(series: number): readonly string[] {
  return series > MAX_SERIES ? [`The chart shows the first ${MAX_SERIES} of ${series}.`] : [];
}

function namesOf(series: readonly { readonly name: string }[]): string {
  return series.map(({ name }) => truncate(cleanText(name), 60)).join(', ');
}

function withoutHoles(values: Values, length: number): readonly number[] {
  let last =
    Array.from({ length }, (_, at) => finiteAt(values, at)).find((value) => value !== undefined) ?? 0;
  return Array.from({ length }, (_, at) => {
    last = finiteAt(values, at) ?? last;
    return last;
  });
}

/** Which points to draw: the first, the last, the highest of each line, and between them the highest of each share of the time. */
function keptPoints(length: number, lines: readonly Values[]): readonly number[] {
  const all = Array.from({ length }, (_, at) => at);
  if (length <= MAX_POINTS) return all;
  const highest = (values: Values) =>
    all.reduce(
      (best, at) => ((finiteAt(values, at) ?? -Infinity) > (finiteAt(values, best) ?? -Infinity) ? at : best),
      0,
    );
  const kept = new Set([0, length - 1, ...lines.map(highest)]);
  const others = all.filter((at) => !kept.has(at));
  const height = (at: number) =>
    lines.reduce((most, values) => Math.max(most, finiteAt(values, at) ?? -Infinity), -Infinity);
  const shares = MAX_POINTS - kept.size;
  for (let share = 0; share < shares; share++) {
    const here = others.slice(
      Math.floor((share * others.length) / shares),
      Math.floor(((share + 1) * others.length) / shares),
    );
    const [first] = here;
    if (first !== undefined)
      kept.add(here.reduce((best, at) => (height(at) > height(best) ? at : best), first));
  }
  return [...kept].toSorted((a, b) => a - b);
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `26 Nov` if each label is on another day, else `26 Nov 14:00`, in UTC. Labels that aren't times are kept. */
function timeLabels(labels: readonly string[]): readonly string[] {
  const times = labels.map((label) => Date.parse(label));
  if (times.some(Number.isNaN)) return labels;
  const first = times[0] ?? 0;
  const last = times.at(-1) ?? 0;
  const days = times.map((ms) => new Date(ms).toISOString().slice(0, 10));
  const areDays = new Set(days).size === days.length && last - first >= 2 * DAY_MS;
  return times.map((ms) => {
    const at = new Date(ms);
    const day = `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`;
    return areDays ? day : `${day} ${at.toISOString().slice(11, 16)}`;
  });
}

function toBlock(
  type: ChartBlock['chart']['type'],
  about: { readonly title: string; readonly unit: string; readonly xLabel?: string },
  categories: readonly string[],
  series: Chart['series'],
  valuesOf: (at: number) => readonly number[],
): ChartBlock {
  const names = uniqueNames(series.map(({ name }) => name));
  return {
    type: 'data_visualization',
    title: truncate(cleanText(about.title), MAX_TITLE_CHARS),
    chart: {
      type,
      series: names.map((name, at) => ({
        name,
        data: valuesOf(at).map((value, point) => ({
          label: categories[point] ?? '',
          value: Number(Math.max(-MAX_VALUE, Math.min(MAX_VALUE, value)).toPrecision(6)),
        })),
      })),
      axis_config: {
        categories,
        ...(about.xLabel !== undefined && { x_label: about.xLabel }),
        y_label: truncate(cleanText(about.unit), MAX_AXIS_LABEL_CHARS),
      },
    },
  };
}

/** Short enough for Slack, and unique. A long name loses its middle, because names of nodes differ at their ends. */
function uniqueNames(names: readonly string[]): readonly string[] {
  const used = new Set<string>();
  return names.map((given) => {
    const name = cleanText(given);
    let short = shorten(name, MAX_NAME_CHARS);
    for (let count = 2; used.has(short); count++) {
      const suffix = ` (${count})`;
      short = `${shorten(name, MAX_NAME_CHARS - suffix.length)}${suffix}`;
    }
    used.add(short);
    return short;
  });
}

function shorten(name: string, maxChars: number): string {
  if (encodedLength(name) <= maxChars) return name;
  const endChars = Math.floor((maxChars - 1) / 2);
  const start = within(Array.from(name), maxChars - 1 - endChars);
  const end = within(Array.from(name).toReversed(), endChars).toReversed();
  return `${start.join('')}…${end.join('')}`;
}

/** As many characters of a text as encode to at most `maxChars`. */
function within(characters: readonly string[], maxChars: number): string[] {
  let usedChars = 0;
  const kept: string[] = [];
  for (const character of characters) {
    usedChars += encodedLength(character);
    if (usedChars > maxChars) break;
    kept.push(character);
  }
  return kept;
}
