import type { RemediationRecord } from '../store/remediation/record.ts';
import type { RemediationStore } from '../store/remediation/remediation-store.ts';

/** The sign of life of who acts. */
export interface Lease {
  /** Aborted where the lease is lost or the worker must stop: nothing new is begun then. */
  readonly signal: AbortSignal;
  readonly release: () => void;
}

/** Lengthens the lease until it is released; once it could not be, for another holds the token or Redis is away too long, it is lost. */
export function holdLease(
  remediations: RemediationStore,
  remediation: RemediationRecord,
  leaseMs: number,
  stop: AbortSignal,
): Lease {
  const lost = new AbortController();
  let goodUntilMs = performance.now() + leaseMs;
  let isAsking = false;
  const ask = async () => {
    if (isAsking) return;
    isAsking = true;
    try {
      const askedAtMs = performance.now();
      if (!(await remediations.renewLease(remediation, leaseMs)))
        lost.abort(new Error('another holds the lease'));
      goodUntilMs = askedAtMs + leaseMs;
    } finally {
      isAsking = false;
    }
  };
  const signal = AbortSignal.any([stop, lost.signal]);
  const timer = setInterval(() => {
    if (performance.now() > goodUntilMs) lost.abort(new Error('the lease could not be lengthened'));
    // A deed that does not hear its signal is given up: the sweep says so once the lease is over.
    if (signal.aborted) clearInterval(timer);
    else ask().catch(() => undefined);
  }, leaseMs / 3);
  return { signal, release: () => clearInterval(timer) };
}
