import { recordRecheck } from '../store/remediation/transitions/execution.ts';
import { observe, transitionAndShow, type JobContext } from './job-context.ts';

/** Somebody clicked "Check now" after an end that left it open: the check is asked again, and nothing is done. */
export async function recheck(context: JobContext, by: string): Promise<void> {
  const { deps, remediation } = context;
  const after = await observe(context, remediation.before);
  await transitionAndShow(context, recordRecheck(by, after, await deps.remediations.readClock()));
}
