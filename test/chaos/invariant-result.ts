/** An invariant and each case that violates it. */
export interface InvariantResult {
  readonly what: string;
  readonly cases: readonly string[];
}
