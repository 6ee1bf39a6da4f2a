import { exactProof } from '../../../check/proof.ts';
import { count } from '../../../text/wording.ts';
import { type AuditEvent, withSteps } from '../../audit/entry.ts';
import { capsFor, type Policy, disabledReason } from '../policy.ts';
import { provenOutcome } from '../observation.ts';
import { type Observation, planHashOf, type RemediationRecord } from '../record.ts';
import {
  toFinalState,
  auditEventOf,
  type Change,
  isPast,
  isRefused,
  isoTime,
  SYSTEM_ACTOR,
  newVote,
  actorsOf,
  stateInWords,
  type Transition,
} from './common.ts';
import { withdraw } from './approval.ts';

/**
 * The life of a remediation from its approval: approved -> applying -> settling -> fixed, mitigated, unverified or failed; how it ends when a state
 * times out; and rechecks after its end. Each function makes a transition, a pure decision from the current record.
 */

/**
 * approved -> applying: the only way to start. Refused after the approval has expired, while frozen, beyond the caps, if a target is locked, or if
 * the stored plan isn't the one that was approved.
 */
export function startExecution(
  token: number,
  before: Observation,
  policy: Policy,
  leaseMs: number,
  { pausable }: { readonly pausable?: true | undefined } = {},
): Transition {
  return (record, nowMs) => {
    const { state, until, plan, planHash } = record;
    if (state !== 'approved') return stateInWords(state);
    const off = disabledReason(policy, record);
    if (off) return off;
    if (!plan || planHashOf(record, plan) !== planHash)
      return "its stored plan isn't the one that was approved";
    return {
      next: {
        ...record,
        state: 'applying',
        token,
        before,
        until: isoTime(nowMs + leaseMs),
        ...(pausable && { pausable }),
      },
      entry: auditEventOf(record, 'applying', actorsOf(record), nowMs, { before: before.verdict }),
      ...(until !== undefined && { notAfter: until }),
      unlessFrozen: true,
      caps: capsFor(policy, record),
      lockTargetsForMs: leaseMs * 2,
    };
  };
}

/** Of a fix that can be paused: it may have hundreds, and the whole record is written at each. */
const MAX_KEPT_STEPS = 10;

/** Records one completed step and extends the lease. Refused for every fencing token but the current one. */
export function recordStep(token: number, line: string, leaseMs: number): Transition {
  return requireToken(token, 'applying', (record, nowMs) => {
    const steps = [...record.steps, { at: isoTime(nowMs), line }];
    const kept = record.pausable ? steps.slice(-MAX_KEPT_STEPS) : steps;
    const earlierSteps = (record.earlierSteps ?? 0) + steps.length - kept.length;
    return {
      next: {
        ...record,
        steps: kept,
        ...(earlierSteps > 0 && { earlierSteps }),
        until: isoTime(nowMs + leaseMs),
      },
      lockTargetsForMs: leaseMs * 2,
    };
  });
}

/** Someone clicked Pause: its worker ends it after the current step. The lease stays that worker's. */
export function requestPause(by: string): Transition {
  return (record, nowMs) => {
    const { state, pausable, pause } = record;
    if (state !== 'applying') return stateInWords(state);
    if (!pausable) return "it can't be paused";
    if (pause) return 'it will already be paused after the current step';
    return {
      next: { ...record, pause: newVote(by, nowMs) },
      entry: auditEventOf(record, 'pausing', [by], nowMs),
      keepsLease: true,
    };
  };
}

/** applying -> paused: between two steps. What was applied is complete, and the rest wasn't started. */
export function pauseExecution(token: number): Transition {
  return requireToken(token, 'applying', (record, nowMs) => recordOutcome(record, 'paused', nowMs, {}));
}

/** How long a fix is verified, and how often. */
export interface Verification {
  readonly withinSeconds: number;
  readonly everySeconds: number;
}

/** applying -> settling: the plan is applied, and its result is verified. */
export function finishExecution(token: number, leaseMs: number, verification?: Verification): Transition {
  return requireToken(token, 'applying', (record, nowMs) => ({
    next: {
      ...record,
      state: 'settling',
      until: isoTime(nowMs + leaseMs),
      ...(verification && {
        settling: {
          until: isoTime(nowMs + verification.withinSeconds * 1_000),
          everySeconds: verification.everySeconds,
        },
      }),
    },
    entry: auditEventOf(record, 'applied', actorsOf(record), nowMs, auditedSteps(record)),
    lockTargetsForMs: leaseMs * 2,
  }));
}

/**
 * Records what a verification found that doesn't prove the fix yet, for its card, and extends the lease. It isn't audited: only the outcome counts.
 * Refused for every fencing token but the current one, and once it has ended.
 */
export function recordSettling(token: number, observation: Observation, leaseMs: number): Transition {
  const { report: _, ...observed } = observation;
  return requireToken(token, 'settling', (record, nowMs) => ({
    next: {
      ...record,
      until: isoTime(nowMs + leaseMs),
      ...(record.settling && {
        settling: { ...record.settling, observed: { ...observed, at: isoTime(nowMs) } },
      }),
    },
    lockTargetsForMs: leaseMs * 2,
  }));
}

/** settling -> settling, with the fencing token of another worker: the one that verified it has stopped. The lease of that one is lost. */
export function resumeSettling(token: number, leaseMs: number): Transition {
  return (record, nowMs) =>
    record.state === 'settling'
      ? { next: { ...record, token, until: isoTime(nowMs + leaseMs) }, lockTargetsForMs: leaseMs * 2 }
      : stateInWords(record.state);
}

