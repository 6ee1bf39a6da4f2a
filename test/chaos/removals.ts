import type { RemediationRecord } from '../../src/store/remediation/record.ts';
import { stepsOf } from './audit-steps.ts';
import type { Removal } from './engines.ts';
import type { Evidence } from './evidence.ts';
import { ROUNDING_MS, targetOf } from './fix-log.ts';
import type { InvariantResult } from './invariant-result.ts';
import { startOf } from './removals-as-fixes.ts';

/** Compares the removals that engines received with what was approved. */
export function checkRemovals(evidence: Evidence): readonly InvariantResult[] {
  const { removals, otherRequests } = evidence;
  const requestsThat = (judge: (removal: Removal, all: Evidence) => string | undefined) =>
    removals.flatMap((removal) => {
      const because = judge(removal, evidence);
      return because === undefined ? [] : [`${removal.thing}: ${because}`];
    });
  return [
    { what: 'removals not in an approved plan', cases: requestsThat(whyNotListed) },
    { what: 'removals of changed containers', cases: requestsThat(whyChanged) },
    { what: 'removals without a final inspection', cases: requestsThat(whyUnseen) },
    { what: 'removals requested twice', cases: askedTwice(evidence) },
    { what: 'other changes to engines', cases: otherRequests },
  ];
}

type Part = NonNullable<NonNullable<RemediationRecord['plan']>['parts']>[number];

/** The line of an approved plan that allows the removal of a container. */
function approvedLine(removal: Removal, evidence: Evidence): Part | undefined {
  const { remediationId } = startOf(removal, evidence.started) ?? {};
  const record = evidence.remediations.find(({ id }) => id === remediationId);
  if (record?.remediation !== 'remove-containers') return undefined;
  const steps = stepsOf(evidence, record.id).filter(({ atMs }) => atMs <= removal.atMs + ROUNDING_MS);
  const isBegun = steps.some(({ entry }) => entry.kind === 'applying');
  const approvers = new Set(
    steps
      .filter(({ entry }) => entry.kind === 'approved' && entry.planHash === record.planHash)
      .map(({ entry }) => entry.who[0]),
  );
  if (!isBegun || approvers.size < (record.approvalsNeeded ?? 1)) return undefined;
  return record.plan?.parts?.find(
    ({ target, precondition }) => target === targetOf(removal.thing) && precondition['id'] === removal.id,
  );
}

function whyNotListed(removal: Removal, evidence: Evidence): string | undefined {
  return approvedLine(removal, evidence) ? undefined : `${removal.id.slice(0, 12)} is in no approved plan`;
}

/**
 * It ran, or it was last inspected with another state or end than in the plan. Only the engine can refuse
 * changes after that.
 */
function whyChanged(removal: Removal, evidence: Evidence): string | undefined {
  const { isRemoved, was, inspected } = removal;
  const { precondition } = approvedLine(removal, evidence) ?? {};
  if (!precondition) return undefined;
  if (isRemoved && was.state !== precondition['state']) return `removed while it was ${was.state}`;
  if (!inspected) return undefined;
  if (inspected.state !== precondition['state']) return `its last inspected state was ${inspected.state}`;
  return inspected.finishedAt === precondition['finished']
    ? undefined
    : `it finished at ${inspected.finishedAt}, and in the plan at ${precondition['finished']}`;
}

/** Right before, by the code that removes it: the results of the check and the plan may be old. */
function whyUnseen(removal: Removal, { removing }: Evidence): string | undefined {
  const called = startOf(removal, removing);
  if (!called) return 'no removal of it was started';
  const { inspected } = removal;
  return inspected && inspected.atMs >= called.atMs - ROUNDING_MS
    ? undefined
    : 'it was not inspected right before';
}

/** A failed removal is not sent again, and a repeated job sends none. */
function askedTwice({ removals, removing }: Evidence): readonly string[] {
  return [...Map.groupBy(removals, ({ thing }) => thing)].flatMap(([thing, all]) => {
    const calls = removing.filter((one) => one.thing === thing).length;
    const removed = all.filter(({ isRemoved }) => isRemoved).length;
    return all.length > calls || removed > 1
      ? [`${thing}: requested ${all.length} times by ${calls} lines, and removed ${removed} times`]
      : [];
  });
}
