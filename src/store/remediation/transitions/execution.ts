import { proofInWords } from '../../../check/proof.ts';
import type { AuditEvent } from '../../audit/entry.ts';
import { type Policy, disabledReason } from '../policy.ts';
import type { Observation, RemediationRecord } from '../record.ts';
import type { Transition, Change } from '../remediation-store.ts';
import { toFinalState, auditEventOf, isoTime, SYSTEM_ACTOR, actorsOf } from './common.ts';
import { withdraw } from './approval.ts';

/**
 * The life of a remediation from its approval: approved -> applying -> settling -> fixed, unverified or failed; how it ends when a state
 * times out; and rechecks after its end. Each function makes a transition, a pure decision from the current record.
 */

/** approved -> applying: the only way to begin. Refused after the approval's time, while frozen, beyond the caps, or if a target is locked. */
export function startExecution(
  token: number,
  before: Observation,
  policy: Policy,
  leaseMs: number,
  nowMs: number,
): Transition {
  return (remediation) => {
    const { state, until } = remediation;
    if (state !== 'approved') return `it is ${state}`;
    const off = disabledReason(policy, remediation);
    if (off) return off;
    return {
      next: { ...remediation, state: 'applying', token, before, until: isoTime(nowMs + leaseMs) },
      entry: auditEventOf(remediation, 'applying', actorsOf(remediation), nowMs, { before: before.verdict }),
      ...(until !== undefined && { notAfter: until }),
      unlessFrozen: true,
      caps: policy,
      lockTargetsForMs: leaseMs * 2,
    };
  };
}

/** Records one completed step and extends the lease. Refused for every fencing token but the current one. */
export function recordStep(token: number, line: string, leaseMs: number, nowMs: number): Transition {
  return requireToken(token, 'applying', (remediation) => ({
    next: {
      ...remediation,
      deeds: [...remediation.deeds, { at: isoTime(nowMs), line }],
      until: isoTime(nowMs + leaseMs),
    },
    lockTargetsForMs: leaseMs * 2,
  }));
}

/** applying -> settling: the plan is applied, and its result is verified. */
export function finishExecution(token: number, leaseMs: number, nowMs: number): Transition {
  return requireToken(token, 'applying', (remediation) => ({
    next: { ...remediation, state: 'settling', until: isoTime(nowMs + leaseMs) },
    entry: auditEventOf(remediation, 'applied', actorsOf(remediation), nowMs, stepsOf(remediation)),
    lockTargetsForMs: leaseMs * 2,
  }));
}

/** settling -> fixed or unverified, depending on the observation. */
export function recordVerification(
  token: number,
  after: Observation,
  because: string | undefined,
  nowMs: number,
): Transition {
  return requireToken(token, 'settling', (remediation) =>
    recordOutcome(remediation, after.finding === 'gone' ? 'fixed' : 'unverified', nowMs, { after, because }),
  );
}

/** applying -> failed: a step failed. The steps before it are recorded. */
export function failExecution(
  token: number,
  because: string,
  after: Observation | undefined,
  nowMs: number,
): Transition {
  return requireToken(token, 'applying', (remediation) =>
    recordOutcome(remediation, 'failed', nowMs, { because, after }),
  );
}

/** applying -> interrupted: the worker was stopped during a step, and it is unknown how much of that step was done. */
export function interruptExecution(token: number, because: string, nowMs: number): Transition {
  return requireToken(token, 'applying', (remediation) =>
    recordOutcome(remediation, 'interrupted', nowMs, { because }),
  );
}

/** A transition that is refused unless the record has this state and this fencing token. */
function requireToken(
  token: number,
  state: 'applying' | 'settling',
  change: (remediation: RemediationRecord) => Change,
): Transition {
  return (remediation) =>
    remediation.state === state && remediation.token === token
      ? change(remediation)
      : `it is ${remediation.state}, and no longer ours`;
}

