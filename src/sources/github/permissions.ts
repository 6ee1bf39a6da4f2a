import type { SourceHealth, SourcePermission } from '../../ports/source.ts';
import { parseJson } from '../../text/parse-json.ts';
import { checkRepositories, permissionsOfEach } from '../../wire/check-repositories.ts';
import { asObject } from '../../wire/json-object.ts';
import type { TokenApi } from '../../wire/token-api.ts';
import { type GithubRepository, pathIn } from './github-api.ts';

const HINT =
  'Correct `token` and `repositories`, and give the token the permission Contents (read-only): docs/sources.md#github-and-gitlab';
/** Scopes of a classic token with which it can write: https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps */
const WRITES = /^(?:repo|public_repo|workflow|write:.*|admin:.*|delete_repo)$/;

/** Throws only on a bug in Wrench. */
export function checkGithubHealth(
  api: TokenApi,
  repositories: readonly GithubRepository[],
  signal: AbortSignal,
): Promise<SourceHealth> {
  return checkRepositories(repositories, {
    api,
    read: (repository) => api.get(pathIn(repository), { about: `the repository ${repository.name}`, signal }),
    noun: { one: 'repository', many: 'repositories' },
    hint: HINT,
    signal,
  });
}

/**
 * What the tokens may do in each repository. GitHub reports scopes only of classic tokens, so those of a fine-grained token that may do too much are
 * unknown.
 * @throws {SourceError}
 */
export async function readGithubPermissions({
  api,
  writer,
  repositories,
  signal,
}: {
  readonly api: TokenApi;
  readonly writer: TokenApi | undefined;
  readonly repositories: readonly GithubRepository[];
  readonly signal: AbortSignal;
}): Promise<readonly SourcePermission[]> {
  const ask = async (repository: GithubRepository): Promise<readonly SourcePermission[]> => {
    const permissions: SourcePermission[] = [];
    const about = `the repository ${repository.name}`;
    const read = await api.ask(pathIn(repository), { about, signal });
    const tooMany = scopesIn(read.headers).filter((scope) => WRITES.test(scope));
    permissions.push({
      method: 'files',
      permission: `read ${repository.name}`,
      allowed: read.status < 300,
      ...(read.status >= 300 && { hint: HINT }),
      ...(tooMany.length > 0 && {
        alsoAllows: `write to every repository of its user (${tooMany.join(', ')})`,
        hint: 'Replace the token by a fine-grained one with the permission Contents (read-only)',
      }),
    });
    if (!writer) return permissions;
    const requests = await api.ask(`${pathIn(repository, 'pulls')}?per_page=1`, { about, signal });
    permissions.push({
      method: 'proposals',
      permission: `list pull requests of ${repository.name}`,
      allowed: requests.status < 300,
      ...(requests.status >= 300 && { hint: 'Give the token the permission Pull requests (read-only)' }),
    });
    const write = await writer.ask(pathIn(repository), { about, signal });
    const mayPush =
      write.status < 300 && asObject(asObject(parseJson(write.text))['permissions'])['push'] === true;
    permissions.push({
      method: 'propose',
      permission: `push to ${repository.name}`,
      allowed: mayPush,
      credential: 'allow.propose',
      ...(!mayPush && {
        hint: 'Give the token of `allow.propose` the permissions Contents and Pull requests (read and write)',
      }),
    });
    return permissions;
  };
  return permissionsOfEach(repositories, ask, signal);
}

function scopesIn(headers: Readonly<Record<string, string>>): readonly string[] {
  return (headers['x-oauth-scopes'] ?? '')
    .split(',')
    .map((scope) => scope.trim())
    .filter((scope) => scope !== '');
}
