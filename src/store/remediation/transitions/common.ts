import type { Denial } from '../../access/authorize.ts';
import type { AuditEvent } from '../../audit/entry.ts';
import type { Caps } from '../policy.ts';
import { FINAL_STATES, type RemediationRecord } from '../record.ts';

/** The next record of a remediation, and the conditions that Redis checks in the same step. */
export interface Change {
  readonly next: RemediationRecord;
  /** Appended to the audit in the same step. */
  readonly entry?: AuditEvent;
  /** Refused after this time, by the clock of Redis. */
  readonly notAfter?: string;
  /** Refused while remediations are frozen. */
  readonly unlessFrozen?: true;
  /** Refused unless its deadline has passed; it may have been extended meanwhile. */
  readonly onlyIfOverdue?: true;
  /** Counts its lines, and refuses it if they exceed a cap. */
  readonly caps?: Caps;
  /** Locks its targets for this long; refused if another remediation has locked one of them. Without it, they are unlocked. */
  readonly lockTargetsForMs?: number;
  /** Leaves the deadline and the locks as they are: its worker extends them in Redis, and the record doesn't have the latest. */
  readonly keepsLease?: true;
}

/** Why there is no change, for people: `it's waiting for approval`. A `Denial` if the person reads other words than the audit. */
export type RefusedBecause = string | Denial;

/**
 * Decides from the current record and the time: the change, or why there is none. Pure, because it is called again with the new record and
 * time if another process was first.
 * @param nowMs the time in milliseconds since the epoch, by the clock of Redis.
 */
export type Transition = (record: RemediationRecord, nowMs: number) => Change | RefusedBecause;

/** Whether a transition returned a reason instead of a change. */
export function isRefused(result: Change | RefusedBecause): result is RefusedBecause {
  return typeof result === 'string' || 'because' in result;
}

export function denialOf(refused: RefusedBecause): Denial {
  return typeof refused === 'string' ? { because: refused } : refused;
}

/** The actor of transitions that no person caused. */
export const SYSTEM_ACTOR = 'wrench';

const STATES_IN_WORDS: Readonly<Record<RemediationRecord['state'], string>> = {
  offered: "it hasn't been requested yet",
  planning: "its plan isn't ready yet",
  planned: "it's waiting for approval",
  approved: "it's already approved",
  applying: "it's being applied",
  settling: "it's being verified",
  fixed: "it's already fixed",
  mitigated: "it's already mitigated",
  unverified: 'it was already applied, but not verified',
  failed: 'it has failed',
  paused: 'it was paused',
  interrupted: 'it was interrupted',
  rejected: 'it was rejected',
  expired: 'it has expired',
  skipped: 'it was skipped',
  refused: 'it was refused',
};

/** Why a remediation in this state can't make a transition, for people. */
export function stateInWords(state: RemediationRecord['state']): string {
  return STATES_IN_WORDS[state];
}

/** The record in a final state, without its deadline and what it waited for. */
export function toFinalState(
  record: RemediationRecord,
  state: RemediationRecord['state'],
  nowMs: number,
): RemediationRecord {
  if (!FINAL_STATES.has(state)) throw new Error(`${state} is not a final state`);
  const { until: _, settling: __, ...rest } = record;
  return { ...rest, state, endedAt: isoTime(nowMs) };
}

/** The audit event of a transition. */
export function auditEventOf(
  record: RemediationRecord,
  kind: AuditEvent['kind'],
  who: readonly string[],
  nowMs: number,
  more: Partial<AuditEvent> = {},
): AuditEvent {
  const { id, title, check, environment, plan, planHash } = record;
  return {
    kind,
    at: isoTime(nowMs),
    who: [...who],
    remediation: id,
    what: title,
    check,
    environment,
    ...(plan && { targets: [...plan.targets] }),
    ...(planHash !== undefined && { planHash }),
    ...more,
  };
}

/** Who requested it, then who approved it. */
export function actorsOf(record: RemediationRecord): readonly string[] {
  return [...new Set([requesterOf(record), ...record.approvals.map(({ by }) => by)])];
}

export function requesterOf({ requested }: RemediationRecord): string {
  return requested?.by ?? SYSTEM_ACTOR;
}

export function newVote(by: string, nowMs: number, reason?: string) {
  return { by, at: isoTime(nowMs), ...(reason !== undefined && { reason }) };
}

export function isPast(until: string | undefined, nowMs: number): boolean {
  return until !== undefined && Date.parse(until) < nowMs;
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
