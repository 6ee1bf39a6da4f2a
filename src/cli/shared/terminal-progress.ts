import type { Progress } from '../../check/progress.ts';
import { sourceLines } from '../../check/progress-in-words.ts';
import { cleanText } from '../../text/clean-text.ts';
import type { Terminal } from './terminal.ts';

/** A check that finishes sooner shows no progress. */
const FIRST_AFTER_MS = 1_000;
const EVERY_MS = 500;

export interface TerminalProgress {
  readonly start: (readProgress: () => Progress) => void;
  readonly stop: () => void;
}

/** Shows the progress of a check in the last line of the terminal while it runs, and removes it. */
export function showTerminalProgress(
  { status, columns }: Pick<Terminal, 'status' | 'columns'>,
  environment: string,
): TerminalProgress | undefined {
  if (!status) return undefined;
  let timer: NodeJS.Timeout | undefined;
  let isShown = false;
  const showAfter = (afterMs: number, readProgress: () => Progress) => {
    timer = setTimeout(() => {
      status(lineOf(readProgress(), environment, columns));
      isShown = true;
      showAfter(EVERY_MS, readProgress);
    }, afterMs);
  };
  return {
    start: (readProgress) => showAfter(FIRST_AFTER_MS, readProgress),
    stop: () => {
      clearTimeout(timer);
      if (isShown) status('');
    },
  };
}

/** `Checking prod… edge: 41 of 67 sites · bosh: waiting for task 1185`, shorter than a line. */
function lineOf(progress: Progress, environment: string, columns: number): string {
  const sources = sourceLines(progress).map(({ name, words }) =>
    name === undefined ? words : `${name}: ${words}`,
  );
  const line = cleanText(`Checking ${environment}… ${sources.join(' · ')}`);
  // Some terminals don't report their width.
  const width = columns > 0 ? columns : 80;
  return line.length < width ? line : `${line.slice(0, Math.max(0, width - 2)).toWellFormed()}…`;
}
