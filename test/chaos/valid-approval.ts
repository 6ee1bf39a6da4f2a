import { APPROVERS, LEAVERS } from './people.ts';
import type { DeedCase } from './steps.ts';

/** Two clocks on one machine, each cut to milliseconds. */
const ROUNDING_MS = 5;

/**
 * Why a deed lacks a valid approval: one by somebody else than who asked, who held the role, for that very plan, by a click on its own card,
 * in the audit before the deed was begun.
 */
export function whyNotApproved({ remediation, deed, steps, evidence }: DeedCase): string | undefined {
  const begunAt = steps.findIndex(({ entry }) => entry.kind === 'applying');
  const begun = steps[begunAt];
  if (!begun) return 'it was never begun';
  if (begun.atMs > deed.atMs + ROUNDING_MS) return `done ${begun.atMs - deed.atMs} ms before it was begun`;
  const approvals = steps.slice(0, begunAt).filter(({ entry }) => entry.kind === 'approved');
  if (approvals.length === 0) return 'nobody approved it before';
  const value = `${remediation.id} ${remediation.planHash}`;
  const isValid = approvals.some(({ atMs, entry }) => {
    const [by = ''] = entry.who;
    const isAnother = by !== remediation.requested?.by;
    const isOfThisPlan = entry.planHash === remediation.planHash && begun.entry.planHash === entry.planHash;
    const isByHand = evidence.clicks.some(
      (click) =>
        click.userId === by && click.button === 'approve' && click.value === value && !click.isForged,
    );
    return isAnother && isOfThisPlan && isByHand && mayApprove(by, atMs, evidence);
  });
  return isValid
    ? undefined
    : `not by somebody who could: ${approvals.map(({ entry }) => entry.who[0]).join(', ')}`;
}

/** What is known of a group may be as old as configuration says, and no older. */
function mayApprove(userId: string, atMs: number, { havoc, limits }: DeedCase['evidence']): boolean {
  if (APPROVERS.includes(userId)) return true;
  if (!LEAVERS.includes(userId)) return false;
  return havoc.leftAtMs === undefined || atMs <= havoc.leftAtMs + limits.membershipSeconds * 1_000;
}
