import type { Pattern } from '../container-commands.ts';
import type { Piece, Variable } from '../script.ts';
import { type GroovyText, type GroovyVariable, type Hole, isHole } from './groovy-value.ts';
import { type TextValues, valuesOfHole } from './text-values.ts';

/** The text that the shell gets, with its variables. */
export interface ComposedScript {
  readonly text: string;
  readonly pieces: readonly Piece[];
  readonly variables: ReadonlyMap<string, Variable>;
}

/** Composes the scripts of one file. Each variable and expression of Groovy becomes the same variable of the shell in all of them. */
export interface ScriptComposer {
  readonly compose: (
    text: GroovyText,
    environment: ReadonlyMap<string, GroovyVariable>,
  ) => ComposedScript | undefined;
  readonly nameOf: (variable: GroovyVariable) => string;
  readonly pattern: (text: GroovyText) => Pattern;
  /** As the file writes it: `${env.IMAGE}`. */
  readonly shown: (hole: Hole) => string;
}

const MAX_DEPTH = 10;
const MAX_SHOWN_CHARS = 200;

export function scriptComposer(content: string, texts: TextValues): ScriptComposer {
  const nameFor = variableNames(content);
  // A value that many steps use must not make a small file large.
  let budget = content.length * 4 + 100_000;

  return { compose, nameOf: ({ id }) => nameFor(`${id}`), pattern, shown };

  function compose(
    whole: GroovyText,
    environment: ReadonlyMap<string, GroovyVariable>,
  ): ComposedScript | undefined {
    let text = '';
    const pieces: Piece[] = [];
    const variables = new Map<string, Variable>();
    if (!append(whole, 0)) return undefined;
    for (const [name, variable] of environment) {
      const values = texts.of({ at: 0, end: 0, stands: { for: 'environment', environment: variable } });
      if (!variables.has(name) && values.length > 0) variables.set(name, { values });
    }
    return { text, pieces, variables };

    function append(parts: GroovyText, depth: number): boolean {
      return parts.every((part) => {
        if (isHole(part)) return appendHole(part, depth);
        pieces.push({ text: text.length, file: part.file });
        text += part.text;
        if (depth > 0) budget -= part.text.length;
        return budget > 0;
      });
    }

    function appendHole(hole: Hole, depth: number): boolean {
      const known = texts.of(hole);
      const only = single(valuesOfHole(hole));
      // A command is reported where it is written, not where it is inserted.
      if (only && depth < MAX_DEPTH && texts.isCommand(only)) return append(only, depth + 1);
      const environment = nameOfEnvironment(hole);
      // Between single quotes, the shell would take the name of its variable as text.
      const ofShell = environment !== undefined && isInSingleQuotes(text) ? undefined : environment;
      const name = ofShell ?? nameFor(environment === undefined ? keyOfHole(hole) : `$${environment}`);
      appendPlaceholder(content.startsWith(`$${name}`, hole.at) ? `$${name}` : `\${${name}}`, hole);
      const values = known.length > 0 ? known : [undefined];
      // Those of the shell have no other name, because scripts without expressions use that one.
      if (ofShell === undefined) {
        const isShell = environment !== undefined;
        variables.set(name, { values, shown: isShell ? `$${environment}` : shown(hole) });
      } else if (known.length > 0) variables.set(name, { values });
      return true;
    }

    /** The last characters belong together too, so that the end of a word is the end of the expression. */
    function appendPlaceholder(placeholder: string, { at, end }: Hole): void {
      const last = Math.max(0, end - at - 1);
      for (let index = 0; index < placeholder.length; index += 1) {
        const file = at + (index === placeholder.length - 1 ? last : Math.min(index, last));
        const isNew = index === 0 || index > last || index === placeholder.length - 1;
        if (isNew) pieces.push({ text: text.length + index, file });
      }
      text += placeholder;
    }
  }

  function pattern(text: GroovyText): Pattern {
    const parts: Pattern['parts'][number][] = [];
    for (const part of text) {
      const value = isHole(part) ? single(texts.of(part)) : part.text;
      const last = parts.at(-1);
      if (isHole(part) && value === undefined) parts.push({ variable: shown(part) });
      else if (last && 'text' in last) parts[parts.length - 1] = { text: `${last.text}${value}` };
      else parts.push({ text: value ?? '' });
    }
    return { parts };
  }

  function shown({ at, end }: Hole): string {
    const written = content.slice(at, Math.min(end, at + MAX_SHOWN_CHARS));
    return written.startsWith('$') ? written : `\${${written}}`;
  }
}

/** Whether a quote is open in the last line of a script. */
function isInSingleQuotes(text: string): boolean {
  const line = text.slice(Math.max(text.lastIndexOf('\n') + 1, text.length - MAX_SHOWN_CHARS * 5));
  let open = '';
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at]!;
    if (char === '\\' && open !== "'") at += 1;
    else if (open === '' && (char === "'" || char === '"')) open = char;
    else if (char === open) open = '';
  }
  return open === "'";
}

function single<T>(values: readonly T[]): T | undefined {
  return values.length === 1 ? values[0] : undefined;
}

/** The name that the shell has for an environment variable. Undefined for what only Groovy has. */
function nameOfEnvironment({ stands }: Hole): string | undefined {
  if (stands.for === 'expression' || (stands.for === 'name' && stands.groovy.isSet)) return undefined;
  return stands.environment.name;
}

function keyOfHole({ stands }: Hole): string | undefined {
  if (stands.for === 'expression') return stands.key;
  return stands.for === 'name' ? `${stands.groovy.id}` : undefined;
}

/** Short names that the file doesn't use itself. The same key has the same name; without one, it is a new name. */
function variableNames(content: string): (key: string | undefined) => string {
  const prefix = unusedPrefix(content);
  const names = new Map<string, string>();
  let count = 0;
  return (key) => {
    const known = key === undefined ? undefined : names.get(key);
    if (known !== undefined) return known;
    const name = `${prefix}${(count += 1)}`;
    if (key !== undefined) names.set(key, name);
    return name;
  };
}

function unusedPrefix(content: string): string {
  const used = new Set(Array.from(content.matchAll(/\b(_+)\d/g), ([, underscores]) => underscores!.length));
  let length = 1;
  while (used.has(length)) length += 1;
  return '_'.repeat(length);
}
