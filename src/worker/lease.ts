import type { RemediationRecord } from '../store/remediation/record.ts';
import type { RemediationStore } from '../store/remediation/remediation-store.ts';

/** The sign of life of who acts. */
export interface ExecutionLease {
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
): ExecutionLease {
  const lost = new AbortController();
  let validUntilMs = performance.now() + leaseMs;
  let isRenewing = false;
  const renew = async () => {
    if (isRenewing) return;
    isRenewing = true;
    try {
      const sentAtMs = performance.now();
      if (!(await remediations.renewLease(remediation, leaseMs)))
        lost.abort(new Error('another holds the lease'));
      validUntilMs = sentAtMs + leaseMs;
    } finally {
      isRenewing = false;
    }
  };
  const signal = AbortSignal.any([stop, lost.signal]);
  const timer = setInterval(() => {
    if (performance.now() > validUntilMs) lost.abort(new Error('the lease could not be lengthened'));
    // A deed that does not hear its signal is given up: the sweep says so once the lease is over.
    if (signal.aborted) clearInterval(timer);
    else renew().catch(() => undefined);
  }, leaseMs / 3);
  return { signal, release: () => clearInterval(timer) };
}
