/** A queue as the management API returns it, without what the source doesn't read. */
export type QueueObject = Readonly<Record<string, unknown>>;

export type PageFault =
  /** Every page has the queues of the first. */
  | 'repeats'
  /** The number of the page is always 1. */
  | 'first'
  /** The last queue of each page is missing, and `item_count` counts it. */
  | 'short'
  /** A queue is created before each page is read. */
  | 'grows'
  /** Before the second page is read, the first queue gets most messages. */
  | 'moves'
  /** The number of pages is far too high, and all have the same queues. */
  | 'endless'
  /** The same, but the queues of each page have other names. */
  | 'endless with new names';

const COUNTS = ['messages', 'messages_ready', 'messages_unacknowledged'];
/** What a server without statistics still knows of a queue. */
const BASIC = ['name', 'vhost', 'type', 'node', 'state', 'durable', 'auto_delete', 'exclusive', 'arguments'];
const OF_REPLICAS = ['leader', 'members', 'online'];

/** A queue as recorded from RabbitMQ 3.10.8. */
export function queueObject(name: string, more: QueueObject = {}): QueueObject {
  const messages = typeof more['messages'] === 'number' ? more['messages'] : 0;
  return {
    name,
    vhost: '/',
    type: 'classic',
    node: 'rabbit@ctl-1',
    state: 'running',
    durable: true,
    auto_delete: false,
    exclusive: false,
    arguments: {},
    effective_policy_definition: {},
    consumers: 1,
    idle_since: '2026-11-28T03:33:18.432+00:00',
    message_bytes: 5 * messages,
    message_stats: { publish_details: { rate: 0 } },
    messages,
    messages_details: { rate: 0 },
    messages_ready: messages,
    messages_unacknowledged: 0,
    ...more,
  };
}

/** With statistics off: no counts, unless they are asked for and the server knows the parameter. */
export function withoutStatistics(queue: QueueObject, hasTotals: boolean): QueueObject {
  const kept = new Set([...BASIC, ...OF_REPLICAS, ...(hasTotals ? COUNTS : [])]);
  return Object.fromEntries(Object.entries(queue).filter(([key]) => kept.has(key)));
}

export function pageOfQueues(
  queues: readonly QueueObject[],
  query: URLSearchParams,
  fault: PageFault | undefined,
): unknown {
  const [page, size] = [Number(query.get('page')), Number(query.get('page_size') ?? 100)];
  if (!(size >= 1 && size <= 500)) return undefined;
  const pages = Math.ceil(queues.length / size);
  const isEndless = fault === 'endless' || fault === 'endless with new names';
  if (page > Math.max(1, pages) && !isEndless) return undefined;
  const from = fault === 'repeats' || isEndless || fault === 'first' ? 0 : (page - 1) * size;
  const items = (fault === 'endless with new names' ? queues : sorted(queues, query))
    .slice(from, from + size)
    .map((one) =>
      fault === 'endless with new names' ? { ...one, name: `${String(one['name'])}-${page}` } : one,
    );
  return {
    filtered_count: queues.length,
    item_count: items.length,
    items: (fault === 'short' ? items.slice(0, -1) : items).map((one) =>
      columnsOf(one, query.get('columns')),
    ),
    page: fault === 'first' ? 1 : page,
    page_count: isEndless ? 1_000_000 : pages,
    page_size: size,
    total_count: isEndless ? 1_000_000 * size : queues.length,
  };
}

export function sorted(queues: readonly QueueObject[], query: URLSearchParams): readonly QueueObject[] {
  const column = query.get('sort') ?? 'name';
  const ordered = queues.toSorted((one, other) => {
    const [a, b] = [one[column], other[column]];
    if (typeof a === 'number' && typeof b === 'number') return a - b;
    const [c, d] = [JSON.stringify(a ?? ''), JSON.stringify(b ?? '')];
    return c < d ? -1 : c > d ? 1 : 0;
  });
  return query.get('sort_reverse') === 'true' ? ordered.toReversed() : ordered;
}

/** `messages_details.rate` */
export function columnsOf(queue: QueueObject, columns: string | null): QueueObject {
  if (columns === null) return queue;
  const picked: Record<string, unknown> = {};
  for (const path of columns.split(',')) {
    const keys = path.split('.');
    const value = keys.reduce<unknown>((at, key) => (at as QueueObject | undefined)?.[key], queue);
    if (value === undefined) continue;
    const parent = keys.slice(0, -1).reduce((at, key) => {
      at[key] ??= {};
      return at[key] as Record<string, unknown>;
    }, picked);
    parent[keys.at(-1)!] = value;
  }
  return picked;
}
