import { cleanText } from './clean-text.ts';

/** A table as lines of aligned text, with an underlined header. Short rows are padded; columns beyond the header have no name. */
export function alignTable(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const count = widestRow(columns, rows);
  if (count === 0) return [];
  const cells = [columns, ...rows].map((row) =>
    Array.from({ length: count }, (_, at) =>
      row[at] === undefined || row[at] === '' ? '' : cleanText(row[at]),
    ),
  );
  const widths = Array.from({ length: count }, (_, at) =>
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

/** How many columns a table really has. */
export function widestRow(columns: readonly string[], rows: readonly (readonly string[])[]): number {
  return rows.reduce((count, row) => Math.max(count, row.length), columns.length);
}
