import type { CST } from 'yaml';
import { type MappedText, startText, type TextBuilder } from '../mapped-text.ts';

export type ScalarToken = CST.FlowScalar | CST.BlockScalar;

/**
 * The value of a scalar with the place of each part in the file. It is the value that the library `yaml` gives it; YAML 1.2.2, chapters 7.3 and 8.1
 * (https://yaml.org/spec/1.2.2/) define it.
 */
export function scalarPieces(token: ScalarToken): MappedText {
  const builder = startText();
  switch (token.type) {
    case 'block-scalar':
      addBlock(token, builder);
      break;
    case 'double-quoted-scalar':
      addDoubleQuoted(token, builder);
      break;
    case 'single-quoted-scalar':
      unfold(token.source.slice(1, -1), token.offset + 1, builder, addSingleQuoted);
      break;
    case 'scalar':
    case 'alias':
      unfold(token.source, token.offset, builder, (text, at) => builder.add(text, at));
  }
  return builder.finish();
}

/** A line break becomes a space, and an empty line a line break. Lines lose the white space around them. */
function unfold(
  source: string,
  offset: number,
  builder: TextBuilder,
  add: (text: string, at: number, builder: TextBuilder) => void,
): void {
  let from = 0;
  let separator = '';
  let separatorAt = 0;
  for (let lineEnd = source.indexOf('\n'); lineEnd !== -1; lineEnd = source.indexOf('\n', from)) {
    const end = source[lineEnd - 1] === '\r' && lineEnd > from ? lineEnd - 1 : lineEnd;
    const start = from === 0 ? 0 : skipBlanks(source, from, end);
    const stop = trimBlanks(source, start, end);
    if (from === 0) {
      add(source.slice(start, stop), offset + start, builder);
      separator = ' ';
    } else if (start < stop) {
      builder.add(separator, offset + separatorAt);
      add(source.slice(start, stop), offset + start, builder);
      separator = ' ';
    } else if (separator === '\n') builder.add('\n', offset + separatorAt);
    else separator = '\n';
    separatorAt = end;
    from = lineEnd + 1;
  }
  if (from === 0) return add(source, offset, builder);
  const start = skipBlanks(source, from, source.length);
  builder.add(separator, offset + separatorAt);
  add(source.slice(start), offset + start, builder);
}

function skipBlanks(source: string, from: number, end: number): number {
  let at = from;
  while (at < end && (source[at] === ' ' || source[at] === '\t')) at++;
  return at;
}

function trimBlanks(source: string, start: number, end: number): number {
  let at = end;
  while (at > start && (source[at - 1] === ' ' || source[at - 1] === '\t')) at--;
  return at;
}

function addSingleQuoted(text: string, at: number, builder: TextBuilder): void {
  let from = 0;
  for (let quote = text.indexOf("''"); quote !== -1; quote = text.indexOf("''", from)) {
    builder.add(text.slice(from, quote + 1), at + from);
    from = quote + 2;
  }
  builder.add(text.slice(from), at + from);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '0': '\0',
  a: '\u0007',
  b: '\b',
  e: '\u001B',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  N: '\u0085',
  _: '\u00A0',
  L: '\u2028',
  P: '\u2029',
  ' ': ' ',
  '"': '"',
  '/': '/',
  '\\': '\\',
  '\t': '\t',
};

const DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

function addDoubleQuoted({ source, offset }: ScalarToken, builder: TextBuilder): void {
  const end = source.length - 1;
  let at = 1;
  while (at < end) {
    const char = source[at]!;
    if (char === '\r' && source[at + 1] === '\n') at++;
    else if (char === '\n') at = addFold(source, at, offset, builder);
    else if (char === '\\') at = addEscape(source, at, offset, builder);
    else if (char === ' ' || char === '\t') {
      const stop = skipBlanks(source, at, source.length);
      if (source[stop] !== '\n' && !(source[stop] === '\r' && source[stop + 1] === '\n'))
        builder.add(source.slice(at, stop), offset + at);
      at = stop;
    } else {
      let stop = at + 1;
      while (stop < end && !' \t\r\n\\'.includes(source[stop]!)) stop++;
      builder.add(source.slice(at, stop), offset + at);
      at = stop;
    }
  }
}

/** One line break becomes a space; of several, all but the first stay. */
function addFold(source: string, from: number, offset: number, builder: TextBuilder): number {
  let at = from + 1;
  let breaks = 0;
  for (; ; at++) {
    const char = source[at];
    if (char === '\n') breaks++;
    else if (char === '\r' ? source[at + 1] !== '\n' : char !== ' ' && char !== '\t') break;
  }
  builder.add(breaks === 0 ? ' ' : '\n', offset + from);
  for (let more = 1; more < breaks; more++) builder.insert('\n', offset + from, 1);
  return at;
}

