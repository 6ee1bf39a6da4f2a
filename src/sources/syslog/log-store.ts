import type { SourceError } from '../../ports/source-error.ts';

/** One file of a log, as it was listed or opened. */
export interface LogFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
  /** The same after the file is renamed. Absent if that can't be known. */
  readonly identity?: string;
}

export interface OpenLog {
  readonly file: LogFile;
  /**
   * Reads a part of the file. It is shorter only if the file ends there.
   * @throws {SourceError}
   */
  readonly read: (from: number, bytes: number, signal: AbortSignal) => Promise<Buffer>;
  /** @throws {SourceError} */
  readonly sizeNow: (signal: AbortSignal) => Promise<number>;
  readonly close: () => Promise<void>;
}

/** Where the files of a log are: on this machine, or on a host. */
export interface LogStore {
  /**
   * The files that the configured paths match. What couldn't be listed is passed to `onProblem`.
   * @throws {SourceError} if nothing can be listed.
   */
  readonly list: (signal: AbortSignal, onProblem: OnProblem) => Promise<readonly LogFile[]>;
  /**
   * The file at a path and those that it was rotated to, as they are now.
   * @throws {SourceError}
   */
  readonly listChain: (path: string, signal: AbortSignal) => Promise<readonly LogFile[]>;
  /** @throws {SourceError} */
  readonly open: (file: LogFile, signal: AbortSignal) => Promise<OpenLog>;
  /** How much to read at once: more if each read takes a round trip. */
  readonly blockBytes: number;
}

/** Called with a path that couldn't be read. */
export type OnProblem = (path: string, error: SourceError) => void;

/** Files in folders of logs that have another form: logins, and the journal of systemd. */
const OTHER_FILES = /(?:^|\/)(?:[wb]tmp|lastlog|faillog|tallylog)(?:[.-]|$)|\.journal~?$|(?:^|\/)\./;

/** Whether a file below a folder is none with lines of text, or hidden. */
export function isOtherFile(path: string): boolean {
  return OTHER_FILES.test(path);
}
