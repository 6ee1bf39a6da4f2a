import type { CertificateStore, CertificateWriter } from './certificates.ts';
import type { KeyValueStore, KeyValueWriter } from './key-value.ts';
import type { ProcessSupervisor, ProcessWriter } from './processes.ts';

/** One configured source, opened: the roles it plays, and a life. `src/sources/<vendor>/open.ts` makes it. */
export interface Source {
  /** As configured: `edge`, `vault`. Unique in its environment. */
  readonly name: string;
  readonly kind: string;
  /** Its role as a keeper of certificates, where it is one. */
  readonly certificates?: CertificateStore;
  /** Its role as a keeper of keys, where it is one. */
  readonly keyValue?: KeyValueStore;
  /** Its role as a keeper of processes, where it is one. */
  readonly processes?: ProcessSupervisor;
  /** What it may change: only where its configuration gives it leave, with credentials of their own. Every call throws `refused` for another source's name. */
  readonly writes?: {
    readonly certificates?: CertificateWriter;
    readonly keyValue?: KeyValueWriter;
    readonly processes?: ProcessWriter;
  };
  /** For `wrench doctor`: asks the source the smallest question that proves it reachable and permitted. Never throws. */
  readonly healthCheck: (signal: AbortSignal) => Promise<SourceHealth>;
  /** Stops timers and closes connections; safe to call twice. */
  readonly close: () => Promise<void>;
}

export interface SourceHealth {
  readonly ok: boolean;
  /** What was seen, in one line: `12 of 12 sites answer`, `login refused (403)`. */
  readonly summary: string;
  /** What to do about it, where it is not ok. */
  readonly hint?: string;
}
