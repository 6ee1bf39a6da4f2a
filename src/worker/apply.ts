import { setTimeout as sleep } from 'node:timers/promises';
import { isWhole } from '../check/proof.ts';
import { applyRemediation, planRemediation } from '../check/run-remediation.ts';
import { applied, begin, did, fail, interrupt, settle, timeOut } from '../memory/life/from-approved.ts';
import { refuse, skip } from '../memory/life/until-approved.ts';
import type { Durability } from '../memory/durability.ts';
import { type Look, planHashOf, type Remediation } from '../memory/remediation.ts';
import type { Decide } from '../memory/remediations.ts';
import { whoMay } from '../memory/who-may.ts';
import { SourceError } from '../ports/source-error.ts';
import { holdLease, type Lease } from './lease.ts';
import { declared, look, moveAndTell, readersOf, type Step } from './step.ts';

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
      await moveAndTell(step, timeOut(await handling.remediations.clock()));
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
    await moveAndTell(step, refuse(because, await handling.remediations.clock()));
  }
}

/** All that can be found out before anything is done: who may, whether it is still found, whether the plan is still the same. */
async function lookBeforeActing(step: Step): Promise<{ readonly before: Look } | { readonly move: Decide }> {
  const { remediations, durability } = step.handling;
  const forbidden =
    (await forbids(step)) ?? (isRemembered(await durability(), step.remediation) ? undefined : FORGETFUL);
  if (forbidden) return { move: refuse(forbidden, await remediations.clock()) };
  const before = await look(step);
  const nowMs = await remediations.clock();
  if (before.finding === 'gone')
    return { move: skip(`the finding is gone: ${before.verdict}`, nowMs, before) };
  if (before.finding === 'unseen')
    return { move: skip(`the finding cannot be seen any more: ${before.verdict}`, nowMs, before) };
  const changed = await changedPlan(step);
  return changed ? { move: skip(changed, await remediations.clock(), before) } : { before };
}

/** Who asked and who approved must still be allowed to, and what is known of them must be fresh. */
async function forbids({ handling, remediation }: Step): Promise<string | undefined> {
  const { people, policy, remediations } = handling;
  const { requested, approvals, risk } = remediation;
  const teamId = await people.workspace();
  if (teamId === undefined) return 'the bot has not said yet which workspace this is';
  const nowMs = await remediations.clock();
  const all = [
    ...(requested ? [{ by: requested.by, role: 'requester' as const }] : []),
    ...(risk === 'safe' ? [] : approvals.map(({ by }) => ({ by, role: 'approver' as const }))),
  ];
  for (const { by, role } of all) {
    const known = await people.know(by, policy.roles);
    const may = whoMay([role], { userId: by, teamId }, known, policy, nowMs);
    if (may !== true) return `<@${by}>: ${may}`;
  }
  const others = new Set(
    approvals.map(({ by }) => by).filter((by) => risk === 'safe' || by !== requested?.by),
  );
  return others.size < Math.max(1, remediation.approvalsNeeded ?? 1)
    ? 'it lacks a valid approval'
    : undefined;
}

/** Approve a plan, apply that plan, or nothing. */
async function changedPlan({ handling, remediation, signal }: Step): Promise<string | undefined> {
  try {
    const now = await planRemediation(declared(handling, remediation).remediation, remediation.params, {
      read: readersOf(handling, remediation.environment),
      now: new Date(),
      signal,
      deadlineMs: handling.deadlineMs,
      redact: handling.redact,
    });
    return planHashOf(remediation, now) === remediation.planHash
      ? undefined
      : `the plan would be another one now: ${now.lines.join('; ')}`;
  } catch (error) {
    if (!(error instanceof SourceError) || signal.aborted) throw error;
    return `it can no longer be planned: ${handling.redact(error.message)}`;
  }
}

/** The last moment to begin is the approval's; what took too long to look at has expired. */
async function isOver({ handling, remediation }: Step): Promise<boolean> {
  const { until } = remediation;
  return until !== undefined && Date.parse(until) < (await handling.remediations.clock());
}

interface Begun {
  readonly token: number;
  readonly before: Look;
  readonly remediation: Remediation;
}

