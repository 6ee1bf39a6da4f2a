import { SourceError } from '../../ports/source-error.ts';
import type { SourceHealth, SourcePermission } from '../../ports/source.ts';
import { parseJson } from '../../text/parse-json.ts';
import { concurrently } from '../../wire/concurrently.ts';
import { asObject } from '../../wire/json-object.ts';
import { hintForConnection, type TokenApi } from '../../wire/token-api.ts';
import { type GithubRepository, pathIn } from './github-api.ts';

const AT_ONCE = 6;
const MAX_NAMED = 10;
const HINT =
  'Correct `token` and `repositories`, and give the token the permission Contents (read-only): docs/sources.md#github-and-gitlab';
/** Scopes of a classic token with which it can write: https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps */
const WRITES = /^(?:repo|public_repo|workflow|write:.*|admin:.*|delete_repo)$/;

/** Throws only on a bug in Wrench. */
export async function checkGithubHealth(
  api: TokenApi,
  repositories: readonly GithubRepository[],
  signal: AbortSignal,
): Promise<SourceHealth> {
  const failures: SourceError[] = [];
  const ask = async (repository: GithubRepository): Promise<SourceError | undefined> => {
    try {
      await api.get(pathIn(repository), { about: `the repository ${repository.name}`, signal });
      return undefined;
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      return error;
    }
  };
  try {
    for await (const failure of concurrently(repositories, AT_ONCE, ask, signal))
      if (failure) failures.push(failure);
  } catch (error) {
    if (!signal.aborted) throw error;
    return { ok: false, summary: 'timed out', hint: `Check that ${api.host} is reachable from here` };
  }
  const count = repositories.length === 1 ? '1 repository' : `${repositories.length} repositories`;
  return failures.length === 0
    ? { ok: true, summary: `${api.host}: ${count} can be read` }
    : { ok: false, summary: summaryOf(failures), hint: hintForConnection(api, failures) ?? HINT };
}

function summaryOf(failures: readonly SourceError[]): string {
  const messages = new Set(failures.map(({ message }) => message));
  return [...messages].toSorted().slice(0, MAX_NAMED).join('; ');
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
  const all: (readonly SourcePermission[])[] = repositories.map(() => []);
  const askInOrder = async (at: number) => {
    all[at] = await ask(repositories[at]!);
  };
  for await (const _ of concurrently(repositories.keys(), AT_ONCE, askInOrder, signal));
  return all.flat();
}

function scopesIn(headers: Readonly<Record<string, string>>): readonly string[] {
  return (headers['x-oauth-scopes'] ?? '')
    .split(',')
    .map((scope) => scope.trim())
    .filter((scope) => scope !== '');
}
