import { type MappedText, startText } from '../mapped-text.ts';
import { assign, closeBranch, type Conditional, type MakeVariables, openBranch } from './make-variables.ts';

export interface MakeRule {
  /** As written: `build/%.o lint`. */
  readonly targets: string;
  readonly recipe: readonly RecipeLine[];
}

export interface RecipeLine {
  /** Without the tab, with the lines that a backslash continues it on. */
  readonly text: MappedText;
  /** The comment on the line before, if that keeps the container of this one. */
  readonly keeps?: MappedText;
}

export interface Makefile {
  readonly rules: readonly MakeRule[];
  readonly variables: MakeVariables;
  /** Values that make evaluates when it reads them, and commands of `!=`. */
  readonly commands: readonly MappedText[];
  readonly exported: ReadonlySet<string>;
  readonly isOneShell: boolean;
  /** With `.POSIX:`, shells exit at the first command that fails. */
  readonly isPosix: boolean;
}

interface Reading {
  readonly rules: { readonly targets: string; readonly recipe: RecipeLine[] }[];
  readonly variables: MakeVariables;
  readonly commands: MappedText[];
  readonly exported: Set<string>;
  readonly conditionals: Conditional[];
  isExportingAll: boolean;
  prefix: string;
}

/** Splits a Makefile into rules and variables: https://www.gnu.org/software/make/manual/html_node/Makefile-Contents.html */
export function readMakefile(content: string): Makefile {
  const reading: Reading = {
    rules: [],
    variables: new Map(),
    commands: [],
    exported: new Set(),
    conditionals: [],
    isExportingAll: false,
    prefix: '\t',
  };
  const lines = numberedLines(content);
  let index = 0;
  while (index < lines.length) {
    const line = lines[index]!;
    const rule = reading.rules.at(-1);
    if (rule && line.text.startsWith(reading.prefix)) {
      const end = lastContinued(lines, index);
      const keeps = keepComment(lines[index - 1]);
      const text = recipeLine(lines.slice(index, end + 1), reading.prefix);
      rule.recipe.push({ text, ...(keeps && { keeps }) });
      index = end + 1;
      continue;
    }
    const defined = DEFINE.exec(line.text);
    if (defined) {
      index = readDefine(lines, index, defined[1] ?? '', reading);
      continue;
    }
    const end = lastContinued(lines, index);
    readLine(logicalLine(lines.slice(index, end + 1)), reading);
    index = end + 1;
  }
  const targets = new Set(reading.rules.flatMap(({ targets }) => targets.split(/\s+/)));
  const { rules, variables, commands, exported, isExportingAll } = reading;
  const isAll = isExportingAll || targets.has('.EXPORT_ALL_VARIABLES');
  return {
    rules: rules.filter(({ recipe }) => recipe.length > 0),
    variables,
    commands,
    exported: isAll ? new Set(variables.keys()) : exported,
    isOneShell: targets.has('.ONESHELL'),
    isPosix: targets.has('.POSIX'),
  };
}

interface Line {
  readonly at: number;
  /** Without its line break. */
  readonly text: string;
}

function numberedLines(content: string): readonly Line[] {
  let at = 0;
  return content.split('\n').map((raw) => {
    const line = { at, text: raw.endsWith('\r') ? raw.slice(0, -1) : raw };
    at += raw.length + 1;
    return line;
  });
}

/** A comment on the line before, which is no part of the script of this line. */
function keepComment(line: Line | undefined): MappedText | undefined {
  const comment = line && /^\s*@?#[ \t]*([\w-]{1,40}:[ \t]*keep-container)\b/.exec(line.text);
  return comment
    ? { text: `# ${comment[1]}`, pieces: [{ text: 0, file: line.at, inserted: { length: 0 } }] }
    : undefined;
}

