import { auditEventOf } from '../../store/remediation/transitions/common.ts';
import type { RefusalReply, Refusals } from '../../store/audit/refusals.ts';
import type { Log } from '../../telemetry/log.ts';
import type { SlackDelivery } from './delivery.ts';
import type { Refusal } from './refusal.ts';

export interface RefusalAuditDeps {
  readonly refusals: Pick<Refusals, 'auditRefusal'>;
  /** Milliseconds since the epoch, by the clock that all processes share. */
  readonly clock: () => Promise<number>;
  readonly log: Log;
}

const UNKNOWN_USER = 'unknown';

/**
 * Audits who was refused what and why, or only counts it if the person is refused too often.
 * @returns whether the person still gets an answer. @throws if Redis doesn't accept it.
 */
export async function auditRefusal(
  { refusals, clock, log }: RefusalAuditDeps,
  { userId = UNKNOWN_USER, what, action = 'click' }: SlackDelivery,
  { rule, because, what: known, remediation, isAudited }: Refusal,
): Promise<RefusalReply> {
  log.debug({ event: 'delivery-refused', rule, by: userId, because }, 'Refused a delivery from Slack');
  if (isAudited === false) return 'yes';
  const nowMs = await clock();
  const who = [userId];
  const kind = 'refused';
  return refusals.auditRefusal(
    remediation
      ? { ...auditEventOf(remediation, kind, who, nowMs, { because: `${action}: ${because}` }), kind }
      : { kind, at: new Date(nowMs).toISOString(), who, what: known ?? what, because },
  );
}