/** settling -> the outcome that the observation proves, or unverified. */
export function recordVerification(
  token: number,
  after: Observation,
  because: string | undefined,
): Transition {
  return requireToken(token, 'settling', (record, nowMs) =>
    recordOutcome(record, provenOutcome(record, after) ?? 'unverified', nowMs, { after, because }),
  );
}

/** applying -> failed: a step failed. The steps before it are recorded. */
export function failExecution(token: number, because: string, after: Observation | undefined): Transition {
  return requireToken(token, 'applying', (record, nowMs) =>
    recordOutcome(record, 'failed', nowMs, { because, after }),
  );
}

/** applying -> interrupted: the worker was stopped during a step, and it's unknown how much of that step was applied. */
export function interruptExecution(token: number, because: string): Transition {
  return requireToken(token, 'applying', (record, nowMs) =>
    recordOutcome(record, 'interrupted', nowMs, { because }),
  );
}

/** A transition that is refused unless the record has this state and this fencing token. */
function requireToken(
  token: number,
  state: 'applying' | 'settling',
  change: (record: RemediationRecord, nowMs: number) => Change,
): Transition {
  return (record, nowMs) =>
    record.state === state && record.token === token
      ? change(record, nowMs)
      : `this worker has lost its lease; ${stateInWords(record.state)}`;
}

/**
 * approved -> expired if the approval has expired, and otherwise what `transition` decides: the checks before an execution may take longer
 * than an approval lasts.
 */
export function unlessExpired(
  policy: Pick<Policy, 'approveWithinMinutes'>,
  transition: Transition,
): Transition {
  return (record, nowMs) =>
    record.state === 'approved' && isPast(record.until, nowMs)
      ? endOverdue(policy)(record, nowMs)
      : transition(record, nowMs);
}

/** Ends a state that timed out, or extends it. Redis checks the time, because a lease may have been extended meanwhile. */
export function endOverdue(policy: Pick<Policy, 'approveWithinMinutes'>): Transition {
  const whenOverdue = overdueTransition(policy);
  return (record, nowMs) => {
    const change = whenOverdue(record, nowMs);
    return isRefused(change) ? change : { ...change, onlyIfOverdue: true };
  };
}

function overdueTransition(policy: Pick<Policy, 'approveWithinMinutes'>): Transition {
  return (record, nowMs) => {
    const { state } = record;
    if (state === 'planning') return expire(record, 'no worker made a plan in time', nowMs);
    if (state === 'planned' && record.shownAt === undefined)
      return extendUnposted(record, nowMs, policy.approveWithinMinutes * 60_000);
    if (state === 'planned') return expire(record, 'no one approved it in time', nowMs);
    if (state === 'approved')
      return expire(record, 'no worker applied it before the approval expired', nowMs);
    if (state === 'applying')
      return recordOutcome(record, 'interrupted', nowMs, {
        because: 'the worker was lost while it was applying the plan',
      });
    if (state === 'settling')
      return recordOutcome(record, 'unverified', nowMs, {
        because: 'the worker was lost before it could verify the fix',
      });
    return stateInWords(state);
  };
}

/** A plan that isn't posted yet gets more time, and is withdrawn if it couldn't be posted for a day. */
function extendUnposted(record: RemediationRecord, nowMs: number, approveWithinMs: number): Change {
  const askedAtMs = Date.parse(record.requested?.at ?? '');
  if (!(nowMs - askedAtMs < MAX_UNPOSTED_MS))
    return withdraw(record, "its plan couldn't be posted for a day", nowMs);
  return {
    next: { ...record, until: isoTime(nowMs + approveWithinMs) },
    lockTargetsForMs: approveWithinMs,
  };
}

const MAX_UNPOSTED_MS = 86_400_000;

function expire(record: RemediationRecord, because: string, nowMs: number): Change {
  return {
    next: toFinalState({ ...record, because }, 'expired', nowMs),
    entry: auditEventOf(record, 'expired', [SYSTEM_ACTOR], nowMs, { because }),
  };
}

/** interrupted, unverified or failed -> the outcome that a recheck proves; otherwise it keeps its state. */
export function recordRecheck(by: string, after: Observation): Transition {
  return (record, nowMs) => {
    const { state } = record;
    if (!['interrupted', 'unverified', 'failed'].includes(state)) return stateInWords(state);
    const becomes = provenOutcome(record, after) ?? (state as 'interrupted' | 'unverified' | 'failed');
    const change = recordOutcome(record, becomes, nowMs, { after, because: record.because });
    return { ...change, ...(change.entry && { entry: { ...change.entry, who: [by] } }) };
  };
}

function recordOutcome(
  record: RemediationRecord,
  state: 'fixed' | 'mitigated' | 'unverified' | 'failed' | 'paused' | 'interrupted',
  nowMs: number,
  { because, after }: { readonly because?: string | undefined; readonly after?: Observation | undefined },
): Change {
  const { before } = record;
  const next = toFinalState(
    { ...record, ...(because !== undefined && { because }), ...(after && { after }) },
    state,
    nowMs,
  );
  const proof = after && exactProof(before?.measures ?? [], after.measures);
  return {
    next,
    entry: auditEventOf(record, 'outcome', actorsOf(record), nowMs, {
      outcome: state,
      ...auditedSteps(record),
      ...(because !== undefined && { because }),
      ...(before && { before: before.verdict }),
      ...(after && { after: proof ? `${after.verdict} (${proof})` : after.verdict }),
    }),
  };
}

function auditedSteps({ steps, earlierSteps }: RemediationRecord): Pick<AuditEvent, 'deeds'> {
  const before = earlierSteps === undefined ? [] : [count(earlierSteps, 'earlier step')];
  return withSteps(...before, ...steps.map(({ line }) => line));
}
