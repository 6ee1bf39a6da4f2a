import type { Dirent } from 'node:fs';
import { glob, lstat, opendir } from 'node:fs/promises';
import { join, matchesGlob, resolve } from 'node:path';

export type Listed =
  /** `literal`: asked for by this very name. */
  | {
      readonly path: string;
      readonly pattern: string;
      readonly literal: boolean;
      readonly folder: boolean;
    }
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
    else if (!existing && !ignored(pattern))
      yield { path: pattern, pattern: written, literal: true, folder: false };
    return;
  }

  const base = literalBase(pattern);
  const closed = await errorOf(tryFolder(base));
  if (closed && closed.code !== 'ENOENT') yield { path: base, pattern: written, error: closed };
  const folders: string[] = [];
  const links = new Set<string>();
  const exclude = (entry: Dirent) => {
    const path = join(entry.parentPath, entry.name);
    if (!path.startsWith(`${base}/`) && base !== '/') return false;
    if (ignored(path)) return true;
    if (entry.isDirectory() && leadsInto(path, pattern)) folders.push(path);
    if (entry.isSymbolicLink() && isBelowStars(path, pattern)) links.add(path);
    return false;
  };
  const asked = new Set<string>();
  for await (const entry of glob(pattern, { withFileTypes: true, exclude })) {
    yield* closedFolders(folders, asked, written);
    const path = join(entry.parentPath, entry.name);
    // `**` does not follow links, but for `**/*` Node looks one folder into them.
    if (!links.has(entry.parentPath) && !ignored(path))
      yield { path, pattern: written, literal: false, folder: entry.isDirectory() };
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
    const error = await errorOf(tryFolder(path));
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

function isBelowStars(path: string, pattern: string): boolean {
  const star = pattern.split('/').indexOf('**');
  return star >= 0 && path.split('/').length > star;
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

async function tryFolder(path: string): Promise<void> {
  const folder = await opendir(path);
  await folder.close();
}

async function errorOf(asked: Promise<unknown>): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await asked;
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}
