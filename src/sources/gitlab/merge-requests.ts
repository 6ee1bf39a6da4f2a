import type { ProposedChange } from '../../ports/pipelines.ts';
import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { nextPage } from '../../wire/next-page.ts';
import { BRANCH_PREFIX } from '../../wire/proposed-files.ts';
import { printable } from '../../wire/x509.ts';
import { pathOfProject, type ProjectApi } from './gitlab-api.ts';

const MAX_PAGES = 20;

/**
 * Merge requests from branches that Wrench created in this project, and none from forks, in which anyone can name a branch.
 * @throws {SourceError} also if there are too many to list all.
 */
export async function listMergeRequests(
  source: string,
  { project, api, signal }: ProjectApi,
  query: URLSearchParams,
): Promise<readonly ProposedChange[]> {
  const about = `the merge requests of ${project.path}`;
  const found: ProposedChange[] = [];
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const paged = new URLSearchParams([...query, ['per_page', '100'], ['page', String(page)]]);
    const path = `${pathOfProject(project, 'merge_requests')}?${paged.toString()}`;
    const { text, headers } = await api.get(path, { about, signal });
    const requests = parseJson(text);
    if (!Array.isArray(requests))
      throw new SourceError(source, 'malformed', `GitLab did not return ${about}`);
    for (const request of requests.map(asObject)) {
      const change = toMergeRequest(request);
      const isFork = request['source_project_id'] !== request['target_project_id'];
      if (change?.branch.startsWith(BRANCH_PREFIX) && !isFork) found.push(change);
    }
    if (!nextPage(headers['link'])) return found;
  }
  throw new SourceError(source, 'malformed', `${project.path} has too many merge requests to list them all`);
}

export function toMergeRequest(request: JsonObject): ProposedChange | undefined {
  const [branch, url = ''] = [textIn(request, 'source_branch'), textIn(request, 'web_url')];
  const number = request['iid'];
  if (branch === undefined || typeof number !== 'number' || !/^https?:\/\//.test(url)) return undefined;
  const createdAt = new Date(textIn(request, 'created_at') ?? Number.NaN);
  return {
    id: `!${number}`,
    url: printable(url),
    branch: printable(branch),
    ...(!Number.isNaN(createdAt.getTime()) && { createdAt }),
  };
}
