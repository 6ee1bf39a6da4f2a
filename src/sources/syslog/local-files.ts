import { constants } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SourceError } from '../../ports/source-error.ts';
import { explainFileError } from '../../wire/explain-file-error.ts';
import { type ListedEntry, listFiles } from '../../wire/list-files.ts';
import { unlessAborted } from '../../wire/unless-aborted.ts';
import { groupRotated } from './rotation.ts';
import { isOtherFile, type LogFile, type LogStore, type OnProblem, type OpenLog } from './log-store.ts';

const BLOCK_BYTES = 64 * 1024;

/** The files of a log on this machine. */
export function localFiles(source: string, paths: readonly string[], maxFiles: number): LogStore {
  const rotatedIn = rememberRotated();
  return {
    blockBytes: BLOCK_BYTES,
    list: (signal, onProblem) => unlessAborted(listAll(source, paths, maxFiles, signal, onProblem), signal),
    listChain: async (path, signal) => {
      const folder = dirname(path);
      try {
        const rotated = await unlessAborted(rotatedIn(folder), signal);
        const paths = [path, ...(rotated.get(path) ?? [])];
        const files = paths.map((one) => toLogFile(one).catch(() => undefined));
        return (await unlessAborted(Promise.all(files), signal)).filter((file) => file !== undefined);
      } catch (error) {
        signal.throwIfAborted();
        throw await toSourceError(source, error, folder);
      }
    },
    open: async ({ path }, signal) => {
      try {
        return await unlessAborted(openLog(source, path), signal);
      } catch (error) {
        signal.throwIfAborted();
        throw await toSourceError(source, error, path);
      }
    },
  };
}

/** Clocks of file systems advance in steps. */
const CLOCK_STEP_MS = 100;

/** The rotated files in a folder, which is read again only if a file in it was added, renamed or removed: it may have thousands of files. */
function rememberRotated(): (folder: string) => Promise<ReadonlyMap<string, readonly string[]>> {
  const known = new Map<string, Folder>();
  return async (folder) => {
    const { mtimeMs } = await stat(folder);
    const last = known.get(folder);
    if (last?.changedMs === mtimeMs && last.readMs - mtimeMs > CLOCK_STEP_MS) return last.rotated;
    const readMs = Date.now();
    const names = await readdir(folder);
    const rotated = groupRotated(names.map((name) => join(folder, name)));
    known.set(folder, { changedMs: mtimeMs, readMs, rotated });
    return rotated;
  };
}

interface Folder {
  readonly changedMs: number;
  readonly readMs: number;
  readonly rotated: ReadonlyMap<string, readonly string[]>;
}

async function listAll(
  source: string,
  paths: readonly string[],
  maxFiles: number,
  signal: AbortSignal,
  onProblem: OnProblem,
): Promise<readonly LogFile[]> {
  const patterns = await Promise.all(
    paths.map(async (path) => ({ path, pattern: (await isFolder(path)) ? join(path, '**') : path })),
  );
  const matched = new Set<string>();
  const files: LogFile[] = [];
  const entries = listFiles({
    paths: patterns.map(({ pattern }) => pattern),
    ignore: [],
    signal,
    onMatch: (pattern, { isFile }) => {
      if (isFile) matched.add(pattern);
    },
  });
  for await (const entry of entries) {
    if ('error' in entry) {
      matched.add(entry.pattern);
      onProblem(entry.path, await toSourceError(source, entry.error, entry.path));
      continue;
    }
    const file = await listedFile(entry);
    if (!file) {
      if (entry.literal && !entry.folder)
        onProblem(entry.path, new SourceError(source, 'malformed', 'it is not a file'));
      continue;
    }
    if (files.length === maxFiles) {
      const message = `only the first ${maxFiles} files were read; more match`;
      onProblem(entry.pattern, new SourceError(source, 'malformed', message));
      return files;
    }
    files.push(file);
  }
  for (const { path, pattern } of patterns)
    if (!matched.has(pattern)) onProblem(path, new SourceError(source, 'missing', 'no file matches'));
  return files;
}

async function listedFile(entry: Exclude<ListedEntry, { error: unknown }>): Promise<LogFile | undefined> {
  if (entry.folder || (!entry.literal && isOtherFile(basename(entry.path)))) return undefined;
  try {
    return await toLogFile(entry.path);
  } catch {
    // It was rotated in the meantime.
    return undefined;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/** undefined for what isn't a file. */
async function toLogFile(path: string): Promise<LogFile | undefined> {
  const facts = await stat(path);
  if (!facts.isFile()) return undefined;
  return {
    path,
    sizeBytes: facts.size,
    modifiedAt: facts.mtime,
    identity: `${facts.dev}:${facts.ino}`,
  };
}

async function openLog(source: string, path: string): Promise<OpenLog> {
  // Without O_NONBLOCK, opening a FIFO waits for its writer.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw new SourceError(source, 'malformed', 'it is not a file');
    const file = {
      path,
      sizeBytes: facts.size,
      modifiedAt: facts.mtime,
      identity: `${facts.dev}:${facts.ino}`,
    };
    const guarded = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T> => {
      try {
        return await unlessAborted(work, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw await toSourceError(source, error, path);
      }
    };
    return {
      file,
      read: (from, bytes, signal) => guarded(readFully(handle, from, bytes), signal),
      sizeNow: async (signal) => (await guarded(handle.stat(), signal)).size,
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A read may return fewer bytes than there are. */
async function readFully(handle: FileHandle, from: number, bytes: number): Promise<Buffer> {
  const block = Buffer.allocUnsafe(bytes);
  let filled = 0;
  while (filled < bytes) {
    const { bytesRead } = await handle.read(block, filled, bytes - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return block.subarray(0, filled);
}

async function toSourceError(source: string, error: unknown, path: string): Promise<SourceError> {
  if (error instanceof SourceError) return error;
  const [kind, because] = await explainFileError(error as NodeJS.ErrnoException, path);
  return new SourceError(source, kind, because);
}
