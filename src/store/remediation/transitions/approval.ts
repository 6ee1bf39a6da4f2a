import type { Plan } from '../../../check/define-remediation.ts';
import { requiredApprovals, type Policy, disabledReason } from '../policy.ts';
import type { AuditEvent } from '../../audit/entry.ts';
import { type Observation, planHashOf, type RemediationRecord } from '../record.ts';
import type { Transition, Change } from '../remediation-store.ts';
import {
  ended,
  auditEntryOf,
  isoTime,
  isPast,
  SYSTEM_ACTOR,
  requesterOf,
  newVote,
  actorsOf,
} from './common.ts';

/**
 * The life of a remediation, as pure decisions: each looks at what is remembered and gives the move, or says why there is none.
 * Two of them at the same moment are decided by compare-and-set; whoever comes second is asked again with what is so then.
 */

type Vote = RemediationRecord['approvals'][number];

/** How long a plan may take to be made. */
const PLAN_WITHIN_MS = 120_000;

const NO_REASON = 'a reason is required';

/** Somebody clicked an offer. */
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
      entry: auditEntryOf(remediation, 'asked', [by], nowMs, becauseOf(reason)),
      unlessFrozen: true,
    };
  };
}

/** The plan is made: it waits for approval. What is safe waits for nobody: the click with its confirmation approved it. */
export function recordPlan(what: Plan, before: Observation, policy: Policy, nowMs: number): Transition {
  return (remediation) => {
    if (remediation.state !== 'planning') return `it is ${remediation.state}`;
    const planHash = planHashOf(remediation, what);
    const needed = requiredApprovals(policy, remediation.risk);
    const next = { ...remediation, plan: what, planHash, before, approvalsNeeded: needed };
    const until = nowMs + policy.approveWithinMinutes * 60_000;
    return {
      next: { ...next, state: 'planned', until: isoTime(until) },
      entry: auditEntryOf(next, 'planned', [requesterOf(remediation)], nowMs, { before: before.verdict }),
      lockTargetsForMs: until - nowMs,
    };
  };
}

/** Its plan was posted. If that took long, the full time for approval begins now. */
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

/** Its plan cannot be posted, so nobody could approve it. */
export function withdrawPlan(because: string, nowMs: number): Transition {
  return (remediation) =>
    remediation.state === 'planned' && remediation.shownAt === undefined
      ? withdrawn(remediation, because, nowMs)
      : `it is ${remediation.state}`;
}

export function withdrawn(remediation: RemediationRecord, because: string, nowMs: number): Change {
  return {
    next: ended({ ...remediation, because }, 'refused', nowMs),
    entry: auditEntryOf(remediation, 'refused', [SYSTEM_ACTOR], nowMs, { because }),
  };
}

/** The requester's own click counts as the approval of what is safe. */
export function approveSafe(policy: Policy, nowMs: number): Transition {
  return (remediation) => {
    const { state, risk, requested } = remediation;
    if (state !== 'planned' || risk !== 'safe' || !requested) return `it is ${state}`;
    return approved(remediation, newVote(requested.by, nowMs, requested.reason), policy, nowMs);
  };
}

/** Somebody clicked Approve on a card that shows the plan of this hash. */
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
    return approved(remediation, newVote(by, nowMs, reason), policy, nowMs);
  };
}

function becauseOf(reason: string | undefined): Pick<AuditEvent, 'because'> {
  return reason === undefined ? {} : { because: reason };
}

function approved(remediation: RemediationRecord, voted: Vote, policy: Policy, nowMs: number): Change {
  const approvals = [...remediation.approvals, voted];
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
    entry: auditEntryOf(next, 'approved', [voted.by], nowMs, becauseOf(voted.reason)),
    ...(remediation.until !== undefined && { notAfter: remediation.until }),
    unlessFrozen: true,
    lockTargetsForMs: isEnough ? policy.applyWithinSeconds * 1_000 : msLeft(remediation, nowMs),
  };
}

export function reject(by: string, planHash: string, nowMs: number): Transition {
  return (remediation) =>
    staleCard(remediation, planHash, nowMs) ?? {
      next: ended({ ...remediation, rejected: newVote(by, nowMs) }, 'rejected', nowMs),
      entry: auditEntryOf(remediation, 'rejected', [by], nowMs),
    };
}

/** A click on a card that shows something else than what is. */
function staleCard(
  { state, planHash: now, until }: RemediationRecord,
  planHash: string,
  nowMs: number,
): string | undefined {
  if (state !== 'planned' && state !== 'approved') return `it is ${state}`;
  if (now !== planHash) return 'the plan is not the one on this card; nothing was approved';
  return isPast(until, nowMs) ? 'its time is over; ask the question again' : undefined;
}

/** It will not be done, and nothing was: no plan could be made, or a rule forbids it. */
export function refuseRemediation(because: string, nowMs: number): Transition {
  return endBeforeExecution('refused', because, nowMs);
}

/** It need not or must not be done any more: the finding is gone, or the plan would be another. */
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
      next: ended({ ...remediation, because, ...(after && { after }) }, state, nowMs),
      entry: auditEntryOf(remediation, state, actorsOf(remediation), nowMs, { because }),
    };
  };
}

function msLeft({ until }: RemediationRecord, nowMs: number): number {
  return Math.max(1_000, until === undefined ? 0 : Date.parse(until) - nowMs);
}
