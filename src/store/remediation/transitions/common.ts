import type { AuditEvent } from '../../audit/entry.ts';
import { FINAL_STATES, type RemediationRecord } from '../record.ts';

/** In whose name something ends that nobody ended. */
export const SYSTEM_ACTOR = 'wrench';

/** The same, at its end: nothing ends it by itself any more. */
export function ended(
  remediation: RemediationRecord,
  state: RemediationRecord['state'],
  nowMs: number,
): RemediationRecord {
  if (!FINAL_STATES.has(state)) throw new Error(`${state} is no end`);
  const { until, ...rest } = remediation;
  return until === undefined
    ? { ...remediation, state, endedAt: isoTime(nowMs) }
    : { ...rest, state, endedAt: isoTime(nowMs) };
}

/** What the audit says of a step. */
export function auditEntryOf(
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

/** In whose name it is done: who asked, then who approved. */
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
