import { skipLineEnds, type TokenRange } from './groovy-calls.ts';
import { afterToken, type EvaluatedFile, isSign, isWord, splitArguments } from './groovy-expression.ts';
import type { GroovyTokens } from './groovy-lexer.ts';

/** Words before a name that is used, not declared. */
export const STATEMENTS = new Set([
  'return',
  'else',
  'in',
  'case',
  'assert',
  'throw',
  'new',
  'do',
  'as',
  'instanceof',
]);

/** What stands before the brackets of a block: `stage('test') {`, `post {`, `def check(image) {`. */
interface BlockHeader {
  readonly name: string;
  readonly arguments?: TokenRange;
  readonly isMethod: boolean;
}

export interface BlockHeaders {
  /** Of the block that the bracket at this index opens. */
  readonly of: (index: number) => BlockHeader;
  readonly methodNames: ReadonlySet<string>;
  /** Whether the name at this index has a type or `def` before it. */
  readonly isDeclared: (index: number) => boolean;
  /** The condition that a single statement at this index has, without brackets: `if (x) sh '…'`. */
  readonly conditionBefore: (index: number) => BlockHeader | undefined;
}

export function blockHeaders(file: GroovyTokens): BlockHeaders {
  const { tokens } = file;
  const opens = openingBrackets(file.closes);
  const methodNames = findMethods();
  return { of: headerOf, methodNames, isDeclared, conditionBefore };

  function headerOf(index: number): BlockHeader {
    const before = previous(index);
    const last = tokens[before];
    if (isSign(tokens[index], '{') && isWord(last)) return { name: last.text, isMethod: false };
    const set = tokens[before - 1];
    if (isSign(last, '=') && isWord(set)) {
      const { text } = set;
      return { name: text, isMethod: methodNames.has(text) };
    }
    return callBefore(before);
  }

  function conditionBefore(index: number): BlockHeader | undefined {
    const before = previous(index);
    if (isWord(tokens[before], 'else')) return { name: 'else', isMethod: false };
    const header = callBefore(before);
    return /^(?:if|while|for)$/.test(header.name) ? header : undefined;
  }

  /** The call that ends at this index. */
  function callBefore(before: number): BlockHeader {
    const last = tokens[before];
    const opening = isSign(last, ')') ? opens[before]! : -1;
    const name = tokens[opening - 1];
    if (opening < 0 || !isWord(name)) return { name: '', isMethod: false };
    return {
      name: name.text,
      arguments: { from: opening + 1, to: before },
      isMethod: isDeclared(opening - 1) && methodNames.has(name.text),
    };
  }

  /** The token before, without line ends. Only so many, so that it takes constant time. */
  function previous(index: number): number {
    let before = index - 1;
    while (before > index - 10 && isSign(tokens[before], '\n')) before -= 1;
    return before;
  }

  function isDeclared(index: number): boolean {
    const before = tokens[index - 1];
    return (isWord(before) && !STATEMENTS.has(before.text)) || isSign(before, '>');
  }

  function findMethods(): ReadonlySet<string> {
    const found = new Set<string>();
    for (const [index, token] of tokens.entries()) {
      if (token.kind !== 'word' || !isDeclared(index)) continue;
      if (isSign(tokens[index + 1], '=') && isSign(tokens[index + 2], '{')) found.add(token.text);
      if (!isSign(tokens[index + 1], '(')) continue;
      const body = tokens[skipLineEnds(tokens, afterToken(file, index + 1))];
      if (isSign(body, '{')) found.add(token.text);
    }
    return found;
  }
}

/** The name of a stage in the arguments of `stage`. */
export function stageName(file: EvaluatedFile, { from, to }: TokenRange): string | undefined {
  const { tokens, content } = file;
  const [range] = splitArguments(file, from, to).filter((one) => tokens[one.from]?.kind === 'string');
  const name = range && tokens[range.from];
  if (name?.kind !== 'string') return undefined;
  const text = content.slice(name.at + name.quote.length, name.end - name.quote.length);
  return text.length > MAX_STAGE_CHARS ? `${text.slice(0, MAX_STAGE_CHARS - 1)}…` : text;
}

const MAX_STAGE_CHARS = 100;

function openingBrackets(closes: Int32Array): Int32Array {
  const opens = new Int32Array(closes.length).fill(-1);
  for (const [index, close] of closes.entries()) {
    if (close >= 0 && close < closes.length) opens[close] = index;
  }
  return opens;
}
