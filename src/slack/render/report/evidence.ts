import type { TableBlock } from '@slack/types';
import { alignTable, rowInWords, visibleTable } from '../../../text/align-table.ts';
import { cleanText } from '../../../text/clean-text.ts';
import type { Evidence } from '../../../check/finding.ts';
import { countInWords, seriesInWords } from '../../../check/report-in-words.ts';
import { encodedLength, truncate, lastLinesWithin } from '../escape-untrusted.ts';
import {
  bold,
  bullets,
  countBlockChars,
  plain,
  line,
  type RichTextPart,
  preformatted,
  text,
} from '../blocks.ts';

/** Rendered evidence: parts of a `rich_text` block, and at most one table, which Slack shows below everything else. */
export interface RenderedEvidence {
  readonly parts: readonly RichTextPart[];
  readonly table?: TableBlock;
  /** Something was left out or shortened. The attached CSV has it all. */
  readonly isCut: boolean;
}

type Table = Extract<Evidence, { kind: 'table' }>;
type Line = Exclude<Evidence, { kind: 'table' | 'log' }>;

const MAX_TABLE_ROWS = 100;
const MAX_TABLE_COLUMNS = 20;
/** What a phone shows without scrolling sideways. */
const PHONE_COLUMNS = 56;
const FEW_ROWS = 5;
const MAX_LOG_LINES = 25;
const MAX_LOG_CHARS = 2_500;
const MAX_CELL_CHARS = 300;

/** Renders the evidence of one finding in about `maxChars` characters, in its order except for the table, which comes last. */
export function renderEvidence(evidence: readonly Evidence[], maxChars: number): RenderedEvidence {
  const parts: RichTextPart[] = [];
  let table: TableBlock | undefined;
  let isCut = false;
  let left = maxChars;
  for (const group of grouped(evidence)) {
    const isBlock = group.kind === 'table' && !table && !isSmall(group.table);
    const shown = isBlock ? tableBlock(group.table, left) : renderGroup(group, left);
    const usedChars = countBlockChars([shown.parts, shown.table]);
    isCut ||= shown.isCut;
    if (usedChars > left) {
      isCut = true;
      continue;
    }
    left -= usedChars;
    parts.push(...shown.parts);
    table ??= shown.table;
  }
  return { parts, isCut, ...(table && { table }) };
}

type Group =
  | { readonly kind: 'lines'; readonly lines: readonly Line[] }
  | { readonly kind: 'log'; readonly lines: readonly string[] }
  | { readonly kind: 'table'; readonly table: Table };

/** Fields and series that follow one another share one quote. */
function grouped(evidence: readonly Evidence[]): readonly Group[] {
  const groups: (Group | { kind: 'lines'; lines: Line[] })[] = [];
  for (const one of evidence) {
    const last = groups.at(-1);
    if (one.kind === 'table') groups.push({ kind: 'table', table: one });
    else if (one.kind === 'log') groups.push({ kind: 'log', lines: one.lines });
    else if (last?.kind === 'lines') (last.lines as Line[]).push(one);
    else groups.push({ kind: 'lines', lines: [one] });
  }
  return groups;
}

function renderGroup(group: Group, maxChars: number): RenderedEvidence {
  if (group.kind === 'lines') return quoteBlock(group.lines, maxChars);
  return group.kind === 'log' ? logBlock(group.lines, maxChars) : smallTable(group.table, maxChars);
}

function quoteBlock(lines: readonly Line[], maxChars: number): RenderedEvidence {
  const elements: Parameters<typeof line> = [];
  let usedChars = 0;
  for (const [at, one] of lines.entries()) {
    const value = one.kind === 'field' ? one.value : seriesInWords(one);
    const row = [...(at > 0 ? [plain('\n')] : []), bold(one.label, 100), plain('  '), text(value, 800)];
    usedChars += countBlockChars(row);
    if (usedChars > maxChars)
      return { parts: elements.length > 0 ? [{ type: 'rich_text_quote', elements }] : [], isCut: true };
    elements.push(...row);
  }
  const isCut = lines.some(
    (one) =>
      encodedLength(cleanText(one.label)) > 100 ||
      (one.kind === 'field' && encodedLength(cleanText(one.value)) > 800),
  );
  return { parts: [{ type: 'rich_text_quote', elements }], isCut };
}

