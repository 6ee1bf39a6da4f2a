/** The tokens of a Groovy file, as Jenkins reads it. Those inside `${…}` follow the token of their string. */
export interface GroovyTokens {
  readonly tokens: readonly GroovyToken[];
  /** Of an opening bracket: the index of the token that closes it. The number of tokens if nothing does; -1 for other tokens. */
  readonly closes: Int32Array;
  readonly comments: readonly GroovyComment[];
  /** Where the file is no valid Groovy. What follows may be misread. */
  readonly invalid?: { readonly at: number; readonly because: string };
}

export type GroovyToken = Word | Sign | GroovyString;

interface Word {
  readonly kind: 'word';
  readonly text: string;
  readonly at: number;
  readonly end: number;
}

interface Sign {
  readonly kind: 'sign';
  /** `${` opens an expression in a string, `\n` ends a line. */
  readonly text: string;
  readonly at: number;
  readonly end: number;
}

export interface GroovyString {
  readonly kind: 'string';
  readonly quote: Quote;
  readonly at: number;
  readonly end: number;
  readonly parts: readonly StringPart[];
  /** The index of the token after it and after those inside it. */
  readonly next: number;
}

export type Quote = `'` | `"` | `'''` | `"""` | '/' | '$/';

export type StringPart =
  /** As in the file, with its escapes. */
  | { readonly kind: 'text'; readonly at: number; readonly end: number }
  /** `$image`, `$c.id` */
  | { readonly kind: 'path'; readonly at: number; readonly end: number }
  /** `${…}`, with the indexes of the tokens inside it. */
  | {
      readonly kind: 'expression';
      readonly at: number;
      readonly end: number;
      readonly from: number;
      readonly to: number;
    };

export interface GroovyComment {
  readonly at: number;
  readonly end: number;
}

interface OpenString {
  readonly token: { -readonly [Key in keyof GroovyString]: GroovyString[Key] } & {
    readonly parts: StringPart[];
  };
  /** Of the `${` that is being read: its offset, its first token, and how many `{` are open in it. */
  expression: { readonly at: number; readonly from: number; braces: number };
}

