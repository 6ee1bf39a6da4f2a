import { wrap } from './wrap.ts';

export interface HelpPage {
  /** What the command does, in one sentence. */
  readonly about: string;
  readonly details?: string;
  readonly usage: readonly string[];
  /** Tables of names and what they mean, by title. */
  readonly lists?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What a check may offer, each in one sentence. */
  readonly fixes?: readonly string[];
  readonly examples?: readonly string[];
  /** Where to find out more. */
  readonly more?: string;
}

const MAX_COLUMNS = 100;
const INDENT = '  ';
/** A longer name has a line of its own. */
const MAX_NAME_COLUMNS = 28;

export function renderHelpPage(page: HelpPage, columns = MAX_COLUMNS): string {
  const { about, details, usage, lists = {}, fixes = [], examples = [], more } = page;
  const width = Math.min(columns, MAX_COLUMNS);
  const inner = width - INDENT.length;
  return [
    ...wrap(about, width),
    ...(details === undefined ? [] : ['', ...wrap(details, width)]),
    ...titled(
      'Usage',
      usage.flatMap((line) => wrapHanging(line, inner)),
    ),
    ...Object.entries(lists).flatMap(([title, rows]) => titled(title, alignRows(rows, inner))),
    ...titled(
      'Fixes',
      fixes.flatMap((line) => wrapHanging(line, inner)),
    ),
    ...titled(examples.length === 1 ? 'Example' : 'Examples', examples),
    ...(more === undefined ? [] : ['', ...wrap(more, width)]),
    '',
  ].join('\n');
}

function titled(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `${INDENT}${line}`)];
}

function wrapHanging(line: string, columns: number): readonly string[] {
  const hanging = INDENT.repeat(2);
  const [first = '', ...rest] = wrap(line, columns, hanging);
  return [first.slice(hanging.length), ...rest];
}

function alignRows(rows: Readonly<Record<string, string>>, columns: number): readonly string[] {
  const names = Object.keys(rows);
  const width = Math.min(MAX_NAME_COLUMNS, Math.max(...names.map(({ length }) => length)));
  const hanging = ' '.repeat(width + 2);
  return Object.entries(rows).flatMap(([name, about]) => {
    const [first = '', ...rest] = wrap(about, columns, hanging);
    return name.length > width
      ? [name, first, ...rest]
      : [`${name.padEnd(width)}  ${first.slice(hanging.length)}`, ...rest];
  });
}
