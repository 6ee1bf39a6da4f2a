import type { Chain } from '../../memory/chain.ts';
import { entryOf } from '../../memory/life/step.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Delivery } from './delivery.ts';
import type { Refusal } from './refusal.ts';

export interface Auditing {
  readonly chain: Chain;
  /** Milliseconds of the epoch, by the one clock that all processes share. */
  readonly clock: () => Promise<number>;
  readonly log: Log;
}

const NOBODY = 'unknown';

/** Writes down who was refused what, and why. @throws where Redis does not take it. */
export async function auditRefusal(
  { chain, clock, log }: Auditing,
  { userId = NOBODY, what, action = 'click' }: Delivery,
  { rule, because, what: known, remediation, isAudited }: Refusal,
): Promise<void> {
  log.debug({ rule, by: userId, because }, 'a delivery was refused');
  if (isAudited === false) return;
  const nowMs = await clock();
  const who = [userId];
  await chain.append(
    remediation
      ? entryOf(remediation, 'refused', who, nowMs, { because: `${action}: ${because}` })
      : { kind: 'refused', at: new Date(nowMs).toISOString(), who, what: known ?? what, because },
  );
}
