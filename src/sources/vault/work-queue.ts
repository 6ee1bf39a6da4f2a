/** A queue that can grow while it is processed. Iterating ends when everything that was added is done. */
export interface WorkQueue<T> extends AsyncIterable<T> {
  /** Last in, first out: depth-first keeps the queue small. */
  readonly add: (items: readonly T[]) => void;
  /** Must be called once per item, after adding the items that it led to. */
  readonly done: () => void;
  /** Removes and returns the items that were not started. */
  readonly drain: () => readonly T[];
  /** The number of known items that are not done. */
  readonly left: () => number;
}

export function openWorkQueue<T>(first: readonly T[]): WorkQueue<T> {
  const waiting: T[] = [...first];
  const askers: ((result: IteratorResult<T, undefined>) => void)[] = [];
  let working = 0;

  const serve = (): void => {
    while (askers.length > 0 && waiting.length > 0) {
      working++;
      askers.shift()!({ done: false, value: waiting.pop()! });
    }
    if (working > 0 || waiting.length > 0) return;
    for (const asker of askers.splice(0)) asker({ done: true, value: undefined });
  };

  return {
    add: (items) => {
      for (const item of items) waiting.push(item);
      serve();
    },
    done: () => {
      working--;
      serve();
    },
    drain: () => waiting.splice(0),
    left: () => waiting.length + working,
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise((resolve) => {
          askers.push(resolve);
          serve();
        }),
    }),
  };
}
