import type { ParsedRequest } from '../../request/parse.ts';
import { renderProblemTerminal } from '../../terminal/render.ts';

/** Exit codes of `wrench run`; `usage` is `EX_USAGE` of https://man.freebsd.org/cgi/man.cgi?sysexits. */
export const EXIT = { clear: 0, found: 1, unknown: 2, usage: 64 } as const;

export interface Terminal {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  /** Replaces the last line on stderr; an empty line removes it. Absent if stderr isn't a terminal. */
  readonly status?: (line: string) => void;
  readonly color: boolean;
  readonly columns: number;
}

/** Where `wrench audit` prints. An export may not fit into memory, so each write is awaited. */
export interface AuditTerminal {
  /** Resolves when the text is written. */
  readonly print: (text: string) => Promise<void>;
  readonly error: (text: string) => void;
}

/** What is wrong with a command line, and the correct usage. */
export type UsageProblem = Pick<Extract<ParsedRequest, { kind: 'problem' }>, 'problem' | 'usage'>;

/** Prints what is wrong. @returns the exit code. */
export function printUsageProblem(problem: UsageProblem, terminal: Pick<Terminal, 'error'>): number {
  terminal.error(renderProblemTerminal(problem));
  return EXIT.usage;
}
