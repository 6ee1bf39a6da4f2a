/**
 * Works on at most `concurrency` items at once and yields each result as soon as it is known, in completion order.
 * If `work` returns an async iterable, everything it yields is yielded; its worker stays busy until it ends.
 *
 * - Back-pressure: a worker keeps one result until it is consumed, so at most `concurrency` results wait, and only a free worker pulls an item.
 * - The first error of `items` or `work` is thrown, after which nothing more is started.
 * - `work` receives a signal that aborts with `signal`, on an error, and when the consumer stops early. It is not awaited then, so one hung item
 * can't delay a deadline. What it yields afterwards is dropped.
 * @throws `signal.reason` as soon as `signal` aborts.
 *
 * p-map 7's `pMapIterable` with `preserveOrder: false` comes closest, but takes no signal, so an abort would wait for hung items, and it yields one
 * result per item. With its defaults, as with Node's `Readable.map`, one hung site would delay every result behind it.
 */
export async function* concurrently<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  concurrency: number,
  work: (item: T, signal: AbortSignal) => Promise<R> | AsyncIterable<R>,
  signal?: AbortSignal,
): AsyncGenerator<R, void, undefined> {
  signal?.throwIfAborted();
  const stop = new AbortController();
  const arrivals = new Arrivals<R>();
  const onAbort = () => {
    stop.abort(signal?.reason);
    arrivals.fail(signal?.reason);
  };
  signal?.addEventListener('abort', onAbort, { once: true });

  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const running = Array.from({ length: concurrency }, () => runWorker(source, work, stop.signal));
  try {
    for (const worker of running) void arrivals.await(worker);
    for (let live = running.length; live > 0;) {
      const { worker, result } = await arrivals.next();
      if (result.done) {
        live -= 1;
      } else {
        void arrivals.await(worker);
        yield result.value;
      }
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    stop.abort(new Error('the result is no longer needed'));
    for (const started of [...running, source])
      void Promise.resolve(started.return?.(undefined)).catch(() => {});
  }
}

async function* runWorker<T, R>(
  source: Iterator<T> | AsyncIterator<T>,
  work: (item: T, signal: AbortSignal) => Promise<R> | AsyncIterable<R>,
  signal: AbortSignal,
): AsyncGenerator<R, void, undefined> {
  for (;;) {
    const item = await source.next();
    if (item.done || signal.aborted) return;
    const result = work(item.value, signal);
    if (Symbol.asyncIterator in result) yield* result;
    else yield await result;
  }
}

interface Arrival<R> {
  readonly worker: AsyncGenerator<R, void>;
  readonly result: IteratorResult<R, void>;
}

/** Collects what workers yield. Not `Promise.race`: that adds a reaction to every slow worker for every result of a fast one. */
class Arrivals<R> {
  readonly #ready: Arrival<R>[] = [];
  #failure: { readonly reason: unknown } | undefined;
  #wake = () => {};

  async await(worker: AsyncGenerator<R, void>): Promise<void> {
    try {
      this.#ready.push({ worker, result: await worker.next() });
      this.#wake();
    } catch (error) {
      this.fail(error);
    }
  }

  fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#wake();
  }

  async next(): Promise<Arrival<R>> {
    for (;;) {
      if (this.#failure) throw this.#failure.reason;
      const arrival = this.#ready.shift();
      if (arrival) return arrival;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
