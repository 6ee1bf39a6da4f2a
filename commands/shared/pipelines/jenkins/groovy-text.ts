import type { Quote } from './groovy-lexer.ts';

/** Text that stands in the file as it is, from the offset `file` on. An escape is a run of its own, at its backslash. */
export interface Run {
  readonly text: string;
  readonly file: number;
}

/** Undoes the escapes of a part of a string. */
export function decodeGroovyText(content: string, quote: Quote, at: number, end: number): readonly Run[] {
  const runs: Run[] = [];
  let from = at;
  let index = at;
  while (index < end) {
    const escape = escapeAt(content, quote, index);
    if (!escape) {
      index += 1;
      continue;
    }
    if (from < index) runs.push({ text: content.slice(from, index), file: from });
    if (escape.text !== '') runs.push({ text: escape.text, file: index });
    index = Math.min(index + escape.length, end);
    from = index;
  }
  if (from < end) runs.push({ text: content.slice(from, end), file: from });
  return runs;
}

interface Escape {
  readonly text: string;
  /** In the file. */
  readonly length: number;
}

const CHARACTERS: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  s: ' ',
  '\\': '\\',
  "'": "'",
  '"': '"',
  $: '$',
};
const UNICODE = /\\u+([\dA-Fa-f]{4})/y;
const OCTAL = /\\([0-3]?[0-7]{1,2})/y;

/** Groovy reads every line end as `\n`: https://groovy-lang.org/syntax.html#all-strings */
function escapeAt(content: string, quote: Quote, at: number): Escape | undefined {
  const char = content[at];
  const next = content[at + 1];
  if (char === '\r') return { text: '\n', length: next === '\n' ? 2 : 1 };
  if (char === '$' && quote === '$/') {
    return next === '$' || next === '/' ? { text: next, length: 2 } : undefined;
  }
  if (char !== '\\') return undefined;
  UNICODE.lastIndex = at;
  const unicode = UNICODE.exec(content);
  if (unicode) {
    return { text: String.fromCharCode(Number.parseInt(unicode[1]!, 16)), length: unicode[0].length };
  }
  if (quote === '/') return next === '/' ? { text: '/', length: 2 } : undefined;
  if (quote === '$/') return undefined;
  if (next === '\n') return { text: '', length: 2 };
  if (next === '\r') return { text: '', length: content[at + 2] === '\n' ? 3 : 2 };
  OCTAL.lastIndex = at;
  const octal = OCTAL.exec(content);
  if (octal) {
    return { text: String.fromCharCode(Number.parseInt(octal[1]!, 8)), length: octal[0].length };
  }
  const text = CHARACTERS[next ?? ''];
  return text === undefined ? undefined : { text, length: 2 };
}

/** One line of runs and of parts that only the run knows, with its line end. */
type Line<Hole extends object> = readonly (Run | Hole)[];

function isRun(part: object): part is Run {
  return 'file' in part && 'text' in part;
}

/** `.stripIndent()`: removes the indentation that all lines have. */
export function stripIndent<Hole extends object>(parts: Line<Hole>): Line<Hole> {
  const lines = splitLines(parts);
  let indent = Infinity;
  for (const line of lines) {
    const blank = leadingBlank(line);
    if (!isBlank(line)) indent = Math.min(indent, blank);
  }
  return lines.flatMap((line) => cutStart(line, Math.min(indent, leadingBlank(line))));
}

/** `.stripMargin()`: removes what stands before the first `|` of each line, and the `|`. */
export function stripMargin<Hole extends object>(parts: Line<Hole>): Line<Hole> {
  return splitLines(parts).flatMap((line) => {
    const blank = leadingBlank(line);
    return charAt(line, blank) === '|' ? cutStart(line, blank + 1) : line;
  });
}

/** `.trim()` */
export function trimText<Hole extends object>(parts: Line<Hole>): Line<Hole> {
  const trimmed = [...parts];
  while (trimmed.length > 0) {
    const first = trimmed[0]!;
    if (!isRun(first)) break;
    const text = first.text.trimStart();
    trimmed[0] = { text, file: first.file + first.text.length - text.length };
    if (text !== '') break;
    trimmed.shift();
    // Removing the first of many would take quadratic time if all were blank.
    if (trimmed.length > 10_000) break;
  }
  while (trimmed.length > 0) {
    const last = trimmed.at(-1)!;
    if (!isRun(last)) break;
    const text = last.text.trimEnd();
    trimmed.pop();
    if (text === '') continue;
    trimmed.push({ text, file: last.file });
    break;
  }
  return trimmed;
}

function splitLines<Hole extends object>(parts: Line<Hole>): readonly Line<Hole>[] {
  const lines: (Run | Hole)[][] = [[]];
  for (const part of parts) {
    if (!isRun(part)) {
      lines.at(-1)!.push(part);
      continue;
    }
    let from = 0;
    while (from < part.text.length) {
      const newline = part.text.indexOf('\n', from);
      const end = newline < 0 ? part.text.length : newline + 1;
      lines.at(-1)!.push({ text: part.text.slice(from, end), file: part.file + from });
      if (newline >= 0) lines.push([]);
      from = end;
    }
  }
  return lines;
}

function leadingBlank(line: Line<object>): number {
  let blank = 0;
  for (const part of line) {
    if (!isRun(part)) return blank;
    const length = /^[ \t]*/.exec(part.text)![0].length;
    blank += length;
    if (length < part.text.length) return blank;
  }
  return blank;
}

function isBlank(line: Line<object>): boolean {
  return line.every((part) => isRun(part) && part.text.trim() === '');
}

function charAt(line: Line<object>, index: number): string | undefined {
  let left = index;
  for (const part of line) {
    if (!isRun(part)) return undefined;
    if (left < part.text.length) return part.text[left];
    left -= part.text.length;
  }
  return undefined;
}

function cutStart<Hole extends object>(line: Line<Hole>, length: number): Line<Hole> {
  const rest: (Run | Hole)[] = [];
  let left = length;
  for (const part of line) {
    if (!isRun(part) || left === 0) rest.push(part);
    else if (left >= part.text.length) left -= part.text.length;
    else {
      rest.push({ text: part.text.slice(left), file: part.file + left });
      left = 0;
    }
  }
  return rest;
}
