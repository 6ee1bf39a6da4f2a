import type { CloudObject, CloudResponse } from './protocol.ts';

interface PageContext {
  readonly base: string;
  readonly path: string;
  /** `servers`: the list is under this name, and the link to the next page under `servers_links`. */
  readonly name: string;
  readonly maxPageSize?: number;
}

/** One page of a list, by `limit` and `marker`; undefined if the marker is unknown. */
export function pageOf(
  items: readonly CloudObject[],
  query: URLSearchParams,
  { base, path, name, maxPageSize = 1000 }: PageContext,
): CloudResponse | undefined {
  const marker = query.get('marker');
  const from = marker === null ? 0 : items.findIndex((one) => one['id'] === marker) + 1;
  if (marker !== null && from === 0) return undefined;
  const limit = Math.min(Number(query.get('limit') ?? maxPageSize), maxPageSize);
  const page = items.slice(from, from + limit);
  const next = new URLSearchParams(query);
  next.set('marker', String(page.at(-1)?.['id']));
  // As both services do, also if the next page is empty.
  const links =
    page.length === limit && limit > 0 ? [{ rel: 'next', href: `${base}${path}?${next.toString()}` }] : [];
  return { status: 200, json: { [name]: page, ...(links.length > 0 && { [`${name}_links`]: links }) } };
}
