import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasMagic, ignoreAt, isIgnored, type Rests, split, step, stepIgnore } from './path-pattern.ts';

/** Something that a pattern matches. */
export interface Match {
  readonly path: string;
  /** Without any links; differs from `path` if it was reached through a link. */
  readonly real: string;
  readonly folder: boolean;
}

/** A folder that couldn't be entered although a pattern leads into it, or a link that couldn't be followed. */
export interface Blocked {
  readonly path: string;
  readonly error: NodeJS.ErrnoException;
}

export interface WalkOptions {
  readonly pattern: Rests;
  readonly ignore: Rests;
  readonly signal: AbortSignal;
}

interface Folder {
  readonly path: string;
  readonly real: string;
  readonly rests: Rests;
  readonly ignore: Rests;
}

/**
 * Everything that a pattern matches, through symbolic links, and every folder on the way that couldn't be entered. Node's `glob` doesn't
 * follow links below `*`, and glob libraries silently skip unreadable folders. Links are followed last, sorted by name, so that files are
 * found at a path without links if there is one. A folder is read once for each set of remaining segments, because a second visit would
 * find the same files: so loops end, and many links to one folder cost one read.
 */
export async function* walk({
  pattern,
  ignore,
  signal,
}: WalkOptions): AsyncGenerator<Match | Blocked, void, undefined> {
  const folders: Folder[] = [{ path: '/', real: '/', rests: pattern, ignore }];
  const linked: Folder[] = [];
  const walked = new Set<string>();
  for (let folder = folders.pop(); folder; folder = folders.pop() ?? linked.shift()) {
    signal.throwIfAborted();
    const state = JSON.stringify([folder.real, [...folder.rests].toSorted(), [...folder.ignore].toSorted()]);
    if (walked.has(state)) continue;
    walked.add(state);

    const { entries, blocked } = await readEntries(folder);
    yield* blocked;
    const below: Folder[] = [];
    for (const entry of entries) {
      const found = await follow(folder, entry, ignore);
      if (!found) continue;
      if ('error' in found) {
        yield found;
        continue;
      }
      if (found.rests.has('')) yield { path: found.path, real: found.real, folder: found.folder };
      if (found.folder && leadsOn(found.rests) && !isOfKernel(found.real, pattern))
        (entry.link ? linked : below).push(found);
    }
    folders.push(...below.toReversed());
  }
}

interface Entry {
  readonly name: string;
  readonly folder: boolean;
  readonly link: boolean;
}

/**
 * The entries that a pattern could match. If the pattern names them, the folder need not be readable, because entering it requires another
 * permission.
 */
async function readEntries({
  path,
  rests,
}: Folder): Promise<{ readonly entries: readonly Entry[]; readonly blocked: readonly Blocked[] }> {
  const entries = new Map<string, Entry>();
  const blocked: Blocked[] = [];
  const segments = [...rests].filter((rest) => rest !== '').map((rest) => split(rest).segment);
  const isListed = segments.some(hasMagic);
  if (isListed) {
    try {
      for (const entry of await readdir(path, { withFileTypes: true }))
        entries.set(entry.name, {
          name: entry.name,
          folder: entry.isDirectory(),
          link: entry.isSymbolicLink(),
        });
    } catch (error) {
      if (!isGone(error, path)) blocked.push({ path, error: error as NodeJS.ErrnoException });
    }
  }
  for (const name of isListed && blocked.length === 0 ? [] : new Set(segments)) {
    const at = join(path, name);
    try {
      const facts = await lstat(at);
      entries.set(name, { name, folder: facts.isDirectory(), link: facts.isSymbolicLink() });
    } catch (error) {
      if (blocked.length === 0 && !isGone(error, at))
        blocked.push({ path: at, error: error as NodeJS.ErrnoException });
    }
  }
  return {
    entries: [...entries.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    blocked,
  };
}

/** An entry, with its link resolved; undefined if the pattern matches neither it nor anything below, or if it is ignored. */
async function follow(
  parent: Folder,
  { name, folder, link }: Entry,
  ignore: Rests,
): Promise<(Folder & Match) | Blocked | undefined> {
  const rests = step(parent.rests, name);
  if (rests.size === 0) return undefined;
  const path = join(parent.path, name);
  const found = { path, rests, ignore: stepIgnore(parent.ignore, name) };
  if (!link) {
    const entry = { ...found, real: join(parent.real, name), folder };
    return isIgnored(entry.ignore, folder) ? undefined : entry;
  }
  if (isIgnored(found.ignore, false)) return undefined;
  try {
    const real = await realpath(path);
    const facts = await stat(path);
    // A link into something that is ignored is ignored too.
    const entry = {
      ...found,
      real,
      folder: facts.isDirectory(),
      ignore: found.ignore.union(ignoreAt(ignore, real)),
    };
    return isIgnored(entry.ignore, entry.folder) ? undefined : entry;
  } catch (error) {
    const gap = { path, error: error as NodeJS.ErrnoException };
    const isNamed = [...rests].some((rest) => rest === '' || !parent.rests.has(rest));
    return isNamed || !(await isNothing(error, join(parent.real, name))) ? gap : undefined;
  }
}

/**
 * A dangling link, or a link to itself, hides no files. A chain of more links than the system follows may hide some, and so may a name that
 * can't be opened.
 */
async function isNothing(error: unknown, path: string): Promise<boolean> {
  if (codeOf(error) !== 'ELOOP') return isGone(error, path);
  try {
    await stat(path);
    return false;
  } catch {
    return true;
  }
}

function leadsOn(rests: Rests): boolean {
  return rests.size > 1 || !rests.has('');
}

/**
 * Some files below /proc and /sys never end, and none is a certificate, so a link to `/` must not lead there. Only patterns that begin with
 * these paths do.
 */
function isOfKernel(real: string, pattern: Rests): boolean {
  const [root] = /^\/(proc|sys)(?=\/|$)/.exec(real) ?? [];
  return root !== undefined && ![...pattern].some((rest) => `/${rest}`.startsWith(`${root}/`));
}

/** It was removed after it was listed. A name that is not UTF-8 cannot be opened either, and gives the same error. */
function isGone(error: unknown, path: string): boolean {
  const code = codeOf(error);
  return (code === 'ENOENT' || code === 'ENOTDIR') && !path.includes('\uFFFD');
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
