/** The options of methods that read a source. */
export interface ReadOptions {
  readonly signal: AbortSignal;
  /** Called by slow reads, as often as they like, with what they have read so far. It never throws. */
  readonly onProgress?: ((progress: ReadProgress) => void) | undefined;
}

/** How far one read is, for the people who wait for it. */
export interface ReadProgress {
  /** How many were read, without those that couldn't be. Absent if nothing is known yet. */
  readonly read?: number;
  /** How many there are in all, if known. */
  readonly of?: number;
  /** What is counted, in the plural: `sites`, `deployments`. */
  readonly unit?: string;
  /** What the read is waiting for at the moment: `task 1185`. */
  readonly waitingFor?: string;
}
