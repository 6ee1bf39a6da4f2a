import { dirname, join, resolve } from 'node:path';
import { readBytes } from './read-bytes.ts';

/** What is checked out. Whether files differ from the commit is not found out. */
export interface GitState {
  readonly commit?: string;
  /** Absent if no branch is checked out. */
  readonly branch?: string;
}

const COMMIT = /^(?:[\da-f]{40}|[\da-f]{64})$/;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * The commit and the branch of the checkout that a folder belongs to, from git's own files. Git itself isn't run: the configuration and the hooks of a
 * repository may run programs. What can't be read is absent, as for a repository with reftables.
 * https://git-scm.com/docs/gitrepository-layout
 */
export async function readGitState(folder: string): Promise<GitState> {
  const git = await findGitFolder(folder);
  const head = git === undefined ? undefined : await readSmall(join(git, 'HEAD'));
  if (git === undefined || head === undefined) return {};
  const [, ref] = /^ref: (refs\/\S+)\s*$/.exec(head) ?? [];
  if (ref === undefined) return COMMIT.test(head.trim()) ? { commit: head.trim() } : {};
  // A ref is also a path.
  if (ref.split('/').some((part) => part === '..' || part === '.')) return {};
  const commit = await readRef(git, ref);
  const branch =
    ref.startsWith('refs/heads/') && ref !== 'refs/heads/.invalid'
      ? ref.slice('refs/heads/'.length)
      : undefined;
  return { ...(commit !== undefined && { commit }), ...(branch !== undefined && { branch }) };
}

/** The nearest `.git`, and where it leads in a worktree or a submodule. */
async function findGitFolder(folder: string): Promise<string | undefined> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const git = join(at, '.git');
    if ((await readSmall(join(git, 'HEAD'))) !== undefined) return git;
    const [, elsewhere] = /^gitdir: (.+?)\s*$/.exec((await readSmall(git)) ?? '') ?? [];
    if (elsewhere !== undefined) return resolve(at, elsewhere);
    if (dirname(at) === at) return undefined;
  }
}

async function readRef(git: string, ref: string): Promise<string | undefined> {
  const common = (await readSmall(join(git, 'commondir')))?.trim();
  const folders = [git, ...(common === undefined ? [] : [resolve(git, common)])];
  for (const folder of folders) {
    const loose = (await readSmall(join(folder, ref)))?.trim() ?? '';
    if (COMMIT.test(loose)) return loose;
  }
  for (const folder of folders) {
    for (const line of (await readSmall(join(folder, 'packed-refs')))?.split('\n') ?? []) {
      const [commit = '', name] = line.trim().split(' ');
      if (name === ref && COMMIT.test(commit)) return commit;
    }
  }
  return undefined;
}

async function readSmall(path: string): Promise<string | undefined> {
  const bytes = await readBytes(path, MAX_BYTES);
  return 'error' in bytes ? undefined : bytes.toString('utf8');
}
