import type { ServerResponse } from 'node:http';

/** A fault of every request whose path starts with `path`. */
export type CredhubFault = { readonly path: string; readonly method?: 'GET' | 'POST' } & (
  | { readonly status: number; readonly body?: string }
  /** Waits for this, then responds normally. */
  | { readonly until: Promise<unknown> }
  /** Never responds. With `done`, the request is executed nevertheless. */
  | { readonly silent: true; readonly done?: true }
  /** Sends half of the response and closes the connection. */
  | { readonly half: true }
  /** Changes the response. */
  | { readonly change: (body: object) => unknown }
);

export interface CredhubFaults {
  /** Without `times`, until `heal`. */
  readonly fail: (fault: CredhubFault, times?: number) => void;
  readonly heal: () => void;
  readonly find: (question: { readonly path: string; readonly method: string }) => CredhubFault | undefined;
}

export function openCredhubFaults(): CredhubFaults {
  let active: { readonly fault: CredhubFault; left: number }[] = [];
  return {
    fail: (fault, times = Infinity) => void active.push({ fault, left: times }),
    heal: () => {
      active = [];
    },
    find: ({ path, method }) => {
      const met = active.find(
        ({ fault, left }) => left > 0 && path.startsWith(fault.path) && (fault.method ?? method) === method,
      );
      if (met) met.left -= 1;
      return met?.fault;
    },
  };
}

/** Sends half of a text, and closes the connection once the client has it. */
export function sendHalf(response: ServerResponse, text: string): void {
  const bytes = Buffer.from(text);
  response.writeHead(200, { 'content-length': bytes.length });
  response.write(bytes.subarray(0, bytes.length / 2), () => setImmediate(() => response.socket?.destroy()));
}
