import { recordRecheck } from '../store/remediation/transitions/execution.ts';
import type { JobContext } from './job-context.ts';
import { observe } from './observe.ts';
import { transitionAndShow } from './transition.ts';

/** Somebody clicked "Check now" on a remediation that ended as interrupted, unverified or failed: repeats the check and changes nothing else. */
export async function recheck(context: JobContext, by: string): Promise<void> {
  const after = await observe(context, context.remediation.before);
  await transitionAndShow(context, recordRecheck(by, after));
}
