import { createElement as h, type ReactNode } from 'react';
import type { Block } from '../model.ts';

/**
 * Draws a `data_visualization` block with bars or lines, with its title, axes and legend, roughly like
 * Slack.
 */

interface Series {
  readonly name: string;
  readonly data: readonly { readonly label: string; readonly value: number }[];
}

interface Axes {
  readonly categories: readonly string[];
  readonly x_label?: string;
  readonly y_label?: string;
}

/** Fits on a phone without smaller letters. */
const WIDTH = 360;
const HEIGHT = 206;
const LEFT = 46;
const RIGHT = 8;
const TOP = 26;
const BOTTOM = 30;
const MAX_TICKS = 6;
const CHARACTER_WIDTH = 5.6;

/** Undefined for a pie, which Wrench does not send. */
export function renderChart(block: Block): ReactNode | undefined {
  const chart = block['chart'] as { type: string; series?: readonly Series[]; axis_config?: Axes };
  const { series, axis_config: axes } = chart;
  if (!series || !axes) return undefined;
  const scale = scaleOf(series.flatMap(({ data }) => data.map(({ value }) => value)));
  const values = series.map(({ data }) =>
    axes.categories.map((category) => data.find(({ label }) => label === category)?.value ?? 0),
  );
  const title = String(block['title']);
  const draw = chart.type === 'bar' ? drawBars : drawLines;
  return h(
    'figure',
    { className: 'block-chart' },
    h('figcaption', null, title),
    h(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': title },
      ...gridLines(scale),
      ...draw(values, axes.categories, scale),
      ...ticks(axes.categories),
      axes.y_label ? h('text', { x: 2, y: 10 }, axes.y_label) : null,
      axes.x_label ? h('text', { x: WIDTH - RIGHT, y: 10, className: 'chart-end' }, axes.x_label) : null,
    ),
    series.length > 1
      ? h(
          'ul',
          { className: 'chart-legend' },
          ...series.map(({ name }, at) => h('li', { className: `series-${at}` }, name)),
        )
      : null,
  );
}

interface Scale {
  readonly least: number;
  readonly most: number;
  readonly y: (value: number) => number;
}

function scaleOf(values: readonly number[]): Scale {
  const least = Math.min(0, ...values);
  const highest = Math.max(0, ...values);
  const most = highest > least ? highest : least + 1;
  const y = (value: number) => TOP + (1 - (value - least) / (most - least)) * (HEIGHT - TOP - BOTTOM);
  return { least, most, y };
}

function gridLines({ least, most, y }: Scale): ReactNode[] {
  return [least, (least + most) / 2, most].flatMap((value) => [
    h('line', { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), className: 'chart-grid' }),
    h(
      'text',
      { x: LEFT - 5, y: y(value) + 3.5, className: 'chart-end' },
      String(Number(value.toPrecision(3))),
    ),
  ]);
}

function step(categories: readonly string[]): number {
  return (WIDTH - LEFT - RIGHT) / categories.length;
}

function middleOf(categories: readonly string[], at: number): number {
  return LEFT + step(categories) * (at + 0.5);
}

function drawBars(
  values: readonly (readonly number[])[],
  categories: readonly string[],
  { y }: Scale,
): ReactNode[] {
  const width = (step(categories) * 0.7) / values.length;
  return values.flatMap((bars, series) =>
    bars.flatMap((value, at) => {
      const x = middleOf(categories, at) + (series - values.length / 2) * width;
      const top = Math.min(y(value), y(0));
      return [
        h('rect', { x, y: top, width, height: Math.abs(y(value) - y(0)), className: `series-${series}` }),
        values.length === 1 && categories.length <= 10
          ? h('text', { x: x + width / 2, y: top - 3, className: 'chart-middle' }, String(value))
          : null,
      ];
    }),
  );
}

function drawLines(
  values: readonly (readonly number[])[],
  categories: readonly string[],
  { y }: Scale,
): ReactNode[] {
  return values.map((line, series) =>
    h('polyline', {
      points: line.map((value, at) => `${middleOf(categories, at)},${y(value)}`).join(' '),
      className: `series-${series}`,
    }),
  );
}

/** As many labels as fit next to each other. */
function ticks(categories: readonly string[]): ReactNode[] {
  const every = Math.ceil(categories.length / MAX_TICKS);
  const most = Math.max(3, Math.floor((step(categories) * every) / CHARACTER_WIDTH));
  return categories.flatMap((category, at) => {
    if (at % every > 0) return [];
    const x = middleOf(categories, at);
    return [
      h(
        'text',
        { x, y: HEIGHT - BOTTOM + 12, className: 'chart-middle' },
        h('title', null, category),
        ...linesOf(category, most).map((line, row) => h('tspan', { x, dy: row * 11 }, line)),
      ),
    ];
  });
}

/** One line, or two split at a space. */
function linesOf(label: string, most: number): readonly string[] {
  const shorten = (text: string) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
  const space = label.lastIndexOf(' ', most);
  return label.length <= most || space <= 0
    ? [shorten(label)]
    : [shorten(label.slice(0, space)), shorten(label.slice(space + 1))];
}
