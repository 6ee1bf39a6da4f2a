import { insertedAt, type MappedText, startText, type TextBuilder } from '../mapped-text.ts';
import { offsetInFile, type ScriptsInFile, type Variable } from '../script.ts';
import { startInOtherLanguage } from '../unread-language.ts';
import type { MakeVariables } from './make-variables.ts';

type Problem = ScriptsInFile['problems'][number];

export interface MakeExpansion {
  /** What make gives to the shell. */
  readonly expand: (text: MappedText) => MappedText;
  /** Variables of the shell that stand for references which can't be resolved to one value. */
  readonly variables: ReadonlyMap<string, Variable>;
  /** The commands of `$(shell …)` in what was expanded. */
  readonly shells: readonly MappedText[];
  readonly problems: readonly Problem[];
}

const DEEPEST = 20;
/** How much expanding may produce for one file. */
const LONGEST_EXPANSIONS = 2_000_000;
/** Unknown values of more are left out: a shell variable with so many is unknown in any case. */
const LONGEST_VALUE = 20_000;

/** A value from elsewhere, a part of the text itself, or what the shell is given instead. */
type Expanded = MappedText | { readonly inPlace: MappedText } | string;

interface Scope {
  readonly depth: number;
  /** The arguments of `$(call …)`, or the variable of `$(foreach …)`. */
  readonly locals: ReadonlyMap<string, MappedText | undefined>;
}

