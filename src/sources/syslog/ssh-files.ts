import { dirname } from 'node:path';
import { SourceError } from '../../ports/source-error.ts';
import { cleanText } from '../../text/clean-text.ts';
import type { HostCommand } from '../../wire/host-command.ts';
import { HOST_COMMANDS, isLogPath } from '../../wire/host-commands.ts';
import { compilePatterns, hasMagic, restsAt } from '../../wire/path-pattern.ts';
import type { CommandOutput, RunOnHost } from '../../wire/ssh-hosts.ts';
import { isOtherFile, type LogFile, type LogStore, type OnProblem, type OpenLog } from './log-store.ts';
import { groupRotated } from './rotation.ts';

/** Each block takes a round trip. */
const BLOCK_BYTES = 256 * 1024;

interface HostFiles {
  readonly source: string;
  readonly host: string;
  readonly run: RunOnHost;
  readonly paths: readonly string[];
  readonly maxFiles: number;
}

/** The files of a log on a host, for one query: a folder is listed once. Only files below `/var/log` can be read. */
export function sshFiles(files: HostFiles): LogStore {
  const { source, host } = files;
  const folders = new Map<string, Promise<Listing>>();
  const ask = async (command: HostCommand, signal: AbortSignal): Promise<CommandOutput> =>
    files.run(host, command, { signal });
  const find = (path: string, signal: AbortSignal): Promise<Listing> => {
    const known = folders.get(path);
    if (known) return known;
    if (!isLogPath(path)) return Promise.resolve(NOT_READABLE);
    const listing = ask(HOST_COMMANDS.logFiles({ path }), signal).then(readListing);
    folders.set(path, listing);
    return listing;
  };
  const chains = new Map<string, Promise<FolderChains>>();
  const findIn = (folder: string, signal: AbortSignal): Promise<FolderChains> => {
    const known = chains.get(folder) ?? find(folder, signal).then(toChains);
    chains.set(folder, known);
    return known;
  };
  return {
    blockBytes: BLOCK_BYTES,
    list: (signal, onProblem) => listAll(files, (path) => find(path, signal), onProblem),
    listChain: async (path, signal) => {
      const { byPath, rotated } = await findIn(dirname(path), signal);
      return [path, ...(rotated.get(path) ?? [])].flatMap((one) => byPath.get(one) ?? []);
    },
    open: async (file) => {
      if (!isLogPath(file.path))
        throw new SourceError(source, 'malformed', 'its name has a blank or another unusual character');
      return openLog(source, host, file, ask);
    },
  };
}

interface Listing {
  readonly files: readonly LogFile[];
  /** Why there may be more files. */
  readonly error?: SourceErrorReason;
}

interface FolderChains {
  readonly byPath: ReadonlyMap<string, LogFile>;
  readonly rotated: ReadonlyMap<string, readonly string[]>;
}

function toChains({ files }: Listing): FolderChains {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return { byPath, rotated: groupRotated([...byPath.keys()]) };
}

const NOT_READABLE: Listing = {
  files: [],
  error: ['malformed', 'only paths below /var/log without blanks and other unusual characters can be read'],
};

type SourceErrorReason = readonly [kind: SourceError['kind'], because: string];

async function listAll(
  { source, host, paths, maxFiles }: HostFiles,
  find: (path: string) => Promise<Listing>,
  onProblem: OnProblem,
): Promise<readonly LogFile[]> {
  const listed = await Promise.all(
    paths.map(async (path) => ({ path, listing: await find(searchedFolder(path)) })),
  );
  const files = new Map<string, LogFile>();
  for (const { path, listing } of listed) {
    const matches = matcherOf(path);
    const matching = listing.files.filter((file) => matches(file.path));
    for (const file of matching) files.set(file.path, file);
    // What `find` could not read may be in a folder that the pattern leads into.
    if (listing.error) onProblem(path, new SourceError(source, ...listing.error));
    else if (matching.length === 0)
      onProblem(path, new SourceError(source, 'missing', `no file on ${host} matches`));
  }
  if (files.size <= maxFiles) return [...files.values()];
  const message = `only the first ${maxFiles} files were read; ${files.size} match`;
  onProblem(paths[0] ?? '', new SourceError(source, 'malformed', message));
  return [...files.values()].slice(0, maxFiles);
}

/** The file itself, or the last folder that a pattern names. */
function searchedFolder(path: string): string {
  if (!hasMagic(path)) return path.replace(/\/+$/, '');
  const names = path.split('/');
  return names.slice(0, names.findIndex(hasMagic)).join('/');
}

function matcherOf(path: string): (found: string) => boolean {
  if (!hasMagic(path)) {
    const folder = `${path.replace(/\/+$/, '')}/`;
    return (found) =>
      found === path || (found.startsWith(folder) && !isOtherFile(found.slice(folder.length)));
  }
  const rests = compilePatterns([path]);
  return (found) => restsAt(rests, found).has('') && !isOtherFile(found.slice(found.lastIndexOf('/') + 1));
}

/** `1048576,1764158400.0000000000,/var/log/remote/leaf-a.log` and a NUL for each file. */
function readListing({ exitCode, stdout, stderr, isCut }: CommandOutput): Listing {
  const files = stdout
    .toString('utf8')
    .split('\0')
    .flatMap((entry): LogFile[] => {
      const [, size, changed, path] = /^(\d+),(\d+(?:\.\d+)?),(\/.+)$/s.exec(entry) ?? [];
      if (path === undefined) return [];
      return [{ path, sizeBytes: Number(size), modifiedAt: new Date(Number(changed) * 1_000) }];
    });
  if (isCut) return { files, error: ['malformed', 'it has too many files to list'] };
  if (exitCode === 0) return { files };
  // A missing path matches nothing.
  return /No such file/.test(stderr) && files.length === 0 ? { files } : { files, error: reasonOf(stderr) };
}

function openLog(
  source: string,
  host: string,
  file: LogFile,
  ask: (command: HostCommand, signal: AbortSignal) => Promise<CommandOutput>,
): OpenLog {
  const { path } = file;
  const answer = async (command: HostCommand, signal: AbortSignal): Promise<Buffer> => {
    const { exitCode, stdout, stderr } = await ask(command, signal);
    if (exitCode === 0) return stdout;
    const [kind, because] = reasonOf(stderr);
    throw new SourceError(source, kind, `${because} (on ${host})`);
  };
  return {
    file,
    read: (from, bytes, signal) => answer(HOST_COMMANDS.logRange({ path, from, bytes }), signal),
    sizeNow: async (signal) => {
      const [, size] = /^(\d+),/.exec(String(await answer(HOST_COMMANDS.logFiles({ path }), signal))) ?? [];
      return Number(size ?? 0);
    },
    close: async () => {},
  };
}

function reasonOf(stderr: string): SourceErrorReason {
  if (/Permission denied/.test(stderr)) return ['refused', 'the user has no permission to read it'];
  if (/No such file/.test(stderr)) return ['missing', 'it was removed or rotated while it was read'];
  return ['malformed', `reading it failed: ${cleanText(stderr)}`];
}
