import type { ApplyContext } from '../../ports/apply-context.ts';
import type { ChangedFile, PipelineWriter, ProposedChange } from '../../ports/pipelines.ts';
import { SourceError } from '../../ports/source-error.ts';
import { inertTitle, inertMarkdown } from '../../wire/inert-markdown.ts';
import { asObject, type JsonObject, listIn, textIn } from '../../wire/json-object.ts';
import {
  assertProposable,
  changedMeanwhile,
  hasContent,
  replacedContent,
} from '../../wire/proposed-files.ts';
import type { TokenApi } from '../../wire/token-api.ts';
import { printable } from '../../wire/x509.ts';
import { commitOfBranch, objectId, parseObject, pathIn, RAW, type RepositoryApi } from './github-api.ts';
import { listPulls, toProposedChange } from './pulls.ts';

const MAX_BYTES = 16 * 1024 * 1024;

type Change = Parameters<PipelineWriter['propose']>[0];

/** Reads with one token, and writes with another. */
interface Proposing extends RepositoryApi {
  readonly source: string;
  readonly writer: TokenApi;
  readonly change: Change;
}

/** A file in a tree. */
interface TreeFile {
  readonly mode: string;
  readonly bytes: Buffer;
}

/**
 * Opens a pull request. What an earlier attempt has created is used if it has this content: a branch is never moved, and no other branch is changed.
 * @throws {SourceError}
 */
export async function proposeOnGithub(
  source: string,
  { repository, api, writer }: Pick<Proposing, 'repository' | 'api' | 'writer'>,
  change: Change,
  { signal }: ApplyContext,
): Promise<ProposedChange> {
  assertProposable(source, change);
  const proposing: Proposing = { source, repository, api, writer, signal, change };
  const existing = await findPull(proposing);
  if (existing) return existing;
  const head = await commitOfBranch(source, proposing, change.branch);
  if (head !== undefined) await assertContinues(proposing, head);
  const files = await readUnchanged(proposing);
  if (head === undefined) await createBranch(proposing, files);
  return createPull(proposing);
}

/** In any state: a request that was closed is not opened again. */
async function findPull(proposing: Proposing): Promise<ProposedChange | undefined> {
  const { repository, change } = proposing;
  const [owner = ''] = repository.name.split('/');
  const query = new URLSearchParams({ state: 'all', head: `${owner}:${change.branch}`, base: change.into });
  const pulls = await listPulls(proposing.source, proposing, query);
  return pulls.find(({ branch }) => branch === change.branch);
}

/** The files on the branch `into`, as planned, and the same at the commit of the plan. */
async function readUnchanged(proposing: Proposing): Promise<ReadonlyMap<string, TreeFile>> {
  const { source, repository, change } = proposing;
  const into = await commitOfBranch(source, proposing, change.into);
  if (into === undefined)
    throw new SourceError(source, 'missing', `${repository.name} has no branch ${printable(change.into)}`);
  const files = await readFiles(proposing, change.commit);
  const now = into === change.commit ? files : await readFiles(proposing, into);
  for (const { path, from } of change.files) {
    const [planned, present] = [files.get(path), now.get(path)];
    if (!planned || !hasContent(planned.bytes, from))
      throw changedMeanwhile(source, path, `at ${change.commit.slice(0, 12)}`);
    if (!present || !hasContent(present.bytes, from) || present.mode !== planned.mode)
      throw changedMeanwhile(source, path, `on ${printable(change.into)}`);
  }
  return files;
}

/** @throws {SourceError} unless the branch has exactly this change. */
async function assertContinues(proposing: Proposing, head: string): Promise<void> {
  const { source, change } = proposing;
  const commit = await readCommit(proposing, head);
  const isOnTop =
    listIn(commit, 'parents')
      .map((parent) => textIn(parent, 'sha'))
      .join() === change.commit;
  const files = isOnTop ? await readFiles(proposing, head) : new Map<string, TreeFile>();
  const isSame = change.files.every(({ path, to }) =>
    hasContent(files.get(path)?.bytes ?? Buffer.from([0]), to),
  );
  if (!isOnTop || !isSame)
    throw new SourceError(source, 'refused', `the branch ${change.branch} exists with other changes`);
}

async function readCommit(
  { source, repository, api, signal }: Proposing,
  commit: string,
): Promise<JsonObject> {
  const about = `the commit ${commit.slice(0, 12)} of ${repository.name}`;
  return parseObject(
    source,
    (await api.get(pathIn(repository, 'git/commits', commit), { about, signal })).text,
    about,
  );
}

