import { setTimeout as sleep } from 'node:timers/promises';
import { isComplete } from '../check/proof.ts';
import {
  startExecution,
  failExecution,
  recordVerification,
  endOverdue,
} from '../store/remediation/transitions/execution.ts';
import { refuseRemediation } from '../store/remediation/transitions/approval.ts';
import type { Observation } from '../store/remediation/record.ts';
import { execute, type Execution } from './execute.ts';
import { NOT_DURABLE, isDurableEnough, preflight } from './preflight.ts';
import { holdLease, type ExecutionLease } from './lease.ts';
import { definitionOf, observe, transitionAndShow, type JobContext } from './job-context.ts';

/**
 * Applies what was approved, at most once: looks again, plans again, takes the one way to act by compare-and-set, makes sure that this is
 * on disk, acts, and looks again until it is settled (DESIGN.md section 2; reference: bullmq.md section 2).
 */
export async function applyApproved(context: JobContext): Promise<void> {
  const { deps, remediation, jobId, signal } = context;
  if (remediation.state !== 'approved') return;
  try {
    const checked = await preflight(context);
    if (await isTooLate(context)) {
      await transitionAndShow(context, endOverdue(await deps.remediations.readClock(), deps.policy));
      return;
    }
    if ('transition' in checked) {
      await transitionAndShow(context, checked.transition);
      return;
    }
    const execution = await acquire(context, checked.before);
    if (execution) await executeAndVerify(context, execution);
  } catch (error) {
    // Nothing was done yet: whoever stops hands it back, and anything else is our own bug.
    if (signal.aborted) throw error;
    deps.metrics.bugs.inc({ role: 'worker' });
    deps.log.error({ err: error, jobId, remediation: remediation.id }, 'a bug of ours met a remediation');
    const because = `a bug of ours ended it before anything was done; the log has it under ${jobId}`;
    await transitionAndShow(context, refuseRemediation(because, await deps.remediations.readClock()));
  }
}

/** The last moment to begin is the approval's; what took too long to look at has expired. */
async function isTooLate({ deps, remediation }: JobContext): Promise<boolean> {
  const { until } = remediation;
  return until !== undefined && Date.parse(until) < (await deps.remediations.readClock());
}

/** From here on it is ours alone. Where Redis cannot promise to remember that, only a plan that is bound to what it found goes on. */
async function acquire(context: JobContext, before: Observation): Promise<Execution | undefined> {
  const { deps, remediation } = context;
  const { remediations, policy, leaseMs, confirmDurability } = deps;
  const token = await remediations.nextFencingToken();
  const nowMs = await remediations.readClock();
  const acquired = await transitionAndShow(context, startExecution(token, before, policy, leaseMs, nowMs));
  if (acquired.kind === 'refused') {
    await transitionAndShow(context, refuseRemediation(acquired.because, nowMs));
    return undefined;
  }
  if (isDurableEnough(await confirmDurability(), remediation))
    return { token, before, remediation: acquired.remediation };
  await transitionAndShow(
    context,
    failExecution(token, `${NOT_DURABLE}; nothing was done`, undefined, nowMs),
  );
  return undefined;
}

async function executeAndVerify(context: JobContext, execution: Execution): Promise<void> {
  const { deps, remediation } = context;
  const lease = holdLease(deps.remediations, execution.remediation, deps.leaseMs, context.signal);
  try {
    const isDone = await execute(context, execution, lease);
    if (isDone) await verify(context, execution, lease);
  } finally {
    lease.release();
  }
  const ended = await deps.remediations.read(remediation.id);
  deps.metrics.remediations.inc({
    remediation: `${remediation.check}:${remediation.remediation}`,
    outcome: ended?.remediation.state ?? 'unknown',
  });
}

/** Looks again until the finding is gone and what is measured is whole, or the time that it may take is over. */
async function verify(
  context: JobContext,
  { token, before }: Execution,
  lease: ExecutionLease,
): Promise<void> {
  const { deps, remediation } = context;
  const { settlesWithinSeconds } = definitionOf(deps, remediation).remediation;
  const deadlineMs = performance.now() + settlesWithinSeconds * 1_000;
  let after: Observation;
  for (;;) {
    after = await observe({ ...context, signal: lease.signal }, before);
    if (after.finding === 'gone' && isComplete(after.measures)) break;
    if (performance.now() >= deadlineMs) break;
    await sleep(deps.recheckEveryMs, undefined, { signal: lease.signal });
  }
  const because =
    after.finding === 'gone' ? undefined : `${settlesWithinSeconds} s after the deed: ${after.verdict}`;
  await transitionAndShow(
    context,
    recordVerification(token, after, because, await deps.remediations.readClock()),
  );
}
