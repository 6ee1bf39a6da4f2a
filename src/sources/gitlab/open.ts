import type { Pipelines, PipelineWriter } from '../../ports/pipelines.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { Source } from '../../ports/source.ts';
import { openByteCache } from '../../wire/byte-cache.ts';
import { printable } from '../../wire/x509.ts';
import type { GitlabConfig } from './config.ts';
import { type GitlabProject, openGitlabApi } from './gitlab-api.ts';
import { listMergeRequests } from './merge-requests.ts';
import { checkGitlabHealth, readGitlabPermissions } from './permissions.ts';
import { proposeOnGitlab } from './propose.ts';
import { readProject } from './read-project.ts';

const CACHE_BYTES = 64 * 1024 * 1024;

/**
 * Projects on GitLab. Opening it sends no requests. Only `propose` writes, and only with the token of `allow.propose`, which is used for nothing else.
 */
export function openGitlab(config: GitlabConfig): Source {
  const { name, allow, token } = config;
  const projects = config.projects.map((one): GitlabProject =>
    typeof one === 'string' ? { path: one } : one,
  );
  const api = openGitlabApi(config, token);
  const writer = allow.propose && openGitlabApi(config, allow.propose.token);
  const cache = openByteCache(CACHE_BYTES);
  const find = (wanted: string): GitlabProject => {
    const project = projects.find(({ path }) => path === wanted);
    if (!project)
      throw new SourceError(name, 'missing', `the project ${printable(wanted)} is not configured`);
    return project;
  };
  const reader: Pipelines = {
    name,
    repositories: projects.map(({ path }) => path),
    files: async function* ({ repository, ...options }) {
      yield* readProject(config, { project: find(repository), api, signal: options.signal }, cache, options);
    },
    proposing: writer
      ? { allowed: true }
      : { allowed: false, because: `\`allow.propose\` is not configured for the source ${name}` },
    proposals: async ({ repository, signal }) =>
      listMergeRequests(
        name,
        { project: find(repository), api, signal },
        new URLSearchParams({ state: 'opened' }),
      ),
  };
  const pipelines: PipelineWriter | undefined = writer && {
    propose: async (change, applyContext) =>
      proposeOnGitlab(name, { project: find(change.repository), api, writer }, change, applyContext),
  };
  return {
    name,
    kind: 'gitlab',
    reads: { pipelines: reader },
    ...(pipelines && { writes: { pipelines } }),
    healthCheck: (signal) => checkGitlabHealth(api, projects, signal),
    permissions: (signal) => readGitlabPermissions({ api, writer, projects, signal }),
    close: async () => {
      await Promise.all([api.close(), writer?.close()]);
    },
  };
}
