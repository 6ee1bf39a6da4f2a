/**
 * The match of a global or sticky expression from an offset on. `lastIndex` is set each time, so searches that share an expression, or are nested,
 * do not disturb one another.
 */
export function matchFrom(expression: RegExp, text: string, from: number): RegExpExecArray | null {
  expression.lastIndex = from;
  return expression.exec(text);
}
