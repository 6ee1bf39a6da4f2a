import type { RemediationRecord } from '../store/remediation/record.ts';
import type { RemediationStore } from '../store/remediation/remediation-store.ts';

/** The lease of a worker on the remediation that it executes and verifies. */
export interface ExecutionLease {
  /** Aborted if the lease is lost or the worker must stop: no further step is begun. */
  readonly signal: AbortSignal;
  readonly release: () => void;
}

/** Renews the lease until it is released. It is lost if another worker has a newer fencing token, or if Redis is unreachable for too long. */
export function holdLease(
  remediations: RemediationStore,
  record: RemediationRecord,
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
      if (!(await remediations.renewLease(record, leaseMs)))
        lost.abort(new Error('another worker holds the lease'));
      validUntilMs = sentAtMs + leaseMs;
    } finally {
      isRenewing = false;
    }
  };
  const signal = AbortSignal.any([stop, lost.signal]);
  const timer = setInterval(() => {
    if (performance.now() > validUntilMs) lost.abort(new Error('the lease could not be renewed'));
    // A step that ignores its signal is abandoned. Once the lease has ended, a sweep records that it was interrupted.
    if (signal.aborted) clearInterval(timer);
    else renew().catch(() => undefined);
  }, leaseMs / 3);
  return { signal, release: () => clearInterval(timer) };
}
