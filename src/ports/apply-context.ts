/** One deed that was approved: what a writer is told besides what to do. */
export interface ApplyContext {
  /** The remediation's id, `m0123456789abcdef`: a system that keeps such a note can tell a deed that was done before. */
  readonly idempotencyKey: string;
  /** Aborted when the deed may no longer be gone on with. */
  readonly signal: AbortSignal;
}
