import type { Plan } from '../../../check/define-remediation.ts';
import { requiredApprovals, type Policy, disabledReason } from '../policy.ts';
import type { AuditEvent } from '../../audit/entry.ts';
import { type Observation, planHashOf, type RemediationRecord } from '../record.ts';
import type { Transition, Change } from '../remediation-store.ts';
import {
  toFinalState,
  auditEventOf,
  isoTime,
  isPast,
  SYSTEM_ACTOR,
  requesterOf,
  newVote,
  actorsOf,
} from './common.ts';

/**
 * The life of a remediation up to its approval: offered -> planning -> planned -> approved, or an end before anything is applied. Each function
 * makes a transition, a pure decision from the current record. If two are committed at the same time, the second is decided again from the new record.
 */

type Vote = RemediationRecord['approvals'][number];

/** How long a plan may take to be made. */
const PLAN_WITHIN_MS = 120_000;

const NO_REASON = 'a reason is required';

/** offered -> planning: somebody clicked the button of an offer. */
export function requestPlan(by: string, policy: Policy, nowMs: number, reason?: string): Transition {
  return (remediation) => {
    const { state, until, requested } = remediation;
    if (state !== 'offered')
      return `it was asked for already${requested ? ` by <@${requested.by}>` : ''}, and is ${state}`;
    const off = disabledReason(policy, remediation);
    if (off) return off;
    if (isPast(until, nowMs)) return 'this report is too old to act upon; ask the question again';
    if (policy.requireReason && reason === undefined) return NO_REASON;
    return {
      next: {
        ...remediation,
        state: 'planning',
        requested: newVote(by, nowMs, reason),
        until: isoTime(nowMs + PLAN_WITHIN_MS),
      },
      entry: auditEventOf(remediation, 'asked', [by], nowMs, becauseOf(reason)),
      unlessFrozen: true,
    };
  };
}

/** planning -> planned: the plan waits for approval, and its targets are locked. */
export function recordPlan(plan: Plan, before: Observation, policy: Policy, nowMs: number): Transition {
  return (remediation) => {
    if (remediation.state !== 'planning') return `it is ${remediation.state}`;
    const planHash = planHashOf(remediation, plan);
    const needed = requiredApprovals(policy, remediation.risk);
    const next = { ...remediation, plan, planHash, before, approvalsNeeded: needed };
    const until = nowMs + policy.approveWithinMinutes * 60_000;
    return {
      next: { ...next, state: 'planned', until: isoTime(until) },
      entry: auditEventOf(next, 'planned', [requesterOf(remediation)], nowMs, { before: before.verdict }),
      lockTargetsForMs: until - nowMs,
    };
  };
}

/** The plan was posted. If that took long, the full time for approval begins now. */
export function markPlanShown({ approveWithinMinutes }: Policy, nowMs: number): Transition {
  return (remediation) => {
    const { state, until, shownAt } = remediation;
    if (state !== 'planned') return `it is ${state}`;
    if (shownAt !== undefined) return 'its plan was posted already';
    const wholeMs = approveWithinMinutes * 60_000;
    const leftMs = until === undefined ? 0 : Date.parse(until) - nowMs;
    const untilMs = nowMs + (leftMs > 0.9 * wholeMs ? leftMs : wholeMs);
    return {
      next: { ...remediation, shownAt: isoTime(nowMs), until: isoTime(untilMs) },
      lockTargetsForMs: untilMs - nowMs,
    };
  };
}

/** planned -> refused: the plan cannot be posted, so nobody can approve it. */
export function withdrawPlan(because: string, nowMs: number): Transition {
  return (remediation) =>
    remediation.state === 'planned' && remediation.shownAt === undefined
      ? withdraw(remediation, because, nowMs)
      : `it is ${remediation.state}`;
}

export function withdraw(remediation: RemediationRecord, because: string, nowMs: number): Change {
  return {
    next: toFinalState({ ...remediation, because }, 'refused', nowMs),
    entry: auditEventOf(remediation, 'refused', [SYSTEM_ACTOR], nowMs, { because }),
  };
}

