/** Work that grows while it is done: iterating ends when all that was added is done. */
export interface WorkQueue<T> extends AsyncIterable<T> {
  /** Last in, first out: deep before wide keeps it small. */
  readonly add: (items: readonly T[]) => void;
  /** One item given out has been worked on; call it after adding what it led to. */
  readonly done: () => void;
  /** Takes away and gives back what nobody began. */
  readonly drain: () => readonly T[];
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
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise((resolve) => {
          askers.push(resolve);
          serve();
        }),
    }),
  };
}
