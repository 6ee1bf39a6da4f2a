import type { Readers } from '../ports/readers.ts';

/** Stops waiting for sources that ignore an abort. */
export interface Cutoff {
  /** The same response, or the reason of the abort if it isn't there in time. A late response is dropped. */
  readonly race: <T>(answer: Promise<T>) => Promise<T>;
  readonly stop: () => void;
}

/** From `graceMs` after `signal` aborts, nothing is awaited anymore. Until then, a source may return what it has. */
export function cutOffAfter(signal: AbortSignal, graceMs: number): Cutoff {
  const waiting = new Set<(reason: Error) => void>();
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;
  const end = () => {
    isOver = true;
    for (const reject of waiting) reject(signal.reason as Error);
  };
  const onAbort = () => {
    timer = setTimeout(end, graceMs);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    race: <T>(answer: Promise<T>) => {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const cut = (reason: Error) => {
        // A check may await this promise later or never, which must not crash the process.
        promise.catch(() => undefined);
        reject(reason);
      };
      const stopWaiting = () => waiting.delete(cut);
      waiting.add(cut);
      answer.then(resolve, reject).then(stopWaiting, stopWaiting);
      if (isOver) cut(signal.reason as Error);
      return promise;
    },
    stop: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    },
  };
}

/** The same sources, with the cutoff for every call: a source that hangs fails alone, and the check keeps the responses of others. */
export function boundReaders<R extends Partial<Readers>>(read: R, cutoff: Cutoff): R {
  const bound = Object.entries(read).map(([port, sources]) => [
    port,
    sources?.map((source: object) => boundSource(source, cutoff)),
  ]);
  return Object.fromEntries(bound) as R;
}

function boundSource(source: object, cutoff: Cutoff): object {
  const members = Object.entries(source).map(([name, member]: [string, unknown]) => [
    name,
    typeof member === 'function'
      ? (...args: readonly unknown[]) => boundAnswer(Reflect.apply(member, source, args), cutoff)
      : member,
  ]);
  return Object.fromEntries(members) as object;
}

function boundAnswer(answer: unknown, cutoff: Cutoff): unknown {
  if (answer instanceof Promise) return cutoff.race(answer);
  return isAsyncIterable(answer) ? boundIterable(answer, cutoff) : answer;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function boundIterable<T>(iterable: AsyncIterable<T>, { race }: Cutoff): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]: () => {
      const results = iterable[Symbol.asyncIterator]();
      return {
        next: () => race(results.next()),
        return: () => race(results.return?.() ?? Promise.resolve({ done: true, value: undefined })),
      };
    },
  };
}
