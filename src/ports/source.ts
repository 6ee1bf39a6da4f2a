import type { PortName, Readers, WriterPortName, Writers } from './readers.ts';

/** One configured source, opened: the ports that it implements, and its lifecycle. `src/sources/<vendor>/open.ts` makes it. */
export interface Source {
  /** As configured: `edge`, `vault`. Unique in its environment. */
  readonly name: string;
  readonly kind: string;
  /** What can be read from it, by port. */
  readonly reads: { readonly [Port in PortName]?: Readers[Port][number] };
  /** What can be changed in it, by port: only what its configuration allows, with separate credentials if configured. */
  readonly writes?: { readonly [Port in WriterPortName]?: ReturnType<Writers[Port]> };
  /** For `wrench doctor`: sends the smallest request that proves that the source is reachable and its credentials are valid. Never throws. */
  readonly healthCheck: (signal: AbortSignal) => Promise<SourceHealth>;
  /**
   * For `wrench doctor`: whether the credentials of the source have the permissions that the methods of its ports need, and any that they should not
   * have. Absent if the source cannot report permissions.
   * @throws {SourceError} if they cannot be read.
   */
  readonly permissions?: (signal: AbortSignal) => Promise<readonly SourcePermission[]>;
  /** Stops timers and closes connections; safe to call twice. */
  readonly close: () => Promise<void>;
}

export interface SourceHealth {
  readonly ok: boolean;
  /** The result in one line: `12 of 12 sites respond`, `login refused (403)`. */
  readonly summary: string;
  /** How to fix it, if it is not ok. */
  readonly hint?: string;
}

export interface SourcePermission {
  /** What needs it: a method of a port or of its writer, a whole port, or a key of `allow`. Absent if nothing in the configuration needs it. */
  readonly method?: string;
  /** As the source names it: `list events`. */
  readonly permission: string;
  readonly allowed: boolean;
  /** The configuration key of the credential: `allow.cordon`. Absent for the credential for reading. */
  readonly credential?: string;
  /** What it allows beyond what the method needs: `run commands in every container`. */
  readonly alsoAllows?: string;
  /** How to grant it if it is missing, or how to avoid it if it allows too much. */
  readonly hint?: string;
}
