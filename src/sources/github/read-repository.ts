import type { PipelineFile } from '../../ports/pipelines.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { ByteCache } from '../../wire/byte-cache.ts';
import { asObject, type JsonObject, listIn, numberIn, textIn } from '../../wire/json-object.ts';
import { readPipelineFiles, type RepositoryEntry } from '../../wire/read-pipelines.ts';
import { printable } from '../../wire/x509.ts';
import type { GithubConfig } from './config.ts';
import { commitOfBranch, objectId, parseObject, pathIn, RAW, type RepositoryApi } from './github-api.ts';

const FILES_AT_ONCE = 6;
const MAX_ENTRIES = 300_000;
const MAX_TREES = 2000;
/** Executable files without an extension, which may be scripts. */
const MAX_EXECUTABLES = 200;
const MAX_SCRIPT_BYTES = 256 * 1024;

/** The pipeline files of one repository at the newest commit of its branch. */
export async function* readRepository(
  config: GithubConfig,
  requests: RepositoryApi,
  cache: ByteCache,
  options: ReadOptions,
): AsyncGenerator<readonly PipelineFile[], void, undefined> {
  const { name: source, maxFileKiB } = config;
  const { repository, api } = requests;
  const about = `the repository ${repository.name}`;
  const { signal } = options;
  const facts = asObject(await api.getJson(pathIn(repository), { about, signal }));
  const branch = repository.branch ?? textIn(facts, 'default_branch');
  if (branch === undefined)
    throw new SourceError(
      source,
      'malformed',
      `GitHub did not return the default branch of ${repository.name}`,
    );
  const commit = await commitOfBranch(source, requests, branch).catch((error: unknown) => {
    throw isEmpty(error) ? new SourceError(source, 'missing', `${repository.name} is empty`) : error;
  });
  if (commit === undefined)
    throw new SourceError(source, 'missing', `${repository.name} has no branch ${printable(branch)}`);
  const { entries, isCut } = await listTree(source, requests, commit);
  const page = textIn(facts, 'html_url') ?? '';
  const maxFileBytes = maxFileKiB * 1024;
  const { kept, left } = limitExecutables(entries);
  yield* readPipelineFiles(kept, {
    ...options,
    source,
    facts: { repository: repository.name, commit, branch: printable(branch) },
    urlOf: (path) => (/^https?:\/\//.test(page) ? `${page}/blob/${commit}/${encodePath(path)}` : undefined),
    maxFileBytes,
    filesAtOnce: FILES_AT_ONCE,
    read: async ({ id = '', path }, fileSignal) => {
      const cached = cache.get(id);
      if (cached) return cached;
      const { text } = await api.get(pathIn(repository, 'git/blobs', id), {
        about: `the file ${printable(path)} of ${repository.name}`,
        accept: RAW,
        encoding: 'latin1',
        maxBytes: maxFileBytes,
        signal: fileSignal,
      });
      const bytes = Buffer.from(text, 'latin1');
      cache.set(id, bytes);
      return bytes;
    },
  });
  if (isCut)
    throw new SourceError(
      source,
      'malformed',
      `${repository.name} has too many files, not all of which were listed`,
    );
  if (left > 0)
    throw new SourceError(
      source,
      'malformed',
      `${repository.name} has more than ${MAX_EXECUTABLES} executable files without an extension: ${left} of them may be scripts, and were not read`,
    );
}

function isEmpty(error: unknown): boolean {
  return error instanceof SourceError && /\b409\b.*\bempty\b/i.test(error.message);
}

/** `a b/ü.sh` as in the address of its page. */
function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function limitExecutables(entries: readonly RepositoryEntry[]): {
  readonly kept: readonly RepositoryEntry[];
  readonly left: number;
} {
  let count = 0;
  const kept = entries.map((entry) => {
    if (!entry.mayBeScript) return entry;
    count += 1;
    return count <= MAX_EXECUTABLES ? entry : { ...entry, mayBeScript: false };
  });
  return { kept, left: Math.max(0, count - MAX_EXECUTABLES) };
}

interface Listed {
  readonly entries: readonly RepositoryEntry[];
  readonly isCut: boolean;
}

/** In one request; if GitHub cuts that off, folder by folder. */
async function listTree(source: string, requests: RepositoryApi, commit: string): Promise<Listed> {
  const whole = await readTree(source, requests, commit, true);
  if (whole['truncated'] !== true)
    return { entries: listIn(whole, 'tree').flatMap((one) => toEntry(one, '')), isCut: false };
  const entries: RepositoryEntry[] = [];
  const folders = [{ id: commit, prefix: '' }];
  for (let trees = 0; folders.length > 0; trees += 1) {
    const { id, prefix } = folders.shift()!;
    if (trees >= MAX_TREES || entries.length > MAX_ENTRIES) return { entries, isCut: true };
    const tree = await readTree(source, requests, id, false);
    if (tree['truncated'] === true) return { entries, isCut: true };
    for (const one of listIn(tree, 'tree')) {
      const path = textIn(one, 'path');
      if (path !== undefined && one['type'] === 'tree' && path !== 'node_modules')
        folders.push({
          id: objectId(source, one, `the folder ${printable(path)}`),
          prefix: `${prefix}${path}/`,
        });
      else entries.push(...toEntry(one, prefix));
    }
  }
  return { entries, isCut: false };
}

async function readTree(
  source: string,
  { repository, api, signal }: RepositoryApi,
  id: string,
  isRecursive: boolean,
): Promise<JsonObject> {
  const about = `the files of ${repository.name}`;
  const path = pathIn(repository, 'git/trees', `${id}${isRecursive ? '?recursive=1' : ''}`);
  const tree = parseObject(source, (await api.get(path, { about, signal })).text, about);
  if (!Array.isArray(tree['tree']))
    throw new SourceError(source, 'malformed', `GitHub did not return ${about}`);
  return tree;
}

/** Modes of git: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects#_tree_objects */
function toEntry(one: JsonObject, prefix: string): readonly RepositoryEntry[] {
  const [path, id, mode] = [textIn(one, 'path'), textIn(one, 'sha'), textIn(one, 'mode')];
  if (one['type'] === 'tree') return [];
  if (path === undefined || id === undefined || !/^[\da-f]{40,64}$/.test(id))
    return [{ path: prefix + (path ?? '?'), type: 'unreadable', error: 'is listed without its id' }];
  const sizeBytes = numberIn(one, 'size');
  const isExecutable = mode === '100755' && (sizeBytes ?? 0) <= MAX_SCRIPT_BYTES;
  const name = path.slice(path.lastIndexOf('/') + 1);
  return [
    {
      path: prefix + path,
      id,
      type: one['type'] === 'commit' ? 'submodule' : mode === '120000' ? 'link' : 'file',
      ...(sizeBytes !== undefined && { sizeBytes }),
      ...(isExecutable && !name.includes('.') && { mayBeScript: true }),
    },
  ];
}