/** planned -> approved: the click that requested a safe remediation also approves it. */
export function approveSafe(policy: Policy, nowMs: number): Transition {
  return (remediation) => {
    const { state, risk, requested } = remediation;
    if (state !== 'planned' || risk !== 'safe' || !requested) return `it is ${state}`;
    return addApproval(remediation, newVote(requested.by, nowMs, requested.reason), policy, nowMs);
  };
}

/** planned -> approved once there are enough approvals: somebody clicked Approve on the card of the plan with this hash. */
export function approve(
  by: string,
  planHash: string,
  policy: Policy,
  nowMs: number,
  reason?: string,
): Transition {
  return (remediation) => {
    const { state, requested, approvals } = remediation;
    const stale = staleCard(remediation, planHash, nowMs);
    if (stale) return stale;
    const off = disabledReason(policy, remediation);
    if (off) return off;
    if (state === 'approved' || state === 'applying') return 'it is approved already';
    if (requested?.by === by) return 'you asked for it yourself; somebody else must approve it';
    if (approvals.some((vote) => vote.by === by)) return 'you have approved it already';
    if (policy.requireReason && reason === undefined) return NO_REASON;
    return addApproval(remediation, newVote(by, nowMs, reason), policy, nowMs);
  };
}

function becauseOf(reason: string | undefined): Pick<AuditEvent, 'because'> {
  return reason === undefined ? {} : { because: reason };
}

function addApproval(remediation: RemediationRecord, vote: Vote, policy: Policy, nowMs: number): Change {
  const approvals = [...remediation.approvals, vote];
  const isEnough = approvals.length >= Math.max(1, remediation.approvalsNeeded ?? 1);
  const next: RemediationRecord = isEnough
    ? {
        ...remediation,
        approvals,
        state: 'approved',
        until: isoTime(nowMs + policy.applyWithinSeconds * 1_000),
      }
    : { ...remediation, approvals };
  return {
    next,
    entry: auditEventOf(next, 'approved', [vote.by], nowMs, becauseOf(vote.reason)),
    ...(remediation.until !== undefined && { notAfter: remediation.until }),
    unlessFrozen: true,
    lockTargetsForMs: isEnough ? policy.applyWithinSeconds * 1_000 : msLeft(remediation, nowMs),
  };
}

/** planned or approved -> rejected: somebody clicked Reject. */
export function reject(by: string, planHash: string, nowMs: number): Transition {
  return (remediation) =>
    staleCard(remediation, planHash, nowMs) ?? {
      next: toFinalState({ ...remediation, rejected: newVote(by, nowMs) }, 'rejected', nowMs),
      entry: auditEventOf(remediation, 'rejected', [by], nowMs),
    };
}

/** Why a click on a card no longer counts: its state, its plan or its time has changed. */
function staleCard(
  { state, planHash: now, until }: RemediationRecord,
  planHash: string,
  nowMs: number,
): string | undefined {
  if (state !== 'planned' && state !== 'approved') return `it is ${state}`;
  if (now !== planHash) return 'the plan is not the one on this card; nothing was approved';
  return isPast(until, nowMs) ? 'its time is over; ask the question again' : undefined;
}

/** -> refused, before anything was applied: there is no plan, or a rule forbids it. */
export function refuseRemediation(because: string, nowMs: number): Transition {
  return endBeforeExecution('refused', because, nowMs);
}

/** -> skipped, before anything was applied: the finding is gone, or the plan has changed. */
export function skipRemediation(because: string, nowMs: number, after?: Observation): Transition {
  return endBeforeExecution('skipped', because, nowMs, after);
}

function endBeforeExecution(
  state: 'refused' | 'skipped',
  because: string,
  nowMs: number,
  after?: Observation,
): Transition {
  return (remediation) => {
    if (!['planning', 'planned', 'approved'].includes(remediation.state)) return `it is ${remediation.state}`;
    return {
      next: toFinalState({ ...remediation, because, ...(after && { after }) }, state, nowMs),
      entry: auditEventOf(remediation, state, actorsOf(remediation), nowMs, { because }),
    };
  };
}

function msLeft({ until }: RemediationRecord, nowMs: number): number {
  return Math.max(1_000, until === undefined ? 0 : Date.parse(until) - nowMs);
}
