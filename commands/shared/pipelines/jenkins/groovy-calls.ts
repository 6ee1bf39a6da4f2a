import { afterToken, isSign, isWord, splitArguments } from './groovy-expression.ts';
import type { GroovyToken, GroovyTokens } from './groovy-lexer.ts';

/** The arguments of a step: `sh '…'`, `sh(script: '…')`, `sh([script: '…'])`. Indexes of tokens. */
export interface StepArguments {
  /** Those without a name. */
  readonly positional: readonly TokenRange[];
  readonly named: ReadonlyMap<string, TokenRange>;
  /** Of the last token. */
  readonly end: number;
}

export interface TokenRange {
  readonly from: number;
  readonly to: number;
}

/** Undefined if the word at this index isn't called. */
export function stepArguments(file: GroovyTokens, index: number): StepArguments | undefined {
  const { tokens } = file;
  const next = tokens[index + 1];
  if (isSign(next, '(')) {
    const end = afterToken(file, index + 1);
    const isClosed = isSign(tokens[end - 1], ')');
    return named(file, splitArguments(file, index + 2, isClosed ? end - 1 : end), tokens[end - 1]!.end);
  }
  const isList = isSign(next, '[') && next!.at > tokens[index]!.end;
  if (!next || !(isList || next.kind === 'string' || (isWord(next) && !OPERATORS.has(next.text)))) {
    return undefined;
  }
  const to = endOfExpression(file, index + 1, true);
  return named(file, splitArguments(file, index + 1, to), tokens[to - 1]!.end);
}

function named(file: GroovyTokens, ranges: readonly TokenRange[], end: number): StepArguments {
  const { tokens } = file;
  const byName = new Map<string, TokenRange>();
  const positional: TokenRange[] = [];
  for (const range of ranges) {
    const key = tokens[range.from];
    if (isWord(key) && isSign(tokens[range.from + 1], ':')) {
      byName.set(key.text, { from: range.from + 2, to: range.to });
    } else positional.push(range);
  }
  const [first] = positional;
  if (first && isSign(tokens[first.from], '[') && isSign(tokens[first.from + 2], ':')) {
    return named(file, splitMap(file, first), end);
  }
  return { positional, named: byName, end };
}

function splitMap(file: GroovyTokens, { from }: TokenRange): readonly TokenRange[] {
  return splitArguments(file, from + 1, afterToken(file, from) - 1).filter(
    // A map in a map is no arguments.
    (range) => isWord(file.tokens[range.from]),
  );
}

const OPERATORS = new Set(['in', 'as', 'instanceof', 'extends', 'implements']);

/** The index after an expression that begins at `from`; with commas, after all arguments of a call without parentheses. */
export function endOfExpression(file: GroovyTokens, from: number, hasCommas: boolean): number {
  const { tokens } = file;
  let isAfterValue = false;
  let index = from;
  while (index < tokens.length) {
    const token = tokens[index]!;
    if (token.kind !== 'sign') {
      const isOperator = token.kind === 'word' && OPERATORS.has(token.text);
      if (isAfterValue && !isOperator) return index;
      isAfterValue = !isOperator;
    } else if (token.text === '\n') {
      const following = skipLineEnds(tokens, index);
      const continues = isSign(tokens[following], '.') || isSign(tokens[following], '?.');
      if (index > from && isAfterValue && !continues) return index;
      index = following;
      continue;
    } else if (token.text === ',') {
      if (!hasCommas) return index;
      isAfterValue = false;
    } else if (ENDS.has(token.text)) return index;
    else if (token.text === '{' && isAfterValue && tokens[index - 1]?.kind === 'string') return index;
    else isAfterValue = BRACKETS.has(token.text);
    index = afterToken(file, index);
  }
  return tokens.length;
}

const ENDS = new Set([';', ')', ']', '}', '=', '+=', '-=', '<<=', '->']);
const BRACKETS = new Set(['(', '[', '{', '++', '--']);

export function skipLineEnds(tokens: readonly GroovyToken[], from: number): number {
  let index = from;
  while (isSign(tokens[index], '\n')) index += 1;
  return index;
}
