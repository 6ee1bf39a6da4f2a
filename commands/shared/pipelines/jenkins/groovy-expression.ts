import type { GroovyString, GroovyToken, GroovyTokens } from './groovy-lexer.ts';
import type { GroovyNames } from './groovy-names.ts';
import { decodeGroovyText, stripIndent, stripMargin, trimText } from './groovy-text.ts';
import { type GroovyText, type GroovyVariable, type Hole, isHole } from './groovy-value.ts';

export interface EvaluatedFile extends GroovyTokens {
  readonly content: string;
  readonly names: GroovyNames;
}

/** Deeper nesting is unknown, so that evaluating takes linear time and the stack is deep enough. */
const MAX_DEPTH = 20;

/** The text that the expression in these tokens evaluates to; undefined if it isn't a text of known parts. */
export function evaluateText(
  file: EvaluatedFile,
  from: number,
  to: number,
  depth = 0,
): GroovyText | undefined {
  if (depth > MAX_DEPTH) return undefined;
  const range = trimRange(file.tokens, from, to);
  const split = splitExpression(file, range.from, range.to);
  if (split.choices) {
    const values = split.choices.map((choice) =>
      choice ? evaluateText(file, choice.from, choice.to, depth + 1) : undefined,
    );
    return [hole(file, range, { for: 'expression', values })];
  }
  if (!split.terms) return undefined;
  const terms = split.terms.map((term) => evaluateTerm(file, term.from, term.to, depth));
  // A sum is a text if one of its terms is.
  if (terms.length > 1) {
    return terms.flatMap((term, index) => term ?? [expressionHole(file, split.terms![index]!)]);
  }
  return terms[0];
}

interface Range {
  readonly from: number;
  readonly to: number;
}

function trimRange(tokens: readonly GroovyToken[], from: number, to: number): Range {
  let [start, end] = [from, to];
  while (start < end && isSign(tokens[start], '\n')) start += 1;
  while (start < end && isSign(tokens[end - 1], '\n')) end -= 1;
  return { from: start, to: end };
}

export function isSign(token: GroovyToken | undefined, text: string): boolean {
  return token?.kind === 'sign' && token.text === text;
}

export function isWord(
  token: GroovyToken | undefined,
  text?: string,
): token is GroovyToken & { kind: 'word' } {
  return token?.kind === 'word' && (text === undefined || token.text === text);
}

/** The index after a token and everything that belongs to it: a bracket with its content, a string with its expressions. */
export function afterToken({ tokens, closes }: GroovyTokens, index: number): number {
  const token = tokens[index];
  if (token?.kind === 'string') return Math.max(token.next, index + 1);
  const close = closes[index] ?? -1;
  return close < 0 ? index + 1 : Math.min(close + 1, tokens.length);
}

