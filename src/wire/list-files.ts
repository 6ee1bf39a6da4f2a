import { lstat, realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { compilePatterns, hasMagic, ignoreAt, restsAt } from './path-pattern.ts';
import { type Blocked, type Match, walk } from './walk.ts';

interface OfPattern {
  /** As configured. */
  readonly pattern: string;
  /** The pattern is exactly this path. */
  readonly literal: boolean;
}

export type ListedFile = Match & OfPattern;
export type ListedEntry = ListedFile | (Blocked & OfPattern);

interface ListOptions {
  readonly paths: readonly string[];
  readonly ignore: readonly string[];
  readonly signal: AbortSignal;
  /** Called for everything that a pattern matches, even if it is not yielded because another path or pattern leads to the same file. */
  readonly onMatch: (
    pattern: string,
    match: { readonly isFile: boolean; readonly isRepeated: boolean },
  ) => void;
}

/**
 * Everything that the patterns match. Each file is listed once, however many patterns and links lead to it: at a path without links if
 * there is one, otherwise at the first path in the order of patterns and names.
 */
export async function* listFiles(options: ListOptions): AsyncGenerator<ListedEntry, void, undefined> {
  const known = new Set<string>();
  const throughLinks: ListedFile[] = [];
  for (const pattern of new Set(options.paths)) {
    for await (const listed of listPattern(pattern, options)) {
      if (!('error' in listed) && listed.real !== listed.path) throughLinks.push(listed);
      else if (isNew(listed, known, options)) yield listed;
    }
  }
  for (const listed of throughLinks) if (isNew(listed, known, options)) yield listed;
}

function isNew(listed: ListedEntry, known: Set<string>, { onMatch }: ListOptions): boolean {
  const isFile = !('error' in listed) && !listed.folder;
  const identity = isFile ? listed.real : listed.path;
  const isRepeated = known.has(identity);
  known.add(identity);
  onMatch(listed.pattern, { isFile, isRepeated });
  return !isRepeated;
}

/** A path that exists exactly as written is used literally, including brackets. */
async function* listPattern(
  pattern: string,
  { ignore, signal }: ListOptions,
): AsyncGenerator<ListedEntry, void, undefined> {
  const path = resolve(pattern);
  const ignored = compilePatterns(ignore);
  const absent = await errorOf(lstat(path));
  if (absent && hasMagic(path)) {
    for await (const found of walk({ pattern: compilePatterns([pattern]), ignore: ignored, signal }))
      yield { ...found, pattern, literal: false };
  } else if (absent) {
    if (absent.code !== 'ENOENT' && absent.code !== 'ENOTDIR')
      yield { path, error: absent, pattern, literal: true };
  } else if (!ignoreAt(ignored, path).has('')) {
    try {
      const real = await realpath(path);
      const folder = (await stat(path)).isDirectory();
      if (!ignoreAt(ignored, real).has('')) yield { path, real, folder, pattern, literal: true };
    } catch (error) {
      yield { path, error: error as NodeJS.ErrnoException, pattern, literal: true };
    }
  }
}

async function errorOf(asked: Promise<unknown>): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await asked;
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

/** Returns the patterns that match a path; none if the path, or the file that it leads to, is ignored. */
export function patternsOf({
  paths,
  ignore,
}: Pick<ListOptions, 'paths' | 'ignore'>): (path: string, real: string) => readonly string[] {
  const ignored = compilePatterns(ignore);
  const compiled = paths.map((pattern) => ({ pattern, rests: compilePatterns([pattern]) }));
  return (path, real) =>
    ignoreAt(ignored, path).has('') || ignoreAt(ignored, real).has('')
      ? []
      : compiled.filter(({ rests }) => restsAt(rests, path).has('')).map(({ pattern }) => pattern);
}
