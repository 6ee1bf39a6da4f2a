import { cleanLine } from './clean-text.ts';

/** A table as it is shown: one line of visible text in each cell. */
export interface VisibleTable {
  readonly columns: readonly string[];
  /** All as long as `columns`. */
  readonly rows: readonly (readonly string[])[];
}

/** The cells in one line each, without the columns in which every cell is empty. Short rows are padded; columns beyond the header have no name. */
export function visibleTable(columns: readonly string[], rows: readonly (readonly string[])[]): VisibleTable {
  const count = rows.reduce((most, row) => Math.max(most, row.length), columns.length);
  const toCells = (row: readonly string[]) =>
    Array.from({ length: count }, (_, at) => cleanLine(row[at] ?? '').trim());
  const cells = rows.map(toCells);
  const filled = new Set(cells.flatMap((row) => row.flatMap((cell, at) => (cell === '' ? [] : [at]))));
  const pick = (row: readonly string[]) => row.filter((_, at) => filled.has(at));
  return rows.length === 0
    ? { columns: toCells(columns), rows: [] }
    : { columns: pick(toCells(columns)), rows: cells.map(pick) };
}

/** A table as lines of aligned text, with an underlined header. */
export function alignTable(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const visible = visibleTable(columns, rows);
  if (visible.columns.length === 0) return [];
  const cells = [visible.columns, ...visible.rows];
  const widths = visible.columns.map((_, at) =>
    cells.reduce((width, row) => Math.max(width, row[at]?.length ?? 0), 0),
  );
  const lines = cells.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const [header = '', ...body] = lines;
  return [header, widths.map((width) => '─'.repeat(width)).join('  '), ...body];
}

/** A row as a sentence, the first cell without its name: `etcd-z1-0 · Role: leader`. Empty cells are left out. */
export function rowInWords(columns: readonly string[], row: readonly string[]): string {
  return row
    .flatMap((cell, at) => (cell === '' ? [] : [columns[at] && at > 0 ? `${columns[at]}: ${cell}` : cell]))
    .join(' · ');
}

/** A table without the columns that say the same in every row, and what they say. */
export interface FoldedTable extends VisibleTable {
  /** `Deployment: cf · State: not monitored`; undefined if no column was left out. */
  readonly same?: string;
}

/** The columns of several rows with one value in all of them are left out, except the last column that is left. */
export function foldSame({ columns, rows }: VisibleTable): FoldedTable {
  const [first, ...others] = rows;
  if (!first || others.length === 0) return { columns, rows };
  const isSame = columns.map((_, at) => others.every((row) => row[at] === first[at]));
  const kept = isSame.flatMap((same, at) => (same ? [] : [at]));
  if (kept.length === columns.length) return { columns, rows };
  const shown = kept.length === 0 ? [0] : kept;
  const pick = (row: readonly string[]) => shown.map((at) => row[at] ?? '');
  const same = columns
    .flatMap((name, at) => (shown.includes(at) ? [] : [name ? `${name}: ${first[at]}` : first[at]]))
    .join(' · ');
  return { columns: pick(columns), rows: rows.map(pick), ...(same !== '' && { same }) };
}