function logBlock(lines: readonly string[], maxChars: number): RenderedEvidence {
  const shown = lastLinesWithin(lines, MAX_LOG_LINES, Math.min(maxChars, MAX_LOG_CHARS) - 50);
  if (shown.length === 0) return { parts: [], isCut: lines.length > 0 };
  const isCut = shown.length < lines.length;
  const title = isCut
    ? [line(text(`The last ${shown.length} of ${countInWords(lines.length, 'line')}:`))]
    : [];
  return { parts: [...title, preformatted(shown)], isCut };
}

function isSmall({ columns, rows }: Table): boolean {
  return rows.length <= FEW_ROWS || visibleTable(columns, rows).columns.length === 0;
}

/** A few rows as text: a message may have only one table block. */
function smallTable(table: Table, maxChars: number): RenderedEvidence {
  const { columns, rows: all } = visibleTable(table.columns, table.rows);
  const rows = all.slice(0, FEW_ROWS * 2);
  const hasMore = rows.length < all.length;
  const more = hasMore ? [line(text(`and ${countInWords(all.length - rows.length, 'more row')}`))] : [];
  const aligned = alignTable(columns, rows);
  if (aligned.length === 0) return { parts: [], isCut: false };
  if (columns.length > 1 && aligned.every((one) => one.length <= PHONE_COLUMNS))
    return { parts: [preformatted(aligned), ...more], isCut: hasMore };
  const rowText = (row: readonly string[]) =>
    columns.length > 1 ? rowInWords(columns, row) : (row[0] ?? '');
  const items = rows.map((row) => line(text(rowText(row), 600)));
  const parts: RichTextPart[] = columns.length === 1 ? [line(bold(columns[0] ?? '', 100))] : [];
  if (items.length > 0) parts.push(bullets(items));
  const isCut = hasMore || rows.some((row) => encodedLength(rowText(row)) > 600);
  return countBlockChars(parts) <= maxChars
    ? { parts: [...parts, ...more], isCut }
    : { parts: [], isCut: true };
}

/** A table block with as many rows as fit. */
export function tableBlock(table: Omit<Table, 'kind'>, maxChars: number): RenderedEvidence {
  const { columns, rows } = visibleTable(table.columns, table.rows);
  const count = Math.min(MAX_TABLE_COLUMNS, columns.length);
  let isCut = columns.length > count;
  const toCells = (row: readonly string[]) =>
    Array.from({ length: count }, (_, at) => {
      // Slack rejects an empty text.
      const cell = row[at] || '–';
      isCut ||= encodedLength(cell) > MAX_CELL_CHARS;
      return { type: 'raw_text' as const, text: truncate(cell, MAX_CELL_CHARS) };
    });
  const header = toCells(columns);
  const shown = [header];
  let usedChars = countBlockChars(header) + 100;
  for (const row of rows.slice(0, MAX_TABLE_ROWS - 1)) {
    const cells = toCells(row);
    usedChars += countBlockChars(cells);
    if (usedChars > maxChars) break;
    shown.push(cells);
  }
  const isShort = shown.length - 1 < rows.length;
  if (shown.length === 1 || countBlockChars(header) > maxChars) return { parts: [], isCut: true };
  const settings = Array.from({ length: count }, () => ({ is_wrapped: true }));
  return {
    parts: isShort
      ? [
          line(
            text(
              `The first ${countInWords(shown.length - 1, 'row')} of ${countInWords(rows.length, 'row')}:`,
            ),
          ),
        ]
      : [],
    table: { type: 'table', rows: shown, column_settings: settings },
    isCut: isCut || isShort,
  };
}
