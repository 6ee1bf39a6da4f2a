import type { RemediationJob } from '../queue/jobs.ts';
import type { JobAttempt } from '../queue/workers.ts';
import { applyApproved } from './apply.ts';
import { lookWhenAsked } from './look-again.ts';
import { makePlan } from './plan.ts';
import type { RemediationHandling } from './step.ts';

/** Takes one step of a remediation. Whether the step may be taken is read from memory; a job that comes twice finds it taken. */
export async function handleRemediation(
  handling: RemediationHandling,
  { id: jobId, data, signal }: JobAttempt<RemediationJob>,
): Promise<void> {
  const remembered = await handling.remediations.read(data.id);
  if (!remembered) {
    handling.log.warn({ jobId, remediation: data.id }, 'a remediation is no longer known');
    return;
  }
  const step = { handling, jobId, signal, remediation: remembered.remediation };
  if (data.kind === 'plan') await makePlan(step);
  else if (data.kind === 'apply') await applyApproved(step);
  else await lookWhenAsked(step, data.by);
}
