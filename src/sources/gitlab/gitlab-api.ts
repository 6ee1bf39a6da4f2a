import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { openTokenApi, type TokenApi } from '../../wire/token-api.ts';
import { printable } from '../../wire/x509.ts';
import type { GitlabConfig } from './config.ts';

/** A configured project. */
export interface GitlabProject {
  /** `shop/backend/api` */
  readonly path: string;
  readonly branch?: string;
}

/** Requests of one project. */
export interface ProjectApi {
  readonly project: GitlabProject;
  readonly api: TokenApi;
  readonly signal: AbortSignal;
}

export function openGitlabApi({ name, url, ca, timeoutMs }: GitlabConfig, token: string): TokenApi {
  return openTokenApi({
    source: name,
    url: `${url}/api/v4`,
    ca,
    token,
    timeoutMs,
    headers: { 'private-token': token, 'user-agent': 'wrench' },
  });
}

/** `/projects/shop%2Fapi/repository/tree` */
export function pathOfProject({ path }: GitlabProject, ...segments: readonly string[]): string {
  return ['/projects', encodeURIComponent(path), ...segments].join('/');
}

/** @throws {SourceError} */
export async function getObject(
  source: string,
  { project, api, signal }: ProjectApi,
  about: string,
  ...segments: readonly string[]
): Promise<JsonObject> {
  const body = await api.getJson(pathOfProject(project, ...segments), { about, signal });
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return asObject(body);
  throw new SourceError(source, 'malformed', `GitLab did not return ${about}`);
}

/** The commit of a branch; undefined if there is no such branch. @throws {SourceError} */
export async function commitOfGitlabBranch(
  source: string,
  { project, api, signal }: ProjectApi,
  branch: string,
): Promise<string | undefined> {
  const about = `the branch ${printable(branch)} of ${project.path}`;
  const path = pathOfProject(project, 'repository/branches', encodeURIComponent(branch));
  const response = await api.ask(path, { about, signal });
  if (response.status === 404) return undefined;
  if (response.status >= 300) throw api.errorOf(response, about);
  const id = textIn(asObject(asObject(parseJson(response.text))['commit']), 'id') ?? '';
  if (/^(?:[\da-f]{40}|[\da-f]{64})$/.test(id)) return id;
  throw new SourceError(source, 'malformed', `GitLab did not return the commit of ${about}`);
}
