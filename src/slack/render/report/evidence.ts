import type { TableBlock } from '@slack/types';
import { alignTable, widestRow } from '../../../text/align-table.ts';
import { cleanText } from '../../../text/clean-text.ts';
import type { Evidence } from '../../../check/finding.ts';
import { countInWords, seriesInWords } from '../../../check/report-in-words.ts';
import { cost, fit, fitLines } from '../inert.ts';
import { bold, bullets, costOf, glue, line, type Part, preformatted, say } from '../pieces.ts';

/** What evidence becomes: parts of a `rich_text` block, and at most one table, which Slack shows under all else. */
export interface Shown {
  readonly parts: readonly Part[];
  readonly table?: TableBlock;
  /** Something was left out or shortened; the attached CSV has it. */
  readonly isCut: boolean;
}

type Table = Extract<Evidence, { kind: 'table' }>;
type Line = Exclude<Evidence, { kind: 'table' | 'log' }>;

const TABLE_ROWS = 100;
const TABLE_COLUMNS = 20;
/** What fits a phone without scrolling sideways. */
const NARROW = 56;
const FEW_ROWS = 5;
const LOG_LINES = 25;
const LOG_ROOM = 2_500;
const CELL = 300;

/** Shows the evidence of one finding in about `room` characters, in its order but for the table, which comes last. */
export function renderEvidence(evidence: readonly Evidence[], room: number): Shown {
  const parts: Part[] = [];
  let table: TableBlock | undefined;
  let isCut = false;
  let left = room;
  for (const group of grouped(evidence)) {
    const isBlock = group.kind === 'table' && !table && !isSmall(group.table);
    const shown = isBlock ? tableBlock(group.table, left) : renderGroup(group, left);
    const spent = costOf([shown.parts, shown.table]);
    isCut ||= shown.isCut;
    if (spent > left) {
      isCut = true;
      continue;
    }
    left -= spent;
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

function renderGroup(group: Group, room: number): Shown {
  if (group.kind === 'lines') return quote(group.lines, room);
  return group.kind === 'log' ? log(group.lines, room) : smallTable(group.table, room);
}

function quote(lines: readonly Line[], room: number): Shown {
  const elements: Parameters<typeof line> = [];
  let spent = 0;
  for (const [at, one] of lines.entries()) {
    const value = one.kind === 'field' ? one.value : seriesInWords(one);
    const row = [...(at > 0 ? [glue('\n')] : []), bold(one.label, 100), glue('  '), say(value, 800)];
    spent += costOf(row);
    if (spent > room)
      return { parts: elements.length > 0 ? [{ type: 'rich_text_quote', elements }] : [], isCut: true };
    elements.push(...row);
  }
  const isCut = lines.some(
    (one) => cost(cleanText(one.label)) > 100 || (one.kind === 'field' && cost(cleanText(one.value)) > 800),
  );
  return { parts: [{ type: 'rich_text_quote', elements }], isCut };
}

function log(lines: readonly string[], room: number): Shown {
  const shown = fitLines(lines, LOG_LINES, Math.min(room, LOG_ROOM) - 50);
  if (shown.length === 0) return { parts: [], isCut: lines.length > 0 };
  const isCut = shown.length < lines.length;
  const title = isCut
    ? [line(say(`The last ${shown.length} of ${countInWords(lines.length, 'line')}:`))]
    : [];
  return { parts: [...title, preformatted(shown)], isCut };
}

function isSmall({ columns, rows }: Table): boolean {
  return rows.length <= FEW_ROWS || widestRow(columns, rows) === 0;
}

/** A few rows need no table block, of which a message may have only one. */
function smallTable(table: Table, room: number): Shown {
  const { columns, rows: all } = table;
  const rows = all.slice(0, FEW_ROWS * 2);
  const hasMore = rows.length < all.length;
  const more = hasMore ? [line(say(`and ${countInWords(all.length - rows.length, 'more row')}`))] : [];
  const aligned = alignTable(columns, rows);
  if (aligned.length === 0) return { parts: [], isCut: false };
  if (columns.length > 1 && aligned.every((one) => one.length <= NARROW))
    return { parts: [preformatted(aligned), ...more], isCut: hasMore };
  const items = rows.map((row) => line(say(row.length > 1 ? rowInWords(columns, row) : (row[0] ?? ''), 600)));
  const parts: Part[] = columns.length === 1 ? [line(bold(columns[0] ?? '', 100))] : [];
  if (items.length > 0) parts.push(bullets(items));
  const isCut = hasMore || rows.some((row) => cost(rowInWords(columns, row)) > 600);
  return costOf(parts) <= room ? { parts: [...parts, ...more], isCut } : { parts: [], isCut: true };
}

function rowInWords(columns: readonly string[], row: readonly string[]): string {
  return row
    .map((cell, at) => (columns[at] ? `${cleanText(columns[at])}: ${cleanText(cell)}` : cleanText(cell)))
    .join(' · ');
}

/** A real table, as many of its rows as Slack and the room allow. */
export function tableBlock({ columns, rows }: Omit<Table, 'kind'>, room: number): Shown {
  const count = Math.min(TABLE_COLUMNS, widestRow(columns, rows));
  let isCut = columns.length > count || rows.some((row) => row.length > count);
  const toCells = (row: readonly string[]) =>
    Array.from({ length: count }, (_, at) => {
      const seen = row[at] === undefined || row[at] === '' ? '–' : cleanText(row[at]);
      isCut ||= cost(seen) > CELL;
      return { type: 'raw_text' as const, text: fit(seen, CELL) };
    });
  const header = toCells(columns);
  const shown = [header];
  let spent = costOf(header) + 100;
  for (const row of rows.slice(0, TABLE_ROWS - 1)) {
    const cells = toCells(row);
    spent += costOf(cells);
    if (spent > room) break;
    shown.push(cells);
  }
  const isShort = shown.length - 1 < rows.length;
  if (shown.length === 1 || costOf(header) > room) return { parts: [], isCut: true };
  const settings = Array.from({ length: count }, () => ({ is_wrapped: true }));
  return {
    parts: isShort
      ? [
          line(
            say(`The first ${countInWords(shown.length - 1, 'row')} of ${countInWords(rows.length, 'row')}:`),
          ),
        ]
      : [],
    table: { type: 'table', rows: shown, column_settings: settings },
    isCut: isCut || isShort,
  };
}
