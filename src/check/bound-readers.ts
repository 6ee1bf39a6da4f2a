import type { ReadOptions } from '../ports/read-options.ts';
import type { Readers } from '../ports/readers.ts';
import type { ProgressTracker, TrackedRead } from './progress.ts';

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

/**
 * The same sources, with the cutoff for every call: a source that hangs fails alone, and the check keeps the responses of others. Every call is
 * followed by the tracker.
 */
export function boundReaders<R extends Partial<Readers>>(
  read: R,
  cutoff: Cutoff,
  tracker: Pick<ProgressTracker, 'begin'>,
): R {
  const bound = Object.entries(read).map(([port, sources]) => [
    port,
    sources?.map((source: NamedSource) => boundSource(source, cutoff, tracker)),
  ]);
  return Object.fromEntries(bound) as R;
}

type NamedSource = Readers[keyof Readers][number];

function boundSource(source: NamedSource, cutoff: Cutoff, tracker: Pick<ProgressTracker, 'begin'>): object {
  const members = Object.entries(source).map(([name, member]: [string, unknown]) => [
    name,
    typeof member === 'function'
      ? (...args: readonly unknown[]) => {
          const read = tracker.begin(source.name);
          const reported = args.map((arg) =>
            isReadOptions(arg) ? { ...arg, onProgress: read.report } : arg,
          );
          return boundAnswer(() => Reflect.apply(member, source, reported) as unknown, cutoff, read);
        }
      : member,
  ]);
  return Object.fromEntries(members) as object;
}

function isReadOptions(arg: unknown): arg is ReadOptions {
  return typeof arg === 'object' && arg !== null && 'signal' in arg && arg.signal instanceof AbortSignal;
}

function boundAnswer(ask: () => unknown, cutoff: Cutoff, read: TrackedRead): unknown {
  try {
    const answer = ask();
    if (isAsyncIterable(answer)) return boundIterable(answer, cutoff, read);
    if (answer instanceof Promise) return tracedRace(answer, cutoff, read, () => true);
    read.end('returned');
    return answer;
  } catch (error) {
    read.end('failed');
    throw error;
  }
}

/** The read has ended before anyone gets its response. */
function tracedRace<T>(
  answer: Promise<T>,
  { race }: Cutoff,
  { end }: TrackedRead,
  isLast: (response: T) => boolean,
): Promise<T> {
  answer.then(
    (response) => isLast(response) && end('returned'),
    () => end('failed'),
  );
  return race(answer);
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function boundIterable<T>(iterable: AsyncIterable<T>, cutoff: Cutoff, read: TrackedRead): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]: () => {
      const results = iterable[Symbol.asyncIterator]();
      return {
        next: () => tracedRace(results.next(), cutoff, read, ({ done }) => done === true),
        return: () => {
          read.end('returned');
          return cutoff.race(results.return?.() ?? Promise.resolve({ done: true, value: undefined }));
        },
      };
    },
  };
}
