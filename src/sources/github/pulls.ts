import type { ProposedChange } from '../../ports/pipelines.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { nextPage } from '../../wire/next-page.ts';
import { BRANCH_PREFIX } from '../../wire/proposed-files.ts';
import { printable } from '../../wire/x509.ts';
import { pathIn, type RepositoryApi } from './github-api.ts';

const MAX_PAGES = 20;

/**
 * Pull requests from branches that Wrench created in this repository, and none from forks, in which anyone can name a branch.
 * @throws {SourceError} also if there are too many to list all.
 */
export async function listPulls(
  source: string,
  { repository, api, signal }: RepositoryApi,
  query: URLSearchParams,
): Promise<readonly ProposedChange[]> {
  const about = `the pull requests of ${repository.name}`;
  const found: ProposedChange[] = [];
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const paged = new URLSearchParams([...query, ['per_page', '100'], ['page', String(page)]]);
    const { text, headers } = await api.get(`${pathIn(repository, 'pulls')}?${paged.toString()}`, {
      about,
      signal,
    });
    const pulls = parseList(source, text, about);
    for (const pull of pulls) {
      const change = toProposedChange(pull);
      const from = textIn(asObject(asObject(pull['head'])['repo']), 'full_name');
      const to = textIn(asObject(asObject(pull['base'])['repo']), 'full_name');
      if (change?.branch.startsWith(BRANCH_PREFIX) && from !== undefined && from === to) found.push(change);
    }
    if (!nextPage(headers['link'])) return found;
  }
  throw new SourceError(
    source,
    'malformed',
    `${repository.name} has too many pull requests to list them all`,
  );
}

export function toProposedChange(pull: JsonObject): ProposedChange | undefined {
  const branch = textIn(asObject(pull['head']), 'ref');
  const url = textIn(pull, 'html_url') ?? '';
  const number = pull['number'];
  if (branch === undefined || typeof number !== 'number' || !/^https?:\/\//.test(url)) return undefined;
  const createdAt = new Date(textIn(pull, 'created_at') ?? Number.NaN);
  return {
    id: `#${number}`,
    url: printable(url),
    branch: printable(branch),
    ...(!Number.isNaN(createdAt.getTime()) && { createdAt }),
  };
}

function parseList(source: string, text: string, about: string): readonly JsonObject[] {
  try {
    const list = JSON.parse(text) as unknown;
    if (Array.isArray(list)) return list.map(asObject);
  } catch {
    // The parser's message quotes the text.
  }
  throw new SourceError(source, 'malformed', `GitHub did not return ${about}`);
}
