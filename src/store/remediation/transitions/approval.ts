import type { Plan } from '../../../check/define-remediation.ts';
import { requiredApprovals, type Policy, disabledReason, tooManyLines } from '../policy.ts';
import type { Denial } from '../../access/authorize.ts';
import type { AuditEvent } from '../../audit/entry.ts';
import { countLines, type Observation, planHashOf, type RemediationRecord, type Vote } from '../record.ts';
import {
  type Change,
  type Transition,
  toFinalState,
  auditEventOf,
  isoTime,
  isPast,
  SYSTEM_ACTOR,
  requesterOf,
  newVote,
  actorsOf,
  stateInWords,
} from './common.ts';

/**
 * The life of a remediation up to its approval: offered -> planning -> planned -> approved, or an end before anything is applied. Each function
 * makes a transition, a pure decision from the current record. If two are committed at the same time, the second is decided again from the new record.
 */

/** How long planning may take. */
const PLAN_WITHIN_MS = 120_000;

const NO_REASON = 'a reason is required';

/** offered -> planning: someone clicked the button of an offer. */
export function requestPlan(by: string, policy: Policy, reason?: string): Transition {
  return (record, nowMs) => {
    const { state, until, requested } = record;
    if (state !== 'offered')
      return `already requested${requested ? ` by <@${requested.by}>` : ''}; ${stateInWords(state)}`;
    const off = disabledReason(policy, record);
    if (off) return off;
    if (isPast(until, nowMs)) return 'this report is too old; run the check again';
    if (policy.requireReason && reason === undefined) return NO_REASON;
    return {
      next: {
        ...record,
        state: 'planning',
        requested: newVote(by, nowMs, reason),
        until: isoTime(nowMs + PLAN_WITHIN_MS),
      },
      entry: auditEventOf(record, 'asked', [by], nowMs, becauseOf(reason)),
      unlessFrozen: true,
    };
  };
}

/** planning -> planned: the plan waits for approval, and its targets are locked. Refused if it is larger than the caps. */
export function recordPlan(plan: Plan, before: Observation, policy: Policy): Transition {
  return (record, nowMs) => {
    if (record.state !== 'planning') return stateInWords(record.state);
    const tooLarge = tooManyLines(policy, record, countLines(plan));
    if (tooLarge !== undefined) return tooLarge;
    const planHash = planHashOf(record, plan);
    const needed = requiredApprovals(policy, record.risk);
    const next = { ...record, plan, planHash, before, approvalsNeeded: needed };
    const until = nowMs + policy.approveWithinMinutes * 60_000;
    return {
      next: { ...next, state: 'planned', until: isoTime(until) },
      entry: auditEventOf(next, 'planned', [requesterOf(record)], nowMs, { before: before.verdict }),
      lockTargetsForMs: until - nowMs,
    };
  };
}

/** The plan was posted. If that took long, the full time for approval begins now. */
export function markPlanShown({ approveWithinMinutes }: Policy): Transition {
  return (record, nowMs) => {
    const { state, until, shownAt } = record;
    if (state !== 'planned') return stateInWords(state);
    if (shownAt !== undefined) return 'its plan was already posted';
    const wholeMs = approveWithinMinutes * 60_000;
    const leftMs = until === undefined ? 0 : Date.parse(until) - nowMs;
    const untilMs = nowMs + (leftMs > 0.9 * wholeMs ? leftMs : wholeMs);
    return {
      next: { ...record, shownAt: isoTime(nowMs), until: isoTime(untilMs) },
      lockTargetsForMs: untilMs - nowMs,
    };
  };
}

/** planned -> refused: the plan can't be posted, so no one can approve it. */
export function withdrawPlan(because: string): Transition {
  return (record, nowMs) =>
    record.state === 'planned' && record.shownAt === undefined
      ? withdraw(record, because, nowMs)
      : stateInWords(record.state);
}

export function withdraw(record: RemediationRecord, because: string, nowMs: number): Change {
  return {
    next: toFinalState({ ...record, because }, 'refused', nowMs),
    entry: auditEventOf(record, 'refused', [SYSTEM_ACTOR], nowMs, { because }),
  };
}

