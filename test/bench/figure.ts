import { alignTable } from '../../src/text/align-table.ts';

/** One line of the table. */
export interface Figure {
  readonly name: string;
  readonly ours: number;
  readonly unit: string;
  /** The same work done by the bare library in the same run. */
  readonly bare?: number;
  /** Ours to bare. */
  readonly ratio?: number;
  /** The goal: `p99 < 150 ms`. */
  readonly goal?: string;
}

const COLUMNS = ['', 'Wrench', 'bare library', 'unit', 'ratio', 'goal'];

export function drawTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, ours, bare, unit, ratio, goal }) => [
    name,
    inDigits(ours),
    bare === undefined ? '' : inDigits(bare),
    unit,
    ratio === undefined ? '' : ratio.toFixed(2),
    goal ?? '',
  ]);
  return `${alignTable(COLUMNS, rows).join('\n')}\n`;
}

/** Three digits are enough. */
function inDigits(value: number): string {
  const digits = Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** The median of each figure over several runs, number by number. */
export function mediansOf(figures: readonly Figure[]): readonly Figure[] {
  return [...Map.groupBy(figures, ({ name }) => name).values()].flatMap((runs) => {
    const [first] = runs;
    const median = (read: (figure: Figure) => number | undefined) =>
      percentile(
        runs.flatMap((run) => read(run) ?? []),
        0.5,
      );
    if (first === undefined) return [];
    return [
      {
        ...first,
        ours: median(({ ours }) => ours),
        ...(first.bare !== undefined && { bare: median(({ bare }) => bare) }),
        ...(first.ratio !== undefined && { ratio: median(({ ratio }) => ratio) }),
      },
    ];
  });
}

/** The value that a share of all values do not exceed; 0.5 is the median. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
