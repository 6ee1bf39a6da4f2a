import type { Plan } from '../../../check/define-remediation.ts';
import { approvalsNeeded, type Policy, withheld } from '../policy.ts';
import type { Audited } from '../../audit/entry.ts';
import { type Look, planHashOf, type Remediation } from '../record.ts';
import type { Decide, Move } from '../remediations.ts';
import { ended, entryOf, iso, isOver, NOBODY, requesterOf, vote, whoOf } from './common.ts';

/**
 * The life of a remediation, as pure decisions: each looks at what is remembered and gives the move, or says why there is none.
 * Two of them at the same moment are decided by compare-and-set; whoever comes second is asked again with what is so then.
 */

type Vote = Remediation['approvals'][number];

/** How long a plan may take to be made. */
const PLAN_WITHIN_MS = 120_000;

const NO_REASON = 'a reason is required';

/** Somebody clicked an offer. */
export function request(by: string, policy: Policy, nowMs: number, reason?: string): Decide {
  return (remediation) => {
    const { state, until, requested } = remediation;
    if (state !== 'offered')
      return `it was asked for already${requested ? ` by <@${requested.by}>` : ''}, and is ${state}`;
    const off = withheld(policy, remediation);
    if (off) return off;
    if (isOver(until, nowMs)) return 'this report is too old to act upon; ask the question again';
    if (policy.requireReason && reason === undefined) return NO_REASON;
    return {
      next: {
        ...remediation,
        state: 'planning',
        requested: vote(by, nowMs, reason),
        until: iso(nowMs + PLAN_WITHIN_MS),
      },
      entry: entryOf(remediation, 'asked', [by], nowMs, becauseOf(reason)),
      unlessFrozen: true,
    };
  };
}

/** The plan is made: it waits for approval. What is safe waits for nobody: the click with its confirmation approved it. */
export function plan(what: Plan, before: Look, policy: Policy, nowMs: number): Decide {
  return (remediation) => {
    if (remediation.state !== 'planning') return `it is ${remediation.state}`;
    const planHash = planHashOf(remediation, what);
    const needed = approvalsNeeded(policy, remediation.risk);
    const next = { ...remediation, plan: what, planHash, before, approvalsNeeded: needed };
    const until = nowMs + policy.approveWithinMinutes * 60_000;
    return {
      next: { ...next, state: 'planned', until: iso(until) },
      entry: entryOf(next, 'planned', [requesterOf(remediation)], nowMs, { before: before.verdict }),
      holdMs: until - nowMs,
    };
  };
}

/** Its plan was posted. If that took long, the full time for approval begins now. */
export function shown({ approveWithinMinutes }: Policy, nowMs: number): Decide {
  return (remediation) => {
    const { state, until, shownAt } = remediation;
    if (state !== 'planned') return `it is ${state}`;
    if (shownAt !== undefined) return 'its plan was posted already';
    const wholeMs = approveWithinMinutes * 60_000;
    const leftMs = until === undefined ? 0 : Date.parse(until) - nowMs;
    const untilMs = nowMs + (leftMs > 0.9 * wholeMs ? leftMs : wholeMs);
    return {
      next: { ...remediation, shownAt: iso(nowMs), until: iso(untilMs) },
      holdMs: untilMs - nowMs,
    };
  };
}

/** Its plan cannot be posted, so nobody could approve it. */
export function withdraw(because: string, nowMs: number): Decide {
  return (remediation) =>
    remediation.state === 'planned' && remediation.shownAt === undefined
      ? withdrawn(remediation, because, nowMs)
      : `it is ${remediation.state}`;
}

export function withdrawn(remediation: Remediation, because: string, nowMs: number): Move {
  return {
    next: ended({ ...remediation, because }, 'refused', nowMs),
    entry: entryOf(remediation, 'refused', [NOBODY], nowMs, { because }),
  };
}

