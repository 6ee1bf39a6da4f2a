import type { Pattern } from './container-commands.ts';

/** What one pipeline file runs. */
export interface ScriptsInFile {
  /** In the order in which they run, as far as the file says. */
  readonly scripts: readonly Script[];
  /** Containers that Jenkins' Docker Pipeline plugin starts without removing them itself: `docker.image('x').run()`. */
  readonly pluginRuns?: readonly PluginRun[];
  /** What couldn't be read and may contain commands. `at` is an offset in the file. */
  readonly problems: readonly { readonly at: number; readonly because: string }[];
}

export interface PluginRun {
  /** Offsets in the file of the call: from `docker` to its closing parenthesis. */
  readonly at: number;
  readonly end: number;
  readonly image?: Pattern;
  readonly stage?: string;
  /** What it runs, as a script of its own with the places of the call. */
  readonly command: Script;
  /** How many of the scripts of the file come before it. */
  readonly after: number;
  /** Whether `.stop()` is called on what it returned, which also removes it: in any case, only on success, or not at all. */
  readonly stops: 'always' | 'on-success' | 'no';
  /** Whether a comment says that the container is kept on purpose. */
  readonly isMeantToStay?: true;
}

/** A shell script in a pipeline file, as the shell gets it. */
export interface Script {
  /** With the escapes of its file undone. Template expressions such as `${{ matrix.image }}` are replaced by variables of the shell. */
  readonly text: string;
  /** Where the text is in the file, in ascending order. */
  readonly pieces: readonly Piece[];
  /** Scripts with the same scope run on the same machine, and can remove one another's containers: a job, or a whole Jenkinsfile. */
  readonly scope: string;
  /** The job, as people see it: `unit`. Absent for a script of its own. */
  readonly job?: string;
  /** `build` */
  readonly stage?: string;
  readonly phase: Phase;
  readonly machine: Machine;
  /** The system that runs it, if it has a place for what always runs. */
  readonly pipeline?: 'jenkins' | 'gitlab' | 'github';
  /** Whether the shell exits at the first command that fails (`set -e`), without the script saying so. */
  readonly exitsOnError: boolean;
  /** Variables that the file sets, by name, and those that stand for template expressions. */
  readonly variables: ReadonlyMap<string, Variable>;
  /** Whether a comment in the file outside the script says that the container of its first start is kept on purpose. */
  readonly isMeantToStay?: true;
  /** The blocks around it that may be skipped, such as `if` and stages with `when`, from the outermost. Absent: none. */
  readonly conditions?: readonly string[];
  /** Whether what follows runs even if the script fails: `catchError`, `-` in a Makefile, `continue-on-error` in a GitHub workflow. */
  readonly isFailureIgnored?: true;
  /** The variable that has its output in later scripts, such as the id of the container that it starts. */
  readonly outputIn?: string;
}

/** From offset `text` of the text on, up to the next piece, offsets advance together with those of the file. */
export interface Piece {
  readonly text: number;
  readonly file: number;
  /** Text that is written elsewhere and inserted at `file`, such as the value of a variable of make: all of it has this offset. */
  readonly inserted?: {
    /** How long the part of the file is that it stands for, such as `$(DOCKER)`. */
    readonly length: number;
    /** Where it is written in this file: offsets advance together from there. Absent if it isn't in this file. */
    readonly writtenAt?: number;
    /** The file that it is written in, if that is another one. Commands in it are reported there. */
    readonly path?: string;
  };
}

/**
 * When a script runs. `main`: in order, until one fails. `always`: afterwards in any case, also after a failure or when the job is canceled. `success` and
 * `failure`: afterwards only then.
 */
export type Phase = 'main' | 'always' | 'success' | 'failure';

/** `kept`: it continues to exist after the job. `discarded`: it is thrown away, and its containers with it. */
export type Machine = 'kept' | 'discarded' | 'unknown';

export interface Variable {
  /** All values that it may have; undefined for one that the file doesn't have. */
  readonly values: readonly (string | undefined)[];
  /** How the file writes it, if it stands for a template expression: `${{ matrix.opts }}`. */
  readonly shown?: string;
}

/** The offset in the file of an offset in the text. */
export function offsetInFile(pieces: readonly Piece[], offset: number): number {
  const piece = pieceAt(pieces, offset);
  if (!piece) return offset;
  return piece.inserted ? piece.file : piece.file + (offset - piece.text);
}

/** The offset in the file of the end of a part of the text. It belongs to the last character of the part: the next piece may be elsewhere. */
export function endInFile(pieces: readonly Piece[], end: number): number {
  const piece = pieceAt(pieces, end - 1);
  if (!piece) return end;
  return piece.inserted ? piece.file + piece.inserted.length : piece.file + (end - piece.text);
}

/** Where to change the file to change the text at this offset. Undefined if that is written in another file, or nowhere. */
export function offsetToEdit(pieces: readonly Piece[], offset: number): number | undefined {
  const piece = pieceAt(pieces, offset);
  if (!piece) return offset;
  const from = piece.inserted ? piece.inserted.writtenAt : piece.file;
  return from === undefined ? undefined : from + (offset - piece.text);
}

/** The piece that an offset in the text belongs to. */
export function pieceAt(pieces: readonly Piece[], offset: number): Piece | undefined {
  return pieces[pieceIndexAt(pieces, offset)];
}

export function pieceIndexAt(pieces: readonly Piece[], offset: number): number {
  let low = 0;
  let high = pieces.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pieces[middle]!.text <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
