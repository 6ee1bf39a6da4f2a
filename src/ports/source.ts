import type { PortName, Readers, Writers } from './readers.ts';

/** One configured source, opened: the ports that it implements, and its lifecycle. `src/sources/<vendor>/open.ts` makes it. */
export interface Source {
  /** As configured: `edge`, `vault`. Unique in its environment. */
  readonly name: string;
  readonly kind: string;
  /** What can be read of it, by port. */
  readonly reads: { readonly [Port in PortName]?: Readers[Port][number] };
  /** What it may change, by port: only what its configuration allows, where configured with separate credentials. */
  readonly writes?: { readonly [Port in PortName]?: ReturnType<Writers[Port]> };
  /** For `wrench doctor`: sends the smallest request that proves the source reachable and its credentials valid. Never throws. */
  readonly healthCheck: (signal: AbortSignal) => Promise<SourceHealth>;
  /**
   * For `wrench doctor`: what the source's own permission system allows its credentials, of what the methods of its ports need and of what they
   * should not have. Absent where it has none to ask.
   * @throws {SourceError} if that cannot be read.
   */
  readonly permissions?: (signal: AbortSignal) => Promise<readonly SourcePermission[]>;
  /** Stops timers and closes connections; safe to call twice. */
  readonly close: () => Promise<void>;
}

export interface SourceHealth {
  readonly ok: boolean;
  /** The result in one line: `12 of 12 sites answer`, `login refused (403)`. */
  readonly summary: string;
  /** What to do about it, where it is not ok. */
  readonly hint?: string;
}

export interface SourcePermission {
  /** The method of a port or of its writer that needs it. Absent where nothing that is configured needs it. */
  readonly method?: string;
  /** As the source names it: `list events`. */
  readonly permission: string;
  readonly allowed: boolean;
  /** The key of the configuration that has the credential, where it is not the one for reading: `allow.cordon`. */
  readonly credential?: string;
  /** What else it allows, where that is more than the method needs: `run commands in every container`. */
  readonly alsoAllows?: string;
  /** How to grant it where it is missing, or how to do without it where it allows too much. */
  readonly hint?: string;
}
