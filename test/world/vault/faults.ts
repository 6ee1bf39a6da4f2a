import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type VaultResponse, errors, type VaultRequest } from './state.ts';

/** A fault of every request whose path (without `/v1/`) starts with `path`. */
export type Fault = {
  readonly path: string;
  /** Only requests of this method. */
  readonly method?: 'GET' | 'POST';
  /** Only requests with this query, `version=2`. */
  readonly query?: string;
} & (
  | { readonly status: number; readonly words?: string; readonly headers?: Record<string, string> }
  | { readonly slowMs: number }
  /** Waits for this, then responds normally. */
  | { readonly until: Promise<unknown> }
  /** Sends half of a response and resets the connection. */
  | { readonly half: true }
  | { readonly body: string }
  /** Executes the request, and then sends no response. */
  | { readonly doneWithoutAnswer: true }
);

export interface Faults {
  /** Without `times`, until `heal`. */
  readonly add: (fault: Fault, times?: number) => void;
  readonly clear: () => void;
  /**
   * The response to send instead: `dealt-with` if it was sent, `silence` for execution without a response;
   * undefined without a fault.
   */
  readonly meet: (
    question: Pick<VaultRequest, 'path' | 'method' | 'query'>,
    response: ServerResponse,
  ) => Promise<VaultResponse | 'dealt-with' | 'silence' | undefined>;
}

export function makeFaults(stopped: AbortSignal): Faults {
  let active: { readonly fault: Fault; left: number }[] = [];
  return {
    add: (fault, times = Infinity) => void active.push({ fault, left: times }),
    clear: () => {
      active = [];
    },
    meet: async ({ path, method, query }, response) => {
      const met = active.find(
        ({ fault, left }) =>
          left > 0 &&
          path.startsWith(fault.path) &&
          (fault.method === undefined || fault.method === method) &&
          (fault.query === undefined || fault.query === query.toString()),
      );
      if (!met) return undefined;
      met.left--;
      const { fault } = met;
      if ('slowMs' in fault) {
        await sleep(fault.slowMs, undefined, { signal: stopped, ref: false }).catch(() => {});
        return undefined;
      }
      if ('until' in fault) {
        await fault.until;
        return undefined;
      }
      if ('status' in fault) {
        for (const [name, value] of Object.entries(fault.headers ?? {})) response.setHeader(name, value);
        return errors(fault.status, ...(fault.words === undefined ? [] : [fault.words]));
      }
      if ('doneWithoutAnswer' in fault) return 'silence';
      if ('body' in fault) {
        response.end(fault.body);
        return 'dealt-with';
      }
      response.writeHead(200, { 'content-length': '1000' }).write('{"data":');
      setImmediate(() => response.socket?.resetAndDestroy());
      return 'dealt-with';
    },
  };
}
