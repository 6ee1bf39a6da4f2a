import type { RemediationRecord } from '../../src/store/remediation/record.ts';
import { stepsOf } from './audit-steps.ts';
import type { Evidence } from './evidence.ts';
import { isContainer, thingIn } from './fix-log.ts';
import { hasVanished, isMended, isShielded } from './things.ts';

/** FIXED while one of its targets was still broken. */
export function whyNotFixed(record: RemediationRecord, evidence: Evidence): string | undefined {
  if (record.state !== 'fixed') return undefined;
  const { target, targets = [target] } = record.finding;
  const { applied, disturbances } = beforeEnd(record, evidence);
  const atMs = endOf(record, evidence);
  const broken = targets
    .map(thingIn)
    .filter((thing) =>
      isContainer(thing)
        ? ![...applied, ...disturbances].some((one) => one.thing === thing)
        : !isMended(thing, applied, atMs) && !hasVanished(thing, disturbances),
    );
  return broken.length > 0 ? `fixed, while still broken: ${broken.join(', ')}` : undefined;
}

/**
 * A mitigation that ended as FIXED, or as MITIGATED before all of its shields were up; or MITIGATED without
 * being one.
 */
export function whyNotMitigated(record: RemediationRecord, evidence: Evidence): string | undefined {
  const { state, mitigates = false, remediation, finding } = record;
  if (mitigates !== (remediation === 'shield')) return `there is no fix ${remediation}`;
  if (mitigates && state === 'fixed') return 'a mitigation ended as fixed';
  if (state !== 'mitigated') return undefined;
  if (!mitigates) return 'mitigated, but not a mitigation';
  const { target, targets = [target] } = finding;
  const { applied } = beforeEnd(record, evidence);
  const down = targets.map(thingIn).filter((thing) => !isShielded(thing, applied));
  return down.length > 0 ? `mitigated without a shield of ${down.join(', ')}` : undefined;
}

function endOf({ id }: RemediationRecord, evidence: Evidence): number {
  const ended = stepsOf(evidence, id).findLast(({ entry }) => entry.kind === 'outcome');
  return ended?.atMs ?? 0;
}

function beforeEnd(record: RemediationRecord, evidence: Evidence) {
  const atMs = endOf(record, evidence);
  return {
    applied: evidence.applied.filter((fix) => fix.atMs <= atMs),
    disturbances: evidence.disturbances.filter(({ fromMs }) => fromMs <= atMs),
  };
}
