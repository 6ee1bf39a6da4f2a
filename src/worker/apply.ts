import type { Plan } from '../check/define-remediation.ts';
import { planDrift } from '../check/plan-drift.ts';
import { applyRemediation } from '../check/run-remediation.ts';
import { SourceError } from '../ports/source-error.ts';
import { authorize } from '../store/access/authorize.ts';
import { isDurableEnough, NOT_DURABLE } from '../store/remediation/durability.ts';
import { baselineOf } from '../store/remediation/observation.ts';
import { remediationName } from '../store/remediation/policy.ts';
import type { Observation, RemediationRecord } from '../store/remediation/record.ts';
import type { TransitionResult } from '../store/remediation/remediation-store.ts';
import { refuseRemediation, skipRemediation } from '../store/remediation/transitions/approval.ts';
import type { Transition } from '../store/remediation/transitions/common.ts';
import {
  failExecution,
  finishExecution,
  interruptExecution,
  pauseExecution,
  recordStep,
  resumeSettling,
  startExecution,
  unlessExpired,
} from '../store/remediation/transitions/execution.ts';
import { commitTransition, definitionOf, type JobContext, planNow, readersOf } from './job-context.ts';
import { type ExecutionLease, holdLease } from './lease.ts';
import { observe } from './observe.ts';
import { recheckMsOf, settleSecondsOf, verify } from './verify.ts';

/**
 * approved -> applying -> settling -> its outcome. Applies an approved plan, at most once, in four stages: preflight runs the check and the
 * plan again, acquire takes the fencing token by compare-and-set and makes sure that this is on disk, execute applies the plan, and verify
 * runs the check until the finding is gone. If a worker stops while it verifies, the next one continues.
 */
export async function applyApproved(context: JobContext): Promise<void> {
  const { deps, record, jobId, signal } = context;
  if (record.state !== 'approved' && record.state !== 'settling') return;
  try {
    if (record.state === 'settling') {
      await resumeVerification(context);
      return;
    }
    const checked = await preflight(context);
    if ('end' in checked) {
      await commitTransition(context, unlessExpired(deps.policy, checked.end));
      return;
    }
    const execution = await acquire(context, checked.before);
    if (execution) await executeAndVerify(context, execution);
  } catch (error) {
    // A worker that stops requeues the job.
    if (signal.aborted) throw error;
    deps.metrics.bugs.inc({ role: 'worker' });
    deps.log.error(
      { event: 'remediation-failed-by-bug', err: error, jobId, remediation: record.id },
      'Remediation failed because of a bug in Wrench',
    );
    // Refused once the execution has begun: the sweep then ends it when its lease expires.
    const because = `a bug in Wrench stopped it before anything was changed; see job ${jobId} in the log`;
    await commitTransition(context, refuseRemediation(because));
  }
}

/**
 * Preflight: checks everything that can be checked before anything is changed. The people still have their roles, Redis is durable enough to
 * record that the execution began, the check still finds the finding, and the plan is still the one that was approved.
 * @returns what was observed, or the transition that ends the remediation.
 */
async function preflight(
  context: JobContext,
): Promise<{ readonly before: Observation } | { readonly end: Transition }> {
  const { confirmDurability } = context.deps;
  const problem =
    (await authorizationProblem(context)) ??
    (isDurableEnough(await confirmDurability(), context.record) ? undefined : NOT_DURABLE);
  if (problem) return { end: refuseRemediation(problem) };
  const before = await observe(context);
  if (before.finding === 'gone')
    return { end: skipRemediation(`the finding is gone: ${before.verdict}`, before) };
  if (before.finding === 'unseen')
    return {
      end: skipRemediation(`couldn't check whether the finding is still there: ${before.verdict}`, before),
    };
  // The parts of a plan for many targets are checked one by one, right before each is applied.
  const drift = context.record.each ? undefined : await driftOf(context);
  if (drift !== undefined) return { end: skipRemediation(drift, before) };
  return { before: baselineOf(before, context.record.before, context.record.finding) };
}

/** Why the requester or an approver may no longer do this; undefined if all may. Unknown or outdated memberships count as no. */
async function authorizationProblem({ deps, record }: JobContext): Promise<string | undefined> {
  const { people, policy, readClock } = deps;
  const { requested, approvals, risk } = record;
  const workspace = await people.workspace();
  if (workspace === undefined) return "the bot hasn't stored its workspace in Redis yet";
  const nowMs = await readClock();
  const required = [
    ...(requested ? [{ by: requested.by, role: 'requester' as const }] : []),
    ...(risk === 'safe' ? [] : approvals.map(({ by }) => ({ by, role: 'approver' as const }))),
  ];
  for (const { by, role } of required) {
    const identity = await people.readIdentity(by, policy.roles);
    const may = authorize([role], { userId: by, workspace }, identity, policy, nowMs);
    if (may !== true) return `<@${by}>: ${may.because}`;
  }
  const others = new Set(
    approvals.map(({ by }) => by).filter((by) => risk === 'safe' || by !== requested?.by),
  );
  return others.size < Math.max(1, record.approvalsNeeded ?? 1)
    ? 'it has too few valid approvals'
    : undefined;
}

