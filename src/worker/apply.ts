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
import { act, type Begun } from './act.ts';
import { FORGETFUL, isRemembered, lookBeforeActing } from './before-acting.ts';
import { holdLease, type Lease } from './lease.ts';
import { declared, look, moveAndTell, type Step } from './step.ts';

/**
 * Applies what was approved, at most once: looks again, plans again, takes the one way to act by compare-and-set, makes sure that this is
 * on disk, acts, and looks again until it is settled (DESIGN.md section 2; reference: bullmq.md section 2).
 */
export async function applyApproved(step: Step): Promise<void> {
  const { handling, remediation, jobId, signal } = step;
  if (remediation.state !== 'approved') return;
  try {
    const stopped = await lookBeforeActing(step);
    if (await isOver(step)) {
      await moveAndTell(step, endOverdue(await handling.remediations.readClock(), handling.policy));
      return;
    }
    if ('move' in stopped) {
      await moveAndTell(step, stopped.move);
      return;
    }
    const begun = await takeUp(step, stopped.before);
    if (begun) await actAndSettle(step, begun);
  } catch (error) {
    // Nothing was done yet: whoever stops hands it back, and anything else is our own bug.
    if (signal.aborted) throw error;
    handling.metrics.bugs.inc({ role: 'worker' });
    handling.log.error({ err: error, jobId, remediation: remediation.id }, 'a bug of ours met a remediation');
    const because = `a bug of ours ended it before anything was done; the log has it under ${jobId}`;
    await moveAndTell(step, refuseRemediation(because, await handling.remediations.readClock()));
  }
}

/** The last moment to begin is the approval's; what took too long to look at has expired. */
async function isOver({ handling, remediation }: Step): Promise<boolean> {
  const { until } = remediation;
  return until !== undefined && Date.parse(until) < (await handling.remediations.readClock());
}

/** From here on it is ours alone. Where Redis cannot promise to remember that, only a plan that is bound to what it found goes on. */
async function takeUp(step: Step, before: Observation): Promise<Begun | undefined> {
  const { handling, remediation } = step;
  const { remediations, policy, leaseMs, durability } = handling;
  const token = await remediations.nextFencingToken();
  const nowMs = await remediations.readClock();
  const begun = await moveAndTell(step, startExecution(token, before, policy, leaseMs, nowMs));
  if (begun.kind === 'refused') {
    await moveAndTell(step, refuseRemediation(begun.because, nowMs));
    return undefined;
  }
  if (isRemembered(await durability(), remediation)) return { token, before, remediation: begun.remediation };
  await moveAndTell(step, failExecution(token, `${FORGETFUL}; nothing was done`, undefined, nowMs));
  return undefined;
}

async function actAndSettle(step: Step, begun: Begun): Promise<void> {
  const { handling, remediation } = step;
  const lease = holdLease(handling.remediations, begun.remediation, handling.leaseMs, step.signal);
  try {
    const isDone = await act(step, begun, lease);
    if (isDone) await settleDown(step, begun, lease);
  } finally {
    lease.release();
  }
  const ended = await handling.remediations.read(remediation.id);
  handling.metrics.remediations.inc({
    remediation: `${remediation.check}:${remediation.remediation}`,
    outcome: ended?.remediation.state ?? 'unknown',
  });
}

/** Looks again until the finding is gone and what is measured is whole, or the time that it may take is over. */
async function settleDown(step: Step, { token, before }: Begun, lease: Lease): Promise<void> {
  const { handling, remediation } = step;
  const { settlesWithinSeconds } = declared(handling, remediation).remediation;
  const deadlineMs = performance.now() + settlesWithinSeconds * 1_000;
  let after: Observation;
  for (;;) {
    after = await look({ ...step, signal: lease.signal }, before);
    if (after.finding === 'gone' && isComplete(after.measures)) break;
    if (performance.now() >= deadlineMs) break;
    await sleep(handling.lookAgainMs, undefined, { signal: lease.signal });
  }
  const because =
    after.finding === 'gone' ? undefined : `${settlesWithinSeconds} s after the deed: ${after.verdict}`;
  await moveAndTell(step, recordVerification(token, after, because, await handling.remediations.readClock()));
}
