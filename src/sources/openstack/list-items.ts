import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import { type JsonObject, listIn, textIn } from '../../wire/json-object.ts';
import { SERVICE_NAMES } from './catalogue.ts';
import { itemsOf, objectOf } from './service-json.ts';
import type { ServiceApi } from './service-api.ts';

/** A list of an API, with pages: https://docs.openstack.org/api-guide/compute/paginated_collections.html */
export interface ItemList extends ReadOptions {
  readonly api: ServiceApi;
  /** From the root of the version: `/servers/detail`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The name of the list in the response: `servers`. */
  readonly items: string;
  /** How messages name them: `instances`. */
  readonly itemsAre: string;
}

const PAGE_SIZE = 200;
const MAX_PAGES = 5_000;

/**
 * Reads a list page by page. No item is yielded twice. Only the marker of the link to the next page is used, because its address may be one that only
 * the service knows, and would receive the token.
 * @throws {SourceError} if the list cannot be completed; the message has the number of items that were read.
 */
export async function* listItems(list: ItemList): AsyncGenerator<readonly JsonObject[]> {
  const { api, path, query, items: name, itemsAre, signal, onProgress } = list;
  const { source, service } = api;
  const seen = new Set<string>();
  const markers = new Set<string>();
  let marker: string | undefined;
  try {
    for (let page = 0; page < MAX_PAGES; page++) {
      const asked = new URLSearchParams(query);
      asked.set('limit', String(PAGE_SIZE));
      if (marker !== undefined) asked.set('marker', marker);
      const body = objectOf(source, SERVICE_NAMES[service], await api.get({ path, query: asked, signal }));
      const items = itemsOf(source, SERVICE_NAMES[service], body, name);
      const fresh = items.filter(
        (item) => seen.size < seen.add(textIn(item, 'id') ?? JSON.stringify(item)).size,
      );
      if (items.length > 0 && fresh.length === 0)
        throw malformed(list, `the list of ${itemsAre} repeats a page`);
      if (fresh.length > 0) yield fresh;
      onProgress?.({ read: seen.size, unit: itemsAre });
      marker = nextMarker(list, body);
      if (marker === undefined) return;
      if (markers.size === markers.add(marker).size)
        throw malformed(list, `the list of ${itemsAre} repeats a marker`);
    }
    throw malformed(list, `the list of ${itemsAre} has more than ${MAX_PAGES} pages`);
  } catch (error) {
    throw error instanceof SourceError ? incomplete(error, itemsAre, seen.size) : error;
  }
}

/** The marker of the next page; undefined after the last one. */
function nextMarker(list: ItemList, body: JsonObject): string | undefined {
  const next = listIn(body, `${list.items}_links`).find(({ rel }) => rel === 'next');
  if (!next) return undefined;
  const { service } = list.api;
  const href = URL.parse(textIn(next, 'href') ?? '', `http://${service}`);
  const marker = href?.searchParams.get('marker');
  if (!marker) throw malformed(list, `a page of the list of ${list.itemsAre} has no marker of the next one`);
  return marker;
}

function malformed({ api }: ItemList, because: string): SourceError {
  return new SourceError(api.source, 'malformed', `${SERVICE_NAMES[api.service]}: ${because}`);
}

/** The same error, with the number of items that were read before it. */
export function incomplete(error: SourceError, items: string, read: number): SourceError {
  if (read === 0) return error;
  const { source, kind, message, code } = error;
  const before = read === 1 ? `only 1 of the ${items} was read` : `only ${read} ${items} were read`;
  return new SourceError(source, kind, `${before}: ${message}`, {
    ...(code !== undefined && { code }),
    cause: error,
  });
}
