import { cleanText } from '../../text/clean-text.ts';

/** The last characters of a run's id, enough to find it in the log. */
export function shortRun(runId: string): string {
  return cleanText(runId).slice(-8).toWellFormed();
}
