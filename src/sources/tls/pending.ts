/**
 * Work in progress that several callers can wait for: two checks of the same site at the same moment share one result. Results are not
 * cached.
 */
export interface Pending<T> {
  /** The work in progress with this name at `key`. */
  readonly find: (key: string, name: string) => PendingWork<T> | undefined;
  readonly namesAt: (key: string) => Iterable<string>;
  /**
   * Starts `work` with a signal that aborts when no caller waits anymore. `onEnd` is always called once, before the callers get the
   * result.
   */
  readonly start: (
    key: string,
    name: string,
    work: (signal: AbortSignal) => Promise<T>,
    onEnd: () => void,
  ) => PendingWork<T>;
}

export interface PendingWork<T> {
  /** @throws the reason of `signal` as soon as it aborts. */
  readonly join: (signal: AbortSignal) => Promise<T>;
}

export function makePending<T>(): Pending<T> {
  const underWay = new Map<string, Map<string, PendingWork<T>>>();
  const remove = (key: string, name: string) => {
    const there = underWay.get(key);
    there?.delete(name);
    if (there?.size === 0) underWay.delete(key);
  };
  return {
    find: (key, name) => underWay.get(key)?.get(name),
    namesAt: (key) => underWay.get(key)?.keys() ?? [],
    start: (key, name, work, onEnd) => {
      const pending = startWork(work, () => {
        remove(key, name);
        onEnd();
      });
      const there = underWay.get(key) ?? new Map<string, PendingWork<T>>();
      underWay.set(key, there.set(name, pending));
      return pending;
    },
  };
}

function startWork<T>(work: (signal: AbortSignal) => Promise<T>, onEnd: () => void): PendingWork<T> {
  const stop = new AbortController();
  let waiting = 0;
  let ended = false;
  const endOnce = () => {
    if (ended) return;
    ended = true;
    onEnd();
  };
  const answer = work(stop.signal).finally(endOnce);
  answer.catch(() => {}); // the callers get the error
  return {
    join: async (signal) => {
      waiting += 1;
      const { promise: aborted, reject } = Promise.withResolvers<never>();
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        signal.throwIfAborted();
        return await Promise.race([answer, aborted]);
      } finally {
        signal.removeEventListener('abort', onAbort);
        waiting -= 1;
        if (waiting === 0 && !ended) {
          stop.abort(new Error('no caller waits for this anymore'));
          endOnce(); // aborted work can't be joined
        }
      }
    },
  };
}
