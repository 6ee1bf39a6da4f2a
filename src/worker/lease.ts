import type { RemediationRecord } from '../store/remediation/record.ts';
import type { RemediationStore } from '../store/remediation/remediation-store.ts';

/** The lease of a worker on the remediation that it executes and verifies. */
export interface ExecutionLease {
  /** Aborted if the lease is lost or the worker must stop: no further step is begun. */
  readonly signal: AbortSignal;
  /** Reads the clock as well: in a process that was paused or is busy, the signal is aborted late. */
  readonly throwIfLost: () => void;
  readonly release: () => void;
}

/**
 * Renews the lease until it is released. It is lost if another worker has a newer fencing token, or if Redis is unreachable for too long.
 * @param sinceMs the time of `performance.now()` at which the lease was requested. Redis counts from slightly later.
 */
export function holdLease(
  remediations: RemediationStore,
  record: RemediationRecord,
  leaseMs: number,
  stop: AbortSignal,
  sinceMs = performance.now(),
): ExecutionLease {
  const lost = new AbortController();
  const signal = AbortSignal.any([stop, lost.signal]);
  let validUntilMs = 0;
  let expiry: NodeJS.Timeout | undefined;
  let isRenewing = false;
  let isReleased = false;
  const expire = () => lost.abort(new Error('the lease could not be renewed'));
  const extend = (sentAtMs: number) => {
    clearTimeout(expiry);
    validUntilMs = sentAtMs + leaseMs;
    expiry = setTimeout(expire, Math.max(0, validUntilMs - performance.now()));
  };
  const renew = async () => {
    if (isRenewing) return;
    isRenewing = true;
    try {
      const sentAtMs = performance.now();
      const isHeld = await remediations.renewLease(record, leaseMs);
      if (isReleased) return;
      if (isHeld) extend(sentAtMs);
      else lost.abort(new Error('another worker holds the lease'));
    } finally {
      isRenewing = false;
    }
  };
  const timer = setInterval(() => {
    renew().catch(() => undefined);
  }, leaseMs / 3);
  const release = () => {
    isReleased = true;
    clearTimeout(expiry);
    clearInterval(timer);
  };
  extend(sinceMs);
  // A step that ignores its signal is abandoned. Once the lease has ended, a sweep records that it was interrupted.
  signal.addEventListener('abort', release, { once: true });
  return {
    signal,
    throwIfLost: () => {
      if (performance.now() > validUntilMs) expire();
      signal.throwIfAborted();
    },
    release,
  };
}
