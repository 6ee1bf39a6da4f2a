import { cleanText } from '../../text/clean-text.ts';

/** Enough of a run's id to find it in the log. */
export function shortRun(runId: string): string {
  return cleanText(runId).slice(-8).toWellFormed();
}
