import type { PipelineFile } from '../../ports/pipelines.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import type { ByteCache } from '../../wire/byte-cache.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { nextPage } from '../../wire/next-page.ts';
import { readPipelineFiles, type RepositoryEntry } from '../../wire/read-pipelines.ts';
import { printable } from '../../wire/x509.ts';
import type { GitlabConfig } from './config.ts';
import { getObject, pathOfProject, type ProjectApi, commitOfGitlabBranch } from './gitlab-api.ts';

const FILES_AT_ONCE = 6;
/** Of 100 entries each. */
const MAX_PAGES = 2000;
/** GitLab doesn't list sizes, so fewer than those of GitHub. */
const MAX_EXECUTABLES = 100;

/** The pipeline files of one project at the newest commit of its branch. */
export async function* readProject(
  config: GitlabConfig,
  requests: ProjectApi,
  cache: ByteCache,
  options: ReadOptions,
): AsyncGenerator<readonly PipelineFile[], void, undefined> {
  const { name: source, maxFileKiB } = config;
  const { project, api } = requests;
  const facts = await getObject(source, requests, `the project ${project.path}`);
  const branch = project.branch ?? textIn(facts, 'default_branch');
  if (facts['empty_repo'] === true || branch === undefined)
    throw new SourceError(
      source,
      'missing',
      `${project.path} is empty, or the token may not read its repository`,
    );
  const commit = await commitOfGitlabBranch(source, requests, branch);
  if (commit === undefined)
    throw new SourceError(source, 'missing', `${project.path} has no branch ${printable(branch)}`);
  const page = textIn(facts, 'web_url') ?? '';
  const maxFileBytes = maxFileKiB * 1024;
  const { entries, error, left } = await listTree(source, requests, commit);
  yield* readPipelineFiles(entries, {
    ...options,
    source,
    facts: { repository: project.path, commit, branch: printable(branch) },
    urlOf: (path) =>
      /^https?:\/\//.test(page)
        ? `${page}/-/blob/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`
        : undefined,
    maxFileBytes,
    filesAtOnce: FILES_AT_ONCE,
    read: async ({ id = '', path }, fileSignal) => {
      const cached = cache.get(id);
      if (cached) return cached;
      const { text } = await api.get(pathOfProject(project, 'repository/blobs', id, 'raw'), {
        about: `the file ${printable(path)} of ${project.path}`,
        accept: '*/*',
        encoding: 'latin1',
        maxBytes: maxFileBytes,
        signal: fileSignal,
      });
      const bytes = Buffer.from(text, 'latin1');
      cache.set(id, bytes);
      return bytes;
    },
  });
  if (error) throw error;
  if (left > 0)
    throw new SourceError(
      source,
      'malformed',
      `${project.path} has more than ${MAX_EXECUTABLES} executable files without an extension: ${left} of them may be scripts, and were not read`,
    );
}

interface Listed {
  readonly entries: readonly RepositoryEntry[];
  /** Why there may be more. */
  readonly error?: SourceError;
  /** How many executables are not read. */
  readonly left: number;
}

/** What was listed before an error counts. */
async function listTree(
  source: string,
  { project, api, signal }: ProjectApi,
  commit: string,
): Promise<Listed> {
  const about = `the files of ${project.path}`;
  const byPath = new Map<string, RepositoryEntry>();
  let executables = 0;
  const listed = (error?: SourceError): Listed => ({
    entries: [...byPath.values()],
    left: Math.max(0, executables - MAX_EXECUTABLES),
    ...(error && { error }),
  });
  const query = new URLSearchParams({
    ref: commit,
    recursive: 'true',
    per_page: '100',
    pagination: 'keyset',
  });
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    let next: URL | undefined;
    let isNew = false;
    try {
      const { text, headers } = await api.get(
        `${pathOfProject(project, 'repository/tree')}?${query.toString()}`,
        {
          about,
          signal,
        },
      );
      const tree = parseJson(text);
      if (!Array.isArray(tree)) throw new SourceError(source, 'malformed', `GitLab did not return ${about}`);
      for (const one of tree.map(asObject)) {
        if (one['type'] === 'tree') {
          isNew = true;
          continue;
        }
        const entry = toEntry(one);
        if (byPath.has(entry.path)) continue;
        isNew = true;
        if (entry.mayBeScript) executables += 1;
        byPath.set(
          entry.path,
          executables > MAX_EXECUTABLES && entry.mayBeScript ? { ...entry, mayBeScript: false } : entry,
        );
      }
      next = nextPage(headers['link']);
    } catch (error) {
      if (!(error instanceof SourceError) || byPath.size === 0) throw error;
      return listed(error);
    }
    if (!next) return listed();
    if (!isNew) return listed(new SourceError(source, 'malformed', `GitLab lists ${about} again and again`));
    // Only these: behind a proxy the address may be another one. Versions before 17 have numbered pages.
    for (const key of ['page_token', 'page']) {
      const value = next.searchParams.get(key);
      if (value === null) query.delete(key);
      else query.set(key, value);
    }
  }
  return listed(
    new SourceError(source, 'malformed', `${project.path} has too many files, not all of which were listed`),
  );
}

function toEntry(one: JsonObject): RepositoryEntry {
  const [path = '?', id = '', mode] = [textIn(one, 'path'), textIn(one, 'id'), textIn(one, 'mode')];
  if (path === '?' || !/^[\da-f]{40,64}$/.test(id))
    return { path, type: 'unreadable', error: 'is listed without its path or its id' };
  const name = path.slice(path.lastIndexOf('/') + 1);
  return {
    path,
    id,
    type: one['type'] === 'commit' ? 'submodule' : mode === '120000' ? 'link' : 'file',
    ...(mode === '100755' && !name.includes('.') && { mayBeScript: true }),
  };
}
