import type { Pipelines, PipelineWriter } from '../../ports/pipelines.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { Source } from '../../ports/source.ts';
import { openByteCache } from '../../wire/byte-cache.ts';
import { printable } from '../../wire/x509.ts';
import type { GithubConfig } from './config.ts';
import { type GithubRepository, openGithubApi } from './github-api.ts';
import { checkGithubHealth, readGithubPermissions } from './permissions.ts';
import { proposeOnGithub } from './propose.ts';
import { listPulls } from './pulls.ts';
import { readRepository } from './read-repository.ts';

const CACHE_BYTES = 64 * 1024 * 1024;

/**
 * Repositories on GitHub. Opening it sends no requests. Only `propose` writes, and only with the token of `allow.propose`, which is used for nothing
 * else.
 */
export function openGithub(config: GithubConfig): Source {
  const { name, allow, token } = config;
  const repositories = config.repositories.map((one): GithubRepository =>
    typeof one === 'string' ? { name: one } : one,
  );
  const api = openGithubApi(config, token);
  const writer = allow.propose && openGithubApi(config, allow.propose.token);
  const cache = openByteCache(CACHE_BYTES);
  const find = (wanted: string): GithubRepository => {
    const repository = repositories.find((one) => one.name === wanted);
    if (!repository)
      throw new SourceError(name, 'missing', `the repository ${printable(wanted)} is not configured`);
    return repository;
  };
  const reader: Pipelines = {
    name,
    repositories: repositories.map((one) => one.name),
    files: async function* ({ repository, ...options }) {
      yield* readRepository(
        config,
        { repository: find(repository), api, signal: options.signal },
        cache,
        options,
      );
    },
    proposing: writer
      ? { allowed: true }
      : { allowed: false, because: `\`allow.propose\` is not configured for the source ${name}` },
    proposals: async ({ repository, signal }) =>
      listPulls(name, { repository: find(repository), api, signal }, new URLSearchParams({ state: 'open' })),
  };
  const pipelines: PipelineWriter | undefined = writer && {
    propose: async (change, applyContext) =>
      proposeOnGithub(name, { repository: find(change.repository), api, writer }, change, applyContext),
  };
  return {
    name,
    kind: 'github',
    reads: { pipelines: reader },
    ...(pipelines && { writes: { pipelines } }),
    healthCheck: (signal) => checkGithubHealth(api, repositories, signal),
    permissions: (signal) => readGithubPermissions({ api, writer, repositories, signal }),
    close: async () => {
      await Promise.all([api.close(), writer?.close()]);
    },
  };
}
