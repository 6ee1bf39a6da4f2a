import { type ForgeAnswer, type ForgeRequest, pageOf, serveForge, type ServedForge } from './serve-forge.ts';
import { type GitStore, makeGitStore, type NewFiles } from './git-store.ts';

export interface GithubOptions {
  /** By `owner/name`. A text is the name that a repository has now. */
  readonly repositories: Readonly<Record<string, NewFiles | GitStore | string>>;
  readonly readToken?: string;
  readonly writeToken?: string;
  /** With more entries, a recursive tree is cut off. Default: never. */
  readonly treeLimit?: number;
  /** Of a classic token. */
  readonly scopes?: string;
  readonly isPublic?: boolean;
  /** Whether links lead to pages of this server, which show files and pull requests. Default: to github.com, as in the responses of GitHub. */
  readonly hasPages?: boolean;
}

export interface ServedPull {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly head: string;
  readonly base: string;
  state: 'open' | 'closed';
  /** `someone/api` for one from a fork. */
  readonly from?: string;
}

export interface ServedGithub extends ServedForge {
  readonly store: (repository: string) => GitStore;
  readonly pulls: (repository: string) => ServedPull[];
  /** Merges a pull request and deletes its branch. */
  readonly merge: (repository: string, number: number) => void;
}

interface Repository {
  readonly id: number;
  readonly store: GitStore;
  readonly pulls: ServedPull[];
}

const NOT_FOUND: ForgeAnswer = { status: 404, body: { message: 'Not Found', status: '404' } };

/**
 * The REST API of GitHub, as far as Wrench uses it: https://docs.github.com/en/rest. A token without access to a repository gets 404, one without a
 * permission 403.
 */
export async function serveGithub({
  repositories,
  readToken = 'github_pat_read-canary',
  writeToken = 'github_pat_write-canary',
  treeLimit = Infinity,
  scopes,
  hasPages = false,
}: GithubOptions): Promise<ServedGithub> {
  const all = new Map<string, Repository>();
  const renamed = new Map<string, string>();
  for (const [name, files] of Object.entries(repositories)) {
    if (typeof files === 'string') renamed.set(name, files);
    else
      all.set(name, { id: 1000 + all.size, store: isStore(files) ? files : makeGitStore(files), pulls: [] });
  }
  const tokenOf = ({ headers }: ForgeRequest) =>
    String(headers['authorization'] ?? '').replace(/^Bearer /, '');
  const served = await serveForge(tokenOf, (request, url): ForgeAnswer => {
    const token = tokenOf(request);
    const page = hasPages ? webPage(request, all) : undefined;
    if (page !== undefined) return { status: 200, body: page };
    if (headerOf(request, 'user-agent') === '')
      return { status: 403, body: 'Request forbidden by administrative rules.' };
    if (token !== readToken && token !== writeToken)
      return { status: 401, body: { message: 'Bad credentials', status: '401' } };
    const [, root, ...rest] = request.path.split('/').map(decodeURIComponent);
    const isById = root === 'repositories';
    const name = isById
      ? ([...all].find(([, { id }]) => String(id) === rest[0])?.[0] ?? '')
      : rest.slice(0, 2).join('/');
    const now = renamed.get(name);
    if (now !== undefined) {
      const moved = request.path.replace(/^\/repos\/[^/]+\/[^/]+/, `/repositories/${all.get(now)!.id}`);
      const query = request.query.size > 0 ? `?${request.query.toString()}` : '';
      return {
        status: request.method === 'GET' ? 301 : 307,
        body: { message: 'Moved Permanently' },
        headers: { location: `${url}${moved}${query}` },
      };
    }
    const repository = all.get(name);
    if (!repository) return NOT_FOUND;
    if (request.method !== 'GET' && token !== writeToken)
      return { status: 403, body: { message: 'Resource not accessible by personal access token' } };
    const path = rest.slice(isById ? 1 : 2);
    const web = `${hasPages ? url : 'https://github.com'}/${name}`;
    const context = { name, repository, request, url, web, treeLimit };
    const answer =
      request.method === 'GET' ? read(path, context, token === writeToken) : write(path, context);
    return scopes === undefined
      ? answer
      : { ...answer, headers: { ...answer.headers, 'x-oauth-scopes': scopes } };
  });
  return {
    ...served,
    store: (name) => all.get(name)!.store,
    pulls: (name) => all.get(name)!.pulls,
    merge: (name, number) => {
      const { store, pulls } = all.get(name)!;
      const pull = pulls.find((one) => one.number === number)!;
      store.merge(pull.head, pull.base);
      store.branches.delete(pull.head);
      pull.state = 'closed';
    },
  };
}

interface Context {
  readonly name: string;
  readonly repository: Repository;
  readonly request: ForgeRequest;
  readonly url: string;
  /** The page of the repository. */
  readonly web: string;
  readonly treeLimit: number;
}

/** What people read in a browser: `/shop/api/pull/1`, and a file at `/shop/api/blob/COMMIT/ci/test.sh`. */
function webPage(
  { method, path }: ForgeRequest,
  repositories: ReadonlyMap<string, Repository>,
): string | Buffer | undefined {
  const [, name = '', kind, id = '', file = ''] =
    /^\/([^/]+\/[^/]+)\/(pull|blob)\/(\w+)(?:\/(.+))?$/.exec(decodeURIComponent(path)) ?? [];
  const repository = repositories.get(name);
  if (method !== 'GET' || !repository) return undefined;
  if (kind === 'blob') return repository.store.blob(repository.store.files(id).get(file)?.sha ?? '');
  const pull = repository.pulls.find(({ number }) => String(number) === id);
  return pull && `${name} #${pull.number}, ${pull.state}: ${pull.title}\n\n${pull.body}\n`;
}

