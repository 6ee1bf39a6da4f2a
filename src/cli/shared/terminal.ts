import type { ParsedRequest } from '../../request/parse.ts';
import { renderProblemTerminal } from '../../terminal/render.ts';

/** Exit codes of `wrench run`. 64 is `EX_USAGE` of sysexits.h, for every verb. */
export const EXIT = { clear: 0, found: 1, unknown: 2, usage: 64 } as const;

export interface Terminal {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly color: boolean;
  readonly columns: number;
}

/** What was wrong with a command line, and how to write it. */
export type Usage = Pick<Extract<ParsedRequest, { kind: 'problem' }>, 'problem' | 'usage'>;

/** Prints what was wrong. @returns the exit code. */
export function refuse(problem: Usage, terminal: Pick<Terminal, 'error'>): number {
  terminal.error(renderProblemTerminal(problem));
  return EXIT.usage;
}
