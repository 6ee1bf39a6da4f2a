import type { Audited } from '../../audit/entry.ts';
import { ENDED, type Remediation } from '../record.ts';

/** In whose name something ends that nobody ended. */
export const NOBODY = 'wrench';

/** The same, at its end: nothing ends it by itself any more. */
export function ended(remediation: Remediation, state: Remediation['state'], nowMs: number): Remediation {
  if (!ENDED.has(state)) throw new Error(`${state} is no end`);
  const { until, ...rest } = remediation;
  return until === undefined
    ? { ...remediation, state, endedAt: iso(nowMs) }
    : { ...rest, state, endedAt: iso(nowMs) };
}

/** What the audit says of a step. */
export function entryOf(
  remediation: Remediation,
  kind: Audited['kind'],
  who: readonly string[],
  nowMs: number,
  more: Partial<Audited> = {},
): Audited {
  const { id, title, check, environment, plan, planHash } = remediation;
  return {
    kind,
    at: iso(nowMs),
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
export function whoOf(remediation: Remediation): readonly string[] {
  return [...new Set([requesterOf(remediation), ...remediation.approvals.map(({ by }) => by)])];
}

export function requesterOf({ requested }: Remediation): string {
  return requested?.by ?? NOBODY;
}

export function vote(by: string, nowMs: number, reason?: string) {
  return { by, at: iso(nowMs), ...(reason !== undefined && { reason }) };
}

export function isOver(until: string | undefined, nowMs: number): boolean {
  return until !== undefined && Date.parse(until) < nowMs;
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
