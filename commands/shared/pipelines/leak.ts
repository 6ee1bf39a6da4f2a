import type { Pattern } from './container-commands.ts';

/**
 * `left`: it stays after it exits. `running`: it runs in the background, and nothing stops it. `removed-on-success`: a failure leaves it. `removed-sometimes`:
 * something removes it only after a failure, or under another condition. `removed`: something
 * removes it in any case. `long-lived`: a restart policy keeps it. The others are unknown: they depend on a variable, on the machine, or on the version of
 * `docker-compose`.
 */
export type LeakReason =
  | 'left'
  | 'running'
  | 'removed-on-success'
  | 'removed-sometimes'
  | 'removed'
  | 'long-lived'
  | 'depends-on-variable'
  | 'depends-on-machine'
  | 'depends-on-compose-version';

/** A command in a pipeline file that leaves a container behind, or may. */
export interface Leak {
  /** Of the file, in UTF-16 code units: the word of its program. */
  readonly at: number;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** In one line, as written. */
  readonly command: string;
  readonly job?: string;
  readonly stage?: string;
  /** The host of a command that is given to ssh. */
  readonly remote?: string;
  /** Its machine, and its container with it, is discarded after the job. */
  readonly isOnDiscardedMachine?: true;
  readonly reason: LeakReason;
  /** `unknown` if the file doesn't say. */
  readonly severity: 'warning' | 'info' | 'unknown';
  /** Why the container stays, or why that is unknown, in one sentence. */
  readonly because: string;
  /** The smallest change that removes the container. Absent if `--rm` is no cure; then `advice` says what is. */
  readonly fix?: Fix;
  readonly advice?: string;
  readonly image?: Pattern;
  readonly name?: Pattern;
  readonly labels: readonly Pattern[];
}

/** Replaces a part of the file. */
export interface Fix {
  readonly at: number;
  readonly end: number;
  readonly inserts: string;
  /** The line of `at`, from 1, and how it will read. */
  readonly line: number;
  readonly corrected: string;
}