function addEscape(source: string, from: number, offset: number, builder: TextBuilder): number {
  const next = source[from + 1] ?? '';
  const escaped = ESCAPES[next];
  if (escaped !== undefined) {
    builder.insert(escaped, offset + from, 2);
    return from + 2;
  }
  if (next === '\n') return skipBlanks(source, from + 2, source.length);
  if (next === '\r' && source[from + 2] === '\n') return skipBlanks(source, from + 3, source.length);
  const digits = DIGITS[next];
  if (digits === undefined) {
    builder.add(source.slice(from, from + 2), offset + from);
    return from + 2;
  }
  const code = source.slice(from + 2, from + 2 + digits);
  const value = code.length === digits && /^[\da-f]+$/i.test(code) ? Number.parseInt(code, 16) : Infinity;
  if (value <= 0x10_ff_ff) builder.insert(String.fromCodePoint(value), offset + from, digits + 2);
  else builder.add(source.slice(from, from + 2 + digits), offset + from);
  return from + 2 + digits;
}

interface BlockLine {
  /** Offsets in the file: of the line, behind its leading spaces, and of its line break. */
  readonly start: number;
  readonly content: number;
  readonly end: number;
  readonly text: string;
}

function addBlock(token: CST.BlockScalar, builder: TextBuilder): void {
  const header = token.props[0] && 'source' in token.props[0] ? token.props[0].source : '|';
  const chomp = /[+-]/.exec(header)?.[0];
  const explicitIndent = Number(/[1-9]/.exec(header)?.[0] ?? 0);
  const from = token.props.reduce(
    (sum, prop) => sum + ('source' in prop ? prop.source.length : 0),
    token.offset,
  );
  const lines = token.source === '' ? [] : blockLines(token.source, from);
  const last = lines.findLastIndex(({ text }) => text !== '');
  if (last === -1) {
    if (chomp === '+' && lines.length > 0)
      builder.insert('\n'.repeat(Math.max(1, lines.length - 1)), from, 0);
    return;
  }
  const { first, indent } = indentation(lines, last, token.indent + explicitIndent, explicitIndent > 0);
  const afterContent =
    Math.max(
      last,
      lines.findLastIndex((line) => line.content - line.start > indent),
    ) + 1;
  for (const line of lines.slice(0, first)) addBlankLine(line, indent, builder);
  if (header.startsWith('>')) addFolded(lines.slice(first, afterContent), indent, builder);
  else addLiteral(lines.slice(first, afterContent), indent, builder);
  if (chomp === '-') return;
  const stop = chomp === '+' ? Math.max(lines.length, afterContent + 1) : afterContent + 1;
  for (let index = afterContent; index < stop; index++) {
    // A file may end without the line break that its last value has.
    if (index < lines.length) builder.add('\n', lines[index - 1]!.end);
    else builder.insert('\n', lines[index - 1]!.end, 0);
  }
}

function blockLines(source: string, offset: number): readonly BlockLine[] {
  const lines: BlockLine[] = [];
  let from = 0;
  for (;;) {
    const newline = source.indexOf('\n', from);
    const stop = newline === -1 ? source.length : newline;
    let content = from;
    while (content < stop && source[content] === ' ') content++;
    const end = stop > content && source[stop - 1] === '\r' ? stop - 1 : stop;
    const text = source.slice(content, end);
    lines.push({ start: offset + from, content: offset + content, end: offset + end, text });
    if (newline === -1) return lines;
    from = newline + 1;
  }
}

/** How many columns are cut off, and the first line with content. */
function indentation(
  lines: readonly BlockLine[],
  last: number,
  indent: number,
  isExplicit: boolean,
): { readonly first: number; readonly indent: number } {
  let widest = indent;
  for (let index = 0; index <= last; index++) {
    const line = lines[index]!;
    const width = line.content - line.start;
    if (line.text !== '') return { first: index, indent: isExplicit ? widest : width };
    if (!isExplicit && width > widest) widest = width;
  }
  return { first: last, indent: widest };
}

function addBlankLine({ start, content, end }: BlockLine, indent: number, builder: TextBuilder): void {
  builder.add(' '.repeat(Math.max(0, content - start - indent)), start + indent);
  builder.add('\n', end);
}

function addLine({ start, content, text }: BlockLine, indent: number, builder: TextBuilder): void {
  const spaces = Math.max(0, content - start - indent);
  builder.add(' '.repeat(spaces) + text, content - spaces);
}

function addLiteral(lines: readonly BlockLine[], indent: number, builder: TextBuilder): void {
  lines.forEach((line, index) => {
    if (index > 0) builder.add('\n', lines[index - 1]!.end);
    addLine(line, indent, builder);
  });
}

/** Lines of the same indentation are joined by a space; lines that are indented more keep their line breaks. */
function addFolded(lines: readonly BlockLine[], indent: number, builder: TextBuilder): void {
  let separator = '';
  let wasMoreIndented = false;
  lines.forEach((line, index) => {
    const at = lines[index - 1]?.end ?? line.start;
    if (line.content - line.start > indent || line.text.startsWith('\t')) {
      if (separator === ' ') separator = '\n';
      else if (!wasMoreIndented && separator === '\n') separator = '\n\n';
      builder.add(separator.slice(0, 1), at);
      builder.insert(separator.slice(1), at, 0);
      addLine(line, indent, builder);
      separator = '\n';
      wasMoreIndented = true;
    } else if (line.text === '') {
      if (separator === '\n') builder.add('\n', at);
      else separator = '\n';
    } else {
      builder.add(separator, at);
      addLine(line, indent, builder);
      separator = ' ';
      wasMoreIndented = false;
    }
  });
}
