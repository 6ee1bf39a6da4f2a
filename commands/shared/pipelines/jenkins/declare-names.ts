import type { TokenRange } from './groovy-calls.ts';
import {
  afterToken,
  type EvaluatedFile,
  evaluateText,
  isSign,
  isWord,
  splitArguments,
} from './groovy-expression.ts';
import { type GroovyVariable, isHole } from './groovy-value.ts';

/** `['A=b', "C=${d}"]` */
export function declareWithEnv(file: EvaluatedFile, { from, to }: TokenRange): void {
  const { tokens, names } = file;
  const range = isSign(tokens[from], '[') ? { from: from + 1, to: afterToken(file, from) - 1 } : { from, to };
  for (const item of splitArguments(file, range.from, range.to)) {
    const text = evaluateText(file, item.from, item.to);
    const first = text?.[0];
    if (!text || !first || isHole(first)) continue;
    const name = /^([A-Za-z_]\w*)=/.exec(first.text)?.[1];
    if (name === undefined) continue;
    const length = name.length + 1;
    const rest = { text: first.text.slice(length), file: first.file + length };
    names
      .declareEnvironment(name, false)
      .values.push(rest.text === '' ? text.slice(1) : [rest, ...text.slice(1)]);
  }
}

/** `for (x in y)`, `for (String x : y)`, `catch (Exception e)` */
export function declareLoop({ tokens, names }: EvaluatedFile, { from, to }: TokenRange): void {
  let last: string | undefined;
  for (let index = from; index < Math.min(to, from + 20); index += 1) {
    const token = tokens[index]!;
    if (isWord(token, 'in') || isSign(token, ':') || isSign(token, '=') || isSign(token, ';')) break;
    if (token.kind === 'word') last = token.text;
  }
  if (last !== undefined) names.declare(last).values.push(undefined);
}

/** `{ a, b -> … }`. Without names there is `it`. */
export function declareClosure({ tokens, names }: EvaluatedFile, index: number): void {
  const found: string[] = [];
  for (let at = index + 1; at < index + 20; at += 1) {
    const token = tokens[at];
    if (isSign(token, '->')) {
      for (const name of found) names.declare(name).values.push(undefined);
      return;
    }
    if (isWord(token)) found.push(token.text);
    else if (!isSign(token, ',') && !isSign(token, '\n')) break;
  }
  names.declare('it').values.push(undefined);
}

/** `def (a, b) = …` */
export function declareSeveral(file: EvaluatedFile, index: number): void {
  const { tokens, names } = file;
  for (const { from, to } of splitArguments(file, index + 1, afterToken(file, index) - 1)) {
    const name = tokens[to - 1];
    if (from < to && isWord(name)) names.declare(name.text).values.push(undefined);
  }
}

/** `(String image, options = '')` */
export function declareParameters(file: EvaluatedFile, range: TokenRange): readonly GroovyVariable[] {
  const { tokens, names } = file;
  return splitArguments(file, range.from, range.to).map(({ from, to }) => {
    let at = from;
    while (at < to && !isSign(tokens[at], '=')) at += 1;
    const name = tokens[at - 1];
    const variable = names.declare(isWord(name) ? name.text : '');
    if (at < to) variable.values.push(evaluateText(file, at + 1, to));
    return variable;
  });
}
