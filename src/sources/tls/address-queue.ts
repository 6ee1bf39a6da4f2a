/** What is still to be asked in one scan, by address. Lanes pull from it whenever they are free. */
export interface AddressQueue<E extends Entry, T> {
  readonly tasks: AsyncIterable<T>;
  readonly add: (entry: E) => void;
  /** Adds what needs no address. */
  readonly addTask: (task: T) => void;
  /** Nothing more will be added. `failure` is thrown to whoever pulls. */
  readonly close: (failure?: { readonly reason: unknown }) => void;
}

export interface Entry {
  /** Where turns are taken. */
  readonly address: string;
  readonly label: string;
}

export interface AddressQueueParts<E extends Entry, T> {
  /** Begins with `entry`, where that is possible now. */
  readonly begin: (entry: E) => T | undefined;
  /** Labels that are being asked at an address already, by whomever: to join these takes no turn. */
  readonly underWay: (address: string) => Iterable<string>;
  /** Whether an address let the last one who asked there wait in vain. */
  readonly isSlow: (address: string) => boolean;
  /** Whether the last one who asked there got an answer. */
  readonly hasAnswered: (address: string) => boolean;
  /** Calls back once, when a turn at this address is given back. @returns what takes that back. */
  readonly onceFree: (address: string, listener: () => void) => () => void;
}

/**
 * No lane waits at an address, so that thousands of names on one that does not answer hold one lane: an address whose turns are all taken
 * is passed over until one is given back. Addresses are taken in turn: first those that have answered, which hold a lane for moments only, and
 * those that are slow after all others.
 */
export function makeAddressQueue<E extends Entry, T>(parts: AddressQueueParts<E, T>): AddressQueue<E, T> {
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
    for (const addresses of Object.values(free)) addresses.delete(address);
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
    // The last one, where the first was silent: names of one backend are mostly written side by side.
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
      const [address] = [free.proven, free.untried, free.slow].flatMap((addresses) => [
        ...addresses.keys().take(1),
      ]);
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

interface Queue<E> {
  readonly add: (entry: E) => void;
  readonly find: (label: string) => E | undefined;
  readonly first: () => E | undefined;
  readonly last: () => E | undefined;
  readonly delete: (label: string) => void;
  readonly size: () => number;
}

/** In the order of adding, taken from both ends and from between. */
function makeQueue<E extends Entry>(): Queue<E> {
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
