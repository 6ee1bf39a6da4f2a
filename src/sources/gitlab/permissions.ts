import type { SourceHealth, SourcePermission } from '../../ports/source.ts';
import { parseJson } from '../../text/parse-json.ts';
import { checkRepositories, permissionsOfEach } from '../../wire/check-repositories.ts';
import { asObject, numberIn } from '../../wire/json-object.ts';
import type { TokenApi } from '../../wire/token-api.ts';
import { type GitlabProject, pathOfProject } from './gitlab-api.ts';

const HINT =
  'Correct `token` and `projects`, and give the token the scope `read_api` and the role Reporter: docs/sources.md#github-and-gitlab';
/** https://docs.gitlab.com/api/members/#roles */
const DEVELOPER = 30;
/** https://docs.gitlab.com/user/profile/personal_access_tokens/#personal-access-token-scopes */
const WRITES: ReadonlySet<unknown> = new Set(['api', 'write_repository', 'sudo', 'admin_mode']);

/** Throws only on a bug in Wrench. */
export function checkGitlabHealth(
  api: TokenApi,
  projects: readonly GitlabProject[],
  signal: AbortSignal,
): Promise<SourceHealth> {
  return checkRepositories(projects, {
    api,
    read: (project) => api.get(pathOfProject(project), { about: `the project ${project.path}`, signal }),
    noun: { one: 'project', many: 'projects' },
    hint: HINT,
    signal,
  });
}

/**
 * What the tokens may do in each project.
 * @throws {SourceError}
 */
export async function readGitlabPermissions({
  api,
  writer,
  projects,
  signal,
}: {
  readonly api: TokenApi;
  readonly writer: TokenApi | undefined;
  readonly projects: readonly GitlabProject[];
  readonly signal: AbortSignal;
}): Promise<readonly SourcePermission[]> {
  const tooMany = (await readScopes(api, signal)).filter((scope) => WRITES.has(scope));
  const writerScopes = writer ? await readScopes(writer, signal) : [];
  const ask = async (project: GitlabProject): Promise<readonly SourcePermission[]> => {
    const permissions: SourcePermission[] = [];
    const about = `the files of ${project.path}`;
    const read = await api.ask(`${pathOfProject(project, 'repository/tree')}?per_page=1`, { about, signal });
    permissions.push({
      method: 'files',
      permission: `read ${project.path}`,
      allowed: read.status < 300,
      ...(read.status >= 300 && { hint: HINT }),
      ...(tooMany.length > 0 && {
        alsoAllows: `change everything that its user may (${tooMany.join(', ')})`,
        hint: 'Replace the token by one with the scope `read_api`',
      }),
    });
    if (!writer) return permissions;
    const write = await writer.ask(pathOfProject(project), { about, signal });
    const roles = asObject(asObject(parseJson(write.text))['permissions']);
    const level = Math.max(
      ...['project_access', 'group_access'].map(
        (access) => numberIn(asObject(roles[access]), 'access_level') ?? 0,
      ),
    );
    const mayPropose = level >= DEVELOPER && (writerScopes.length === 0 || writerScopes.includes('api'));
    permissions.push({
      method: 'propose',
      permission: `open merge requests in ${project.path}`,
      allowed: mayPropose,
      credential: 'allow.propose',
      ...(!mayPropose && {
        hint: 'Give the token of `allow.propose` the scope `api` and the role Developer',
      }),
    });
    return permissions;
  };
  return permissionsOfEach(projects, ask, signal);
}

/** Empty if GitLab doesn't report them, as for tokens of OAuth. */
async function readScopes(api: TokenApi, signal: AbortSignal): Promise<readonly string[]> {
  const { status, text } = await api.ask('/personal_access_tokens/self', { about: 'the token', signal });
  const { scopes } = asObject(status < 300 ? parseJson(text) : undefined);
  return Array.isArray(scopes) ? scopes.filter((scope): scope is string => typeof scope === 'string') : [];
}
