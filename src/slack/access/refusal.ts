import type { RemediationRecord } from '../../store/remediation/record.ts';

/** Why a delivery was refused. */
export interface Refusal {
  /** The step or the rule in the configuration that refused it: `workspace`, `environments.prod.askFrom.channels`. */
  readonly rule: string;
  /** A clause for the person: `people of another workspace may not do this`. */
  readonly because: string;
  /** What was asked for, if known better than from the delivery itself: `/certs expiring`. */
  readonly what?: string;
  /** Channels in which it would be accepted. */
  readonly askIn?: readonly string[];
  readonly remediation?: RemediationRecord;
  /** False to skip the audit: exceeding a limit is audited once per window. */
  readonly isAudited?: false;
}
