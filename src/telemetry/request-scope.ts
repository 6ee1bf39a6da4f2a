import { AsyncLocalStorage } from 'node:async_hooks';

const scope = new AsyncLocalStorage<string>();

/** Runs `work`, and everything asynchronous that it starts, as part of a request that arrived through `listener`. */
export function inRequest<T>(listener: string, work: () => T): T {
  return scope.run(listener, work);
}

/**
 * The listener whose request the running code belongs to; undefined outside of any request.
 * Inside an `unhandledRejection` handler, that is the request of the code that rejected.
 */
export function currentListener(): string | undefined {
  return scope.getStore();
}
