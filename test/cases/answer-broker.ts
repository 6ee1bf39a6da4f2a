import type { SpokenAnswer } from './case-file.ts';
import { textOf } from './host-formats.ts';
import { isLater, secondsLater } from './spoken-kind.ts';

/** A response of the management API. */
export interface BrokerResponse {
  readonly status: number;
  readonly json?: unknown;
  /** Sent instead of JSON. */
  readonly text?: string;
}

type Item = Readonly<Record<string, unknown>>;

/** https://www.rabbitmq.com/docs/management#pagination */
const MAX_PAGE_SIZE = 500;
const DEFAULT_PAGE_SIZE = 100;

const NOT_IN_FILE: BrokerResponse = {
  status: 404,
  json: { error: 'Object Not Found', reason: 'This request is not in the case file.' },
};

/** What one question of the file asked: `/api/queues` and its parameters. */
interface KnownResponse extends BrokerResponse {
  readonly path: string;
  readonly query: URLSearchParams;
}

/**
 * Answers GET requests to the management API of one node from a case file. Lists of queues are sorted and paged as asked; a list that shows a part of its
 * `total_count` is filled up with idle queues. What the file doesn't answer is 404.
 */
export function answerBroker(answers: readonly SpokenAnswer[]): (url: string) => BrokerResponse {
  const known = answers.flatMap((one) => toKnown(one) ?? []);
  const rates = ratesIn(answers);
  return (url) => {
    const asked = partsOf(url);
    if (isQueues(asked.path)) return answerQueues(known, rates, asked);
    const [, vhost, name] = /^\/api\/queues\/([^/]+)\/([^/]+)$/.exec(asked.path) ?? [];
    const given = known.find(({ path }) => path === asked.path);
    if (given) return respond(given);
    const isSame = (one: Item): boolean =>
      one['name'] === decodeURIComponent(name ?? '') && one['vhost'] === decodeURIComponent(vhost ?? '');
    const queue = name === undefined ? undefined : itemsIn(known, rates).find(isSame);
    return queue ? { status: 200, json: queue } : NOT_IN_FILE;
  };
}

/** Without `%40`, which people don't write in the name of a node. `%2F` stays, as the name of a vhost. */
function partsOf(url: string): { readonly path: string; readonly query: URLSearchParams } {
  const { pathname, searchParams } = new URL(url, 'http://broker');
  return { path: pathname.replace(/\/$/, '').replaceAll('%40', '@'), query: searchParams };
}

