import { type Finding, type ports, wording } from '../../kit.ts';
import type { RenewOffer } from '../../shared/renew.ts';
import type { RestartWorkloadOffer } from './restart-workload.ts';
import type { RestartProcessOffer } from './running-process.ts';

export type DriftOffer = RenewOffer | RestartProcessOffer | RestartWorkloadOffer;
export type DriftFinding = Finding<DriftOffer>;

/** `expired 7 days ago`, `expires in 3 days`. */
export function endOf({ notAfter }: Pick<ports.Certificate, 'notAfter'>, now: Date): string {
  const ms = notAfter.getTime() - now.getTime();
  return ms < 0 ? `expired ${wording.span(ms)} ago` : `expires in ${wording.span(ms)}`;
}

/** `expired 7 days ago`, `valid until 2027-11-24 15:04 UTC`, `valid`. */
export function validUntil(notAfter: Date | undefined, now: Date): string {
  if (!notAfter) return 'with an unknown expiry date';
  return notAfter < now ? endOf({ notAfter }, now) : `valid until ${wording.utcTime(notAfter)}`;
}