function read(path: readonly string[], context: Context, mayPush: boolean): ForgeAnswer {
  const { name, repository, request, url, web, treeLimit } = context;
  const { store, pulls } = repository;
  const [kind, type, id = ''] = path;
  if (kind === undefined)
    return {
      status: 200,
      body: {
        full_name: name,
        default_branch: store.defaultBranch,
        html_url: web,
        permissions: { admin: false, push: mayPush, pull: true },
      },
    };
  if (kind === 'pulls') {
    const { items, headers } = pageOf(
      pulls.filter((pull) => matches(pull, name, request.query)).toReversed(),
      request,
      url,
    );
    return { status: 200, body: items.map((pull) => toPull(pull, name, web)), headers };
  }
  if (kind !== 'git') return NOT_FOUND;
  if (store.branches.size === 0)
    return { status: 409, body: { message: 'Git Repository is empty.', status: '409' } };
  if (type === 'ref') {
    const branch = path.slice(3).join('/');
    const sha = id === 'heads' ? store.branches.get(branch) : undefined;
    if (sha === undefined) return NOT_FOUND;
    return { status: 200, body: { ref: `refs/heads/${branch}`, object: { type: 'commit', sha } } };
  }
  if (type === 'commits') {
    const commit = store.commitOf(id);
    if (!commit) return NOT_FOUND;
    const parents = commit.parents.map((sha) => ({ sha }));
    return { status: 200, body: { sha: id, tree: { sha: commit.tree }, parents, message: commit.message } };
  }
  if (type === 'trees') {
    const tree = store.tree(id);
    if (!tree) return NOT_FOUND;
    const entries = request.query.has('recursive') ? [...store.files(id).values()] : tree;
    const isCut = request.query.has('recursive') && entries.length > treeLimit;
    return {
      status: 200,
      body: { sha: id, tree: isCut ? entries.slice(0, treeLimit) : entries, truncated: isCut },
    };
  }
  const blob = type === 'blobs' ? store.blob(id) : undefined;
  if (!blob) return NOT_FOUND;
  return headerOf(request, 'accept').includes('raw')
    ? { status: 200, body: blob }
    : { status: 200, body: { sha: id, encoding: 'base64', content: blob.toString('base64') } };
}

function write(
  path: readonly string[],
  { name, repository: { store, pulls }, request, web }: Context,
): ForgeAnswer {
  const body = request.body as Readonly<Record<string, unknown>>;
  const what = path.join('/');
  if (what === 'git/trees') {
    const files = new Map<string, { mode: string; sha: string }>(store.files(body['base_tree'] as string));
    for (const one of body['tree'] as { path: string; mode: string; content: string }[])
      files.set(one.path, { mode: one.mode, sha: store.addBlob(Buffer.from(one.content)) });
    return { status: 201, body: { sha: store.addTree(files) } };
  }
  if (what === 'git/commits') {
    const { tree, parents, message } = body as { tree: string; parents: string[]; message: string };
    return { status: 201, body: { sha: store.addCommit({ tree, parents, message }) } };
  }
  if (what === 'git/refs') {
    const { ref, sha } = body as { ref: string; sha: string };
    const branch = ref.replace('refs/heads/', '');
    if (store.branches.has(branch)) return { status: 422, body: { message: 'Reference already exists' } };
    store.branches.set(branch, sha);
    return { status: 201, body: { ref, object: { sha } } };
  }
  if (what !== 'pulls') return NOT_FOUND;
  const {
    head,
    base,
    title,
    body: text,
  } = body as { head: string; base: string; title: string; body: string };
  if (pulls.some((pull) => pull.head === head && pull.base === base && pull.state === 'open')) {
    const message = `A pull request already exists for ${head}.`;
    return {
      status: 422,
      body: { message: 'Validation Failed', errors: [{ resource: 'PullRequest', code: 'custom', message }] },
    };
  }
  if (!store.branches.has(head) || !store.branches.has(base))
    return {
      status: 422,
      body: { message: 'Validation Failed', errors: [{ field: 'head', code: 'invalid' }] },
    };
  const pull: ServedPull = { number: pulls.length + 1, title, body: text, head, base, state: 'open' };
  pulls.push(pull);
  return { status: 201, body: toPull(pull, name, web) };
}

function matches(pull: ServedPull, name: string, query: URLSearchParams): boolean {
  const state = query.get('state') ?? 'open';
  const head = query.get('head');
  const base = query.get('base');
  const owner = (pull.from ?? name).split('/')[0]!;
  return (
    (state === 'all' || pull.state === state) &&
    (head === null || head === `${owner}:${pull.head}`) &&
    (base === null || base === pull.base)
  );
}

function toPull(
  { number, title, body, head, base, state, from }: ServedPull,
  name: string,
  web: string,
): object {
  return {
    number,
    state,
    title,
    body,
    html_url: `${web}/pull/${number}`,
    created_at: '2026-11-26T12:00:00Z',
    head: { ref: head, repo: { full_name: from ?? name } },
    base: { ref: base, repo: { full_name: name } },
  };
}

function headerOf({ headers }: ForgeRequest, name: string): string {
  return String(headers[name] ?? '');
}

function isStore(files: NewFiles | GitStore): files is GitStore {
  return files['branches'] instanceof Map;
}