/** From here on it is ours alone. Where Redis cannot promise to remember that, only a plan that is bound to what it found goes on. */
async function takeUp(step: Step, before: Look): Promise<Begun | undefined> {
  const { handling, remediation } = step;
  const { remediations, policy, leaseMs, durability } = handling;
  const token = await remediations.nextToken();
  const nowMs = await remediations.clock();
  const begun = await moveAndTell(step, begin(token, before, policy, leaseMs, nowMs));
  if (begun.kind === 'refused') {
    await moveAndTell(step, refuse(begun.because, nowMs));
    return undefined;
  }
  if (isRemembered(await durability(), remediation)) return { token, before, remediation: begun.remediation };
  await moveAndTell(step, fail(token, `${FORGETFUL}; nothing was done`, undefined, nowMs));
  return undefined;
}

const FORGETFUL = 'Redis does not promise to remember that this was begun (`wrench doctor` tells more)';

/** Where the last second may be lost, a plan must be bound to what it found: done twice, it would not find it. */
function isRemembered(durability: Durability, { plan }: Remediation): boolean {
  const isBound = Object.keys(plan?.precondition ?? {}).length > 0;
  return durability === 'on-disk' || (durability === 'soon' && isBound);
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

async function act(step: Step, { token, remediation }: Begun, lease: Lease): Promise<boolean> {
  const { handling, jobId } = step;
  const { remediations, leaseMs } = handling;
  const remember = async (line: string) => {
    const moved = await moveAndTell(
      step,
      did(token, handling.redact(line), leaseMs, await remediations.clock()),
    );
    if (moved.kind === 'refused') throw new Overtaken(moved.because);
    lease.signal.throwIfAborted();
  };
  try {
    await applyRemediation(
      declared(handling, remediation).remediation,
      remediation.params,
      remediation.plan ?? { lines: [], targets: [], precondition: {} },
      {
        read: readersOf(handling, remediation.environment),
        write: handling.writersOf(remediation.environment) ?? {},
        now: new Date(),
        order: { id: remediation.id, signal: lease.signal },
        did: remember,
      },
    );
    const moved = await moveAndTell(step, applied(token, leaseMs, await remediations.clock()));
    return moved.kind === 'moved';
  } catch (error) {
    await endBadly(step, token, error, lease, jobId);
    return false;
  }
}

/** Another holds the token now: whatever is still to be done is not ours to do. */
class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

async function endBadly(
  step: Step,
  token: number,
  error: unknown,
  lease: Lease,
  jobId: string,
): Promise<void> {
  const { handling, remediation } = step;
  const nowMs = await handling.remediations.clock();
  if (error instanceof Overtaken) return;
  if (lease.signal.aborted) {
    await moveAndTell(step, interrupt(token, 'the worker was stopped while it acted', nowMs));
    return;
  }
  if (error instanceof SourceError) {
    const after = await look(step, remediation.before).catch(() => undefined);
    await moveAndTell(step, fail(token, handling.redact(error.message), after, nowMs));
    return;
  }
  handling.metrics.bugs.inc({ role: 'worker' });
  handling.log.error({ err: error, jobId, remediation: remediation.id }, 'a bug of ours ended a deed');
  await moveAndTell(
    step,
    interrupt(token, `a bug of ours ended it in the middle; the log has it under ${jobId}`, nowMs),
  );
}

/** Looks again until the finding is gone and what is measured is whole, or the time that it may take is over. */
async function settleDown(step: Step, { token, before }: Begun, lease: Lease): Promise<void> {
  const { handling, remediation } = step;
  const { settlesWithinSeconds } = declared(handling, remediation).remediation;
  const deadlineMs = performance.now() + settlesWithinSeconds * 1_000;
  let after: Look;
  for (;;) {
    after = await look({ ...step, signal: lease.signal }, before);
    if (after.finding === 'gone' && isWhole(after.measures)) break;
    if (performance.now() >= deadlineMs) break;
    await sleep(handling.lookAgainMs, undefined, { signal: lease.signal });
  }
  const because =
    after.finding === 'gone' ? undefined : `${settlesWithinSeconds} s after the deed: ${after.verdict}`;
  await moveAndTell(step, settle(token, after, because, await handling.remediations.clock()));
}
