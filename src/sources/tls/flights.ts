/** Work under way that several may wait for: two checks that ask the same site at the same moment share one answer. Nothing is kept once it is known. */
export interface Flights<T> {
  /** The work of this name under way at `key`. */
  readonly find: (key: string, name: string) => Flight<T> | undefined;
  readonly namesAt: (key: string) => Iterable<string>;
  /** `work` is given a signal that aborts once nobody waits for it any more. `onEnd` is called in any case, before the answer is known. */
  readonly start: (
    key: string,
    name: string,
    work: (signal: AbortSignal) => Promise<T>,
    onEnd: () => void,
  ) => Flight<T>;
}

export interface Flight<T> {
  /** @throws the reason of `signal` as soon as it aborts. */
  readonly join: (signal: AbortSignal) => Promise<T>;
}

export function makeFlights<T>(): Flights<T> {
  const underWay = new Map<string, Map<string, Flight<T>>>();
  const remove = (key: string, name: string) => {
    const there = underWay.get(key);
    there?.delete(name);
    if (there?.size === 0) underWay.delete(key);
  };
  return {
    find: (key, name) => underWay.get(key)?.get(name),
    namesAt: (key) => underWay.get(key)?.keys() ?? [],
    start: (key, name, work, onEnd) => {
      const land = () => {
        remove(key, name);
        onEnd();
      };
      const flight = makeFlight(work, land);
      const there = underWay.get(key) ?? new Map<string, Flight<T>>();
      underWay.set(key, there.set(name, flight));
      return flight;
    },
  };
}

function makeFlight<T>(work: (signal: AbortSignal) => Promise<T>, land: () => void): Flight<T> {
  const stop = new AbortController();
  let passengers = 0;
  let landed = false;
  const landOnce = () => {
    if (landed) return;
    landed = true;
    land();
  };
  const answer = work(stop.signal).finally(landOnce);
  answer.catch(() => {}); // whoever joined is given the error
  return {
    join: async (signal) => {
      signal.throwIfAborted();
      passengers += 1;
      const { promise: aborted, reject } = Promise.withResolvers<never>();
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        return await Promise.race([answer, aborted]);
      } finally {
        signal.removeEventListener('abort', onAbort);
        passengers -= 1;
        if (passengers === 0 && !landed) {
          stop.abort(new Error('nobody waits for this any more'));
          landOnce(); // nobody may join what was broken off
        }
      }
    },
  };
}
