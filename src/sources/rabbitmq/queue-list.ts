import { setImmediate } from 'node:timers/promises';
import type { BrokerQuery, BrokerQueue } from '../../ports/brokers.ts';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { getOrCreate } from '../../wire/get-or-create.ts';
import { asObject, type JsonObject } from '../../wire/json-object.ts';
import { countOf } from './broker-values.ts';
import type { ManagementApi } from './management-api.ts';
import { QUEUE_COLUMNS, toQueue } from './to-queue.ts';
import { findHiddenQueues, requestView } from './view.ts';

/** The most that the API accepts: https://www.rabbitmq.com/docs/management#pagination */
const PAGE_SIZE = 500;
/** Many times those of the largest clusters. A list without end would fill the memory. */
const MAX_QUEUES = 200_000;
const MOST_MESSAGES_FIRST = { sort: 'messages', sort_reverse: 'true' };
/** With statistics off, counts of messages are read from the queues themselves, since 3.9. Older servers ignore it. */
const WITHOUT_STATISTICS = { disable_stats: 'true', enable_queue_totals: 'true' };
/**
 * While messages come and go, queues move from page to page in the first order, and one may be missed. They don't in the second, which is used if the
 * first was incomplete; again if queues were created or deleted meanwhile.
 */
const ORDERS: readonly Readonly<Record<string, string>>[] = [
  MOST_MESSAGES_FIRST,
  { sort: 'name' },
  { sort: 'name' },
];

/**
 * All queues of the cluster, as the node behind an endpoint sees them, each once.
 * @throws {SourceError} after the pages that could be read, if not all queues were.
 */
export async function* listQueues(
  api: ManagementApi,
  query: BrokerQuery,
): AsyncGenerator<readonly BrokerQueue[], void> {
  const list: QueueListing = { api, query, seen: startQueueNames(), mode: {} };
  const view = requestView(api, query);
  let outcome: PassOutcome = { isComplete: false, total: 0 };
  for (const order of ORDERS) {
    outcome = yield* readAllPages(list, order);
    if (outcome.isComplete) break;
  }
  if (!outcome.isComplete)
    throw listError(
      list,
      'unreachable',
      `${hostOf(query)} listed ${list.seen.size} different queues, not ${outcome.total}: the list changed while it was read, or repeats itself`,
    );
  const hidden = await findHiddenQueues(api, { ...query, vhosts: list.seen.vhosts }, view);
  if (hidden) throw hidden;
}

interface QueueListing {
  readonly api: ManagementApi;
  readonly query: BrokerQuery;
  /** What was yielded. */
  readonly seen: QueueNames;
  /** Parameters that all pages have. */
  mode: Readonly<Record<string, string>>;
}

interface PassOutcome {
  readonly isComplete: boolean;
  /** How many queues there are, according to the last page. */
  readonly total: number;
}

/** So that no time is spent waiting, and a server doesn't get many requests at once. */
const PAGES_AHEAD = 2;

/** Yields what no earlier pass has. The next pages are requested while one is read. @throws {SourceError} */
async function* readAllPages(
  list: QueueListing,
  order: Readonly<Record<string, string>>,
): AsyncGenerator<readonly BrokerQueue[], PassOutcome> {
  const { query, seen } = list;
  const inPass = seen.size === 0 ? seen : startQueueNames();
  const totals = new Set<number>();
  const stop = new AbortController();
  const signal = AbortSignal.any([query.signal, stop.signal]);
  const request = (number: number): Promise<QueuePage | 'out of range'> => {
    const page = readPage(list, { order, number, signal });
    // It is awaited later, or no longer needed.
    page.catch(() => undefined);
    return page;
  };
  try {
    const ahead = [request(1)];
    let requested = 1;
    for (let number = 1; ; number += 1) {
      const page = await ahead.shift()!;
      // Fewer pages than before.
      if (page === 'out of range') return { isComplete: false, total: [...totals].at(-1) ?? 0 };
      const { items, total, pages, problem } = page;
      while (ahead.length < PAGES_AHEAD && requested < pages) ahead.push(request((requested += 1)));
      // They are sent once this thread is idle.
      if (ahead.length > 0) await setImmediate();
      totals.add(total);
      const before = inPass.size;
      const fresh = readItems(list, items, inPass);
      query.onProgress?.({ read: seen.size, of: Math.max(total, seen.size), unit: 'queues' });
      if (fresh.length > 0 || number === 1) yield fresh;
      if (problem !== undefined) throw listError(list, 'malformed', problem);
      if (number < pages && inPass.size > before) continue;
      return { isComplete: totals.size === 1 && inPass.size === total, total };
    }
  } finally {
    stop.abort(new Error('the page is no longer needed'));
  }
}

