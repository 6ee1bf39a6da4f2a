/** The remaining requests of one scan, by address. Workers pull tasks when they are free. */
export interface AddressQueue<E extends QueueEntry, T> {
  readonly tasks: AsyncIterable<T>;
  readonly add: (entry: E) => void;
  /** Adds a task that needs no address. */
  readonly addTask: (task: T) => void;
  /** Nothing more will be added. `failure` is thrown to every worker that pulls. */
  readonly close: (failure?: { readonly reason: unknown }) => void;
}

export interface QueueEntry {
  /** Where slots are acquired. */
  readonly address: string;
  readonly label: string;
}

export interface AddressQueueParts<E extends QueueEntry, T> {
  /** Starts the request for `entry`. @returns undefined if no slot is free. */
  readonly begin: (entry: E) => T | undefined;
  /** Labels of requests in progress at an address, of any scan: joining these needs no slot. */
  readonly underWay: (address: string) => Iterable<string>;
  /** Whether the last request to an address got no response. */
  readonly isSlow: (address: string) => boolean;
  /** Whether it got one. */
  readonly hasAnswered: (address: string) => boolean;
  /** Calls back once, when a slot at this address is released. @returns a function that cancels this. */
  readonly onceFree: (address: string, listener: () => void) => () => void;
}

/**
 * Workers don't wait for an address, so thousands of names at one address that doesn't respond occupy one worker: an address whose slots
 * are all taken is skipped until one is released. Addresses take turns: first those that responded last time, which occupy a worker only
 * briefly, and slow ones after all others.
 */
export function makeAddressQueue<E extends QueueEntry, T>(
  parts: AddressQueueParts<E, T>,
): AddressQueue<E, T> {
  const { begin, underWay, isSlow, hasAnswered, onceFree } = parts;
  const queues = new Map<string, Queue<E>>();
  const tasks: T[] = [];
  const free = { proven: new Set<string>(), untried: new Set<string>(), slow: new Set<string>() };
  const busy = new Map<string, () => void>();
  const waiting: (() => void)[] = [];
  let closed = false;
  let failure: { readonly reason: unknown } | undefined;

  const wakeOne = () => waiting.shift()?.();
  const wakeAll = () => {
    for (const wake of waiting.splice(0)) wake();
  };
  const list = (address: string) => {
    const among = free[isSlow(address) ? 'slow' : hasAnswered(address) ? 'proven' : 'untried'];
    if (among.has(address)) return;
    unlist(address);
    among.add(address);
  };
  const unlist = (address: string) => {
    free.proven.delete(address);
    free.untried.delete(address);
    free.slow.delete(address);
  };
  const passOver = (address: string) => {
    const stop = onceFree(address, () => {
      busy.delete(address);
      list(address);
      wakeOne();
    });
    busy.set(address, stop);
  };
  const takeFrom = (address: string, queue: Queue<E>): T | undefined => {
    const shared = [...underWay(address)].map((label) => queue.find(label));
    // Takes the last entry of a slow address: names of one backend are usually listed next to each other, and another backend may respond.
    const next = isSlow(address) ? queue.last() : queue.first();
    for (const entry of [...shared, next]) {
      const task = entry && begin(entry);
      if (entry === undefined || task === undefined) continue;
      queue.delete(entry.label);
      return task;
    }
    return undefined;
  };
  const take = (): T | undefined => {
    if (tasks.length > 0) return tasks.shift();
    for (;;) {
      const address = firstOf(free.proven) ?? firstOf(free.untried) ?? firstOf(free.slow);
      if (address === undefined) return undefined;
      unlist(address);
      const queue = queues.get(address);
      const task = queue && takeFrom(address, queue);
      if (queue?.size() === 0) queues.delete(address);
      else if (task === undefined) passOver(address);
      else list(address);
      if (task !== undefined) return task;
    }
  };
  const isOver = () => closed && tasks.length === 0 && queues.size === 0;
  const end = () => {
    for (const stop of busy.values()) stop();
    busy.clear();
    wakeAll();
  };

  const iterator: AsyncIterator<T, undefined> = {
    next: async () => {
      for (;;) {
        if (failure !== undefined) throw failure.reason;
        const value = take();
        if (value !== undefined) {
          if (isOver()) wakeAll();
          else wakeOne();
          return { done: false, value };
        }
        if (isOver()) return { done: true, value: undefined };
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    return: async () => {
      closed = true;
      queues.clear();
      tasks.length = 0;
      end();
      return { done: true, value: undefined };
    },
  };
  return {
    tasks: { [Symbol.asyncIterator]: () => iterator },
    add: (entry) => {
      const { address } = entry;
      const queue = queues.get(address) ?? makeQueue<E>();
      queues.set(address, queue);
      queue.add(entry);
      if (busy.has(address)) return;
      list(address);
      wakeOne();
    },
    addTask: (task) => {
      tasks.push(task);
      wakeOne();
    },
    close: (reason) => {
      closed = true;
      failure = reason;
      wakeAll();
    },
  };
}

function firstOf(addresses: ReadonlySet<string>): string | undefined {
  return addresses.values().next().value;
}

interface Queue<E> {
  readonly add: (entry: E) => void;
  readonly find: (label: string) => E | undefined;
  readonly first: () => E | undefined;
  readonly last: () => E | undefined;
  readonly delete: (label: string) => void;
  readonly size: () => number;
}

/** In the order in which entries were added; they can be removed at any position. */
function makeQueue<E extends QueueEntry>(): Queue<E> {
  const waiting = new Map<string, E>();
  const order: E[] = [];
  let head = 0;
  const isGone = (entry: E | undefined) => entry !== undefined && !waiting.has(entry.label);
  return {
    add: (entry) => {
      waiting.set(entry.label, entry);
      order.push(entry);
    },
    find: (label) => waiting.get(label),
    first: () => {
      while (isGone(order[head])) head += 1;
      return order[head];
    },
    last: () => {
      while (order.length > head && isGone(order.at(-1))) order.pop();
      return order[order.length - 1];
    },
    delete: (label) => void waiting.delete(label),
    size: () => waiting.size,
  };
}
