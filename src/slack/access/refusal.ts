import type { RemediationRecord } from '../../store/remediation/record.ts';

/** Why a delivery was refused. */
export interface Refusal {
  /** The step or the rule in the configuration that refused it: `workspace`, `environments.prod.askFrom.channels`. */
  readonly rule: string;
  /** A clause for the audit: `needs the approver role`. */
  readonly because: string;
  /** The clause for the person, if it differs: `you need the approver role; ask someone who has it`. */
  readonly toPerson?: string;
  /** What was requested, if more is known than the delivery says: `/certs expiring`. */
  readonly what?: string;
  /** Channels where it is allowed. */
  readonly askIn?: readonly string[];
  readonly remediation?: RemediationRecord;
  /** False if it was audited already: exceeding a limit is audited only once per window, and a click or message beyond it gets no further answer. */
  readonly isAudited?: false;
}
