import { planRemediation } from '../check/run-remediation.ts';
import type { Durability } from '../store/remediation/durability.ts';
import { refuseRemediation, skipRemediation } from '../store/remediation/transitions/approval.ts';
import { type Observation, planHashOf, type RemediationRecord } from '../store/remediation/record.ts';
import type { Transition } from '../store/remediation/remediation-store.ts';
import { authorize } from '../store/access/authorize.ts';
import { SourceError } from '../ports/source-error.ts';
import { declared, look, readersOf, type Step } from './step.ts';

/** All that can be found out before anything is done: who may, whether it is still found, whether the plan is still the same. */
export async function lookBeforeActing(
  step: Step,
): Promise<{ readonly before: Observation } | { readonly move: Transition }> {
  const { remediations, durability } = step.handling;
  const forbidden =
    (await forbids(step)) ?? (isRemembered(await durability(), step.remediation) ? undefined : FORGETFUL);
  if (forbidden) return { move: refuseRemediation(forbidden, await remediations.readClock()) };
  const before = await look(step);
  const nowMs = await remediations.readClock();
  if (before.finding === 'gone')
    return { move: skipRemediation(`the finding is gone: ${before.verdict}`, nowMs, before) };
  if (before.finding === 'unseen')
    return { move: skipRemediation(`the finding cannot be seen any more: ${before.verdict}`, nowMs, before) };
  const changed = await changedPlan(step);
  return changed ? { move: skipRemediation(changed, await remediations.readClock(), before) } : { before };
}

/** Who asked and who approved must still be allowed to, and what is known of them must be fresh. */
async function forbids({ handling, remediation }: Step): Promise<string | undefined> {
  const { people, policy, remediations } = handling;
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

export const FORGETFUL =
  'Redis does not promise to remember that this was begun (`wrench doctor` tells more)';

/** Where the last second may be lost, a plan must be bound to what it found: done twice, it would not find it. */
export function isRemembered(durability: Durability, { plan }: RemediationRecord): boolean {
  const isBound = Object.keys(plan?.precondition ?? {}).length > 0;
  return durability === 'on-disk' || (durability === 'soon' && isBound);
}