/** The requester's own click counts as the approval of what is safe. */
export function approveSafe(policy: Policy, nowMs: number): Decide {
  return (remediation) => {
    const { state, risk, requested } = remediation;
    if (state !== 'planned' || risk !== 'safe' || !requested) return `it is ${state}`;
    return approved(remediation, vote(requested.by, nowMs, requested.reason), policy, nowMs);
  };
}

/** Somebody clicked Approve on a card that shows the plan of this hash. */
export function approve(
  by: string,
  planHash: string,
  policy: Policy,
  nowMs: number,
  reason?: string,
): Decide {
  return (remediation) => {
    const { state, requested, approvals } = remediation;
    const stale = staleCard(remediation, planHash, nowMs);
    if (stale) return stale;
    const off = withheld(policy, remediation);
    if (off) return off;
    if (state === 'approved' || state === 'applying') return 'it is approved already';
    if (requested?.by === by) return 'you asked for it yourself; somebody else must approve it';
    if (approvals.some((vote) => vote.by === by)) return 'you have approved it already';
    if (policy.requireReason && reason === undefined) return NO_REASON;
    return approved(remediation, vote(by, nowMs, reason), policy, nowMs);
  };
}

function becauseOf(reason: string | undefined): Pick<Audited, 'because'> {
  return reason === undefined ? {} : { because: reason };
}

function approved(remediation: Remediation, voted: Vote, policy: Policy, nowMs: number): Move {
  const approvals = [...remediation.approvals, voted];
  const isEnough = approvals.length >= Math.max(1, remediation.approvalsNeeded ?? 1);
  const next: Remediation = isEnough
    ? { ...remediation, approvals, state: 'approved', until: iso(nowMs + policy.applyWithinSeconds * 1_000) }
    : { ...remediation, approvals };
  return {
    next,
    entry: entryOf(next, 'approved', [voted.by], nowMs, becauseOf(voted.reason)),
    ...(remediation.until !== undefined && { notAfter: remediation.until }),
    unlessFrozen: true,
    holdMs: isEnough ? policy.applyWithinSeconds * 1_000 : leftOf(remediation, nowMs),
  };
}

export function reject(by: string, planHash: string, nowMs: number): Decide {
  return (remediation) =>
    staleCard(remediation, planHash, nowMs) ?? {
      next: ended({ ...remediation, rejected: vote(by, nowMs) }, 'rejected', nowMs),
      entry: entryOf(remediation, 'rejected', [by], nowMs),
    };
}

/** A click on a card that shows something else than what is. */
function staleCard(
  { state, planHash: now, until }: Remediation,
  planHash: string,
  nowMs: number,
): string | undefined {
  if (state !== 'planned' && state !== 'approved') return `it is ${state}`;
  if (now !== planHash) return 'the plan is not the one on this card; nothing was approved';
  return isOver(until, nowMs) ? 'its time is over; ask the question again' : undefined;
}

/** It will not be done, and nothing was: no plan could be made, or a rule forbids it. */
export function refuse(because: string, nowMs: number): Decide {
  return endBefore('refused', because, nowMs);
}

/** It need not or must not be done any more: the finding is gone, or the plan would be another. */
export function skip(because: string, nowMs: number, after?: Look): Decide {
  return endBefore('skipped', because, nowMs, after);
}

function endBefore(state: 'refused' | 'skipped', because: string, nowMs: number, after?: Look): Decide {
  return (remediation) => {
    if (!['planning', 'planned', 'approved'].includes(remediation.state)) return `it is ${remediation.state}`;
    return {
      next: ended({ ...remediation, because, ...(after && { after }) }, state, nowMs),
      entry: entryOf(remediation, state, whoOf(remediation), nowMs, { because }),
    };
  };
}

function leftOf({ until }: Remediation, nowMs: number): number {
  return Math.max(1_000, until === undefined ? 0 : Date.parse(until) - nowMs);
}