/** Expands the variables of make. Each expansion has the offset of its reference, and knows where it is written. */
export function startMakeExpansion(known: MakeVariables): MakeExpansion {
  const variables = new Map<string, Variable>();
  const names = new Map<string, string>();
  const shells = new Map<number, MappedText>();
  const problems = new Map<number, Problem>();
  let length = 0;

  const unknown = (shown: string, values: Variable['values']): string => {
    const words = shown.match(/[A-Za-z\d]+/g) ?? ['auto'];
    const name = names.get(shown) ?? `__${words.slice(0, 3).join('_').slice(0, 40)}_${names.size + 1}`;
    names.set(shown, name);
    variables.set(name, { values, shown });
    return `\${${name}}`;
  };

  const expandText = (from: MappedText, scope: Scope): MappedText => {
    const { text } = from;
    if (!text.includes('$')) return from;
    const builder = startText();
    let at = 0;
    for (let dollar = text.indexOf('$'); dollar !== -1; dollar = text.indexOf('$', at)) {
      builder.addPart(from, at, dollar);
      at = addReference(from, dollar, builder, scope);
    }
    builder.addPart(from, at);
    return builder.finish();
  };

  /** Returns where the reference ends. */
  const addReference = (from: MappedText, dollar: number, builder: TextBuilder, scope: Scope): number => {
    const { text, pieces } = from;
    const next = text[dollar + 1];
    if (next === undefined) return dollar + 1;
    if (next === '$') {
      builder.addPart(from, dollar + 1, dollar + 2);
      return dollar + 2;
    }
    const end = next === '(' || next === '{' ? closing(text, dollar + 1) : dollar + 2;
    const shown = text.slice(dollar, end);
    const start = next === '(' || next === '{' ? dollar + 2 : dollar + 1;
    const stop = next === '(' || next === '{' ? end - 1 : end;
    const inner = text.slice(start, stop);
    const place = offsetInFile(pieces, dollar);
    const result = valueOf(inner, shown, scope, partOf(from, start, stop));
    if (typeof result === 'string') {
      builder.insert(result, place, shown.length);
      return end;
    }
    const expanded = 'inPlace' in result ? result.inPlace : result;
    length += expanded.text.length;
    if (length > LONGEST_EXPANSIONS) builder.insert(unknown(shown, [undefined]), place, shown.length);
    else builder.addPart('inPlace' in result ? result.inPlace : insertedAt(place, shown.length, result));
    return end;
  };

  const valueOf = (inner: string, shown: string, scope: Scope, written: MappedText): Expanded => {
    const deeper = { ...scope, depth: scope.depth + 1 };
    if (scope.depth > DEEPEST) return unknown(shown, [undefined]);
    if (scope.locals.has(inner)) {
      const local = scope.locals.get(inner);
      return local ?? unknown(shown, [undefined]);
    }
    if (/^[\w.%/@<^*?+|-]+$/.test(inner)) return variableValue(inner, shown, deeper);
    const [, name = '', space = ''] = /^([a-z]+)(\s+)/.exec(inner) ?? [];
    const args = partOf(written, name.length + space.length, inner.length);
    switch (name) {
      case 'shell':
        shells.set(offsetInFile(args.pieces, 0), expandText(args, deeper));
        break;
      case 'strip':
      case 'info':
        return { inPlace: expandText(args, deeper) };
      case 'call':
        return called(args, shown, deeper);
      case 'foreach':
        return repeated(args, deeper);
      default: {
        const start = startInOtherLanguage(inner);
        if (start === undefined) break;
        const at = offsetInFile(written.pieces, start);
        problems.set(at, {
          at,
          because: `The function ${name} of make, which is not evaluated, seems to start a container.`,
        });
      }
    }
    return unknown(shown, [undefined]);
  };

  const variableValue = (name: string, shown: string, scope: Scope): MappedText | string => {
    const values = known.get(name);
    const [only] = values ?? [];
    if (values?.length === 1 && only) return expandText(only, scope);
    if (!values || scope.depth > 3) return unknown(shown, [undefined]);
    return unknown(
      shown,
      values.map((value) => {
        const text = value && expandText(value, scope).text;
        return text !== undefined && text.length <= LONGEST_VALUE ? text : undefined;
      }),
    );
  };

  const called = (args: MappedText, shown: string, scope: Scope): MappedText | string => {
    const [name, ...rest] = argumentsOf(args);
    const values = known.get(name?.text.trim() ?? '');
    const [only] = values ?? [];
    if (values?.length !== 1 || !only) return unknown(shown, [undefined]);
    const locals = new Map(scope.locals);
    rest.forEach((argument, index) => locals.set(String(index + 1), expandText(argument, scope)));
    return expandText(only, { ...scope, locals });
  };

  const repeated = (args: MappedText, scope: Scope): Expanded => {
    const [name, list] = argumentsOf(args);
    const locals = new Map(scope.locals);
    locals.set(name?.text.trim() ?? '', undefined);
    // A comma in the text of the loop is a part of it.
    const start = Math.min(args.text.length, (name?.text.length ?? 0) + (list?.text.length ?? 0) + 2);
    return { inPlace: expandText(partOf(args, start, args.text.length), { ...scope, locals }) };
  };

  return {
    expand: (text) => expandText(text, { depth: 0, locals: new Map() }),
    variables,
    get shells() {
      return [...shells.values()];
    },
    get problems() {
      return [...problems.values()];
    },
  };
}

/** Behind the bracket that closes the one at `open`, or the end of the text. */
function closing(text: string, open: number): number {
  const opens = text[open];
  const closes = opens === '(' ? ')' : '}';
  let depth = 0;
  const stop = Math.min(text.length, open + LONGEST_VALUE);
  for (let at = open; at < stop; at++) {
    if (text[at] === opens) depth++;
    else if (text[at] === closes) {
      depth--;
      if (depth === 0) return at + 1;
    }
  }
  return stop;
}

/** The arguments of a function, at commas that aren't within brackets. */
function argumentsOf(args: MappedText): readonly MappedText[] {
  const found: MappedText[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < args.text.length; at++) {
    const char = args.text[at]!;
    if ('({'.includes(char)) depth++;
    else if (')}'.includes(char)) depth--;
    else if (char === ',' && depth === 0) {
      found.push(partOf(args, from, at));
      from = at + 1;
    }
  }
  found.push(partOf(args, from, args.text.length));
  return found;
}

function partOf(from: MappedText, start: number, end: number): MappedText {
  const builder = startText();
  builder.addPart(from, start, end);
  return builder.finish();
}
