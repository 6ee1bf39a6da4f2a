import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Document,
  type ParsedNode,
  parseDocument,
} from 'yaml';
import type { PlacedProblem } from './explain.ts';
import type { ConfigPath, Problem } from './problem.ts';
import { substituteVariables, type SubstitutedVariable, type Variables } from './variables.ts';

const MAX_FILE_CHARS = 1_048_576;
const MAX_ALIASES = 100;
/** For a cron such as `* * * * *`. */
const UNQUOTED = 'Put values that begin with `*` in quotes';
const DUPLICATE = 'Rename or remove one of the two';
const TOO_DEEP = 'the file is nested too deeply';

/** A configuration file as plain data, with the line of each part. */
export interface ReadYaml {
  readonly value: unknown;
  /** The same as written, with `${NAME}` instead of values. */
  readonly written: unknown;
  readonly problems: readonly PlacedProblem[];
  /** The values that replaced `${NAME}`, and where. */
  readonly substitutions: readonly (SubstitutedVariable & { readonly path: ConfigPath })[];
  readonly at: (placed: Pick<PlacedProblem, 'path' | 'key'>) => NonNullable<Problem['at']> | undefined;
}

/** Reads YAML and replaces its `${VARIABLES}`, except under paths for which `skip` is true. Never throws: errors are in `problems`. */
export function readYaml(text: string, variables: Variables, skip: (path: ConfigPath) => boolean): ReadYaml {
  const lines = new LineCounter();
  const broken = (what: string, at?: Problem['at'], hint?: string): ReadYaml => ({
    value: undefined,
    written: undefined,
    problems: [{ path: [], what, ...(hint && { hint }) }],
    substitutions: [],
    at: () => at,
  });
  if (text.length > MAX_FILE_CHARS) return broken(`the file is longer than ${MAX_FILE_CHARS} characters`);
  try {
    const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false });
    const [error] = document.errors;
    if (error?.message.includes('call stack')) return broken(TOO_DEEP);
    if (error?.code === 'DUPLICATE_KEY') {
      const key = /^[^\s:]{1,60}/.exec(text.slice(error.pos[0]))?.[0] ?? '';
      return broken(`duplicate key \`${key}\``, position(lines, error.pos[0]), DUPLICATE);
    }
    if (error)
      return broken(
        `invalid YAML: ${error.message}`,
        position(lines, error.pos[0]),
        error.code === 'BAD_ALIAS' ? UNQUOTED : undefined,
      );
    const written: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    const { substitutions, problems } = substituteInDocument(document, variables, skip);
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return {
      value,
      written,
      problems,
      substitutions,
      at: ({ path, key }) => locate(document, lines, path, key),
    };
  } catch (error) {
    if (error instanceof ReferenceError)
      return broken(
        'the aliases (`*name`) expand to too much content',
        undefined,
        'Write the repeated parts out',
      );
    if (error instanceof RangeError) return broken(TOO_DEEP);
    throw error;
  }
}

function substituteInDocument(
  document: Document.Parsed,
  variables: Variables,
  skip: (path: ConfigPath) => boolean,
) {
  const substitutions: ReadYaml['substitutions'][number][] = [];
  const problems: PlacedProblem[] = [];
  const walk = (node: unknown, path: ConfigPath): void => {
    if (skip(path)) return;
    if (isMap(node))
      for (const { key, value } of node.items) walk(value, [...path, isScalar(key) ? String(key.value) : '']);
    if (isSeq(node)) node.items.forEach((item, index) => walk(item, [...path, index]));
    if (!isScalar(node) || typeof node.value !== 'string') return;
    node.value = substituteVariables(node.value, variables, {
      filled: (one) => substitutions.push({ ...one, path }),
      problem: (what, hint) => problems.push({ path, what, hint }),
    });
  };
  walk(document.contents, []);
  return { substitutions, problems };
}

/** The position of a path, or of the deepest part of it that exists. */
function locate(
  document: Document.Parsed,
  lines: LineCounter,
  path: ConfigPath,
  key?: string,
): Problem['at'] {
  let node: unknown = document.contents;
  let offset = (node as ParsedNode | null)?.range?.[0];
  for (const step of key === undefined || path.at(-1) === key ? path : [...path, key]) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
      if (!pair) break;
      offset = (pair.key as ParsedNode).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node) && node.items[Number(step)] !== undefined) {
      node = node.items[Number(step)];
      offset = (node as ParsedNode).range?.[0] ?? offset;
    } else break;
  }
  return position(lines, offset);
}

function position(lines: LineCounter, offset: number | undefined): Problem['at'] {
  if (offset === undefined) return undefined;
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}