/** Ends a state that timed out, or extends it. Redis checks the time, because a lease may have been extended meanwhile. */
export function endOverdue(nowMs: number, policy: Pick<Policy, 'approveWithinMinutes'>): Transition {
  const whenOverdue = overdueTransition(nowMs, policy);
  return (remediation) => {
    const change = whenOverdue(remediation);
    return typeof change === 'string' ? change : { ...change, onlyIfOverdue: true };
  };
}

function overdueTransition(nowMs: number, policy: Pick<Policy, 'approveWithinMinutes'>): Transition {
  return (remediation) => {
    const { state } = remediation;
    if (state === 'planning') return expire(remediation, 'no worker made a plan in time', nowMs);
    if (state === 'planned' && remediation.shownAt === undefined)
      return extendUnposted(remediation, nowMs, policy.approveWithinMinutes * 60_000);
    if (state === 'planned') return expire(remediation, 'nobody approved it in time', nowMs);
    if (state === 'approved')
      return expire(remediation, 'no worker took it up while the approval was good', nowMs);
    if (state === 'applying')
      return recordOutcome(remediation, 'interrupted', nowMs, {
        because: 'the worker was lost while it acted',
      });
    if (state === 'settling')
      return recordOutcome(remediation, 'unverified', nowMs, {
        because: 'the worker was lost after the deed, before it had looked again',
      });
    return `it is ${state}`;
  };
}

/** A plan that is not posted yet gets more time, and is withdrawn if it could not be posted for a day. */
function extendUnposted(remediation: RemediationRecord, nowMs: number, approveWithinMs: number): Change {
  const askedAtMs = Date.parse(remediation.requested?.at ?? '');
  if (!(nowMs - askedAtMs < MAX_UNPOSTED_MS))
    return withdraw(remediation, 'its plan could not be posted for a day', nowMs);
  return {
    next: { ...remediation, until: isoTime(nowMs + approveWithinMs) },
    lockTargetsForMs: approveWithinMs,
  };
}

const MAX_UNPOSTED_MS = 86_400_000;

function expire(remediation: RemediationRecord, because: string, nowMs: number): Change {
  return {
    next: toFinalState({ ...remediation, because }, 'expired', nowMs),
    entry: auditEventOf(remediation, 'expired', [SYSTEM_ACTOR], nowMs, { because }),
  };
}

/** interrupted, unverified or failed -> fixed if a recheck no longer finds the finding; else it keeps its state. */
export function recordRecheck(by: string, after: Observation, nowMs: number): Transition {
  return (remediation) => {
    const { state } = remediation;
    if (!['interrupted', 'unverified', 'failed'].includes(state)) return `it is ${state}`;
    const becomes = after.finding === 'gone' ? 'fixed' : (state as 'interrupted' | 'unverified' | 'failed');
    const change = recordOutcome(remediation, becomes, nowMs, { after, because: remediation.because });
    return { ...change, ...(change.entry && { entry: { ...change.entry, who: [by] } }) };
  };
}

function recordOutcome(
  remediation: RemediationRecord,
  state: 'fixed' | 'unverified' | 'failed' | 'interrupted',
  nowMs: number,
  { because, after }: { readonly because?: string | undefined; readonly after?: Observation | undefined },
): Change {
  const { before } = remediation;
  const next = toFinalState(
    { ...remediation, ...(because !== undefined && { because }), ...(after && { after }) },
    state,
    nowMs,
  );
  const proof = after && proofInWords(before?.measures ?? [], after.measures);
  return {
    next,
    entry: auditEventOf(remediation, 'outcome', actorsOf(remediation), nowMs, {
      outcome: state,
      ...stepsOf(remediation),
      ...(because !== undefined && { because }),
      ...(before && { before: before.verdict }),
      ...(after && { after: proof ? `${after.verdict} (${proof})` : after.verdict }),
    }),
  };
}

function stepsOf({ deeds }: RemediationRecord): Pick<AuditEvent, 'deeds'> {
  return deeds.length > 0 ? { deeds: deeds.map(({ line }) => line) } : {};
}
