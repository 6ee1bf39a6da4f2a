import { alignTable, foldSame, rowInWords, visibleTable } from '../../../text/align-table.ts';
import { cleanLine, cleanText } from '../../../text/clean-text.ts';
import type { Evidence } from '../../../check/finding.ts';
import { countInWords, formatCount, seriesInWords } from '../../../check/report-in-words.ts';
import { encodedLength, lastLinesWithin } from '../escape-untrusted.ts';
import {
  bold,
  bullets,
  countBlockChars,
  line,
  plain,
  preformatted,
  type RichTextPart,
  text,
} from '../blocks.ts';
import { sentence } from '../sentence.ts';

/** Rendered evidence: parts of a `rich_text` block. */
export interface RenderedEvidence {
  readonly parts: readonly RichTextPart[];
  /** Something was left out or shortened. The attached CSV has it all. */
  readonly isCut: boolean;
}

type Table = Extract<Evidence, { kind: 'table' }>;
type Line = Exclude<Evidence, { kind: 'table' | 'log' }>;

/** Characters in a line of code on a phone that is 390 pixels wide. */
const PHONE_COLUMNS = 42;
const MAX_ALIGNED_COLUMNS = 3;
/** A table is shown in full if it has at most one row more. */
const MAX_ROWS = 6;
/** Names that fit several on a line are listed in one paragraph. */
const MAX_NAME_CHARS = 40;
const MAX_NAMES_CHARS = 300;
const MAX_LOG_LINES = 10;
const MAX_LOG_CHARS = 1_200;
const MAX_LABEL_CHARS = 100;
const MAX_VALUE_CHARS = 800;
const MAX_ROW_CHARS = 400;

/**
 * Renders the evidence of one finding in about `maxChars` characters, in its order, for the width of a phone: the first rows of each table,
 * aligned if they are narrow, otherwise one line for each row.
 */
export function renderEvidence(evidence: readonly Evidence[], maxChars: number): RenderedEvidence {
  const parts: RichTextPart[] = [];
  let isCut = false;
  let left = maxChars;
  for (const group of grouped(evidence)) {
    const shown = renderGroup(group, left);
    const usedChars = countBlockChars(shown.parts);
    isCut ||= shown.isCut || usedChars > left;
    if (usedChars > left) continue;
    left -= usedChars;
    parts.push(...shown.parts);
  }
  return { parts, isCut };
}

type Group =
  | { readonly kind: 'lines'; readonly lines: readonly Line[] }
  | { readonly kind: 'log'; readonly lines: readonly string[] }
  | { readonly kind: 'table'; readonly table: Table };

/** Fields and series that follow one another share one quote. A field without visible characters is left out. */
function grouped(evidence: readonly Evidence[]): readonly Group[] {
  const groups: (Group | { kind: 'lines'; lines: Line[] })[] = [];
  for (const one of evidence) {
    const last = groups.at(-1);
    if (one.kind === 'table') groups.push({ kind: 'table', table: one });
    else if (one.kind === 'log') groups.push({ kind: 'log', lines: one.lines });
    else if (one.kind === 'field' && cleanLine(one.value).trim() === '') continue;
    else if (last?.kind === 'lines') (last.lines as Line[]).push(one);
    else groups.push({ kind: 'lines', lines: [one] });
  }
  return groups;
}

function renderGroup(group: Group, maxChars: number): RenderedEvidence {
  if (group.kind === 'lines') return quoteBlock(group.lines, maxChars);
  return group.kind === 'log' ? logBlock(group.lines, maxChars) : renderTable(group.table);
}

function quoteBlock(lines: readonly Line[], maxChars: number): RenderedEvidence {
  const elements: Parameters<typeof line> = [];
  let usedChars = 0;
  for (const [at, one] of lines.entries()) {
    const value = one.kind === 'field' ? one.value : seriesInWords(one);
    const row = [...(at > 0 ? [plain('\n')] : []), ...labelled(one.label, value)];
    usedChars += countBlockChars(row);
    if (usedChars > maxChars)
      return { parts: elements.length > 0 ? [{ type: 'rich_text_quote', elements }] : [], isCut: true };
    elements.push(...row);
  }
  const isCut = lines.some(
    (one) =>
      encodedLength(cleanText(one.label)) > MAX_LABEL_CHARS ||
      (one.kind === 'field' && encodedLength(cleanText(one.value)) > MAX_VALUE_CHARS),
  );
  return { parts: [{ type: 'rich_text_quote', elements }], isCut };
}

/** Commands in a value are shown as code. */
function labelled(label: string, value: string): Parameters<typeof line> {
  return [bold(label, MAX_LABEL_CHARS), plain('  '), ...sentence(value, { max: MAX_VALUE_CHARS })];
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

function renderTable(table: Table): RenderedEvidence {
  const { same, columns, rows } = foldSame(visibleTable(table.columns, table.rows));
  if (columns.length === 0 || rows.length === 0) return { parts: [], isCut: false };
  const all = same === undefined ? [] : [line(...labelled('All', same))];
  const { parts, isCut } = columns.length === 1 ? nameList(columns, rows) : rowList(columns, rows);
  const isSameCut = encodedLength(same ?? '') > MAX_VALUE_CHARS;
  return { parts: [...all, ...parts], isCut: isCut || isSameCut };
}

/** One column: short names in one paragraph, long ones one per line. */
function nameList(columns: readonly string[], rows: readonly (readonly string[])[]): RenderedEvidence {
  const [column = ''] = columns;
  const names = rows.flatMap(([name = '']) => (name === '' ? [] : [name]));
  if (names.some((name) => name.length > MAX_NAME_CHARS)) return rowList(columns, rows);
  let usedChars = 0;
  const shown = names.filter((name) => (usedChars += name.length + 2) <= MAX_NAMES_CHARS);
  const left = names.length - shown.length;
  const words = `${shown.join(', ')}${left > 0 ? ` ${moreInFile(left)}` : ''}`;
  const label = column === '' ? [] : [bold(column, MAX_LABEL_CHARS), plain('  ')];
  return { parts: [line(...label, text(words))], isCut: left > 0 };
}

/** The first rows: aligned if they are narrow enough, otherwise each as a line that begins with its first cell. */
function rowList(columns: readonly string[], all: readonly (readonly string[])[]): RenderedEvidence {
  const rows = all.length > MAX_ROWS + 1 ? all.slice(0, MAX_ROWS) : all;
  const left = all.length - rows.length;
  const more = left > 0 ? [line(text(moreInFile(left)))] : [];
  const aligned = alignTable(columns, rows);
  const isNarrow = aligned.every((one) => one.length <= PHONE_COLUMNS);
  if (columns.length > 1 && columns.length <= MAX_ALIGNED_COLUMNS && rows.length > 1 && isNarrow)
    return { parts: [preformatted(aligned), ...more], isCut: left > 0 };
  const words = rows.map((row) => rowInWords(columns, row)).filter((row) => row !== '');
  const isCut = left > 0 || words.some((row) => encodedLength(row) > MAX_ROW_CHARS);
  if (words.length === 0) return { parts: [], isCut };
  // What the lines begin with. A single line says it itself.
  const [name = ''] = columns;
  const heading = rows.length > 1 && name !== '' ? [line(bold(name, MAX_LABEL_CHARS))] : [];
  const items = words.map((row) => line(...sentence(row, { max: MAX_ROW_CHARS })));
  return { parts: [...heading, bullets(items), ...more], isCut };
}

function moreInFile(left: number): string {
  return `and ${formatCount(left)} more in the attached CSV`;
}
