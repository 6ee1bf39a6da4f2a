/** The approval of a change, which a writer receives with the change itself. */
export interface ApplyContext {
  /** The id of the remediation, `m0123456789abcdef`. A system that stores it can tell that a change was already made. */
  readonly idempotencyKey: string;
  /** Aborted when the change may no longer be continued. */
  readonly signal: AbortSignal;
}
