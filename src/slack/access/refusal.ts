import type { Remediation } from '../../memory/remediation.ts';

/** Why a delivery goes no further. */
export interface Refusal {
  /** The step or the rule in the configuration that refused it: `workspace`, `environments.prod.askFrom.channels`. */
  readonly rule: string;
  /** A clause for the person: `people of another workspace may not do this`. */
  readonly because: string;
  /** What was asked for, where more is known than the delivery itself says: `/certs expiring`. */
  readonly what?: string;
  /** Channels in which it would be accepted. */
  readonly askIn?: readonly string[];
  readonly remediation?: Remediation;
  /** A limit that is exceeded again and again is audited once. */
  readonly isAudited?: false;
}
