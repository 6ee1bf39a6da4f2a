import type { z } from 'zod';
import { nearest } from '../text/nearest.ts';
import { type ConfigPath, type Problem, writePath } from './problem.ts';
import { keysAt, metaOf, schemasAt, wordsAt } from './schema-walk.ts';

/** A problem with its path; `key` if it is about a key there and not about the value. */
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
        what: `this name ${message}`,
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
  const hint = meant === undefined ? `Known here: ${quoted(known)}` : `Did you mean \`${meant}\`?`;
  return {
    path,
    key,
    what: `unknown key \`${key}\``,
    ...(known.length > 0 && { hint }),
    ...(meant !== undefined && { meant }),
  };
}

/** A word that is not among the few allowed: of a literal, an enum, or the `kind` of a source. */
function wrongWord(schema: z.ZodType, value: unknown, path: ConfigPath): PlacedProblem {
  const given = valueAt(value, path);
  const words = wordsAt(schema, value, path);
  const one = words.length > 0 ? ` It is one of ${quoted(words)}` : '';
  if (given === undefined) return { path, what: MISSING, hint: one.trim() };
  const meant = typeof given === 'string' ? nearest(given, words) : undefined;
  const secret = schemasAt(schema, value, path).some((found) => metaOf(found).secret);
  const shown = secret || typeof given !== 'string' ? 'this' : `\`${given.slice(0, 60)}\``;
  return {
    path,
    what: `${shown} is not known here`,
    hint: meant ? `Did you mean \`${meant}\`?` : one.trim(),
  };
}

function missingOr({ code, message }: Issue, value: unknown, path: ConfigPath): Pick<PlacedProblem, 'what'> {
  if (code === 'invalid_type' && valueAt(value, path) === undefined) return { what: MISSING };
  const what = message.replace(/^Invalid input: /, '');
  return {
    what: code === 'invalid_type' ? what.replaceAll(/(?<=expected |received )\w+/g, typeInWords) : what,
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
  string: 'text',
};

/** The type of a value as people know it from YAML. */
function typeInWords(type: string): string {
  return TYPES[type] ?? type;
}

function purpose(schema: z.ZodType, value: unknown, path: ConfigPath): Pick<PlacedProblem, 'hint'> {
  const found = schemasAt(schema, value, path).map(metaOf);
  const about = found.find(({ description }) => description !== undefined)?.description;
  return about === undefined || found.some(({ deprecated }) => deprecated)
    ? {}
    : { hint: `What it is for: ${about}` };
}

/** The branch of a union that was most probably meant: the one that matched the deepest, with the fewest issues. */
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

function quoted(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(', ');
}
