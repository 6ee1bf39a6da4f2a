/**
 * The match of a global or sticky expression from an offset on. `lastIndex` is set each time, so nested searches, or searches that share an
 * expression, do not affect each other.
 */
export function matchFrom(expression: RegExp, text: string, from: number): RegExpExecArray | null {
  expression.lastIndex = from;
  return expression.exec(text);
}
