import { planRemediation } from '../check/run-remediation.ts';
import type { Durability } from '../store/remediation/durability.ts';
import { refuseRemediation, skipRemediation } from '../store/remediation/transitions/approval.ts';
import { type Observation, planHashOf, type RemediationRecord } from '../store/remediation/record.ts';
import type { Transition } from '../store/remediation/transitions/common.ts';
import { authorize } from '../store/access/authorize.ts';
import { SourceError } from '../ports/source-error.ts';
import { definitionOf, readersOf, type JobContext } from './job-context.ts';
import { observe } from './observe.ts';

/**
 * Checks everything that can be checked before anything is changed: the people still have their roles, Redis is durable enough to record that the execution began,
 * the check still finds the finding, and the plan is still the one that was approved.
 * @returns what was observed, or the transition that ends the remediation.
 */
export async function preflight(
  context: JobContext,
): Promise<{ readonly before: Observation } | { readonly transition: Transition }> {
  const { confirmDurability } = context.deps;
  const problem =
    (await authorizationProblem(context)) ??
    (isDurableEnough(await confirmDurability(), context.remediation) ? undefined : NOT_DURABLE);
  if (problem) return { transition: refuseRemediation(problem) };
  const before = await observe(context);
  if (before.finding === 'gone')
    return { transition: skipRemediation(`the finding is gone: ${before.verdict}`, before) };
  if (before.finding === 'unseen')
    return {
      transition: skipRemediation(`the finding cannot be seen any more: ${before.verdict}`, before),
    };
  // The parts of a plan for many targets are checked one by one, right before each is applied.
  const drift = context.remediation.each ? undefined : await planDrift(context);
  return drift ? { transition: skipRemediation(drift, before) } : { before };
}

/** Why the requester or an approver may no longer do this; undefined if all may. Unknown or outdated memberships count as no. */
async function authorizationProblem({ deps, remediation }: JobContext): Promise<string | undefined> {
  const { people, policy, readClock } = deps;
  const { requested, approvals, risk } = remediation;
  const workspace = await people.workspace();
  if (workspace === undefined) return 'the bot has not said yet which workspace this is';
  const nowMs = await readClock();
  const required = [
    ...(requested ? [{ by: requested.by, role: 'requester' as const }] : []),
    ...(risk === 'safe' ? [] : approvals.map(({ by }) => ({ by, role: 'approver' as const }))),
  ];
  for (const { by, role } of required) {
    const identity = await people.readIdentity(by, policy.roles);
    const may = authorize([role], { userId: by, workspace }, identity, policy, nowMs);
    if (may !== true) return `<@${by}>: ${may}`;
  }
  const others = new Set(
    approvals.map(({ by }) => by).filter((by) => risk === 'safe' || by !== requested?.by),
  );
  return others.size < Math.max(1, remediation.approvalsNeeded ?? 1)
    ? 'it lacks a valid approval'
    : undefined;
}

/** How the plan differs from the approved one; undefined if it is the same. Only what was approved is applied. */
async function planDrift({ deps, remediation, signal }: JobContext): Promise<string | undefined> {
  try {
    const current = await planRemediation(definitionOf(deps, remediation).remediation, remediation, {
      read: readersOf(deps, remediation.environment),
      now: new Date(),
      signal,
      deadlineMs: deps.deadlineMs,
      redact: deps.redact,
    });
    return planHashOf(remediation, current) === remediation.planHash
      ? undefined
      : `the plan would be another one now: ${current.lines.join('; ')}`;
  } catch (error) {
    if (!(error instanceof SourceError) || signal.aborted) throw error;
    return `it can no longer be planned: ${deps.redact(error.message)}`;
  }
}

export const NOT_DURABLE =
  'Redis does not promise to remember that this was begun (`wrench doctor` tells more)';

/**
 * Whether a lost write cannot lead to a second execution. If Redis may lose the last second, the plan, or each of its parts, must have preconditions, which no longer
 * hold after the first execution.
 */
export function isDurableEnough(durability: Durability, { plan }: RemediationRecord): boolean {
  const parts = plan?.parts ?? (plan ? [plan] : []);
  const hasPrecondition =
    parts.length > 0 && parts.every(({ precondition }) => Object.keys(precondition).length > 0);
  return durability === 'on-disk' || (durability === 'soon' && hasPrecondition);
}
