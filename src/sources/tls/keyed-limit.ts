/** Allows at most `atOnce` holders of a key at the same time. There is no queue: a caller that gets no slot waits until one is free and tries again. */
export interface KeyedLimit {
  /** @returns a function that releases the slot; undefined if none is free. */
  readonly tryAcquire: (key: string) => (() => void) | undefined;
  /** Calls `listener` once, when a slot is released. @returns a function that cancels this. */
  readonly onceFree: (key: string, listener: () => void) => () => void;
}

export function makeKeyedLimit(atOnce: number): KeyedLimit {
  const holders = new Map<string, number>();
  const listeners = new Map<string, Set<() => void>>();
  const release = (key: string) => {
    const left = (holders.get(key) ?? 0) - 1;
    if (left > 0) holders.set(key, left);
    else holders.delete(key);
    const waiting = listeners.get(key) ?? [];
    listeners.delete(key);
    for (const listener of waiting) listener();
  };
  return {
    tryAcquire: (key) => {
      const held = holders.get(key) ?? 0;
      if (held >= atOnce) return undefined;
      holders.set(key, held + 1);
      return () => release(key);
    },
    onceFree: (key, listener) => {
      const waiting = listeners.get(key) ?? new Set();
      listeners.set(key, waiting.add(listener));
      return () => {
        waiting.delete(listener);
        if (waiting.size === 0 && listeners.get(key) === waiting) listeners.delete(key);
      };
    },
  };
}