/** The changed files at a commit; without those that don't exist, or are no files. */
async function readFiles(proposing: Proposing, commit: string): Promise<ReadonlyMap<string, TreeFile>> {
  const { source, repository, api, signal, change } = proposing;
  const trees = new Map<string, Promise<readonly JsonObject[]>>();
  const treeOf = (id: string): Promise<readonly JsonObject[]> => {
    const about = `the files of ${repository.name}`;
    const known =
      trees.get(id) ??
      api
        .get(pathIn(repository, 'git/trees', id), { about, signal })
        .then(({ text }) => listIn(parseObject(source, text, about), 'tree'));
    trees.set(id, known);
    return known;
  };
  const files = new Map<string, TreeFile>();
  for (const { path } of change.files) {
    const segments = path.split('/');
    let id = commit;
    let found: JsonObject | undefined;
    for (const [at, segment] of segments.entries()) {
      found = (await treeOf(id)).find((one) => one['path'] === segment);
      const isLast = at === segments.length - 1;
      if (!found || (found['type'] === 'tree') === isLast) {
        found = undefined;
        break;
      }
      id = objectId(source, found, printable(path));
    }
    const mode = textIn(found ?? {}, 'mode') ?? '';
    if (found?.['type'] !== 'blob' || !/^100(?:644|755)$/.test(mode)) continue;
    const { text } = await api.get(pathIn(repository, 'git/blobs', id), {
      about: `the file ${printable(path)} of ${repository.name}`,
      accept: RAW,
      encoding: 'latin1',
      maxBytes: MAX_BYTES,
      signal,
    });
    files.set(path, { mode, bytes: Buffer.from(text, 'latin1') });
  }
  return files;
}

async function createBranch(proposing: Proposing, files: ReadonlyMap<string, TreeFile>): Promise<void> {
  const { source, change } = proposing;
  const base = objectId(
    source,
    (await readCommit(proposing, change.commit))['tree'],
    'the tree of the commit',
  );
  const tree = await post(proposing, 'git/trees', {
    base_tree: base,
    tree: change.files.map((file: ChangedFile) => {
      const { mode, bytes } = files.get(file.path)!;
      return { path: file.path, mode, type: 'blob', content: replacedContent(bytes, file.to) };
    }),
  });
  const commit = await post(proposing, 'git/commits', {
    message: inertTitle(change.title),
    tree: objectId(source, tree, 'the new tree'),
    parents: [change.commit],
  });
  const head = objectId(source, commit, 'the new commit');
  try {
    await post(proposing, 'git/refs', { ref: `refs/heads/${change.branch}`, sha: head });
  } catch (error) {
    // Created at the same moment, or by a request whose response was lost.
    const now =
      error instanceof SourceError ? await commitOfBranch(source, proposing, change.branch) : undefined;
    if (now === undefined) throw error;
    await assertContinues(proposing, now);
  }
}

async function createPull(proposing: Proposing): Promise<ProposedChange> {
  const { source, change } = proposing;
  try {
    const pull = await post(proposing, 'pulls', {
      title: inertTitle(change.title),
      head: change.branch,
      base: change.into,
      body: inertMarkdown(change.body),
    });
    const created = toProposedChange(pull);
    if (created) return created;
    throw new SourceError(source, 'malformed', 'GitHub did not return the new pull request');
  } catch (error) {
    const existing = error instanceof SourceError ? await findPull(proposing) : undefined;
    if (existing) return existing;
    throw error;
  }
}

/** @throws {SourceError} `refused` if GitHub refuses. */
async function post(
  { source, repository, writer, signal }: Proposing,
  what: string,
  body: object,
): Promise<JsonObject> {
  signal.throwIfAborted();
  const about = `a new ${NAMES[what] ?? what} in ${repository.name}`;
  const response = await writer.ask(pathIn(repository, what), { about, signal, method: 'POST', body });
  if (response.status < 300) return asObject(parseObject(source, response.text, about));
  const error = writer.errorOf(response, about);
  if (response.status === 404)
    throw new SourceError(
      source,
      'refused',
      `the token of \`allow.propose\` may not write to ${repository.name} (404)`,
    );
  throw response.status === 422 || response.status === 409
    ? new SourceError(source, 'refused', error.message)
    : error;
}

const NAMES: Readonly<Record<string, string>> = {
  'git/trees': 'tree',
  'git/commits': 'commit',
  'git/refs': 'branch',
  pulls: 'pull request',
};
