import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, errors } from './state.ts';

/** What may go wrong with every request whose path (without `/v1/`) starts with `path`. */
export type Fault =
  | {
      readonly path: string;
      readonly status: number;
      readonly words?: string;
      readonly headers?: Record<string, string>;
    }
  | { readonly path: string; readonly slowMs: number }
  /** Sends half of an answer and resets the connection. */
  | { readonly path: string; readonly half: true }
  | { readonly path: string; readonly body: string };

export interface Faults {
  /** `times` absent: until `heal`. */
  readonly add: (fault: Fault, times?: number) => void;
  readonly clear: () => void;
  /** What to answer instead, `hang` for a response that is already dealt with, nothing for no fault. */
  readonly meet: (path: string, response: ServerResponse) => Promise<Answer | 'dealt-with' | undefined>;
}

export function makeFaults(stopped: AbortSignal): Faults {
  let active: { readonly fault: Fault; left: number }[] = [];
  return {
    add: (fault, times = Infinity) => void active.push({ fault, left: times }),
    clear: () => {
      active = [];
    },
    meet: async (path, response) => {
      const met = active.find(({ fault, left }) => left > 0 && path.startsWith(fault.path));
      if (!met) return undefined;
      met.left--;
      const { fault } = met;
      if ('slowMs' in fault) {
        await sleep(fault.slowMs, undefined, { signal: stopped, ref: false }).catch(() => {});
        return undefined;
      }
      if ('status' in fault) {
        for (const [name, value] of Object.entries(fault.headers ?? {})) response.setHeader(name, value);
        return errors(fault.status, ...(fault.words === undefined ? [] : [fault.words]));
      }
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
