import { expect, test } from 'vitest';
import type { Chart } from '../../../check/finding.ts';
import type { ChartBlock } from '../chart-block.ts';
import { chartLines, renderCharts } from './charts.ts';

const HOUR_MS = 3_600_000;
const timesAt = (count: number, everyMs = HOUR_MS) =>
  Array.from({ length: count }, (_, at) => new Date(Date.UTC(2026, 10, 1) + at * everyMs).toISOString());
const bars = (values: readonly (number | null)[], unit = 'certificates'): Chart => ({
  kind: 'bars',
  title: 'Certificates by time left',
  unit,
  labels: values.map((_, at) => `label ${at}`),
  series: [{ name: 'certificates', values }],
});
const lines = (labels: readonly string[], ...all: (readonly (number | null)[])[]): Chart => ({
  kind: 'lines',
  title: 'Disk used',
  unit: '%',
  labels,
  series: all.map((values, at) => ({ name: `node-${at}`, values })),
});

function pictures(...charts: readonly Chart[]): readonly ChartBlock[] {
  return (renderCharts(charts)?.blocks ?? []).filter(
    (block): block is ChartBlock => block.type === 'data_visualization',
  );
}

function drawn(chart: Chart): ChartBlock['chart'] {
  const [picture] = pictures(chart);
  if (!picture) throw new Error('no picture');
  return picture.chart;
}

const shown = (...charts: readonly Chart[]) => JSON.stringify(renderCharts(charts));

test('no charts, no message', () => {
  expect(renderCharts([])).toBeUndefined();
});

test('the numbers are in the blocks and in the top-level text', () => {
  const chart = { ...bars([3, 1]), labels: ['expired', 'under 7 days'] };
  const message = renderCharts([chart]);

  expect(message?.text).toBe('Certificates by time left: expired: 3 certificates; under 7 days: 1');
  const [, numbers] = message?.blocks ?? [];
  expect(JSON.stringify(numbers)).toMatch(/expired.*3 certificates.*under 7 days.*"1"/);
  expect(drawn(chart).series[0]?.data).toEqual([
    { label: 'expired', value: 3 },
    { label: 'under 7 days', value: 1 },
  ]);
});

test('draws two of three charts, and shows the numbers of the third', () => {
  const third = { ...bars([7]), title: 'The third', labels: ['only'] };

  expect(pictures(bars([1]), bars([2]), third)).toHaveLength(2);
  expect(shown(bars([1]), bars([2]), third)).toContain('The third');
  expect(renderCharts([bars([1]), bars([2]), third])?.text).toContain('The third: only: 7 certificates');
});

test('200 charts fit into one message', () => {
  const message = renderCharts(Array.from({ length: 200 }, () => ({ ...bars([1]), title: 'a' })));

  expect(message?.blocks.length).toBeLessThanOrEqual(50);
  expect(message?.text).toMatch(/and \d+ more$/);
});

test('bars that are all zero are not drawn, but their numbers are shown', () => {
  expect(pictures(bars([0, 0]))).toEqual([]);
  expect(shown(bars([0, 0]))).toContain('0 certificates');
});

test('a chart that is not drawn does not count towards the limit', () => {
  expect(pictures(bars([0]), bars([1]), bars([2]))).toHaveLength(2);
});

test('adds up the last bars if there are too many', () => {
  const { series, axis_config } = drawn(bars(Array.from({ length: 25 }, () => 2)));

  expect(axis_config.categories).toHaveLength(20);
  expect(series[0]?.data.at(-1)).toEqual({ label: '6 others', value: 12 });
});

test('does not add up percentages', () => {
  const chart = bars(
    Array.from({ length: 25 }, () => 90),
    '%',
  );

  expect(drawn(chart).series[0]?.data.at(-1)).toEqual({ label: 'label 18', value: 90 });
  expect(shown(chart)).toContain('The chart shows the first 19 of 25.');
});

test('a bar without a value is not drawn as zero', () => {
  expect(drawn(bars([1, null, 3])).axis_config.categories).toEqual(['label 0', 'label 2']);
  expect(shown(bars([1, null, 3]))).toContain('no value');
});

test('a long line keeps its first and last value and the peak of each series', () => {
  const flat = Array.from({ length: 400 }, (_, at) => at / 400);
  const chart = lines(timesAt(400), flat.with(123, 99), flat.map((value) => value / 10).with(124, 0.5));
  const [first, second] = drawn(chart).series.map(({ data }) => data.map(({ value }) => value));

  expect(first).toHaveLength(20);
  expect(first?.[0]).toBe(0);
  expect(first?.at(-1)).toBe(0.9975);
  expect(first).toContain(99);
  expect(second).toContain(0.5);
});

test('labels a line that covers days by day, a shorter one by time', () => {
  expect(drawn(lines(timesAt(3, 24 * HOUR_MS), [1, 2, 3])).axis_config.categories).toEqual([
    '1 Nov',
    '2 Nov',
    '3 Nov',
  ]);
  expect(drawn(lines(timesAt(2), [1, 2])).axis_config).toMatchObject({
    categories: ['1 Nov 00:00', '1 Nov 01:00'],
    x_label: 'UTC',
    y_label: '%',
  });
});

test('a note says that a missing value is drawn as the previous one; the numbers leave it out', () => {
  const chart = lines(timesAt(4), [null, 50, null, 70], [1, 2, 3, 4]);

  expect(drawn(chart).series[0]?.data.map(({ value }) => value)).toEqual([50, 50, 50, 70]);
  expect(shown(chart)).toContain('Missing values are drawn as the previous one: node-0.');
  expect(renderCharts([chart])?.text).toContain(
    'node-0: first 50%, last 70%, min 50%, max 70%, no value at 2 of 4 times',
  );
});

test('a series without values is not drawn', () => {
  const chart = lines(timesAt(2), [null, null], [1, 2]);

  expect(drawn(chart).series.map(({ name }) => name)).toEqual(['node-1']);
  expect(shown(chart)).toContain('no values');
});

test('a single point is not drawn as a line', () => {
  expect(pictures(lines(timesAt(1), [1]))).toEqual([]);
});

test('draws the first six lines, and shows the numbers of all', () => {
  const chart = lines(timesAt(2), ...Array.from({ length: 8 }, (_, at) => [at, at]));

  expect(drawn(chart).series).toHaveLength(6);
  expect(shown(chart)).toContain('The chart shows the first 6 of 8.');
  expect(renderCharts([chart])?.text).toContain('node-7');
});

test('long names keep their ends and stay unique', () => {
  const chart: Chart = {
    ...lines(timesAt(2)),
    series: [
      'gke-builders-pool-1-8f2a9c11-x2kd',
      'gke-builders-pool-1-8f2a9c11-9qzt',
      'gke-builders-pool-2-8f2a9c11-9qzt',
    ].map((name) => ({ name, values: [1, 2] })),
  };

  expect(drawn(chart).series.map(({ name }) => name)).toEqual([
    'gke-builde…9c11-x2kd',
    'gke-builde…9c11-9qzt',
    'gke-buil…11-9qzt (2)',
  ]);
});

test('text in a chart has no markup', () => {
  const [line = ''] = chartLines([{ ...bars([1]), title: '<!channel> *b* https://evil.example' }]);

  expect(line).not.toMatch(/<!|\*b\*|https:\/\//);
});
