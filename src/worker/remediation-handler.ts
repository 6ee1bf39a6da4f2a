import type { RemediationJob } from '../queue/jobs.ts';
import type { JobAttempt } from '../queue/workers.ts';
import { applyApproved } from './apply.ts';
import { recheck } from './recheck.ts';
import { makePlan } from './plan.ts';
import type { RemediationDeps } from './job-context.ts';

/**
 * Runs one job about a remediation. The job names no more than the id: what may be done is decided by the record in Redis, so a job that is
 * delivered twice does nothing the second time.
 */
export async function handleRemediation(
  deps: RemediationDeps,
  { id: jobId, data, signal }: JobAttempt<RemediationJob>,
): Promise<void> {
  const stored = await deps.remediations.read(data.id);
  if (!stored) {
    deps.log.warn({ jobId, remediation: data.id }, 'a remediation is no longer known');
    return;
  }
  const context = { deps, jobId, signal, remediation: stored.record };
  if (data.kind === 'plan') await makePlan(context);
  else if (data.kind === 'apply') await applyApproved(context);
  else await recheck(context, data.by);
}
