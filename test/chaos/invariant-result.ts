/** An invariant and each violation of it. */
export interface InvariantResult {
  readonly what: string;
  readonly cases: readonly string[];
}