const WORD = /[\p{ID_Start}_$\d][\p{ID_Continue}$]*/uy;
const PATH = /\$[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*/y;
const SIGNS = /->|\+=|-=|\*=|\/=|<<=|==~|=~|==|!=|<=|>=|&&|\|\||\+\+|--|\?:|\?\.|\*\.|::|[^]/uy;
/** Words after which a `/` begins a string instead of dividing. */
const BEFORE_VALUES = new Set(['return', 'case', 'in', 'assert', 'else', 'do', 'throw', 'as']);

/** Never throws. Follows https://groovy-lang.org/syntax.html; reads on after what is invalid. */
export function lexGroovy(content: string): GroovyTokens {
  const tokens: GroovyToken[] = [];
  const comments: GroovyComment[] = [];
  const openStrings: OpenString[] = [];
  let invalid: GroovyTokens['invalid'];
  let hasSlashyStrings = true;
  let at = content.startsWith('#!') ? lineEnd(content, 0) : 0;

  while (at < content.length) {
    const char = content[at]!;
    const next = content[at + 1];
    if (char === ' ' || char === '\t' || char === '\f' || char === '\uFEFF') at += 1;
    else if (char === '\r' && next === '\n') at += 1;
    else if (char === '\n' || char === '\r') sign('\n', 1);
    else if (char === '\\' && (next === '\n' || next === '\r')) {
      at += next === '\r' && content[at + 2] === '\n' ? 3 : 2;
    } else if (char === '/' && next === '/') comment(lineEnd(content, at));
    else if (char === '/' && next === '*') {
      const end = content.indexOf('*/', at + 2);
      if (end < 0) isInvalid(at, 'a comment has no end');
      comment(end < 0 ? content.length : end + 2);
    } else if (char === `'` || char === `"`) {
      beginString(content.startsWith(char.repeat(3), at) ? (char.repeat(3) as Quote) : char);
    } else if (char === '$' && next === '/' && !isAfterValue()) beginString('$/');
    else if (char === '/' && hasSlashyStrings && !isAfterValue()) beginString('/');
    else if (char === '{') {
      const inside = openStrings.at(-1);
      if (inside) inside.expression.braces += 1;
      sign('{', 1);
    } else if (char === '}') {
      const inside = openStrings.at(-1);
      if (inside?.expression.braces === 0) endExpression(inside);
      else {
        if (inside) inside.expression.braces -= 1;
        sign('}', 1);
      }
    } else {
      WORD.lastIndex = at;
      const word = WORD.exec(content)?.[0];
      if (word !== undefined) {
        tokens.push({ kind: 'word', text: word, at, end: at + word.length });
        at += word.length;
      } else {
        SIGNS.lastIndex = at;
        const text = SIGNS.exec(content)?.[0] ?? char;
        sign(text, text.length);
      }
    }
  }
  for (const { token, expression } of openStrings.toReversed()) {
    isInvalid(expression.at, 'an expression in a string has no end');
    token.parts.push({
      kind: 'expression',
      at: expression.at,
      end: at,
      from: expression.from,
      to: tokens.length,
    });
    token.end = at;
    token.next = tokens.length;
  }
  const brackets = matchBrackets(tokens);
  if (brackets.unmatched !== undefined) {
    isInvalid(brackets.unmatched, 'its brackets do not match');
  }
  return { tokens, closes: brackets.closes, comments, ...(invalid && { invalid }) };

  function sign(text: string, length: number): void {
    tokens.push({ kind: 'sign', text, at, end: at + length });
    at += length;
  }

  function comment(end: number): void {
    comments.push({ at, end });
    at = end;
  }

  function isInvalid(where: number, because: string): void {
    if (!invalid || where < invalid.at) invalid = { at: where, because };
  }

  function isAfterValue(): boolean {
    for (let index = tokens.length - 1; index >= 0; index -= 1) {
      const last = tokens[index]!;
      if (last.kind === 'string') return true;
      if (last.kind === 'word') return !BEFORE_VALUES.has(last.text);
      if (last.text !== '\n') return /^[)\]}]$/.test(last.text);
      // Only so many, so that a file of empty lines and slashes takes linear time.
      if (tokens.length - index > 20) return false;
    }
    return false;
  }

  function beginString(quote: Quote): void {
    const token: OpenString['token'] = { kind: 'string', quote, at, end: at, parts: [], next: 0 };
    tokens.push(token);
    const index = tokens.length - 1;
    at += quote.length;
    const wasEnded = readText({ token, expression: { at, from: 0, braces: 0 } });
    if (!wasEnded && quote === '/') {
      // No other `/` follows that could end one.
      hasSlashyStrings = false;
      tokens.length = index;
      at = token.at;
      sign('/', 1);
    }
  }

  /** Reads on to the end of the string, or to its next `${`. False for a slashy string that nothing ends. */
  function readText(open: OpenString): boolean {
    const { token } = open;
    const { quote } = token;
    const hasExpressions = quote !== `'` && quote !== `'''`;
    const isOneLine = quote === `'` || quote === `"`;
    const closing = quote === '$/' ? '/$' : quote;
    let from = at;
    while (at < content.length) {
      const char = content[at]!;
      if (isEscape(quote, char, content[at + 1])) {
        at += content.startsWith('\\\r\n', at) ? 3 : 2;
      } else if (content.startsWith(closing, at)) {
        endText(from);
        at += closing.length;
        return endString(token);
      } else if (isOneLine && (char === '\n' || char === '\r')) {
        isInvalid(token.at, 'a string has no end');
        endText(from);
        return endString(token);
      } else if (hasExpressions && char === '$' && content[at + 1] === '{') {
        endText(from);
        open.expression = { at, from: tokens.length + 1, braces: 0 };
        openStrings.push(open);
        sign('${', 2);
        return true;
      } else if (hasExpressions && char === '$') {
        PATH.lastIndex = at;
        const path = PATH.exec(content)?.[0];
        if (path === undefined) at += 1;
        else {
          endText(from);
          token.parts.push({ kind: 'path', at, end: at + path.length });
          at += path.length;
          from = at;
        }
      } else at += 1;
    }
    at = content.length;
    if (quote === '/' && token.parts.every(({ kind }) => kind !== 'expression')) return false;
    isInvalid(token.at, 'a string has no end');
    endText(from);
    return endString(token);

    function endText(start: number): void {
      if (start < at) token.parts.push({ kind: 'text', at: start, end: at });
    }
  }

  function endExpression(open: OpenString): void {
    const { at: start, from } = open.expression;
    const to = tokens.length;
    sign('}', 1);
    open.token.parts.push({ kind: 'expression', at: start, end: at, from, to });
    openStrings.pop();
    readText(open);
  }

  function endString(token: OpenString['token']): true {
    token.end = at;
    token.next = tokens.length;
    return true;
  }
}

function isEscape(quote: Quote, char: string, next: string | undefined): boolean {
  if (next === undefined) return false;
  if (quote === '/') return char === '\\' && next === '/';
  if (quote === '$/') return char === '$' && (next === '$' || next === '/');
  return char === '\\';
}

function lineEnd(content: string, from: number): number {
  const end = content.indexOf('\n', from);
  return end < 0 ? content.length : end;
}

const OPENING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', '${': '}' };

function matchBrackets(tokens: readonly GroovyToken[]): {
  readonly closes: Int32Array;
  readonly unmatched?: number;
} {
  const closes = new Int32Array(tokens.length).fill(-1);
  const open: { readonly index: number; readonly closing: string }[] = [];
  let unmatched: number | undefined;
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== 'sign') continue;
    const closing = OPENING[token.text];
    if (closing !== undefined) {
      closes[index] = tokens.length;
      open.push({ index, closing });
    } else if (token.text === ')' || token.text === ']' || token.text === '}') {
      const last = open.at(-1);
      if (last?.closing === token.text) {
        closes[last.index] = index;
        open.pop();
      } else if (token.text === '}') {
        // A parenthesis that is missing must not hide where a block ends.
        while (open.length > 0 && open.at(-1)!.closing !== '}') open.pop();
        const block = open.pop();
        if (block) closes[block.index] = index;
        unmatched ??= token.at;
      } else unmatched ??= token.at;
    }
  }
  const first = open[0];
  if (first) unmatched ??= tokens[first.index]!.at;
  return { closes, ...(unmatched !== undefined && { unmatched }) };
}
