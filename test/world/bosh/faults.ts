import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DirectorResponse } from './routes.ts';

/** A fault of every request whose path starts with `path`. */
export type Fault = { readonly path: string; readonly method?: string } & (
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly slowMs: number }
  /** Waits for this, then responds normally. */
  | { readonly until: Promise<unknown>; readonly onWait?: (path: string) => void }
  /**
   * Closes the connection before the request is processed, or after: with the response lost, or in the
   * middle of it.
   */
  | { readonly lose: 'question' | 'answer' | 'half' }
);

export interface Faults {
  readonly add: (fault: Fault, times: number) => void;
  readonly clear: () => void;
  /**
   * Responds with the result of `decide` unless a fault intervenes; undefined if the connection was closed.
   */
  readonly around: (
    question: { readonly path: string; readonly method: string },
    response: ServerResponse,
    decide: () => Promise<DirectorResponse>,
  ) => Promise<DirectorResponse | undefined>;
}

export function openFaults(stopped: AbortSignal): Faults {
  let active: { readonly fault: Fault; left: number }[] = [];
  return {
    add: (fault, times) => void active.push({ fault, left: times }),
    clear: () => {
      active = [];
    },
    around: async ({ path, method }, response, decide) => {
      const met = active.find(
        ({ fault, left }) => left > 0 && path.startsWith(fault.path) && (fault.method ?? method) === method,
      );
      if (!met) return decide();
      met.left--;
      const { fault } = met;
      if ('status' in fault)
        return { status: fault.status, body: fault.body ?? '', headers: fault.headers ?? {} };
      if ('slowMs' in fault) {
        await sleep(fault.slowMs, undefined, { signal: stopped, ref: false }).catch(() => {});
        return decide();
      }
      if ('until' in fault) {
        fault.onWait?.(path);
        await fault.until;
        return decide();
      }
      if (fault.lose !== 'question') {
        const { status, body } = await decide();
        const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
        const bytes = Buffer.from(text);
        if (fault.lose === 'half') {
          response.writeHead(status, { 'content-length': bytes.length });
          const half = bytes.subarray(0, bytes.length / 2);
          await new Promise<void>((resolve) => response.write(half, () => resolve()));
        }
      }
      response.socket?.destroy();
      return undefined;
    },
  };
}
