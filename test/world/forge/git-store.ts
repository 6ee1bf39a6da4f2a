import { createHash } from 'node:crypto';

/** The objects and branches of a git repository, in memory, with the ids that git gives them. */
export interface GitStore {
  readonly branches: Map<string, string>;
  readonly defaultBranch: string;
  /** Adds, replaces and removes (null) files on top of a branch. */
  readonly commit: (
    files: NewFiles,
    options?: { readonly branch?: string; readonly message?: string },
  ) => string;
  readonly blob: (id: string) => Buffer | undefined;
  readonly tree: (id: string) => readonly TreeEntry[] | undefined;
  readonly commitOf: (id: string) => Commit | undefined;
  /** Every file of a commit or tree, by path. */
  readonly files: (id: string) => ReadonlyMap<string, TreeEntry>;
  readonly addBlob: (content: Buffer) => string;
  readonly addTree: (files: ReadonlyMap<string, Pick<TreeEntry, 'mode' | 'sha'>>) => string;
  readonly addCommit: (commit: Commit) => string;
  /** The last commit that changed a file, from this one backwards. */
  readonly lastCommit: (from: string, path: string) => string | undefined;
  /** Makes the branch a merge of both. */
  readonly merge: (branch: string, into: string) => void;
  readonly textAt: (branch: string, path: string) => string | undefined;
}

export type NewFiles = Readonly<Record<string, string | Buffer | NewFile | null>>;

interface NewFile {
  readonly mode: '100644' | '100755' | '120000' | '160000';
  /** Of a submodule, its commit. */
  readonly content: string;
}

export interface TreeEntry {
  readonly path: string;
  readonly mode: string;
  readonly type: 'blob' | 'tree' | 'commit';
  readonly sha: string;
  readonly size?: number;
}

interface Commit {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
}

export function makeGitStore(files: NewFiles = {}, { defaultBranch = 'main' } = {}): GitStore {
  const blobs = new Map<string, Buffer>();
  const trees = new Map<string, readonly TreeEntry[]>();
  const commits = new Map<string, Commit>();
  const branches = new Map<string, string>();

  const addBlob = (content: Buffer): string => {
    const sha = idOf('blob', content);
    blobs.set(sha, content);
    return sha;
  };
  const addTree: GitStore['addTree'] = (all) => {
    const below = Map.groupBy(all, ([path]) => path.split('/')[0]!);
    const entries = [...below].map(([name, inside]): TreeEntry => {
      const [[path, one] = ['', undefined]] = inside;
      if (one && path === name)
        return {
          path: name,
          mode: one.mode,
          type: one.mode === '160000' ? 'commit' : 'blob',
          sha: one.sha,
          ...(blobs.has(one.sha) && { size: blobs.get(one.sha)!.length }),
        };
      const sub = new Map(inside.map(([full, file]) => [full.slice(name.length + 1), file]));
      return { path: name, mode: '040000', type: 'tree', sha: addTree(sub) };
    });
    const sortName = ({ path, type }: TreeEntry) => (type === 'tree' ? `${path}/` : path);
    const sorted = entries.toSorted((one, other) =>
      Buffer.compare(Buffer.from(sortName(one)), Buffer.from(sortName(other))),
    );
    const body = Buffer.concat(
      sorted.map(({ mode, path, sha }) =>
        Buffer.concat([Buffer.from(`${mode.replace(/^0/, '')} ${path}\0`), Buffer.from(sha, 'hex')]),
      ),
    );
    const id = idOf('tree', body);
    trees.set(id, sorted);
    return id;
  };
  const addCommit = (commit: Commit): string => {
    const who = `Ada <ada@example.com> ${1_764_000_000 + commits.size} +0000`;
    const lines = [
      `tree ${commit.tree}`,
      ...commit.parents.map((parent) => `parent ${parent}`),
      `author ${who}`,
      `committer ${who}`,
      '',
      commit.message,
    ];
    const id = idOf('commit', Buffer.from(lines.join('\n')));
    commits.set(id, commit);
    return id;
  };
  const filesOf = (id: string): ReadonlyMap<string, TreeEntry> => {
    const found = new Map<string, TreeEntry>();
    const visit = (tree: string, prefix: string): void => {
      for (const entry of trees.get(tree) ?? []) {
        const path = prefix + entry.path;
        if (entry.type === 'tree') visit(entry.sha, `${path}/`);
        else found.set(path, { ...entry, path });
      }
    };
    visit(commits.get(id)?.tree ?? id, '');
    return found;
  };
  const commit: GitStore['commit'] = (changed, { branch = defaultBranch, message = 'Change files' } = {}) => {
    const parent = branches.get(branch) ?? branches.get(defaultBranch);
    const all = new Map<string, Pick<TreeEntry, 'mode' | 'sha'>>(parent === undefined ? [] : filesOf(parent));
    for (const [path, file] of Object.entries(changed)) {
      if (file === null) all.delete(path);
      else if (typeof file === 'string' || Buffer.isBuffer(file))
        all.set(path, { mode: '100644', sha: addBlob(Buffer.from(file)) });
      else
        all.set(path, {
          mode: file.mode,
          sha: file.mode === '160000' ? file.content : addBlob(Buffer.from(file.content)),
        });
    }
    const id = addCommit({ tree: addTree(all), parents: parent === undefined ? [] : [parent], message });
    branches.set(branch, id);
    return id;
  };
  if (Object.keys(files).length > 0) commit(files);
  return {
    branches,
    defaultBranch,
    commit,
    blob: (id) => blobs.get(id),
    tree: (id) => trees.get(commits.get(id)?.tree ?? id),
    commitOf: (id) => commits.get(id),
    files: filesOf,
    addBlob,
    addTree,
    addCommit,
    lastCommit: (from, path) => {
      let at = from;
      for (;;) {
        const [parent] = commits.get(at)?.parents ?? [];
        if (!filesOf(at).has(path)) return undefined;
        if (parent === undefined || filesOf(parent).get(path)?.sha !== filesOf(at).get(path)?.sha) return at;
        at = parent;
      }
    },
    merge: (branch, into) => {
      const [head, base] = [branches.get(branch)!, branches.get(into)!];
      branches.set(
        into,
        addCommit({ tree: commits.get(head)!.tree, parents: [base, head], message: `Merge ${branch}` }),
      );
    },
    textAt: (branch, path) => {
      const entry = filesOf(branches.get(branch) ?? '').get(path);
      return entry && blobs.get(entry.sha)?.toString('utf8');
    },
  };
}

function idOf(type: string, body: Buffer): string {
  return createHash('sha1').update(`${type} ${body.length}\0`).update(body).digest('hex');
}