function isContinued(text: string): boolean {
  let backslashes = 0;
  while (text[text.length - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1;
}

function lastContinued(lines: readonly Line[], from: number): number {
  let end = from;
  while (end < lines.length - 1 && isContinued(lines[end]!.text)) end++;
  return end;
}

/** The shell gets the backslash and the line break, but not the tab of the next line. */
function recipeLine(lines: readonly Line[], prefix: string): MappedText {
  const builder = startText();
  lines.forEach(({ at, text }, index) => {
    const start = text.startsWith(prefix) ? prefix.length : 0;
    builder.add(text.slice(start), at + start);
    if (index < lines.length - 1) builder.add('\n', at + text.length);
  });
  return builder.finish();
}

/** A backslash at the end of a line and the space around it become one space. */
function logicalLine(lines: readonly Line[]): MappedText {
  const builder = startText();
  lines.forEach(({ at, text }, index) => {
    const isLast = index === lines.length - 1;
    const start = index === 0 ? 0 : text.length - text.trimStart().length;
    const stop = isLast ? text.length : Math.max(start, text.slice(0, -1).trimEnd().length);
    builder.add(text.slice(start, stop), at + start);
    if (!isLast) builder.add(' ', at + stop);
  });
  return builder.finish();
}

const DEFINE = /^\s*(?:(?:export|override|private)\s+)*define\s+([^\s:=?+]+)/;

function readDefine(lines: readonly Line[], from: number, name: string, reading: Reading): number {
  const builder = startText();
  let depth = 1;
  let index = from + 1;
  for (; index < lines.length; index++) {
    const { at, text } = lines[index]!;
    if (DEFINE.test(text)) depth++;
    else if (/^\s*endef\b/.test(text)) depth--;
    if (depth === 0) break;
    if (index > from + 1) builder.add('\n', Math.max(0, at - 1));
    builder.add(text, at);
  }
  assign(reading.variables, reading.conditionals, { name, operator: '=', value: builder.finish() });
  if (/^\s*export\b/.test(lines[from]!.text)) reading.exported.add(name);
  return index + 1;
}

const NAME = String.raw`[\w.%/@-]+`;
const ASSIGNMENT = new RegExp(
  String.raw`^\s*((?:(?:export|override|private)\s+)*)(${NAME})\s*(=|\?=|:{1,3}=|\+=|!=)\s*`,
);

function readLine(line: MappedText, reading: Reading): void {
  const text = withoutComment(line.text);
  if (text.trim() === '') return;
  if (isDirective(text, reading)) return;
  const assigned = ASSIGNMENT.exec(text);
  if (assigned) return readAssignment(line, 0, text.length, assigned, reading, false);
  const exported = /^\s*export\b(.*)$/.exec(text);
  if (exported) {
    const names = (exported[1] ?? '').split(/\s+/).filter((name) => name !== '');
    if (names.length === 0) reading.isExportingAll = true;
    for (const name of names) reading.exported.add(name);
    return;
  }
  if (/^\s*(?:unexport|-?include|sinclude|vpath|load|undefine)\b/.test(text)) return;
  reading.commands.push(partOf(line, 0, text.length));
  const colon = outsideReferences(text, ':');
  if (colon !== -1) readRule(line, text, colon, reading);
}

function readRule(line: MappedText, text: string, colon: number, reading: Reading): void {
  const targets = text.slice(0, colon).trim();
  const after = text[colon + 1] === ':' ? colon + 2 : colon + 1;
  const assigned = ASSIGNMENT.exec(text.slice(after));
  if (assigned) return readAssignment(line, after, text.length, assigned, reading, true);
  const semicolon = outsideReferences(line.text, ';', after);
  const recipe = semicolon === -1 ? [] : [{ text: partOf(line, semicolon + 1, line.text.length) }];
  reading.rules.push({ targets, recipe });
}

function readAssignment(
  line: MappedText,
  from: number,
  end: number,
  [whole, modifiers = '', name = '', operator = '']: RegExpExecArray,
  reading: Reading,
  isOfTarget: boolean,
): void {
  const value = partOf(line, Math.min(end, from + whole.length), end);
  if (name === '.RECIPEPREFIX') {
    reading.prefix = value.text[0] ?? '\t';
    return;
  }
  if (modifiers.includes('export')) reading.exported.add(name);
  if (operator !== '=' && operator !== '?=' && operator !== '+=') reading.commands.push(value);
  assign(reading.variables, reading.conditionals, { name, operator, value, isOfTarget });
}

/** Both branches are read: a variable may have the value of either. */
function isDirective(text: string, { conditionals, variables }: Reading): boolean {
  const word = /^\s*(ifeq|ifneq|ifdef|ifndef|else|endif)\b(.*)$/.exec(text);
  if (!word) return false;
  switch (word[1]) {
    case 'else':
      openBranch(conditionals, { isLast: (word[2] ?? '').trim() === '' });
      break;
    case 'endif':
      closeBranch(conditionals, variables);
      break;
    default:
      conditionals.push({ branches: [new Set()], isComplete: false });
  }
  return true;
}

function partOf(from: MappedText, start: number, end: number): MappedText {
  const builder = startText();
  builder.addPart(from, start, end);
  return builder.finish();
}

function withoutComment(text: string): string {
  for (let at = text.indexOf('#'); at !== -1; at = text.indexOf('#', at + 1))
    if (text[at - 1] !== '\\') return text.slice(0, at);
  return text;
}

/** The offset of a character that isn't part of `$(…)` or `${…}`. */
function outsideReferences(text: string, char: string, from = 0): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const here = text[at];
    if (here === '$' && (text[at + 1] === '(' || text[at + 1] === '{')) {
      depth++;
      at++;
    } else if (depth > 0 && (here === ')' || here === '}')) depth--;
    else if (depth === 0 && here === char) return at;
  }
  return -1;
}