/** planned -> approved: the click that requested a safe remediation also approves it. */
export function approveSafe(policy: Policy): Transition {
  return (record, nowMs) => {
    const { state, risk, requested } = record;
    if (state !== 'planned' || risk !== 'safe' || !requested) return stateInWords(state);
    return addApproval(record, newVote(requested.by, nowMs, requested.reason), policy, nowMs);
  };
}

const OWN_REQUEST: Denial = {
  because: "people can't approve their own request; someone else must",
  toPerson: "you can't approve your own request; someone else must",
};
const APPROVED_TWICE: Denial = {
  because: 'this person already approved it',
  toPerson: 'you already approved it',
};

/** planned -> approved once there are enough approvals: someone clicked Approve on the card of the plan with this hash. */
export function approve(by: string, planHash: string, policy: Policy, reason?: string): Transition {
  return (record, nowMs) => {
    const { state, requested, approvals } = record;
    const stale = staleCard(record, planHash, nowMs);
    if (stale) return stale;
    const off = disabledReason(policy, record);
    if (off) return off;
    if (state === 'approved' || state === 'applying') return stateInWords('approved');
    if (requested?.by === by) return OWN_REQUEST;
    if (approvals.some((vote) => vote.by === by)) return APPROVED_TWICE;
    if (policy.requireReason && reason === undefined) return NO_REASON;
    // The click proves that the plan was posted, even if the bot couldn't record that yet.
    const shown = { ...record, shownAt: record.shownAt ?? isoTime(nowMs) };
    return addApproval(shown, newVote(by, nowMs, reason), policy, nowMs);
  };
}

function becauseOf(reason: string | undefined): Pick<AuditEvent, 'because'> {
  return reason === undefined ? {} : { because: reason };
}

function addApproval(record: RemediationRecord, vote: Vote, policy: Policy, nowMs: number): Change {
  const approvals = [...record.approvals, vote];
  const isEnough = approvals.length >= Math.max(1, record.approvalsNeeded ?? 1);
  const next: RemediationRecord = isEnough
    ? {
        ...record,
        approvals,
        state: 'approved',
        until: isoTime(nowMs + policy.applyWithinSeconds * 1_000),
      }
    : { ...record, approvals };
  return {
    next,
    entry: auditEventOf(next, 'approved', [vote.by], nowMs, {
      ...becauseOf(vote.reason),
      ...(record.risk === 'safe' && { confirmed: true }),
    }),
    ...(record.until !== undefined && { notAfter: record.until }),
    unlessFrozen: true,
    lockTargetsForMs: isEnough ? policy.applyWithinSeconds * 1_000 : msLeft(record, nowMs),
  };
}

/** planned or approved -> rejected: someone clicked Reject. */
export function reject(by: string, planHash: string): Transition {
  return (record, nowMs) =>
    staleCard(record, planHash, nowMs) ?? {
      next: toFinalState({ ...record, rejected: newVote(by, nowMs) }, 'rejected', nowMs),
      entry: auditEventOf(record, 'rejected', [by], nowMs),
    };
}

/** Why a click on a card no longer counts: the state or the plan has changed, or the time for it is over. */
function staleCard(
  { state, planHash: now, until }: RemediationRecord,
  planHash: string,
  nowMs: number,
): string | undefined {
  if (state !== 'planned' && state !== 'approved') return stateInWords(state);
  if (now !== planHash) return 'this card shows a different plan; nothing was approved';
  return isPast(until, nowMs) ? 'it has expired; run the check again' : undefined;
}

/** -> refused, before anything was applied: there is no plan, or a rule forbids it. */
export function refuseRemediation(because: string): Transition {
  return endBeforeExecution('refused', because);
}

/** -> skipped, before anything was applied: the finding is gone, or the plan has changed. */
export function skipRemediation(because: string, after?: Observation): Transition {
  return endBeforeExecution('skipped', because, after);
}

function endBeforeExecution(state: 'refused' | 'skipped', because: string, after?: Observation): Transition {
  return (record, nowMs) => {
    if (!['planning', 'planned', 'approved'].includes(record.state)) return stateInWords(record.state);
    return {
      next: toFinalState({ ...record, because, ...(after && { after }) }, state, nowMs),
      entry: auditEventOf(record, state, actorsOf(record), nowMs, { because }),
    };
  };
}

function msLeft({ until }: RemediationRecord, nowMs: number): number {
  return Math.max(1_000, until === undefined ? 0 : Date.parse(until) - nowMs);
}
