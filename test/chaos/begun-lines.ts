import { planHashOf } from '../../src/store/remediation/record.ts';
import type { AppliedCase } from './audit-steps.ts';
import type { Evidence } from './evidence.ts';
import { ROUNDING_MS, type FixEvent, targetOf } from './fix-log.ts';

/**
 * Why a line of a plan should not have been started or applied. A fix for one thing is a plan with one
 * line.
 */

/** It is not a line of the plan with this hash. */
export function whyNotPlanned({ remediation, fix }: AppliedCase): string | undefined {
  const { plan, planHash } = remediation;
  if (!plan || planHashOf(remediation, plan) !== planHash) return 'its plan has another hash';
  const targets = plan.parts?.map(({ target }) => target) ?? plan.targets;
  return targets[fix.line - 1] === targetOf(fix.thing) ? undefined : `line ${fix.line} is for another target`;
}

/** It was not planned again after the previous line, or it had changed. */
export function whyNotChecked({ remediation, fix, evidence }: AppliedCase): string | undefined {
  const part = remediation.plan?.parts?.[fix.line - 1];
  if (!part) return undefined;
  const { checkedAtMs, thing } = fix;
  if (checkedAtMs === undefined) return `line ${fix.line} was not planned again`;
  const before = evidence.applied.find(
    ({ remediationId, line }) => remediationId === fix.remediationId && line === fix.line - 1,
  );
  if (before && checkedAtMs < before.atMs)
    return `line ${fix.line} was planned again before line ${before.line} was applied`;
  const approved = versionIn(part.precondition);
  if (fix.version !== approved)
    return `line ${fix.line} was approved for version ${approved} and applied to ${fix.version}`;
  const hasVanished = evidence.disturbances.some(
    (one) => one.thing === thing && one.kind === 'vanish' && one.untilMs < checkedAtMs,
  );
  return hasVanished ? `line ${fix.line} was applied although its target had vanished` : undefined;
}

/** The version of a thing; of a container, its finish time. */
export function versionIn(precondition: Readonly<Record<string, string>>): string {
  return precondition['version'] ?? precondition['finished'] ?? '';
}

export function whyAfterFailure({ fix, evidence }: AppliedCase): string | undefined {
  const failed = evidence.failed.find(
    ({ remediationId, line }) => remediationId === fix.remediationId && line < fix.line,
  );
  return failed && `line ${fix.line} was started after line ${failed.line} had failed`;
}

/** Another process had ended the remediation: this worker had lost its lease. */
export function whyAfterEnd({ steps, fix }: AppliedCase): string | undefined {
  const ended = steps.find(({ entry }) => entry.kind === 'outcome');
  return ended && fix.atMs > ended.atMs + ROUNDING_MS
    ? `line ${fix.line}: ${fix.atMs - ended.atMs} ms after it ended as ${ended.entry.outcome}`
    : undefined;
}

/**
 * Everything was frozen from its check to its start. The first line is started by the transition that a
 * freeze refuses.
 */
export function whyStartedFrozen({ fix, evidence }: AppliedCase): string | undefined {
  const { checkedAtMs = -Infinity, atMs } = fix;
  const frozen = evidence.faults.freezes.find(
    ({ fromMs, untilMs }) => fromMs < checkedAtMs && atMs < untilMs,
  );
  return frozen && `line ${fix.line} was started ${atMs - frozen.fromMs} ms after a freeze was confirmed`;
}

/** Each event with its remediation and audit. */
export function casesOf(
  evidence: Evidence,
  events: readonly FixEvent[],
  stepsFor: (id: string) => AppliedCase['steps'],
): readonly AppliedCase[] {
  const byId = new Map(evidence.remediations.map((one) => [one.id, one]));
  return events.flatMap((fix) => {
    const remediation = byId.get(fix.remediationId);
    return remediation ? [{ remediation, fix, evidence, steps: stepsFor(fix.remediationId) }] : [];
  });
}
