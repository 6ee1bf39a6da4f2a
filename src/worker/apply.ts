import { setTimeout as sleep } from 'node:timers/promises';
import { isComplete } from '../check/proof.ts';
import {
  startExecution,
  failExecution,
  recordVerification,
  unlessExpired,
} from '../store/remediation/transitions/execution.ts';
import { refuseRemediation } from '../store/remediation/transitions/approval.ts';
import { remediationName } from '../store/remediation/policy.ts';
import type { Observation } from '../store/remediation/record.ts';
import { execute, type Execution } from './execute.ts';
import { NOT_DURABLE, isDurableEnough, preflight } from './preflight.ts';
import { holdLease, type ExecutionLease } from './lease.ts';
import { definitionOf, type JobContext } from './job-context.ts';
import { observe } from './observe.ts';
import { transitionAndShow } from './transition.ts';

/**
 * approved -> applying -> settling -> its outcome. Applies an approved plan, at most once: preflight repeats the check and the plan, acquire
 * takes the fencing token by compare-and-set and makes sure that this is on disk, execute applies the plan, and verify repeats the check
 * until the finding is gone.
 */
export async function applyApproved(context: JobContext): Promise<void> {
  const { deps, remediation, jobId, signal } = context;
  if (remediation.state !== 'approved') return;
  try {
    const checked = await preflight(context);
    if ('transition' in checked) {
      await transitionAndShow(context, unlessExpired(deps.policy, checked.transition));
      return;
    }
    const execution = await acquire(context, checked.before);
    if (execution) await executeAndVerify(context, execution);
  } catch (error) {
    // Nothing was applied. A worker that stops hands the job back; any other error is a bug in Wrench.
    if (signal.aborted) throw error;
    deps.metrics.bugs.inc({ role: 'worker' });
    deps.log.error({ err: error, jobId, remediation: remediation.id }, 'a bug of ours met a remediation');
    const because = `a bug of ours ended it before anything was done; the log has it under ${jobId}`;
    await transitionAndShow(context, refuseRemediation(because));
  }
}

/**
 * approved -> applying: takes a fencing token, the targets and a place under the caps in one step. From here on the execution is this worker's
 * alone. It ends as failed if Redis does not confirm that this is on disk.
 */
async function acquire(context: JobContext, before: Observation): Promise<Execution | undefined> {
  const { deps, remediation } = context;
  const { remediations, policy, leaseMs, confirmDurability } = deps;
  const token = await remediations.nextFencingToken();
  const start = startExecution(token, before, policy, leaseMs);
  const acquired = await transitionAndShow(context, unlessExpired(policy, start));
  if (acquired.kind === 'refused') {
    await transitionAndShow(context, refuseRemediation(acquired.because));
    return undefined;
  }
  if (acquired.record.state !== 'applying') return undefined;
  if (isDurableEnough(await confirmDurability(), remediation))
    return { token, before, remediation: acquired.record };
  await transitionAndShow(context, failExecution(token, `${NOT_DURABLE}; nothing was done`, undefined));
  return undefined;
}

/** Executes and verifies under a lease. If the lease is lost, another worker ends the remediation: see the sweep. */
async function executeAndVerify(context: JobContext, execution: Execution): Promise<void> {
  const { deps, remediation } = context;
  const lease = holdLease(deps.remediations, execution.remediation, deps.leaseMs, context.signal);
  try {
    const isApplied = await execute(context, execution, lease);
    if (isApplied) await verify(context, execution, lease);
  } finally {
    lease.release();
  }
  const ended = await deps.remediations.read(remediation.id);
  deps.metrics.remediations.inc({
    remediation: remediationName(remediation),
    outcome: ended?.record.state ?? 'unknown',
  });
}

/**
 * settling -> fixed or unverified: repeats the check until the finding is gone and every measure is complete, at most for the time that the
 * remediation may take to settle.
 */
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
  await transitionAndShow(context, recordVerification(token, after, because));
}
