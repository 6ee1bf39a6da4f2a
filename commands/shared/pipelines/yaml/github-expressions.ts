import { expressionsIn, UNKNOWN, type Values } from '../template-expressions.ts';
import { sequenceItems, textAt, valueAt, type Yaml, type YamlText } from './read-yaml.ts';

/** What the expressions of a job can refer to. */
export interface GithubContext {
  /** From the innermost to the outermost: those of the step, the job, the workflow. */
  readonly env: readonly (Yaml | undefined)[];
  readonly matrix?: Yaml | undefined;
  /** Of an action, by name. */
  readonly inputs?: Yaml | undefined;
}

/** How deep expressions may refer to variables with further expressions. */
const DEEPEST = 4;

/** The values that a text may have once its expressions are evaluated. */
export function githubValues(text: string, context: GithubContext, depth = 0): Values {
  const expressions = expressionsIn(text, '${{', '}}');
  const [only] = expressions;
  if (!only) return [text];
  if (depth > DEEPEST) return UNKNOWN;
  if (expressions.length === 1 && text.trim().length === only.end - only.start)
    return expressionValues(only.inner, context, depth + 1);
  let filled = '';
  let at = 0;
  for (const { start, end, inner } of expressions) {
    const values = expressionValues(inner, context, depth + 1);
    const [one] = values;
    // What an unknown expression is within a word changes no option.
    const isWord = !/\S/.test(text[start - 1] ?? ' ') && !/\S/.test(text[end] ?? ' ');
    if (one === undefined && isWord) return UNKNOWN;
    if (values.length > 1) return UNKNOWN;
    filled += text.slice(at, start) + (one ?? '…');
    at = end;
    if (filled.length > 10_000) return UNKNOWN;
  }
  return [filled + text.slice(at)];
}

/** The values of `env.OPTS`, `matrix.image`, `matrix.opts || '--rm'`. */
export function expressionValues(inner: string, context: GithubContext, depth = 0): Values {
  if (depth > DEEPEST) return UNKNOWN;
  const values = new Set<string | undefined>();
  const parts = inner.split('||');
  for (const [index, part] of parts.entries()) {
    const own = atomValues(part.trim(), context, depth);
    const isLast = index === parts.length - 1;
    let mayContinue = false;
    for (const value of own) {
      if (!isLast && (value === undefined || value === '')) mayContinue = true;
      // The next one is taken only if this one is empty: what is unknown stays possible.
      if (isLast || value !== '') values.add(value);
    }
    if (!mayContinue) break;
  }
  return [...values];
}

function atomValues(atom: string, context: GithubContext, depth: number): Values {
  const literal = /^'((?:[^']|'')*)'$/.exec(atom)?.[1];
  if (literal !== undefined) return [literal.replaceAll("''", "'")];
  const nodes = nodesOf(atom, context);
  if (!nodes) return UNKNOWN;
  const all = nodes.flatMap((node) =>
    node?.kind === 'text' ? githubValues(node.value, context, depth) : UNKNOWN,
  );
  return all.length > 0 ? [...new Set(all)] : UNKNOWN;
}

/** The values that an expression refers to, as the file writes them. Undefined for each that it doesn't have. */
export function nodesOf(
  inner: string,
  { env, matrix, inputs }: GithubContext,
): readonly (Yaml | undefined)[] | undefined {
  const [, scope, path = ''] = /^(env|matrix|inputs)((?:\.[\w-]+)+)$/.exec(inner) ?? [];
  const [name = '', ...rest] = path.slice(1).split('.');
  switch (scope) {
    case 'env': {
      const layer = env.find((one) => valueAt(one, name) !== undefined);
      return rest.length === 0 ? [valueAt(layer, name)] : undefined;
    }
    case 'matrix':
      return matrixCells(matrix, name).map((cell) => (rest.length > 0 ? valueAt(cell, ...rest) : cell));
    case 'inputs': {
      const options = sequenceItems(valueAt(inputs, name, 'options'));
      return options.length > 0 ? options : [valueAt(inputs, name, 'default'), undefined];
    }
    default:
      return undefined;
  }
}

/** The values of one key of a matrix in all its rows. */
function matrixCells(matrix: Yaml | undefined, name: string): readonly (Yaml | undefined)[] {
  if (matrix?.kind !== 'map') return [undefined];
  const axes = [...matrix.entries.keys()].filter((key) => key !== 'include' && key !== 'exclude');
  const axis = valueAt(matrix, name);
  const rows = sequenceItems(valueAt(matrix, 'include'));
  const included = rows.map((row) => valueAt(row, name));
  // Rows of the axes themselves, which `include` may extend.
  const isExtended = axis === undefined && axes.length > 0;
  return [
    ...sequenceItems(axis),
    ...(isExtended ? [undefined] : []),
    ...included.filter((cell) => cell !== undefined || axis === undefined),
  ];
}

/** The scripts of a step whose whole script is one expression, where the file writes them. */
export function scriptsBehind({ value }: YamlText, context: GithubContext): readonly YamlText[] {
  const [only] = expressionsIn(value, '${{', '}}');
  if (!only || value.trim().length !== only.end - only.start) return [];
  return (nodesOf(only.inner, context) ?? []).flatMap((node) => (node?.kind === 'text' ? [node] : []));
}

export function envNames(layers: readonly (Yaml | undefined)[]): readonly string[] {
  return [...new Set(layers.flatMap((layer) => (layer?.kind === 'map' ? [...layer.entries.keys()] : [])))];
}

export function inEnv(name: string, { env }: GithubContext): string | undefined {
  return textAt(
    env.find((layer) => valueAt(layer, name) !== undefined),
    name,
  );
}
