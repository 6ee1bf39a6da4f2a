import type { CertificateStore } from './certificates.ts';

/** One configured source, opened: the roles it plays, and a life. `src/sources/<vendor>/open.ts` makes it. */
export interface Source {
  /** As configured: `edge`, `vault`. Unique in its environment. */
  readonly name: string;
  readonly kind: string;
  /** Its role as a keeper of certificates, where it is one. */
  readonly certificates?: CertificateStore;
  /** For `wrench doctor`: asks the source the smallest question that proves it reachable and permitted. Never throws. */
  readonly reach: (signal: AbortSignal) => Promise<Reach>;
  /** Stops timers and closes connections; safe to call twice. */
  readonly close: () => Promise<void>;
}

export interface Reach {
  readonly ok: boolean;
  /** What was seen, in one line: `12 of 12 sites answer`, `login refused (403)`. */
  readonly said: string;
  /** What to do about it, where it is not ok. */
  readonly cure?: string;
}
