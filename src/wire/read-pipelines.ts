import { posix } from 'node:path';
import type { PipelineFile, PipelineKind } from '../ports/pipelines.ts';
import type { ReadOptions } from '../ports/read-options.ts';
import { SourceError } from '../ports/source-error.ts';
import { concurrently } from './concurrently.ts';
import { localIncludes } from './gitlab-includes.ts';
import { makePathMatcher } from './path-matcher.ts';
import { isAction, isShellScript, kindOfContent, kindOfPath } from './pipeline-kind.ts';
import { decodePipeline, tooLarge } from './pipeline-text.ts';
import { printable } from './x509.ts';

/** Something in a repository. */
export interface RepositoryEntry {
  /** As the repository names it, with slashes. */
  readonly path: string;
  readonly type: 'file' | 'link' | 'submodule' | 'unreadable';
  /** The id of its content, which never means other content. */
  readonly id?: string;
  readonly sizeBytes?: number;
  /** Whether to find out if it is a script, if its name doesn't say it. */
  readonly mayBeScript?: boolean;
  /** Of a link. Absent if it may lead to a folder. */
  readonly leadsToFile?: true;
  /** It is a pipeline file, whatever its name. */
  readonly isNamed?: true;
  /** Why it can't be read. */
  readonly error?: string;
}

/** The content of an entry; of a link, where it leads. */
export type ReadEntry = (
  entry: RepositoryEntry,
  signal: AbortSignal,
) => Promise<Buffer | { readonly error: string }>;

interface Reading extends ReadOptions {
  readonly source: string;
  readonly facts: Pick<PipelineFile, 'repository' | 'commit' | 'branch'>;
  /** The page of a file, without a line. */
  readonly urlOf?: (path: string) => string | undefined;
  readonly read: ReadEntry;
  /** The first bytes of a file. Without it, whole files are read to find scripts. */
  readonly readStart?: ReadEntry;
  readonly maxFileBytes: number;
  readonly filesAtOnce: number;
}

const FILES_PER_BATCH = 50;
const MAX_FILES = 50_000;
const MAX_TOTAL_SIZE = 512 * 1024 * 1024;
/** So many files may fail without a response before the others are given up. */
const MAX_FAILED = 3;
const MAX_LINKS = 5;
const MAX_INCLUDES = 1000;
/** Packages and the data of version control, which no pipeline runs. */
const SKIPPED = /(?:^|\/)(?:node_modules|\.git|\.hg|\.svn)(?:\/|$)/;

interface Wanted {
  readonly entry: RepositoryEntry;
  /** Absent if only its content says it. */
  readonly kind?: PipelineKind;
  /** Left out unless its content has this kind. */
  readonly isUnsure?: true;
}

/** Whether nothing at this path, or below, is read. */
export function isSkippedPath(path: string): boolean {
  return SKIPPED.test(path);
}

/**
 * The pipeline files among the entries of a repository, and the files that GitLab pipelines among them include, in batches. A link within the
 * repository is read at the path where it leads, and never followed out of it.
 * @throws {SourceError} once the rest can't be read, after everything that was.
 */
export async function* readPipelineFiles(
  entries: readonly RepositoryEntry[],
  reading: Reading,
): AsyncGenerator<readonly PipelineFile[], void, undefined> {
  const known: Known = { byPath: new Map(entries.map((entry) => [entry.path, entry])), failed: { count: 0 } };
  const tried = new Set<string>();
  const found = new Set<string>();
  let size = 0;
  let batch: PipelineFile[] = [];
  const fail = (because: string) => new SourceError(reading.source, 'malformed', because);
  const isNew = ({ entry: { path }, isUnsure }: Wanted) => {
    const attempt = `${isUnsure ? 'unsure' : 'sure'} ${path}`;
    if (found.has(path) || tried.has(attempt)) return false;
    tried.add(attempt);
    return true;
  };
  let wanted = firstOf(entries).filter(isNew);
  try {
    while (wanted.length > 0) {
      const included = new Set<string>();
      const linked: Wanted[] = [];
      const results = concurrently(
        wanted,
        reading.filesAtOnce,
        (one, signal) => readWanted(one, { ...reading, signal }, known),
        reading.signal,
      );
      for await (const result of results) {
        if (!result) continue;
        if ('entry' in result) {
          linked.push(result);
          continue;
        }
        if (found.size >= MAX_FILES)
          throw fail(`has more than ${MAX_FILES} pipeline files, not all of which were read`);
        size += result.content?.length ?? 0;
        if (size > MAX_TOTAL_SIZE)
          throw fail('has more than 512 MiB of pipeline files, not all of which were read');
        found.add(result.path);
        if (result.kind === 'gitlab' && result.content !== undefined)
          for (const path of localIncludes(result.content)) included.add(path);
        batch.push(result);
        reading.onProgress?.({ read: found.size, unit: 'pipeline files' });
        if (batch.length < FILES_PER_BATCH) continue;
        yield batch;
        batch = [];
      }
      if (included.size > MAX_INCLUDES)
        throw fail(`includes more than ${MAX_INCLUDES} files, not all of which were read`);
      wanted = [...linked, ...includedIn(entries, known.byPath, included)].filter(isNew);
    }
  } catch (error) {
    if (batch.length > 0 && !reading.signal.aborted) yield batch;
    throw error;
  }
  if (batch.length > 0) yield batch;
}

const UNSURE = { isUnsure: true } as const;

