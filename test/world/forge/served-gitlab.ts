import { type ForgeAnswer, type ForgeRequest, pageOf, serveForge, type ServedForge } from './serve-forge.ts';
import { type GitStore, makeGitStore, type NewFiles } from './git-store.ts';

export interface GitlabOptions {
  /** By path: `shop/backend/api`. */
  readonly projects: Readonly<Record<string, NewFiles | GitStore>>;
  readonly readToken?: string;
  readonly writeToken?: string;
  readonly readScopes?: readonly string[];
  readonly writeScopes?: readonly string[];
  /** The access level of the writing token. Default: Developer. */
  readonly level?: number;
  /** How a list of files is divided. Before 17 pages are numbered. */
  readonly pages?: 'keyset' | 'numbered' | 'endless' | 'endless with new names';
  readonly pageSize?: number;
  /** The address that it has behind its proxy, as in its links. */
  readonly externalUrl?: string;
}

export interface ServedRequest {
  readonly iid: number;
  readonly title: string;
  readonly description: string;
  readonly source: string;
  readonly target: string;
  state: 'opened' | 'closed' | 'merged';
  readonly isFork?: true;
}

export interface ServedGitlab extends ServedForge {
  readonly store: (project: string) => GitStore;
  readonly requestsOf: (project: string) => ServedRequest[];
}

interface Project {
  readonly id: number;
  readonly path: string;
  readonly store: GitStore;
  readonly merges: ServedRequest[];
}

const missing = (what: string): ForgeAnswer => ({ status: 404, body: { message: `404 ${what} Not Found` } });

/** The REST API of GitLab, as far as Wrench uses it: https://docs.gitlab.com/api/rest/ */
export async function serveGitlab({
  projects,
  readToken = 'glpat-read-canary',
  writeToken = 'glpat-write-canary',
  readScopes = ['read_api'],
  writeScopes = ['api'],
  level = 30,
  pages = 'keyset',
  pageSize = 100,
  externalUrl,
}: GitlabOptions): Promise<ServedGitlab> {
  const all = new Map(
    Object.entries(projects).map(([path, files], index): [string, Project] => [
      path,
      { id: 7000 + index, path, store: isStore(files) ? files : makeGitStore(files), merges: [] },
    ]),
  );
  const tokenOf = ({ headers }: ForgeRequest) => String(headers['private-token'] ?? '');
  const served = await serveForge(tokenOf, (request, url): ForgeAnswer => {
    const token = tokenOf(request);
    if (token !== readToken && token !== writeToken)
      return { status: 401, body: { message: '401 Unauthorized' } };
    const isWriter = token === writeToken;
    const [, api, version, root, ...rest] = request.path.split('/').map(decodeURIComponent);
    if (api !== 'api' || version !== 'v4') return { status: 404, body: '<html>Page not found</html>' };
    if (root === 'personal_access_tokens')
      return { status: 200, body: { name: 'wrench', scopes: isWriter ? writeScopes : readScopes } };
    const project = all.get(rest[0] ?? '');
    if (root !== 'projects' || !project) return missing('Project');
    if (request.method !== 'GET' && !(isWriter && writeScopes.includes('api')))
      return {
        status: 403,
        body: {
          error: 'insufficient_scope',
          error_description: 'The request requires higher privileges than provided by the access token.',
          scope: 'api',
        },
      };
    const context: Context = {
      project,
      request,
      url: externalUrl ?? url,
      pages,
      pageSize,
      level: isWriter ? level : 20,
    };
    return request.method === 'GET' ? read(rest.slice(1), context) : write(rest.slice(1).join('/'), context);
  });
  return {
    ...served,
    store: (path) => all.get(path)!.store,
    requestsOf: (path) => all.get(path)!.merges,
  };
}

interface Context extends Required<Pick<GitlabOptions, 'pages' | 'pageSize' | 'level'>> {
  readonly project: Project;
  readonly request: ForgeRequest;
  readonly url: string;
}

function read(path: readonly string[], context: Context): ForgeAnswer {
  const { project, request, url, level } = context;
  const { store, merges } = project;
  const [kind, type, id = '', more] = path;
  if (kind === undefined)
    return {
      status: 200,
      body: {
        id: project.id,
        path_with_namespace: project.path,
        default_branch: store.branches.size === 0 ? null : store.defaultBranch,
        empty_repo: store.branches.size === 0,
        web_url: `https://gitlab.example.com/${project.path}`,
        permissions: { project_access: { access_level: level }, group_access: null },
      },
    };
  if (kind === 'merge_requests') {
    const state = request.query.get('state') ?? 'all';
    const [source, target] = [request.query.get('source_branch'), request.query.get('target_branch')];
    const found = merges.filter(
      (one) =>
        (state === 'all' || one.state === state) &&
        (source === null || one.source === source) &&
        (target === null || one.target === target),
    );
    const { items, headers } = pageOf(found, request, url);
    return { status: 200, body: items.map((one) => toRequest(one, project)), headers };
  }
  if (kind !== 'repository') return missing('Route');
  if (type === 'branches') {
    const commit = store.branches.get(id);
    return commit === undefined
      ? missing('Branch')
      : { status: 200, body: { name: id, commit: { id: commit, parent_ids: [] } } };
  }
  if (type === 'commits') {
    const commit = store.commitOf(id);
    return commit ? { status: 200, body: { id, parent_ids: commit.parents } } : missing('Commit');
  }
  if (type === 'tree') return listTree(context);
  if (type === 'blobs' && more === 'raw') {
    const blob = store.blob(id);
    return blob ? { status: 200, body: blob } : missing('Blob');
  }
  if (type !== 'files') return missing('Route');
  const ref = request.query.get('ref') ?? '';
  const entry = store.files(store.branches.get(ref) ?? ref).get(id);
  if (!entry) return missing('File');
  return {
    status: 200,
    body: {
      file_path: id,
      blob_id: entry.sha,
      encoding: 'base64',
      content: store.blob(entry.sha)!.toString('base64'),
      last_commit_id: store.lastCommit(store.branches.get(ref) ?? ref, id),
      execute_filemode: entry.mode === '100755',
    },
  };
}

