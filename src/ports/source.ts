import type { CertificateStore, CertificateWriter } from './certificates.ts';
import type { KeyValueStore, KeyValueWriter } from './key-value.ts';
import type { ProcessSupervisor, ProcessWriter } from './processes.ts';

/** One configured source, opened: the ports that it implements, and its lifecycle. `src/sources/<vendor>/open.ts` makes it. */
export interface Source {
  /** As configured: `edge`, `vault`. Unique in its environment. */
  readonly name: string;
  readonly kind: string;
  /** Set where it stores or serves certificates. */
  readonly certificates?: CertificateStore;
  /** Set where it stores keys. */
  readonly keyValue?: KeyValueStore;
  /** Set where it supervises processes. */
  readonly processes?: ProcessSupervisor;
  /** What it may change: only where its configuration allows it, with separate credentials. Every call throws `refused` for another source's name. */
  readonly writes?: {
    readonly certificates?: CertificateWriter;
    readonly keyValue?: KeyValueWriter;
    readonly processes?: ProcessWriter;
  };
  /** For `wrench doctor`: sends the smallest request that proves the source reachable and its credentials valid. Never throws. */
  readonly healthCheck: (signal: AbortSignal) => Promise<SourceHealth>;
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
