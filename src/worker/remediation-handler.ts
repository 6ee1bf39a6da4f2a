import { SourceError } from '../ports/source-error.ts';
import type { RemediationJob } from '../queue/jobs.ts';
import type { JobAttempt } from '../queue/workers.ts';
import {
  approveSafe,
  recordPlan,
  refuseRemediation,
  skipRemediation,
} from '../store/remediation/transitions/approval.ts';
import type { Transition } from '../store/remediation/transitions/common.ts';
import { recordRecheck } from '../store/remediation/transitions/execution.ts';
import { applyApproved } from './apply.ts';
import { commitTransition, type JobContext, planNow, type RemediationDeps } from './job-context.ts';
import { observe } from './observe.ts';

/**
 * Runs one job about a remediation. The job only contains the id. The record in Redis decides what may be done, so a job that is delivered
 * twice does nothing the second time.
 */
export async function handleRemediation(
  deps: RemediationDeps,
  { id: jobId, data, signal }: JobAttempt<RemediationJob>,
): Promise<void> {
  const stored = await deps.remediations.read(data.id);
  if (!stored) {
    deps.log.warn(
      { event: 'remediation-missing', jobId, remediation: data.id },
      'Remediation is no longer in Redis',
    );
    return;
  }
  const context = { deps, jobId, signal, record: stored.record };
  if (data.kind === 'plan') await makePlan(context);
  else if (data.kind === 'apply') await applyApproved(context);
  else await recheck(context, data.by);
}

/**
 * planning -> planned: runs the check again and plans what applying would do. A safe remediation was approved by the click that requested it,
 * so it becomes approved immediately.
 */
async function makePlan(context: JobContext): Promise<void> {
  const { policy } = context.deps;
  const { state, risk } = context.record;
  if (state !== 'planning') return;
  let result = await commitTransition(context, await planOrEnd(context));
  if (result.kind === 'changed' && result.record.state === 'planned' && risk === 'safe')
    result = await commitTransition(context, approveSafe(policy));
  // Another remediation has locked a target, or all of them are frozen.
  if (result.kind === 'refused') await commitTransition(context, refuseRemediation(result.because));
}

/**
 * The transition that records the plan, or the one that ends the remediation without a plan. The message of a `SourceError` is shown to
 * people; any other error is a bug in Wrench, logged once.
 */
async function planOrEnd(context: JobContext): Promise<Transition> {
  const { deps, jobId, signal } = context;
  try {
    const before = await observe(context);
    if (before.finding === 'gone') return skipRemediation(`the finding is gone: ${before.verdict}`);
    if (before.finding === 'unseen')
      return refuseRemediation(`couldn't check whether the finding is still there: ${before.verdict}`);
    const plan = await planNow(context);
    return recordPlan(plan, before, deps.policy);
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof SourceError) return refuseRemediation(deps.redact(error.message));
    deps.metrics.bugs.inc({ role: 'worker' });
    deps.log.error(
      { event: 'plan-failed-by-bug', err: error, jobId, remediation: context.record.id },
      'Planning failed because of a bug in Wrench',
    );
    return refuseRemediation(`a bug in Wrench stopped the planning; see job ${jobId} in the log`);
  }
}

/** Someone clicked "Check now" on a remediation that ended as interrupted, unverified or failed: runs the check again and changes nothing else. */
async function recheck(context: JobContext, by: string): Promise<void> {
  const after = await observe(context, context.record.before);
  await commitTransition(context, recordRecheck(by, after));
}
