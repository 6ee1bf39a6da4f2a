import { APPROVERS, LEAVERS } from './people.ts';
import type { AppliedCase } from './audit-steps.ts';
import { ROUNDING_MS } from './fix-log.ts';

/**
 * Why a fix lacks a valid approval: it must come from someone other than the requester, who had the role,
 * for that very plan, by a click on its own card, in the audit before the fix was started; and from as many
 * people as required.
 */
export function whyNotApproved({ remediation, fix, steps, evidence }: AppliedCase): string | undefined {
  const startedAt = steps.findIndex(({ entry }) => entry.kind === 'applying');
  const started = steps[startedAt];
  if (!started) return 'it was never started';
  if (started.atMs > fix.atMs + ROUNDING_MS)
    return `applied ${started.atMs - fix.atMs} ms before it was started`;
  const approvals = steps.slice(0, startedAt).filter(({ entry }) => entry.kind === 'approved');
  if (approvals.length === 0) return 'no one approved it before';
  const value = `${remediation.id} ${remediation.planHash}`;
  const valid = approvals.filter(({ atMs, entry }) => {
    const [by = ''] = entry.who;
    const isAnother = by !== remediation.requested?.by;
    const isOfThisPlan = entry.planHash === remediation.planHash && started.entry.planHash === entry.planHash;
    const isByHand = evidence.clicks.some(
      (click) =>
        click.userId === by && click.button === 'approve' && click.value === value && !click.isForged,
    );
    return isAnother && isOfThisPlan && isByHand && mayApprove(by, atMs, evidence);
  });
  const people = new Set(valid.map(({ entry }) => entry.who[0]));
  return people.size >= (remediation.approvalsNeeded ?? 1)
    ? undefined
    : `not by an approver: ${approvals.map(({ entry }) => entry.who[0]).join(', ')}`;
}

/** Group members may be cached for as long as configured, and no longer. */
function mayApprove(userId: string, atMs: number, { faults, limits }: AppliedCase['evidence']): boolean {
  if (APPROVERS.includes(userId)) return true;
  if (!LEAVERS.includes(userId)) return false;
  return faults.leftAtMs === undefined || atMs <= faults.leftAtMs + limits.membershipSeconds * 1_000;
}
