import { readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import type { PipelineFile, Pipelines, RepositoryQuery } from '../../ports/pipelines.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { Source, SourceHealth } from '../../ports/source.ts';
import { readPipelineFiles, type ReadEntry, type RepositoryEntry } from '../../wire/read-pipelines.ts';
import { printable } from '../../wire/x509.ts';
import type { CheckoutConfig } from './config.ts';
import { readGitState } from './git-state.ts';
import { listEntries } from './list-entries.ts';
import { explainRead, readBytes, readStart } from './read-bytes.ts';

const FILES_AT_ONCE = 16;

/** Pipeline files in folders. Nothing is kept between reads, and nothing is written, so there is nothing to close. */
export function openCheckout(config: CheckoutConfig): Source {
  const { name, folders } = config;
  const reader: Pipelines = {
    name,
    repositories: folders,
    files: (query) => readFolder(config, query),
    proposing: { allowed: false, because: `the source ${name} reads folders, which have no pull requests` },
  };
  return {
    name,
    kind: 'checkout',
    reads: { pipelines: reader },
    healthCheck: () => checkFolders(config),
    close: async () => {},
  };
}

async function* readFolder(
  { name, folders, exclude, maxFileKiB }: CheckoutConfig,
  { repository, ...options }: RepositoryQuery,
): AsyncGenerator<readonly PipelineFile[], void, undefined> {
  if (!folders.includes(repository))
    throw new SourceError(name, 'missing', `the folder ${printable(repository)} is not configured`);
  const { root, file } = await findRoot(name, repository);
  const listed = file
    ? { entries: [{ path: file, type: 'file', isNamed: true } as const], isCut: false }
    : await listEntries(root, { exclude, signal: options.signal });
  const { commit, branch } = await readGitState(root);
  const maxFileBytes = maxFileKiB * 1024;
  yield* readPipelineFiles(listed.entries, {
    ...options,
    source: name,
    facts: {
      repository,
      ...(commit !== undefined && { commit }),
      ...(branch !== undefined && { branch: printable(branch) }),
    },
    maxFileBytes,
    filesAtOnce: FILES_AT_ONCE,
    read: (entry) => readEntry(root, entry, maxFileBytes),
    readStart: (entry) => readStart(join(root, entry.path)),
  });
  if (listed.isCut)
    throw new SourceError(
      name,
      'malformed',
      `${printable(repository)} has too many files, not all of which were read: set \`exclude\``,
    );
}

/** A configured link is followed. */
async function findRoot(
  source: string,
  folder: string,
): Promise<{ readonly root: string; readonly file?: string }> {
  try {
    const root = await realpath(folder);
    return (await stat(root)).isDirectory() ? { root } : { root: dirname(root), file: basename(root) };
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw isMissing
      ? new SourceError(source, 'missing', `${printable(folder)} does not exist`)
      : new SourceError(source, 'refused', `${printable(folder)} ${explainRead(error)}`);
  }
}

async function readEntry(
  root: string,
  { path, type }: RepositoryEntry,
  maxBytes: number,
): ReturnType<ReadEntry> {
  const absolute = join(root, path);
  if (type !== 'link') return readBytes(absolute, maxBytes);
  try {
    const target = await readlink(absolute);
    return Buffer.from(isAbsolute(target) ? relative(dirname(absolute), target) : target);
  } catch (error) {
    return { error: explainRead(error) };
  }
}

async function checkFolders({ name, folders }: CheckoutConfig): Promise<SourceHealth> {
  const problems: string[] = [];
  for (const folder of folders) {
    try {
      await findRoot(name, folder);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      problems.push(error.message);
    }
  }
  const count = folders.length === 1 ? '1 folder' : `${folders.length} folders`;
  return problems.length === 0
    ? { ok: true, summary: `${count} can be read` }
    : {
        ok: false,
        summary: problems.join('; '),
        hint: 'Correct `folders`, or let the user that the worker runs as read them.',
      };
}