function firstOf(entries: readonly RepositoryEntry[]): readonly Wanted[] {
  return entries.flatMap((entry): readonly Wanted[] => {
    if (isSkippedPath(entry.path)) return [];
    const found = kindOfPath(entry.path);
    if (found && 'kind' in found)
      return [{ entry, kind: found.kind, ...(found.needsContent && !entry.isNamed && UNSURE) }];
    if (entry.isNamed || entry.type === 'unreadable') return [{ entry }];
    // A link may lead to a folder with pipeline files.
    if (!found) return [];
    return (entry.type === 'link' && !entry.leadsToFile) || (entry.type === 'file' && entry.mayBeScript)
      ? [{ entry, kind: 'shell', ...UNSURE }]
      : [];
  });
}

function includedIn(
  entries: readonly RepositoryEntry[],
  byPath: ReadonlyMap<string, RepositoryEntry>,
  included: ReadonlySet<string>,
): readonly Wanted[] {
  return [...included].flatMap((pattern) => {
    const exact = byPath.get(pattern);
    if (exact) return [{ entry: exact, kind: 'gitlab' as const }];
    if (!pattern.includes('*')) return [];
    const matches = makePathMatcher(pattern);
    return entries
      .filter(({ path }) => /\.ya?ml$/.test(path) && matches(path))
      .map((entry) => ({ entry, kind: 'gitlab' as const }));
  });
}

interface Known {
  readonly byPath: ReadonlyMap<string, RepositoryEntry>;
  /** All folders, once a link needs them. */
  folders?: ReadonlySet<string>;
  readonly failed: { count: number };
}

/** @returns the file; or what to read instead of a link; or nothing, if it is no pipeline file. */
async function readWanted(
  wanted: Wanted,
  reading: Reading,
  known: Known,
): Promise<PipelineFile | Wanted | undefined> {
  const { entry, kind, isUnsure } = wanted;
  const unread = (error: string) => toFile(reading, { entry, kind: kind ?? 'shell', error });
  if (entry.error !== undefined) return unread(entry.error);
  if (entry.type === 'submodule') return unread('is a submodule, which is another repository');
  try {
    if (entry.type === 'link') return await followLink(wanted, reading, known, unread);
    if (isUnsure && kind === 'shell' && reading.readStart) {
      const start = await reading.readStart(entry, reading.signal);
      if ('error' in start) return unread(start.error);
      if (!isShellScript(start.toString('latin1'))) return undefined;
    }
    if ((entry.sizeBytes ?? 0) > reading.maxFileBytes) return unread(tooLarge(reading.maxFileBytes));
    const bytes = await reading.read(entry, reading.signal);
    if ('error' in bytes) return unread(bytes.error);
    if (isUnsure && kind === 'shell' && !isShellScript(bytes.subarray(0, 256).toString('latin1')))
      return undefined;
    const text = decodePipeline(bytes);
    if ('error' in text) return unread(text.error);
    if (isUnsure && kind === 'github-action' && !isAction(text.content)) return undefined;
    const sure = kind ?? kindOfContent(text.content);
    return sure
      ? toFile(reading, { entry, kind: sure, content: text.content })
      : unread("isn't a pipeline file that Wrench knows: neither its name nor its content shows its kind");
  } catch (error) {
    if (!(error instanceof SourceError) || reading.signal.aborted) throw error;
    if (error.code === 'TOO_LARGE') return unread(tooLarge(reading.maxFileBytes));
    known.failed.count += 1;
    if (error.code === 'RATE_LIMITED' || error.kind === 'refused' || known.failed.count > MAX_FAILED)
      throw error;
    return unread(`couldn't be read: ${error.message}`);
  }
}

async function followLink(
  { entry, kind, isUnsure }: Wanted,
  reading: Reading,
  known: Known,
  unread: (error: string) => PipelineFile,
): Promise<PipelineFile | Wanted | undefined> {
  let at = entry;
  for (let links = 0; links < MAX_LINKS; links += 1) {
    const target = await reading.read(at, reading.signal);
    if ('error' in target) return unread(target.error);
    const path = posix.join(posix.dirname(at.path), target.toString('utf8'));
    if (target.toString('utf8').startsWith('/') || path === '..' || path.startsWith('../'))
      return unread('is a link out of the repository');
    const found = known.byPath.get(withoutSlash(path));
    if (!found) {
      // What is in a folder of the repository is read there.
      known.folders ??= foldersOf(known.byPath.keys());
      const isFolder = known.folders.has(withoutSlash(path));
      return isFolder || isUnsure ? undefined : unread('is a link to a path that is not in the repository');
    }
    at = found;
    if (found.type !== 'link') return { entry: found, ...(kind && { kind }), ...(isUnsure && { isUnsure }) };
  }
  return unread('is behind too many links');
}

function withoutSlash(path: string): string {
  return path.replace(/\/$/, '');
}

function foldersOf(paths: Iterable<string>): ReadonlySet<string> {
  const folders = new Set(['.']);
  for (const path of paths)
    for (let folder = posix.dirname(path); !folders.has(folder); folder = posix.dirname(folder))
      folders.add(folder);
  return folders;
}

function toFile(
  { facts, urlOf }: Reading,
  { entry, ...more }: Pick<PipelineFile, 'kind' | 'content' | 'error'> & { readonly entry: RepositoryEntry },
): PipelineFile {
  const url = urlOf?.(entry.path);
  return {
    ...facts,
    path: printable(entry.path),
    ...more,
    ...(url !== undefined && { url: printable(url) }),
  };
}
