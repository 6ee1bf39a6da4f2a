import { recordRecheck } from '../store/remediation/transitions/execution.ts';
import { look, moveAndTell, type Step } from './step.ts';

/** Somebody clicked "Check now" after an end that left it open: the check is asked again, and nothing is done. */
export async function lookWhenAsked(step: Step, by: string): Promise<void> {
  const { handling, remediation } = step;
  const after = await look(step, remediation.before);
  await moveAndTell(step, recordRecheck(by, after, await handling.remediations.readClock()));
}
