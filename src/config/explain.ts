import type { z } from 'zod';
import { nearest } from '../text/nearest.ts';
import { type ConfigPath, type Problem, writePath } from './problem.ts';
import { keysAt, metaOf, schemasAt, wordsAt } from './schema-walk.ts';

/** A problem with its path, and `key` if the problem is a key there and not the value. */
export interface PlacedProblem extends Omit<Problem, 'path' | 'at'> {
  readonly path: ConfigPath;
  readonly key?: string;
  /** The key that was probably meant. */
  readonly meant?: string;
}

const MISSING = 'missing';

type Issue = z.core.$ZodIssue;

/** Explains what a schema found wrong, with the nearest valid key or word and the purpose of the setting. */
export function explainIssues(
  schema: z.ZodType,
  value: unknown,
  issues: readonly Issue[],
): readonly PlacedProblem[] {
  const all = issues.flatMap((issue) => explainOne(schema, value, issue, []));
  // A misspelled key is one mistake: the missing correct key is not reported as well.
  const meant = new Set(
    all.flatMap(({ path, meant: key }) => (key === undefined ? [] : [writePath([...path, key])])),
  );
  return all.filter(({ what, path }) => what !== MISSING || !meant.has(writePath(path)));
}

function explainOne(
  schema: z.ZodType,
  value: unknown,
  issue: Issue,
  above: ConfigPath,
): readonly PlacedProblem[] {
  const path = [...above, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(schema, value, path, key));
    case 'invalid_union': {
      if (issue.errors.length === 0 || issue.discriminator !== undefined)
        return [wrongWord(schema, value, path)];
      return closest(issue.errors).flatMap((inner) => explainOne(schema, value, inner, path));
    }
    case 'invalid_key':
      return issue.issues.map(({ message }) => ({
        path,
        key: String(path.at(-1)),
        what: `this key ${message}`,
      }));
    case 'invalid_value':
      return [wrongWord(schema, value, path)];
    default:
      return [{ path, ...missingOr(issue, value, path), ...purpose(schema, value, path) }];
  }
}

function unknownKey(schema: z.ZodType, value: unknown, path: ConfigPath, key: string): PlacedProblem {
  const known = [...new Set(keysAt(schema, value, path))];
  const meant = nearest(key, known);
  return {
    path,
    key,
    what: `unknown key \`${key}\``,
    ...(known.length > 0 && { hint: hintForWord(key, known) }),
    ...(meant !== undefined && { meant }),
  };
}

/** The problem for a value that is not one of a few words: a literal, an enum, or the `kind` of a source. */
function wrongWord(schema: z.ZodType, value: unknown, path: ConfigPath): PlacedProblem {
  const given = valueAt(value, path);
  const words = wordsAt(schema, value, path);
  const available = words.length > 0 ? { hint: `Available: ${quoted(words)}` } : {};
  if (given === undefined) return { path, what: MISSING, ...available };
  const secret = schemasAt(schema, value, path).some((found) => metaOf(found).secret);
  if (secret || typeof given !== 'string') return { path, what: 'invalid value', ...available };
  return {
    path,
    what: `invalid value \`${given.slice(0, 60)}\``,
    ...(words.length > 0 && { hint: hintForWord(given, words) }),
  };
}

function missingOr({ code, message }: Issue, value: unknown, path: ConfigPath): Pick<PlacedProblem, 'what'> {
  if (code === 'invalid_type' && valueAt(value, path) === undefined) return { what: MISSING };
  if (code === 'too_small' || code === 'too_big') return { what: limitInWords(message) };
  const what = message.replace(/^Invalid input: /, '');
  return {
    what:
      code === 'invalid_type'
        ? what.replaceAll(/(?<=expected |received )\w+/g, typeInWords).replace(', received ', ', got ')
        : what,
  };
}

const TYPES: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  null: 'nothing',
  number: 'a number',
  object: 'a map',
  record: 'a map',
  string: 'a string',
};

const LIMIT = /^Too (?:small|big): expected (\w+) to (?:be|have) ([<>]=?)(-?[\d.]+)/;
const LIMITS: Readonly<Record<string, string>> = {
  '>=': 'at least',
  '<=': 'at most',
  '>': 'more than',
  '<': 'less than',
};
const COUNTED: Readonly<Record<string, string>> = { array: 'item', map: 'item', string: 'character' };

/** `must have at least 1 item` for the message of zod; a message of a schema stays as it is. */
function limitInWords(message: string): string {
  const [, type = '', sign = '', limit = ''] = LIMIT.exec(message) ?? [];
  const bound = LIMITS[sign];
  if (bound === undefined) return message;
  const counted = COUNTED[type];
  if (counted === undefined) return `must be ${bound} ${limit}`;
  return `must have ${bound} ${limit} ${counted}${limit === '1' ? '' : 's'}`;
}

/** The type of a value, as YAML names it. */
function typeInWords(type: string): string {
  return TYPES[type] ?? type;
}

function purpose(schema: z.ZodType, value: unknown, path: ConfigPath): Pick<PlacedProblem, 'hint'> {
  const found = schemasAt(schema, value, path).map(metaOf);
  const about = found.find(({ description }) => description !== undefined)?.description;
  return about === undefined || found.some(({ deprecated }) => deprecated) ? {} : { hint: about };
}

/** The branch of a union that was probably meant: the deepest match with the fewest issues. */
function closest(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  const depth = (issues: readonly Issue[]) =>
    Math.min(...issues.map(({ code, path }) => path.length + (code === 'unrecognized_keys' ? 0.5 : 0)));
  const missing = (issues: readonly Issue[]) => issues.filter(({ code }) => code === 'invalid_type').length;
  const [best = []] = branches.toSorted(
    (a, b) => depth(b) - depth(a) || missing(a) - missing(b) || a.length - b.length,
  );
  return best;
}

function valueAt(value: unknown, path: ConfigPath): unknown {
  let at = value;
  for (const step of path) {
    if (at === null || typeof at !== 'object') return undefined;
    at = (at as Record<PropertyKey, unknown>)[step];
  }
  return at;
}

/** `Did you mean \`prod\`?` if a known name is close, otherwise all of them. */
export function hintForWord(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return meant === undefined ? `Available: ${quoted(known) || 'none'}` : `Did you mean \`${meant}\`?`;
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(', ');
}
