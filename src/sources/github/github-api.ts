import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { openTokenApi, type TokenApi } from '../../wire/token-api.ts';
import { printable } from '../../wire/x509.ts';
import type { GithubConfig } from './config.ts';

/** https://docs.github.com/en/rest/about-the-rest-api/api-versions */
const VERSION = '2022-11-28';
export const RAW = 'application/vnd.github.raw+json';

/** A configured repository. */
export interface GithubRepository {
  /** `shop/api` */
  readonly name: string;
  readonly branch?: string;
}

/** Requests of one repository. */
export interface RepositoryApi {
  readonly repository: GithubRepository;
  readonly api: TokenApi;
  readonly signal: AbortSignal;
}

export function openGithubApi({ name, url, ca, timeoutMs }: GithubConfig, token: string): TokenApi {
  return openTokenApi({
    source: name,
    url,
    ca,
    token,
    timeoutMs,
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/vnd.github+json',
      'x-github-api-version': VERSION,
      // Requests without one are refused.
      'user-agent': 'wrench',
    },
  });
}

/** `/repos/shop/api/git/trees/…` */
export function pathIn({ name }: GithubRepository, ...segments: readonly string[]): string {
  return ['/repos', ...name.split('/').map(encodeURIComponent), ...segments].join('/');
}

/** @throws {SourceError} `malformed` unless it is the id of a git object. */
export function objectId(source: string, object: unknown, what: string): string {
  const sha = textIn(asObject(object), 'sha') ?? '';
  if (/^(?:[\da-f]{40}|[\da-f]{64})$/.test(sha)) return sha;
  throw new SourceError(source, 'malformed', `GitHub did not return the id of ${what}`);
}

/** The commit of a branch; undefined if there is no such branch. @throws {SourceError} */
export async function commitOfBranch(
  source: string,
  { repository, api, signal }: RepositoryApi,
  branch: string,
): Promise<string | undefined> {
  const about = `the branch ${printable(branch)} of ${repository.name}`;
  const path = pathIn(repository, 'git/ref/heads', branch.split('/').map(encodeURIComponent).join('/'));
  const response = await api.ask(path, { about, signal });
  if (response.status === 404) return undefined;
  if (response.status >= 300) throw api.errorOf(response, about);
  return objectId(source, asObject(parseObject(source, response.text, about))['object'], about);
}

export function parseObject(source: string, text: string, about: string): JsonObject {
  try {
    return asObject(JSON.parse(text));
  } catch {
    throw new SourceError(
      source,
      'malformed',
      `GitHub responded with something other than JSON for ${about}`,
    );
  }
}
