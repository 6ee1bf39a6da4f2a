import { planRemediation } from '../check/run-remediation.ts';
import type { Durability } from '../store/remediation/durability.ts';
import { refuseRemediation, skipRemediation } from '../store/remediation/transitions/approval.ts';
import { type Observation, planHashOf, type RemediationRecord } from '../store/remediation/record.ts';
import type { Transition } from '../store/remediation/remediation-store.ts';
import { authorize } from '../store/access/authorize.ts';
import { SourceError } from '../ports/source-error.ts';
import { definitionOf, observe, readersOf, type JobContext } from './job-context.ts';

/** All that can be found out before anything is done: who may, whether it is still found, whether the plan is still the same. */
export async function preflight(
  context: JobContext,
): Promise<{ readonly before: Observation } | { readonly transition: Transition }> {
  const { remediations, confirmDurability } = context.deps;
  const problem =
    (await authorizationProblem(context)) ??
    (isDurableEnough(await confirmDurability(), context.remediation) ? undefined : NOT_DURABLE);
  if (problem) return { transition: refuseRemediation(problem, await remediations.readClock()) };
  const before = await observe(context);
  const nowMs = await remediations.readClock();
  if (before.finding === 'gone')
    return { transition: skipRemediation(`the finding is gone: ${before.verdict}`, nowMs, before) };
  if (before.finding === 'unseen')
    return {
      transition: skipRemediation(`the finding cannot be seen any more: ${before.verdict}`, nowMs, before),
    };
  const drift = await planDrift(context);
  return drift ? { transition: skipRemediation(drift, await remediations.readClock(), before) } : { before };
}

/** Who asked and who approved must still be allowed to, and what is known of them must be fresh. */
async function authorizationProblem({ deps, remediation }: JobContext): Promise<string | undefined> {
  const { people, policy, remediations } = deps;
  const { requested, approvals, risk } = remediation;
  const workspace = await people.workspace();
  if (workspace === undefined) return 'the bot has not said yet which workspace this is';
  const nowMs = await remediations.readClock();
  const all = [
    ...(requested ? [{ by: requested.by, role: 'requester' as const }] : []),
    ...(risk === 'safe' ? [] : approvals.map(({ by }) => ({ by, role: 'approver' as const }))),
  ];
  for (const { by, role } of all) {
    const known = await people.readIdentity(by, policy.roles);
    const may = authorize([role], { userId: by, workspace }, known, policy, nowMs);
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
async function planDrift({ deps, remediation, signal }: JobContext): Promise<string | undefined> {
  try {
    const now = await planRemediation(definitionOf(deps, remediation).remediation, remediation.params, {
      read: readersOf(deps, remediation.environment),
      now: new Date(),
      signal,
      deadlineMs: deps.deadlineMs,
      redact: deps.redact,
    });
    return planHashOf(remediation, now) === remediation.planHash
      ? undefined
      : `the plan would be another one now: ${now.lines.join('; ')}`;
  } catch (error) {
    if (!(error instanceof SourceError) || signal.aborted) throw error;
    return `it can no longer be planned: ${deps.redact(error.message)}`;
  }
}

export const NOT_DURABLE =
  'Redis does not promise to remember that this was begun (`wrench doctor` tells more)';

/** Where the last second may be lost, a plan must be bound to what it found: done twice, it would not find it. */
export function isDurableEnough(durability: Durability, { plan }: RemediationRecord): boolean {
  const isBound = Object.keys(plan?.precondition ?? {}).length > 0;
  return durability === 'on-disk' || (durability === 'soon' && isBound);
}
