import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ListFault } from './list.ts';
import type { ApiAnswer } from './status.ts';

/** A fault of requests whose path starts with `path`. */
export type Fault = {
  readonly path: string;
  readonly method?: string;
  /** Only requests with (or without) a `continue` token. */
  readonly continued?: boolean;
  /** The node whose kubelet is queried directly. Absent: the API server. */
  readonly kubelet?: string;
} & (
  | {
      readonly status: number;
      /** An object is sent as JSON; text that begins with `<` as HTML. */
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly list: ListFault }
  | { readonly slowMs: number }
  /** Delays the response until this resolves; if it never does, the request hangs. */
  | { readonly until: Promise<unknown> | 'closed'; readonly onWait?: (path: string) => void }
  /**
   * Closes the connection before the request is processed, or after: with the response lost, or in the
   * middle of it.
   */
  | { readonly lose: 'request' | 'answer' | 'half' }
);

export interface FaultedRequest {
  readonly path: string;
  readonly method: string;
  readonly query: URLSearchParams;
  readonly kubelet?: string;
}

export interface Faults {
  /** Without `times`, until `clear`. */
  readonly add: (fault: Fault, times?: number) => void;
  readonly clear: () => void;
  /** Responds with `decide`, unless a fault intervenes. Undefined if the connection was closed. */
  readonly around: (
    request: FaultedRequest,
    response: ServerResponse,
    decide: (fault?: ListFault) => Promise<ApiAnswer>,
  ) => Promise<ApiAnswer | undefined>;
}

export function openFaults(stopped: AbortSignal): Faults {
  let active: { readonly fault: Fault; left: number }[] = [];
  return {
    add: (fault, times = Infinity) => void active.push({ fault, left: times }),
    clear: () => {
      active = [];
    },
    around: async (request, response, decide) => {
      const met = active.find(({ fault, left }) => left > 0 && concerns(fault, request));
      if (!met) return decide();
      met.left--;
      const { fault } = met;
      if ('status' in fault) return { body: '', ...fault };
      if ('list' in fault) return decide(fault.list);
      if ('slowMs' in fault) {
        await sleep(fault.slowMs, undefined, { signal: stopped, ref: false }).catch(() => {});
        return decide();
      }
      if ('until' in fault) {
        fault.onWait?.(request.path);
        if (fault.until === 'closed') {
          await untilClosed(response);
          return undefined;
        }
        await fault.until;
        return decide();
      }
      if (fault.lose !== 'request') {
        const { status, body } = await decide();
        if (fault.lose === 'half') {
          const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
          response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length });
          const half = bytes.subarray(0, bytes.length / 2);
          await new Promise<void>((resolve) => response.write(half, () => resolve()));
        }
      }
      response.socket?.destroy();
      return undefined;
    },
  };
}

function concerns(fault: Fault, { path, method, query, kubelet }: FaultedRequest): boolean {
  return (
    path.startsWith(fault.path) &&
    fault.kubelet === kubelet &&
    (fault.method ?? method) === method &&
    (fault.continued ?? query.has('continue')) === query.has('continue')
  );
}

async function untilClosed(response: ServerResponse): Promise<void> {
  if (response.closed) return;
  await new Promise<void>((resolve) => response.once('close', () => resolve()));
}