function toKnown(answer: SpokenAnswer): KnownResponse | undefined {
  const [, url] = /\b(?:GET|curl\b.*?) ['"]?((?:https?:\/\/[^/\s]+)?\/api\/[^\s'"]*)/.exec(answer.ask) ?? [];
  if (url === undefined || isLater(answer)) return undefined;
  const body = bodyOf(answer);
  return {
    ...partsOf(url),
    status: answer.status ?? 200,
    ...(body === undefined ? { text: textOf(answer) } : { json: body }),
  };
}

/** The output of `curl` may be in the file as text. */
function bodyOf({ json, text }: SpokenAnswer): unknown {
  if (json !== undefined || !/^\s*[[{]/.test(text ?? '')) return json;
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

function respond({ status, json, text }: KnownResponse): BrokerResponse {
  return { status, ...(text === undefined ? { json } : { text }) };
}

const isQueues = (path: string): boolean => /^\/api\/queues(?:\/(?:detailed|%2F))?$/i.test(path);

function answerQueues(
  known: readonly KnownResponse[],
  rates: ReadonlyMap<string, number>,
  { query }: { readonly query: URLSearchParams },
): BrokerResponse {
  const given = known.filter(({ path }) => isQueues(path));
  if (given.length === 0) return NOT_IN_FILE;
  const failed = given.find(({ status, json }) => status >= 400 || json === undefined);
  const pages = Map.groupBy(given, (one) => Number(one.query.get('page') ?? 1));
  // Several pages may contradict each other, or one of them may have failed.
  if (pages.size > 1) {
    const [page] = pages.get(Number(query.get('page') ?? 1)) ?? [];
    return page ? withRates(respond(page), rates) : NOT_IN_FILE;
  }
  if (failed) return respond(failed);
  return pageOf(itemsIn(known, rates), query);
}

function withRates(response: BrokerResponse, rates: ReadonlyMap<string, number>): BrokerResponse {
  const list = response.json as { readonly items?: readonly Item[] } | undefined;
  if (!list?.items) return response;
  return { ...response, json: { ...list, items: list.items.map((one) => withRate(one, rates)) } };
}

/** All queues: those in the file, and idle ones for the rest of the total. */
function itemsIn(known: readonly KnownResponse[], rates: ReadonlyMap<string, number>): readonly Item[] {
  const bodies = known
    .filter(({ path, status }) => isQueues(path) && status < 400)
    .map(({ json }) => json as { readonly items?: readonly Item[]; readonly total_count?: number } | Item[]);
  const shown = bodies.flatMap((body) => (Array.isArray(body) ? body : (body.items ?? [])));
  const items = [...new Map(shown.map((one) => [keyOf(one), withRate(one, rates)])).values()];
  const total = Math.max(0, ...bodies.map((body) => (Array.isArray(body) ? 0 : (body.total_count ?? 0))));
  const missing = Array.from({ length: Math.max(0, total - items.length) }, (_, at) => idleQueue(items, at));
  return [...items, ...missing];
}

const keyOf = ({ vhost = '/', name }: Item): string => `${String(vhost)} ${String(name)}`;

/** With the counts that the others have: with statistics off, there are none. */
function idleQueue(others: readonly Item[], at: number): Item {
  const [first] = others;
  const counts = {
    messages: 0,
    messages_ready: 0,
    messages_unacknowledged: 0,
    consumers: 1,
    message_bytes: 0,
  };
  return {
    name: `q-idle-${String(at + 1).padStart(4, '0')}`,
    vhost: first?.['vhost'] ?? '/',
    type: 'classic',
    node: first?.['node'],
    state: 'running',
    durable: true,
    auto_delete: false,
    exclusive: false,
    arguments: {},
    ...Object.fromEntries(
      Object.entries(counts).filter(([name]) => others.some((one) => one[name] !== undefined)),
    ),
  };
}

function withRate(item: Item, rates: ReadonlyMap<string, number>): Item {
  const rate = rates.get(keyOf(item));
  return rate === undefined || item['messages_details'] !== undefined
    ? item
    : { ...item, messages_details: { rate } };
}

/** How the messages of queues change, in messages per second, from two answers. */
function ratesIn(answers: readonly SpokenAnswer[]): ReadonlyMap<string, number> {
  const queuesOf = (answer: SpokenAnswer): readonly Item[] => {
    const body = bodyOf(answer) as { readonly items?: readonly Item[] } | readonly Item[] | undefined;
    return Array.isArray(body) ? body : ((body as { readonly items?: readonly Item[] })?.items ?? []);
  };
  const before = new Map(
    answers
      .filter((one) => !isLater(one) && isQueues(partsOf(/\/api\/\S*/.exec(one.ask)?.[0] ?? '/').path))
      .flatMap(queuesOf)
      .map((one) => [keyOf(one), one]),
  );
  return new Map(
    answers.filter(isLater).flatMap((answer) =>
      queuesOf(answer).flatMap((later) => {
        const [from, to] = [before.get(keyOf(later))?.['messages'], later['messages']];
        if (typeof from !== 'number' || typeof to !== 'number') return [];
        return [[keyOf(later), (to - from) / secondsLater(answer.ask)!] as const];
      }),
    ),
  );
}

/** https://www.rabbitmq.com/docs/http-api-reference */
function pageOf(all: readonly Item[], query: URLSearchParams): BrokerResponse {
  const size = Number(query.get('page_size') ?? DEFAULT_PAGE_SIZE);
  const page = Number(query.get('page') ?? 1);
  if (!(size >= 1 && size <= MAX_PAGE_SIZE))
    return { status: 400, json: { error: 'bad_request', reason: 'page_size should be between 1 and 500' } };
  const name = query.get('name');
  const pattern = name && query.get('use_regex') === 'true' ? new RegExp(name) : undefined;
  const matching = all.filter(
    (one) => !name || (pattern?.test(String(one['name'])) ?? String(one['name']).includes(name)),
  );
  const sorted = sortedBy(matching, query.get('sort'), query.get('sort_reverse') === 'true');
  const columns = query.get('columns')?.split(',');
  const written = (items: readonly Item[]): readonly Item[] =>
    columns ? items.map((one) => onlyColumns(one, columns)) : items;
  if (!query.has('page')) return { status: 200, json: written(sorted) };
  const pages = Math.max(1, Math.ceil(sorted.length / size));
  if (page > pages)
    return {
      status: 400,
      json: { error: 'page_out_of_range', reason: `page: ${page} page size: ${size} reason: out of range` },
    };
  const items = written(sorted.slice((page - 1) * size, page * size));
  return {
    status: 200,
    json: {
      filtered_count: sorted.length,
      item_count: items.length,
      page,
      page_count: pages,
      page_size: size,
      total_count: all.length,
      items,
    },
  };
}

function sortedBy(items: readonly Item[], column: string | null, isReversed: boolean): readonly Item[] {
  if (column === null) return items;
  const sorted = items.toSorted((one, other) => compare(valueAt(one, column), valueAt(other, column)));
  return isReversed ? sorted.toReversed() : sorted;
}

function compare(one: unknown, other: unknown): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return JSON.stringify(one ?? '').localeCompare(JSON.stringify(other ?? ''));
}

/** `messages_details.rate` */
function valueAt(item: Item, column: string): unknown {
  return column.split('.').reduce<unknown>((value, key) => (value as Item | undefined)?.[key], item);
}

function onlyColumns(item: Item, columns: readonly string[]): Item {
  const names = new Set(columns.map((column) => column.split('.')[0]));
  return Object.fromEntries(Object.entries(item).filter(([name]) => names.has(name)));
}
