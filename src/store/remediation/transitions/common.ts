import type { AuditEvent } from '../../audit/entry.ts';
import { FINAL_STATES, type RemediationRecord } from '../record.ts';

/** The actor of transitions that no person caused. */
export const SYSTEM_ACTOR = 'wrench';

/** The record in a final state, without its deadline. */
export function toFinalState(
  remediation: RemediationRecord,
  state: RemediationRecord['state'],
  nowMs: number,
): RemediationRecord {
  if (!FINAL_STATES.has(state)) throw new Error(`${state} is not a final state`);
  const { until, ...rest } = remediation;
  return until === undefined
    ? { ...remediation, state, endedAt: isoTime(nowMs) }
    : { ...rest, state, endedAt: isoTime(nowMs) };
}

/** The audit event of a transition. */
export function auditEventOf(
  remediation: RemediationRecord,
  kind: AuditEvent['kind'],
  who: readonly string[],
  nowMs: number,
  more: Partial<AuditEvent> = {},
): AuditEvent {
  const { id, title, check, environment, plan, planHash } = remediation;
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
export function actorsOf(remediation: RemediationRecord): readonly string[] {
  return [...new Set([requesterOf(remediation), ...remediation.approvals.map(({ by }) => by)])];
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