/** The queues of a page that no earlier page had. @throws {SourceError} */
function readItems(
  list: QueueListing,
  items: readonly JsonObject[],
  inPass: QueueNames,
): readonly BrokerQueue[] {
  const fresh: BrokerQueue[] = [];
  for (const item of items) {
    const queue = toQueue(item);
    if (!queue)
      throw listError(
        list,
        'malformed',
        `${hostOf(list.query)} listed a queue without its name or virtual host`,
      );
    const isNew = list.seen.add(item);
    if (inPass !== list.seen) inPass.add(item);
    if (list.seen.size > MAX_QUEUES)
      throw listError(list, 'malformed', `${hostOf(list.query)} listed more than ${MAX_QUEUES} queues`);
    if (isNew) fresh.push(queue);
  }
  return fresh;
}

/** Different queues. */
interface QueueNames {
  readonly size: number;
  readonly vhosts: ReadonlySet<string>;
  /** Returns whether it is new. */
  readonly add: (queue: JsonObject) => boolean;
}

function startQueueNames(): QueueNames {
  const byVhost = new Map<unknown, Set<unknown>>();
  // Most queues are in the virtual host of the one before.
  let last: { readonly vhost: unknown; readonly names: Set<unknown> } | undefined;
  let size = 0;
  return {
    get size() {
      return size;
    },
    get vhosts() {
      return new Set([...byVhost.keys()].map(String));
    },
    add: ({ vhost, name }) => {
      if (!last || last.vhost !== vhost)
        last = { vhost, names: getOrCreate(byVhost, vhost, () => new Set<unknown>()) };
      const { names } = last;
      const before = names.size;
      if (names.add(name).size === before) return false;
      size += 1;
      return true;
    },
  };
}

function countDifferent(items: readonly JsonObject[]): number {
  const names = startQueueNames();
  for (const item of items) names.add(item);
  return names.size;
}

interface PageRequest {
  readonly order: Readonly<Record<string, string>>;
  readonly number: number;
  readonly signal: AbortSignal;
}

interface QueuePage {
  readonly items: readonly JsonObject[];
  readonly total: number;
  readonly pages: number;
  /** The items are valid, but others are missing. */
  readonly problem?: string;
}

async function readPage(list: QueueListing, asked: PageRequest): Promise<QueuePage | 'out of range'> {
  const { number } = asked;
  const ask = async (mode: QueueListing['mode']): Promise<QueuePage | 'out of range'> => {
    const body = await requestPage(list, asked, mode);
    return body === 'out of range' ? body : toPage(list, body, number);
  };
  const page = await ask(list.mode);
  const isFirst = number === 1 && list.seen.size === 0;
  if (!isFirst || page === 'out of range' || page.items.length === 0 || hasCounts(page)) return page;
  const withTotals = await ask(WITHOUT_STATISTICS);
  if (withTotals === 'out of range' || !hasCounts(withTotals)) return page;
  list.mode = WITHOUT_STATISTICS;
  return withTotals;
}

const hasCounts = ({ items }: QueuePage): boolean =>
  items.some((one) => countOf(one['messages']) !== undefined);

async function requestPage(
  { api, query: { endpoint } }: QueueListing,
  { order, number, signal }: PageRequest,
  mode: QueueListing['mode'],
): Promise<unknown> {
  const search = new URLSearchParams({
    page: String(number),
    page_size: String(PAGE_SIZE),
    ...order,
    ...mode,
    columns: QUEUE_COLUMNS,
  });
  try {
    return await api.getJson({
      endpoint,
      path: `/api/queues?${search.toString().replaceAll('%2C', ',')}`,
      signal,
    });
  } catch (error) {
    const isGone = error instanceof SourceError && /page.out.of.range|out of range/i.test(error.message);
    if (isGone && number > 1) return 'out of range';
    throw error;
  }
}

function toPage(list: QueueListing, body: unknown, number: number): QueuePage {
  const host = hostOf(list.query);
  const isObject = (one: unknown): one is JsonObject =>
    typeof one === 'object' && one !== null && !Array.isArray(one);
  const fail = (words: string): SourceError => listError(list, 'malformed', `${host} ${words}`);
  // Up to 3.5 there are no pages.
  if (Array.isArray(body)) {
    if (!body.every(isObject)) throw fail('listed something other than queues');
    return { items: body, total: countDifferent(body), pages: 1 };
  }
  const page = asObject(body);
  const items: unknown = page['items'];
  if (!Array.isArray(items) || !items.every(isObject)) throw fail('did not return a list of queues');
  const answered = countOf(page['page']);
  if (answered !== undefined && answered !== number)
    throw fail(`returned page ${answered} of the queues instead of page ${number}`);
  const counts = [countOf(page['total_count']), countOf(page['filtered_count'])].filter(
    (one) => one !== undefined,
  );
  const pages = countOf(page['page_count']);
  if (counts.length === 0 || pages === undefined) throw fail('did not say how many queues there are');
  const promised = countOf(page['item_count']);
  return {
    items,
    total: Math.max(...counts),
    pages,
    ...(promised !== undefined &&
      promised !== items.length && {
        problem: `${host} returned ${items.length} queues on a page instead of ${promised}`,
      }),
  };
}

function hostOf({ endpoint }: BrokerQuery): string {
  return new URL(endpoint).host;
}

function listError({ api }: QueueListing, kind: SourceErrorKind, message: string): SourceError {
  return new SourceError(api.source, kind, message);
}
