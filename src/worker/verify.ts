import { setTimeout as sleep } from 'node:timers/promises';
import { isComplete } from '../check/proof.ts';
import { provenOutcome } from '../store/remediation/observation.ts';
import type { Observation, RemediationRecord } from '../store/remediation/record.ts';
import { recordSettling, recordVerification } from '../store/remediation/transitions/execution.ts';
import { period } from '../text/wording.ts';
import { commitTransition, definitionOf, type JobContext } from './job-context.ts';
import type { ExecutionLease } from './lease.ts';
import { observe } from './observe.ts';

/** How long the finding may take to disappear: as the approved plan says, if it depends on the target. */
export function settleSecondsOf({ deps, record }: JobContext): number {
  return record.plan?.settlesWithinSeconds ?? definitionOf(deps, record).remediation.settlesWithinSeconds;
}

/** A fix may take an hour to be proven. The check may read a whole cluster, and each run may edit the card. */
const MAX_RECHECKS = 120;

export function recheckMsOf({ deps, record }: JobContext): number {
  const settlesWithinMs = (record.plan?.settlesWithinSeconds ?? 0) * 1_000;
  return Math.max(deps.recheckEveryMs, settlesWithinMs / MAX_RECHECKS);
}

/**
 * settling -> fixed, mitigated or unverified: runs the check until the finding is gone and every measure is complete, or the measure of a
 * mitigation is reached; at most for the time that the remediation may take to settle.
 */
export async function verify(
  context: JobContext,
  { token, before }: { readonly token: number; readonly before: Observation },
  lease: ExecutionLease,
  leftMs = settleSecondsOf(context) * 1_000,
): Promise<void> {
  const { record } = context;
  const deadlineMs = performance.now() + leftMs;
  const recheckMs = recheckMsOf(context);
  const showSettling = settlingDisplay(context, token, lease);
  // What replaces something else may be absent for a moment, so one run is not enough.
  const neededInARow = record.plan?.provenAfterSeconds === undefined ? 1 : 2;
  let inARow = 0;
  let after: Observation;
  let proven: ReturnType<typeof provenOutcome>;
  let onlyLeftOut: boolean;
  for (;;) {
    after = await observe({ ...context, signal: lease.signal }, before);
    const outcome = provenOutcome(record, after);
    inARow = outcome ? inARow + 1 : 0;
    proven = inARow >= neededInARow ? outcome : undefined;
    onlyLeftOut = isOnlyLeftOut(record, before, after);
    if (proven === 'mitigated' || (proven === 'fixed' && isComplete(after.measures))) break;
    const isLate = !(performance.now() < deadlineMs);
    if (onlyLeftOut || (isLate && outcome === proven)) break;
    await showSettling(after);
    await sleep(recheckMs, undefined, { signal: lease.signal });
  }
  const because = onlyLeftOut
    ? "all targets of the plan are fixed; the others weren't in the plan"
    : `${timeToSettle(settleSecondsOf(context))} after it was applied: ${after.unproven ?? after.verdict}`;
  await commitTransition(context, recordVerification(token, after, proven ? undefined : because));
}

/** `90 s`, `6 minutes 25 seconds` */
function timeToSettle(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : period(seconds * 1_000);
}

/** Slack's own advice is at least 3 s between edits of one message. */
const SETTLING_EVERY_MS = 3_000;

/** Shows on the card what a fix is still waiting for. A failure is only logged: it says nothing about the fix. */
function settlingDisplay(
  context: JobContext,
  token: number,
  lease: Pick<ExecutionLease, 'signal'>,
): (observed: Observation) => Promise<void> {
  const { deps, record } = context;
  let nextMs = 0;
  return async (observed) => {
    // Once the lease is lost, it must not be extended.
    if (lease.signal.aborted || performance.now() < nextMs) return;
    nextMs = performance.now() + SETTLING_EVERY_MS;
    try {
      await commitTransition(context, recordSettling(token, observed, deps.leaseMs));
    } catch (error) {
      deps.log.debug(
        { event: 'settling-not-shown', err: error, remediation: record.id },
        "Couldn't show what a fix is waiting for",
      );
    }
  };
}

/** Whether all that is left are targets that could not be part of the plan: waiting does not help. A new gap may hide one that was. */
function isOnlyLeftOut(
  { plan, mitigates }: RemediationRecord,
  before: Observation,
  { finding, targets = [], gaps }: Observation,
): boolean {
  if (mitigates || finding !== 'found' || gaps.some((gap) => !before.gaps.includes(gap))) return false;
  const leftOut = plan?.leftOut?.map(({ target }) => target) ?? [];
  return targets.length > 0 && targets.every((target) => leftOut.includes(target));
}