/** How the plan differs from the approved one; undefined if it does the same, and what approvers relied on is still true. */
async function driftOf(context: JobContext): Promise<string | undefined> {
  const { deps, record, signal } = context;
  const { plan: approved } = record;
  if (!approved) return 'it has no plan';
  try {
    const current = await planNow(context);
    return planDrift(comparableWith(approved, current), current);
  } catch (error) {
    if (!(error instanceof SourceError) || signal.aborted) throw error;
    return `couldn't plan it again: ${deps.redact(error.message)}`;
  }
}

/** During an upgrade, a plan that 0.11 made and people approved: what it lists as `safety` is a description, and it has no `irreversible`. */
function comparableWith(approved: Plan, { irreversible }: Plan): Plan {
  if (approved.impact !== undefined) return approved;
  const { safety: _, ...others } = approved;
  return { ...others, ...(irreversible && { irreversible }) };
}

/** A remediation that this worker has acquired: no other worker applies it. */
interface Execution {
  /** The fencing token: every write of a worker with an older one is refused. */
  readonly token: number;
  /** When its lease was requested, by `performance.now()`. */
  readonly leaseSinceMs: number;
  readonly before: Observation;
  readonly record: RemediationRecord;
}

/**
 * approved -> applying: takes a fencing token, the targets and a place under the caps in one step. From here on, no other
 * worker applies it. It ends as expired if preflight took longer than the approval lasts, and as failed if Redis does not confirm that this is on disk.
 */
async function acquire(context: JobContext, before: Observation): Promise<Execution | undefined> {
  const { remediations, policy, leaseMs, confirmDurability } = context.deps;
  const token = await remediations.nextFencingToken();
  const { pausable } = definitionOf(context.deps, context.record).remediation;
  const start = startExecution(token, before, policy, leaseMs, { pausable });
  const leaseSinceMs = performance.now();
  const acquired = await commitTransition(context, unlessExpired(policy, start));
  if (acquired.kind === 'refused') {
    await commitTransition(context, refuseRemediation(acquired.because));
    return undefined;
  }
  const { record } = acquired;
  if (record.state !== 'applying') return undefined;
  if (isDurableEnough(await confirmDurability(), record)) return { token, leaseSinceMs, before, record };
  await commitTransition(context, failExecution(token, `${NOT_DURABLE}; nothing was changed`, undefined));
  return undefined;
}

async function executeAndVerify(context: JobContext, execution: Execution): Promise<void> {
  await holdLeaseWhile(context, execution, async (lease) => {
    const applied = await execute(context, execution, lease);
    if (applied) await verify({ ...context, record: applied }, execution, lease);
  });
}

/** Executes or verifies under a lease. If the lease is lost, another worker ends the remediation: see the sweep. */
async function holdLeaseWhile(
  context: JobContext,
  execution: Execution,
  work: (lease: ExecutionLease) => Promise<void>,
): Promise<void> {
  const { deps, record } = context;
  const lease = holdLease(
    deps.remediations,
    execution.record,
    deps.leaseMs,
    context.signal,
    execution.leaseSinceMs,
  );
  try {
    await work(lease);
  } catch (error) {
    if (context.signal.aborted || !lease.signal.aborted) throw error;
    deps.log.warn(
      { event: 'lease-lost', err: error, remediation: record.id },
      'Lost the lease while verifying a fix',
    );
    return;
  } finally {
    lease.release();
  }
  const ended = await deps.remediations.read(record.id);
  deps.metrics.remediations.inc({
    remediation: remediationName(record),
    outcome: ended?.record.state ?? 'unknown',
  });
}

