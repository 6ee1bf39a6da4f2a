import { constants } from 'node:fs';
import { access, glob, lstat } from 'node:fs/promises';
import { join, matchesGlob, resolve } from 'node:path';

export type Listed =
  | { readonly path: string; readonly pattern: string; readonly literal: boolean }
  /** A folder that the pattern leads into, or the pattern itself, where nothing could be listed. */
  | { readonly path: string; readonly pattern: string; readonly error: NodeJS.ErrnoException };

/**
 * The files that one pattern means, and the folders which it would have to look into but may not. A path that exists as it is written is
 * taken as it is, brackets and all. Finding nothing is not an error here.
 *
 * Node's `glob` steps over folders that it may not read without a word, and so do fast-glob and its kin; hence the look at every folder on its way.
 */
export async function* listFiles(
  written: string,
  ignore: readonly string[],
): AsyncGenerator<Listed, void, undefined> {
  const pattern = resolve(written);
  const ignored = (path: string) => ignore.some((leftOut) => matchesGlob(path, resolve(leftOut)));
  const existing = await errorOf(lstat(pattern));
  if (existing === undefined || !hasMagic(pattern)) {
    if (existing && existing.code !== 'ENOENT' && existing.code !== 'ENOTDIR')
      yield { path: pattern, pattern: written, error: existing };
    else if (!existing && !ignored(pattern)) yield { path: pattern, pattern: written, literal: true };
    return;
  }

  const base = literalBase(pattern);
  const closed = await errorOf(access(base, constants.R_OK | constants.X_OK));
  if (closed && closed.code !== 'ENOENT') yield { path: base, pattern: written, error: closed };
  const folders: string[] = [];
  const exclude = (entry: { parentPath: string; name: string; isDirectory: () => boolean }) => {
    const path = join(entry.parentPath, entry.name);
    if (path.length > base.length && ignored(path)) return true;
    if (entry.isDirectory() && path.startsWith(base) && path !== base && leadsInto(path, pattern))
      folders.push(path);
    return false;
  };
  const asked = new Set<string>();
  for await (const entry of glob(pattern, { withFileTypes: true, exclude })) {
    yield* closedFolders(folders, asked, written);
    const path = join(entry.parentPath, entry.name);
    // A folder that a wide pattern matches is only on the way; one that is called like a file is told about when it is read.
    if (!ignored(path)) yield { path, pattern: written, literal: false };
  }
  yield* closedFolders(folders, asked, written);
}

async function* closedFolders(
  folders: string[],
  asked: Set<string>,
  pattern: string,
): AsyncGenerator<Listed, void, undefined> {
  for (const path of folders.splice(0)) {
    if (asked.has(path)) continue;
    asked.add(path);
    const error = await errorOf(access(path, constants.R_OK | constants.X_OK));
    if (error && error.code !== 'ENOENT') yield { path, pattern, error };
  }
}

/** Whether a pattern could match anything below a folder. Where braces span folders it is not worked out: then, yes. */
function leadsInto(folder: string, pattern: string): boolean {
  if (/\{[^}]*\//.test(pattern)) return true;
  const segments = pattern.split('/');
  const depth = folder.split('/').length;
  const star = segments.indexOf('**');
  if (star >= 0 && depth > star) return matchesGlob(folder, segments.slice(0, star + 1).join('/'));
  return depth < segments.length && matchesGlob(folder, segments.slice(0, depth).join('/'));
}

/** The folder that a pattern starts in. */
function literalBase(pattern: string): string {
  const segments = pattern.split('/');
  const first = segments.findIndex((segment) => hasMagic(segment));
  return segments.slice(0, first).join('/') || '/';
}

function hasMagic(pattern: string): boolean {
  return /[*?[{]|[!+@]\(/.test(pattern);
}

async function errorOf(asked: Promise<unknown>): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await asked;
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}
