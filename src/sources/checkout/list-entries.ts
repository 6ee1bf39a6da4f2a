import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makePathMatcher } from '../../wire/path-matcher.ts';
import { isSkippedPath, type RepositoryEntry } from '../../wire/read-pipelines.ts';
import { kindOfPath } from '../../wire/pipeline-kind.ts';
import { explainRead } from './read-bytes.ts';

const MAX_ENTRIES = 500_000;

export interface ListedEntries {
  readonly entries: readonly RepositoryEntry[];
  /** There are more. */
  readonly isCut: boolean;
}

/** Everything in a folder. Nothing is read through a link, except whether it leads to a folder. What can't be listed is an entry with an error. */
export async function listEntries(
  root: string,
  { exclude, signal }: { readonly exclude: readonly string[]; readonly signal: AbortSignal },
): Promise<ListedEntries> {
  const isExcluded = makeExclude(exclude);
  const entries: RepositoryEntry[] = [];
  const folders = [''];
  let seen = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal.throwIfAborted();
    const below: string[] = [];
    for (const entry of await readEntries(root, folder)) {
      if ('error' in entry) {
        entries.push({ path: folder === '' ? '.' : folder, type: 'unreadable', error: entry.error });
        continue;
      }
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (isSkippedPath(path) || isExcluded(path)) continue;
      if (++seen > MAX_ENTRIES) return { entries, isCut: true };
      if (entry.isDirectory()) below.push(path);
      else if (entry.isSymbolicLink()) entries.push(await toLink(root, path));
      else if (entry.isFile()) entries.push({ path, type: 'file', mayBeScript: true });
      else if (isPipeline(path)) entries.push({ path, type: 'unreadable', error: 'is not a regular file' });
    }
    folders.push(...below.toReversed());
  }
  return { entries, isCut: false };
}

function isPipeline(path: string): boolean {
  return 'kind' in (kindOfPath(path) ?? {});
}

/** A link to a file is often a program, as in virtual environments of Python. */
async function toLink(root: string, path: string): Promise<RepositoryEntry> {
  const isFolder = isPipeline(path) || (await stat(join(root, path)).catch(() => undefined))?.isDirectory();
  return { path, type: 'link', ...(!isFolder && { leadsToFile: true }) };
}

async function readEntries(root: string, folder: string) {
  try {
    const entries = await readdir(join(root, folder), { withFileTypes: true });
    return entries.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  } catch (error) {
    return [{ error: explainRead(error) }];
  }
}

function makeExclude(patterns: readonly string[]): (path: string) => boolean {
  const matchers = patterns.map((written) => {
    const pattern = written.replace(/^\.?\//, '').replace(/\/(?:\*\*)?$/, '');
    return makePathMatcher(pattern.includes('/') ? pattern : `**/${pattern}`);
  });
  return (path) => matchers.some((matches) => matches(path));
}
