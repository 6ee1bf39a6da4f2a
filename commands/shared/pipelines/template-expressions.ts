import { type MappedText, type Replacement, replaceParts } from './mapped-text.ts';
import type { Variable } from './script.ts';

/** An expression that something else than the shell replaces before the shell gets the script. */
export interface TemplateExpression {
  readonly start: number;
  readonly end: number;
  /** Without its delimiters and the space around it. */
  readonly inner: string;
}

export type Values = Variable['values'];

/** Nothing in the file says what it is. */
export const UNKNOWN: Values = [undefined];

/** Replaces expressions by variables of the shell, and remembers which variable stands for which. */
export interface Templates {
  readonly replace: (
    text: MappedText,
    found: readonly TemplateExpression[],
    valuesOf: (inner: string) => Values,
  ) => MappedText;
  readonly variables: ReadonlyMap<string, Variable>;
}

/** `names`: the variable of each expression. Scripts that share it name the same expression in the same way. */
export function startTemplates(names: Map<string, string>): Templates {
  const variables = new Map<string, Variable>();
  return {
    variables,
    replace: (text, found, valuesOf) =>
      replaceParts(
        text,
        found.map(({ start, end, inner }): Replacement => {
          const shown = text.text.slice(start, end);
          const name = names.get(shown) ?? freeName(inner, names.size);
          names.set(shown, name);
          if (!variables.has(name)) variables.set(name, { values: valuesOf(inner), shown });
          return { start, end, by: `\${${name}}` };
        }),
      ),
  };
}

function freeName(inner: string, count: number): string {
  const words = inner.match(/[A-Za-z\d]+/g) ?? [];
  return `__${words.slice(0, 4).join('_').slice(0, 40)}_${count + 1}`;
}

/** Longer ones are text that only looks like an expression. */
const LONGEST_EXPRESSION = 2_000;

/** Everything between two delimiters, from the left. */
export function expressionsIn(text: string, open: string, close: string): readonly TemplateExpression[] {
  const found: TemplateExpression[] = [];
  let from = 0;
  for (;;) {
    const start = text.indexOf(open, from);
    if (start === -1) return found;
    const end = text.indexOf(close, start + open.length);
    if (end === -1) return found;
    from = end + close.length;
    if (from - start > LONGEST_EXPRESSION) from = start + open.length;
    else found.push({ start, end: from, inner: text.slice(start + open.length, end).trim() });
  }
}

/** `{{ cookiecutter.image }}` of Jinja and the like. `{{.ID}}` without space is a format of Docker's own. */
export function jinjaIn(text: string): readonly TemplateExpression[] {
  return expressionsIn(text, '{{', '}}').filter(
    ({ start }) => /[\s-]/.test(text[start + 2] ?? '') && text[start - 1] !== '$',
  );
}

/** Expressions of several syntaxes. Of two that overlap, the first one. */
export function mergedInOrder(
  ...lists: readonly (readonly TemplateExpression[])[]
): readonly TemplateExpression[] {
  const all = lists.flat().toSorted((a, b) => a.start - b.start);
  let end = 0;
  return all.filter((one) => {
    if (one.start < end) return false;
    end = one.end;
    return true;
  });
}