/** Splits `a + b`, and `condition ? a : b`. Neither if other operators are between them. */
function splitExpression(
  file: GroovyTokens,
  from: number,
  to: number,
): { readonly terms?: readonly Range[]; readonly choices?: readonly (Range | undefined)[] } {
  const { tokens } = file;
  const terms: Range[] = [];
  let start = from;
  let isOther = false;
  for (let index = from; index < to; index = afterToken(file, index)) {
    const token = tokens[index]!;
    if (token.kind !== 'sign') continue;
    if (token.text === '+') {
      terms.push({ from: start, to: index });
      start = index + 1;
    } else if (token.text === '?:') {
      return { choices: [isOther ? undefined : { from, to: index }, { from: index + 1, to }] };
    } else if (token.text === '?') {
      const colon = findColon(file, index + 1, to);
      if (colon === undefined) return {};
      return {
        choices: [
          { from: index + 1, to: colon },
          { from: colon + 1, to },
        ],
      };
    } else if (!/^(?:[([{.\n]|\?\.)$/.test(token.text)) isOther = true;
  }
  if (isOther) return {};
  return { terms: [...terms, { from: start, to }].map((term) => trimRange(tokens, term.from, term.to)) };
}

/** The `:` that belongs to a `?`. */
function findColon(file: GroovyTokens, from: number, to: number): number | undefined {
  let open = 0;
  for (let index = from; index < to; index = afterToken(file, index)) {
    if (isSign(file.tokens[index], '?')) open += 1;
    else if (isSign(file.tokens[index], ':')) {
      if (open === 0) return index;
      open -= 1;
    }
  }
  return undefined;
}

function evaluateTerm(file: EvaluatedFile, from: number, to: number, depth: number): GroovyText | undefined {
  const { tokens, names } = file;
  const first = tokens[from];
  if (!first || from >= to) return undefined;
  let next = afterToken(file, from);
  let value: GroovyText | undefined;
  if (first.kind === 'string') value = textOfString(file, first, depth);
  else if (isSign(first, '(')) value = evaluateText(file, from + 1, next - 1, depth + 1);
  else if (isSign(first, '[')) {
    const call = callAt(file, next, to);
    if (call?.method !== 'join') return undefined;
    value = joinList(file, { from: from + 1, to: next - 1 }, call.arguments, depth);
    next = call.next;
  } else if (first.kind !== 'word') return undefined;
  else if (/^\d+$/.test(first.text)) value = [{ text: first.text, file: first.at }];
  else if (!isName(first.text)) return undefined;
  else {
    const variable = environmentVariable(file, from, to);
    if (variable) {
      next = variable.next;
      value = [hole(file, { from, to: next }, { for: 'environment', environment: variable.symbol })];
    } else {
      const { groovy, environment } = names.look(first.text);
      value = [hole(file, { from, to: next }, { for: 'name', groovy, environment })];
    }
  }
  while (value && next < to) {
    const call = callAt(file, next, to);
    value = call && applyMethod(call.method, value);
    if (call) next = call.next;
  }
  if (value) return value;
  // Of a single variable, a property or the result of a method is still one value.
  return first.kind === 'word' && isPath(file, from, to) ? [expressionHole(file, { from, to })] : undefined;
}

const KEYWORDS = new Set(['new', 'true', 'false', 'null', 'this', 'super', 'return', 'throw']);

function isName(word: string): boolean {
  return /^[A-Za-z_]\w*$/.test(word) && !KEYWORDS.has(word);
}

/** `env.NAME`, `params.NAME`, `env['NAME']` */
function environmentVariable(
  { tokens, names }: EvaluatedFile,
  from: number,
  to: number,
): { readonly symbol: GroovyVariable; readonly next: number } | undefined {
  if (!isWord(tokens[from], 'env') && !isWord(tokens[from], 'params')) return undefined;
  const name = tokens[from + 2];
  if (!isSign(tokens[from + 1], '.') || !isWord(name) || from + 2 >= to || !isName(name.text))
    return undefined;
  return { symbol: names.lookEnvironment(name.text), next: from + 3 };
}

interface Call {
  readonly method: string;
  readonly arguments: Range;
  readonly next: number;
}

/** `.method(…)` */
function callAt(file: GroovyTokens, from: number, to: number): Call | undefined {
  const { tokens } = file;
  let index = from;
  while (index < to && isSign(tokens[index], '\n')) index += 1;
  const method = tokens[index + 1];
  if (!isSign(tokens[index], '.') && !isSign(tokens[index], '?.')) return undefined;
  if (!isWord(method) || !isSign(tokens[index + 2], '(') || index + 2 >= to) return undefined;
  const next = afterToken(file, index + 2);
  return { method: method.text, arguments: { from: index + 3, to: next - 1 }, next };
}

function applyMethod(method: string, value: GroovyText): GroovyText | undefined {
  switch (method) {
    case 'stripIndent':
      return stripIndent(value);
    case 'stripMargin':
      return stripMargin(value);
    case 'trim':
      return trimText(value);
    case 'toString':
      return value;
    default:
      return undefined;
  }
}

/** Only names, properties, indexes and calls. */
function isPath(file: GroovyTokens, from: number, to: number): boolean {
  for (let index = from; index < to; index = afterToken(file, index)) {
    const token = file.tokens[index]!;
    if (token.kind === 'sign' && !/^(?:[.([{\n]|\?\.)$/.test(token.text)) return false;
    if (token.kind === 'string') return false;
  }
  return true;
}

function joinList(file: EvaluatedFile, list: Range, separator: Range, depth: number): GroovyText | undefined {
  const between =
    separator.from === separator.to ? [] : evaluateText(file, separator.from, separator.to, depth + 1);
  if (!between) return undefined;
  const items = splitArguments(file, list.from, list.to).map(
    (item) => evaluateText(file, item.from, item.to, depth + 1) ?? [expressionHole(file, item)],
  );
  return items.flatMap((item, index) => (index === 0 ? item : [...between, ...item]));
}

/** The arguments of a call or the items of a list, without empty ones. */
export function splitArguments(file: GroovyTokens, from: number, to: number): readonly Range[] {
  const ranges: Range[] = [];
  let start = from;
  const end = Math.min(to, file.tokens.length);
  const add = (until: number) => {
    const range = trimRange(file.tokens, start, until);
    if (range.from < range.to) ranges.push(range);
  };
  for (let index = from; index < end; index = afterToken(file, index)) {
    if (!isSign(file.tokens[index], ',')) continue;
    add(index);
    start = index + 1;
  }
  add(end);
  return ranges;
}

function textOfString(file: EvaluatedFile, token: GroovyString, depth: number): GroovyText {
  const { content, names } = file;
  return token.parts.flatMap((part): GroovyText => {
    if (part.kind === 'text') return decodeGroovyText(content, token.quote, part.at, part.end);
    if (part.kind === 'expression') {
      const value = evaluateText(file, part.from, part.to, depth + 1);
      const [only, ...more] = value ?? [];
      // Text inside `${'…'}` is a text; anything else is one value in the place of the whole expression.
      if (only && more.length === 0 && isHole(only)) return [{ ...only, at: part.at, end: part.end }];
      if (value?.every((one) => !isHole(one))) return value;
      const { at, end } = part;
      const whole = expressionHole(file, part, value);
      return [{ ...whole, at, end }];
    }
    const path = content.slice(part.at + 1, part.end);
    const [root = '', second, ...rest] = path.split('.');
    const { at, end } = part;
    if ((root === 'env' || root === 'params') && second !== undefined && rest.length === 0) {
      return [{ at, end, stands: { for: 'environment', environment: names.lookEnvironment(second) } }];
    }
    const { groovy, environment } = names.look(root);
    if (second === undefined) return [{ at, end, stands: { for: 'name', groovy, environment } }];
    return [
      {
        at,
        end,
        stands: { for: 'expression', key: `${groovy.id}:${path}`, root: groovy, values: [undefined] },
      },
    ];
  });
}

function hole({ tokens }: EvaluatedFile, { from, to }: Range, stands: Hole['stands']): Hole {
  return { at: tokens[from]?.at ?? 0, end: tokens[to - 1]?.end ?? 0, stands };
}

/** Methods that give the same for the same text. */
const PURE_CALLS =
  /\.(?:toLowerCase|toUpperCase|trim|replace|replaceAll|replaceFirst|take|drop|substring|toString|split|tokenize|first|last|get|size|join)\(/g;

function expressionHole(file: EvaluatedFile, range: Range, value?: GroovyText): Hole {
  const trimmed = trimRange(file.tokens, range.from, range.to);
  const key = keyOf(file, trimmed);
  const first = file.tokens[trimmed.from];
  return hole(file, trimmed, {
    for: 'expression',
    ...(key !== undefined && { key }),
    ...(isWord(first) && isName(first.text) && { root: file.names.look(first.text).groovy }),
    values: [value],
  });
}

/** What an expression with the same value is called; undefined if it may have another value the next time. */
function keyOf({ tokens, content, names }: EvaluatedFile, { from, to }: Range): string | undefined {
  const [first, last] = [tokens[from], tokens[to - 1]];
  if (!first || !last || to <= from || last.end - first.at > 200) return undefined;
  const text = content.slice(first.at, last.end);
  if (text.replaceAll(PURE_CALLS, '').includes('(')) return undefined;
  if (/\+\+|--|=(?!=)/.test(text)) return undefined;
  return isWord(first) ? `${names.look(first.text).groovy.id}:${text}` : text;
}