/** applying -> settling: applies the approved plan and records each step. @returns undefined if not all of it was applied; the outcome is recorded then. */
async function execute(
  context: JobContext,
  { token, before, record }: Execution,
  lease: ExecutionLease,
): Promise<RemediationRecord | undefined> {
  const { deps } = context;
  const { leaseMs, readFreeze } = deps;
  const frozen = new AbortController();
  /** A freeze takes effect between two steps: the current one is completed, the next isn't started. */
  const stopIfFrozen = async () => {
    if (await readFreeze()) frozen.abort(new Error('fixes are frozen'));
  };
  const paused = new AbortController();
  const commitStep = stepDisplay(context, record);
  const recordStepOrStop = async (line: string) => {
    const result = await commitStep(recordStep(token, deps.redact(line), leaseMs));
    if (result.kind === 'refused') throw new FencedOut(result.because);
    lease.throwIfLost();
    if (result.record.pause) paused.abort(new Error('the fix was paused'));
    await stopIfFrozen();
  };
  const confirmMayContinue = async () => {
    await stopIfFrozen();
    lease.throwIfLost();
    frozen.signal.throwIfAborted();
  };
  try {
    // Confirming that the start is on disk may have taken longer than the lease.
    lease.throwIfLost();
    await applyRemediation(
      definitionOf(deps, record).remediation,
      record,
      record.plan ?? { lines: [], targets: [], precondition: {} },
      {
        read: readersOf(deps, record.environment),
        write: deps.writersOf(record.environment) ?? {},
        now: new Date(),
        applyContext: {
          idempotencyKey: record.id,
          signal: AbortSignal.any([lease.signal, frozen.signal, paused.signal]),
        },
        recordStep: recordStepOrStop,
        confirmMayContinue,
        stillFound: new Set(before.targets),
        redact: deps.redact,
      },
    );
    const withinSeconds = settleSecondsOf(context);
    const everySeconds = recheckMsOf(context) / 1_000;
    const result = await commitTransition(
      context,
      finishExecution(token, leaseMs, { withinSeconds, everySeconds }),
    );
    return result.kind === 'changed' ? result.record : undefined;
  } catch (error) {
    const end = await endAfter(context, token, error, {
      lease: lease.signal,
      frozen: frozen.signal,
      paused: paused.signal,
    });
    if (end) await commitTransition(context, end);
    return undefined;
  }
}

/** Slack's own advice is at least 3 s between edits of one message. */
const STEPS_EVERY_MS = 3_000;

/**
 * Commits steps and shows them. Of a fix that can be paused, which may have hundreds, the card isn't edited at each: later steps, the outcome or the
 * sweep show those in between.
 */
function stepDisplay(
  context: JobContext,
  { pausable }: RemediationRecord,
): (step: Transition) => Promise<TransitionResult> {
  let nextMs = 0;
  return (step) => {
    if (performance.now() < nextMs) return context.deps.remediations.transition(context.record.id, step);
    nextMs = performance.now() + (pausable ? STEPS_EVERY_MS : 0);
    return commitTransition(context, step);
  };
}

/** Another worker has a newer fencing token, or has ended the remediation: nothing more may be applied or recorded. */
class FencedOut extends Error {
  override readonly name = 'FencedOut';
}

/** How an execution that threw ends; undefined if another worker ends it. */
async function endAfter(
  context: JobContext,
  token: number,
  error: unknown,
  { lease, frozen, paused }: Readonly<Record<'lease' | 'frozen' | 'paused', AbortSignal>>,
): Promise<Transition | undefined> {
  const { deps, record, jobId } = context;
  if (frozen.aborted)
    return failExecution(token, "fixes were frozen; the next step wasn't started", undefined);
  if (error instanceof FencedOut) return undefined;
  if (paused.aborted) return pauseExecution(token);
  if (lease.aborted) return interruptExecution(token, 'the worker stopped while applying the plan');
  if (error instanceof SourceError) {
    const after = await observe(context, record.before).catch(() => undefined);
    return failExecution(token, deps.redact(error.message), after);
  }
  deps.metrics.bugs.inc({ role: 'worker' });
  deps.log.error(
    { event: 'execution-failed-by-bug', err: error, jobId, remediation: record.id },
    'Applying a plan failed because of a bug in Wrench',
  );
  return interruptExecution(
    token,
    `a bug in Wrench stopped it while it was being applied; see job ${jobId} in the log`,
  );
}

/**
 * settling: the worker that verified it has stopped and requeued the job. Verifying only reads, so this worker continues, until the same time.
 * Refused if the sweep has ended it meanwhile.
 */
async function resumeVerification(context: JobContext): Promise<void> {
  const { deps, record } = context;
  const { before } = record;
  if (!before) return;
  const token = await deps.remediations.nextFencingToken();
  const leaseSinceMs = performance.now();
  const resumed = await commitTransition(context, resumeSettling(token, deps.leaseMs));
  if (resumed.kind === 'refused') return;
  const leftMs = Date.parse(record.settling?.until ?? '') - (await deps.readClock());
  const execution = { token, leaseSinceMs, before, record: resumed.record };
  await holdLeaseWhile(context, execution, (lease) => verify(context, execution, lease, leftMs));
}