function listTree({ project: { store }, request, url, pages, pageSize }: Context): ForgeAnswer {
  const ref = request.query.get('ref') ?? store.branches.get(store.defaultBranch) ?? '';
  if (!store.commitOf(ref)) return missing('Tree');
  const entries = [...store.files(ref).values()].map(({ path, mode, type, sha }) => ({
    id: sha,
    name: path.split('/').at(-1),
    type,
    path,
    mode,
  }));
  if (pages === 'endless' || pages === 'endless with new names') {
    const page = Number(request.query.get('page_token') ?? 0) + 1;
    const next = new URLSearchParams([...request.query].filter(([key]) => key !== 'page_token'));
    next.set('page_token', String(page));
    const body =
      pages === 'endless' ? entries : entries.map((one) => ({ ...one, path: `${page}/${one.path}.txt` }));
    return { status: 200, body, headers: { link: `<${url}${request.path}?${next.toString()}>; rel="next"` } };
  }
  if (pages === 'numbered') {
    const { items, headers } = pageOf(entries, request, url, { most: pageSize });
    return { status: 200, body: items, headers };
  }
  // The token is that of the last entry: https://docs.gitlab.com/api/rest/#keyset-based-pagination
  const token = request.query.get('page_token');
  const from =
    token === null
      ? 0
      : entries.findIndex(({ path }) => path === Buffer.from(token, 'base64').toString()) + 1;
  const items = entries.slice(from, from + pageSize);
  const last = items.at(-1);
  if (!last || from + pageSize >= entries.length) return { status: 200, body: items };
  const next = new URLSearchParams([...request.query].filter(([key]) => key !== 'page_token'));
  next.set('page_token', Buffer.from(last.path).toString('base64'));
  return {
    status: 200,
    body: items,
    headers: { link: `<${url}${request.path}?${next.toString()}>; rel="next"` },
  };
}

function write(what: string, { project, request }: Context): ForgeAnswer {
  const { store, merges } = project;
  if (what === 'repository/commits') {
    const body = request.body as {
      branch: string;
      start_sha: string;
      commit_message: string;
      actions: { file_path: string; content: string; encoding: string; last_commit_id: string }[];
    };
    if (store.branches.has(body.branch))
      return {
        status: 400,
        body: {
          message: `A branch called '${body.branch}' already exists. Switch to that branch in order to make changes`,
        },
      };
    if (!store.commitOf(body.start_sha))
      return { status: 400, body: { message: 'Could not find the start commit' } };
    const files = new Map<string, { mode: string; sha: string }>(store.files(body.start_sha));
    for (const action of body.actions) {
      const file = files.get(action.file_path);
      if (!file) return { status: 400, body: { message: "A file with this name doesn't exist" } };
      if (store.lastCommit(body.start_sha, action.file_path) !== action.last_commit_id)
        return {
          status: 400,
          body: {
            message: 'You are attempting to update a file that has changed since you started editing it.',
          },
        };
      const content = Buffer.from(action.content, action.encoding === 'base64' ? 'base64' : 'utf8');
      files.set(action.file_path, { mode: file.mode, sha: store.addBlob(content) });
    }
    const id = store.addCommit({
      tree: store.addTree(files),
      parents: [body.start_sha],
      message: body.commit_message,
    });
    store.branches.set(body.branch, id);
    return { status: 201, body: { id } };
  }
  if (what !== 'merge_requests') return missing('Route');
  const {
    source_branch: source,
    target_branch: target,
    title,
    description,
  } = request.body as Readonly<Record<string, string>>;
  if (merges.some((one) => one.source === source && one.state === 'opened'))
    return {
      status: 409,
      body: { message: ['Another open merge request already exists for this source branch: !1'] },
    };
  const created: ServedRequest = {
    iid: merges.length + 1,
    title: title!,
    description: description!,
    source: source!,
    target: target!,
    state: 'opened',
  };
  merges.push(created);
  return { status: 201, body: toRequest(created, project) };
}

function toRequest(
  { iid, title, description, source, target, state, isFork }: ServedRequest,
  { id, path }: Project,
): object {
  return {
    iid,
    state,
    title,
    description,
    source_branch: source,
    target_branch: target,
    source_project_id: isFork ? id + 1 : id,
    target_project_id: id,
    web_url: `https://gitlab.example.com/${path}/-/merge_requests/${iid}`,
    created_at: '2026-11-26T12:00:00.000Z',
  };
}

function isStore(files: NewFiles | GitStore): files is GitStore {
  return files['branches'] instanceof Map;
}
