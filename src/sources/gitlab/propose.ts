import type { ApplyContext } from '../../ports/apply-context.ts';
import type { PipelineWriter, ProposedChange } from '../../ports/pipelines.ts';
import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import { inertTitle, inertMarkdown } from '../../wire/inert-markdown.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import {
  assertProposable,
  changedMeanwhile,
  hasContent,
  replacedContent,
} from '../../wire/proposed-files.ts';
import type { TokenApi } from '../../wire/token-api.ts';
import { printable } from '../../wire/x509.ts';
import { commitOfGitlabBranch, getObject, pathOfProject, type ProjectApi } from './gitlab-api.ts';
import { listMergeRequests, toMergeRequest } from './merge-requests.ts';

type Change = Parameters<PipelineWriter['propose']>[0];

/** Reads with one token, and writes with another. */
interface Proposing extends ProjectApi {
  readonly source: string;
  readonly writer: TokenApi;
  readonly change: Change;
}

interface FileAtCommit {
  readonly bytes: Buffer;
  /** The last commit that changed it. */
  readonly lastCommit: string;
}

/**
 * Opens a merge request. What an earlier attempt has created is used if it has this content: a branch is never moved, and no other branch is changed.
 * @throws {SourceError}
 */
export async function proposeOnGitlab(
  source: string,
  { project, api, writer }: Pick<Proposing, 'project' | 'api' | 'writer'>,
  change: Change,
  { signal }: ApplyContext,
): Promise<ProposedChange> {
  assertProposable(source, change);
  const proposing: Proposing = { source, project, api, writer, signal, change };
  const existing = await findMergeRequest(proposing);
  if (existing) return existing;
  const isContinued = await continues(proposing);
  const files = await readUnchanged(proposing);
  if (!isContinued) await createBranch(proposing, files);
  return createMergeRequest(proposing);
}

/** In any state: a request that was closed is not opened again. */
async function findMergeRequest(proposing: Proposing): Promise<ProposedChange | undefined> {
  const { change } = proposing;
  const query = new URLSearchParams({
    source_branch: change.branch,
    target_branch: change.into,
    state: 'all',
  });
  const requests = await listMergeRequests(proposing.source, proposing, query);
  return requests.find(({ branch }) => branch === change.branch);
}

/** Whether the branch exists with exactly this change. @throws {SourceError} `refused` if it has others. */
async function continues(proposing: Proposing): Promise<boolean> {
  const { source, change } = proposing;
  const head = await commitOfGitlabBranch(source, proposing, change.branch);
  if (head === undefined) return false;
  // Branches are listed without the parents of their commits.
  const commit = await getObject(
    source,
    proposing,
    `the commit ${head.slice(0, 12)}`,
    'repository/commits',
    head,
  );
  const parents = commit['parent_ids'];
  let isSame = Array.isArray(parents) && parents.join() === change.commit;
  for (const { path, to } of isSame ? change.files : []) {
    const file = await readFileAt(proposing, path, head);
    isSame &&= file !== undefined && hasContent(file.bytes, to);
  }
  if (isSame) return true;
  throw new SourceError(source, 'refused', `the branch ${change.branch} exists with other changes`);
}

/** The files at the commit of the plan, if they are the same on the branch `into`. */
async function readUnchanged(proposing: Proposing): Promise<ReadonlyMap<string, FileAtCommit>> {
  const { source, project, change } = proposing;
  const into = await commitOfGitlabBranch(source, proposing, change.into);
  if (!into)
    throw new SourceError(source, 'missing', `${project.path} has no branch ${printable(change.into)}`);
  const files = new Map<string, FileAtCommit>();
  for (const { path, from } of change.files) {
    const planned = await readFileAt(proposing, path, change.commit);
    if (!planned || !hasContent(planned.bytes, from))
      throw changedMeanwhile(source, path, `at ${change.commit.slice(0, 12)}`);
    const present = into === change.commit ? planned : await readFileAt(proposing, path, into);
    if (!present || !hasContent(present.bytes, from))
      throw changedMeanwhile(source, path, `on ${printable(change.into)}`);
    files.set(path, planned);
  }
  return files;
}

async function readFileAt(
  { source, project, api, signal }: Proposing,
  path: string,
  commit: string,
): Promise<FileAtCommit | undefined> {
  const about = `the file ${printable(path)} of ${project.path}`;
  const request = `${pathOfProject(project, 'repository/files', encodeURIComponent(path))}?ref=${commit}`;
  const response = await api.ask(request, { about, signal });
  if (response.status === 404) return undefined;
  if (response.status >= 300) throw api.errorOf(response, about);
  const file = asObject(parseJson(response.text));
  const lastCommit = textIn(file, 'last_commit_id');
  if (file['encoding'] !== 'base64' || typeof file['content'] !== 'string' || lastCommit === undefined)
    throw new SourceError(source, 'malformed', `GitLab did not return ${about}`);
  return { bytes: Buffer.from(file['content'], 'base64'), lastCommit };
}

/** One request creates the commit and the branch. It fails if the branch exists: https://docs.gitlab.com/api/commits/ */
async function createBranch(proposing: Proposing, files: ReadonlyMap<string, FileAtCommit>): Promise<void> {
  const { change } = proposing;
  try {
    await post(proposing, 'repository/commits', 'branch', {
      branch: change.branch,
      start_sha: change.commit,
      commit_message: inertTitle(change.title),
      actions: change.files.map(({ path, to }) => {
        const { bytes, lastCommit } = files.get(path)!;
        return {
          action: 'update',
          file_path: path,
          content: Buffer.from(replacedContent(bytes, to)).toString('base64'),
          encoding: 'base64',
          last_commit_id: lastCommit,
        };
      }),
    });
  } catch (error) {
    // Created at the same moment, or by a request whose response was lost.
    if (!(error instanceof SourceError) || !(await continues(proposing))) throw error;
  }
}

async function createMergeRequest(proposing: Proposing): Promise<ProposedChange> {
  const { source, change } = proposing;
  try {
    const request = await post(proposing, 'merge_requests', 'merge request', {
      source_branch: change.branch,
      target_branch: change.into,
      title: inertTitle(change.title),
      description: inertMarkdown(change.body),
      remove_source_branch: true,
    });
    const created = toMergeRequest(request);
    if (created) return created;
    throw new SourceError(source, 'malformed', 'GitLab did not return the new merge request');
  } catch (error) {
    const existing = error instanceof SourceError ? await findMergeRequest(proposing) : undefined;
    if (existing) return existing;
    throw error;
  }
}

/** @throws {SourceError} `refused` if GitLab refuses. */
async function post(
  { source, project, writer, signal }: Proposing,
  path: string,
  what: string,
  body: object,
): Promise<JsonObject> {
  signal.throwIfAborted();
  const about = `a new ${what} in ${project.path}`;
  const response = await writer.ask(pathOfProject(project, path), { about, signal, method: 'POST', body });
  if (response.status < 300) return asObject(parseJson(response.text));
  if (response.status === 404)
    throw new SourceError(
      source,
      'refused',
      `the token of \`allow.propose\` may not write to ${project.path} (404)`,
    );
  const error = writer.errorOf(response, about);
  throw error.kind === 'malformed' ? new SourceError(source, 'refused', error.message) : error;
}
