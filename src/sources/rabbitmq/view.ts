import type { BrokerQuery } from '../../ports/brokers.ts';
import { SourceError } from '../../ports/source-error.ts';
import { concurrently } from '../../wire/concurrently.ts';
import { asObject } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { inPath, type ManagementApi } from './management-api.ts';

const CONCURRENCY = 4;
const MAX_NAMED = 5;
const DENIED: readonly number[] = [401, 403];
const DENIED_OR_DELETED: readonly number[] = [...DENIED, 404];

/** The tags that see all virtual hosts: https://www.rabbitmq.com/docs/management#permissions */
const SEES_ALL: ReadonlySet<string> = new Set(['monitoring', 'administrator']);

export interface BrokerUser {
  readonly tags: readonly string[];
  /** Whether it may see all nodes and virtual hosts. */
  readonly isMonitor: boolean;
}

/** @returns undefined if the API doesn't have this request. @throws {SourceError} */
export async function readUser(
  api: ManagementApi,
  { endpoint, signal }: BrokerQuery,
  read: ManagementApi['getJson'] = api.getJson,
): Promise<BrokerUser | undefined> {
  const answer = await unlessMissing(read({ endpoint, path: '/api/whoami', signal }));
  if (answer === undefined) return undefined;
  // A list since 3.9, before that a text: `management,monitoring`.
  const said = asObject(answer)['tags'];
  const tags = (Array.isArray(said) ? said : typeof said === 'string' ? said.split(',') : [])
    .map((tag) => printable(String(tag).trim()))
    .filter((tag) => tag !== '');
  return { tags, isMonitor: tags.some((tag) => SEES_ALL.has(tag)) };
}

/** What a user may see, requested while the queues are read. */
export interface RequestedView {
  readonly user: Promise<BrokerUser | undefined>;
  readonly vhosts: Promise<unknown>;
}

export function requestView(api: ManagementApi, query: BrokerQuery): RequestedView {
  const view = { user: readUser(api, query), vhosts: readVhosts(api, query) };
  // They are awaited later, or no longer needed.
  for (const one of [view.user, view.vhosts]) one.catch(() => undefined);
  return view;
}

/**
 * Why queues may be missing in a list, if any are: lists leave out the queues of virtual hosts in which the user has no permission, without saying so.
 * @param query.vhosts the virtual hosts of the queues that are listed, which needn't be checked
 * @throws {SourceError} if it can't be found out.
 */
export async function findHiddenQueues(
  api: ManagementApi,
  query: BrokerQuery & { readonly vhosts: ReadonlySet<string> },
  view: RequestedView,
): Promise<SourceError | undefined> {
  const { source, username } = api;
  const user = await view.user;
  if (user && !user.isMonitor)
    return new SourceError(
      source,
      'refused',
      `the user ${username} sees only the queues of its own virtual hosts: give it the tag monitoring`,
    );
  const hidden = await findHiddenVhosts(api, query, view.vhosts);
  if (hidden.length === 0) return undefined;
  const named = hidden.slice(0, MAX_NAMED).map((vhost) => printable(vhost));
  const more = hidden.length > MAX_NAMED ? ` and ${hidden.length - MAX_NAMED} more` : '';
  const where = hidden.length === 1 ? 'the virtual host' : 'the virtual hosts';
  return new SourceError(
    source,
    'refused',
    `the user ${username} has no permission in ${where} ${named.join(', ')}${more}, so queues there are not listed`,
    { places: hidden.length, placeNames: named },
  );
}

/** The virtual hosts whose queues are not listed. @throws {SourceError} */
export async function findHiddenVhosts(
  api: ManagementApi,
  { endpoint, signal, vhosts }: BrokerQuery & { readonly vhosts: ReadonlySet<string> },
  reading: Promise<unknown> = readVhosts(api, { endpoint, signal }),
): Promise<readonly string[]> {
  const listed = await reading;
  if (listed === undefined) return [];
  if (!Array.isArray(listed))
    throw new SourceError(
      api.source,
      'malformed',
      `${new URL(endpoint).host} did not return a list of virtual hosts`,
    );
  const unseen = listed.map((one) => String(asObject(one)['name'])).filter((name) => !vhosts.has(name));
  const hidden: string[] = [];
  const check = async (vhost: string, abort: AbortSignal): Promise<string | undefined> => {
    // It can't be asked about.
    if (vhost === '.' || vhost === '..') return vhost;
    const path = `/api/queues/${inPath(api.source, vhost)}?page=1&page_size=1&columns=name`;
    const { status } = await api.get({ endpoint, path, accept: DENIED_OR_DELETED, signal: abort });
    return DENIED.includes(status) ? vhost : undefined;
  };
  for await (const vhost of concurrently(unseen, CONCURRENCY, check, signal))
    if (vhost !== undefined) hidden.push(vhost);
  return hidden.toSorted();
}

function readVhosts(api: ManagementApi, { endpoint, signal }: BrokerQuery): Promise<unknown> {
  return unlessMissing(api.getJson({ endpoint, path: '/api/vhosts?columns=name', signal }));
}

async function unlessMissing(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof SourceError && error.kind === 'missing') return undefined;
    throw error;
  }
}
