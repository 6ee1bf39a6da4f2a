import { isComplete } from '../../check/proof.ts';
import type { Finding } from '../../check/finding.ts';
import {
  type FoundFinding,
  type Observation,
  OUTCOMES,
  type RemediationRecord,
  type RemediationState,
} from './record.ts';

/** What is compared of a finding. */
type ReportedFinding = Pick<Finding, 'reason' | 'severity' | 'target' | 'targets' | 'summary'>;

/** What became of a report's findings. */
export interface Remaining<F extends ReportedFinding> {
  /** The findings of the report that were proven gone after a fix had worked. */
  readonly resolved: readonly F[];
  /** All others, then what only the verification found. Worded as they were found last. */
  readonly left: readonly (F | FoundFinding)[];
  /** A fix has worked, and a later run found nothing. */
  readonly isAllFixed: boolean;
  /** What the newest run couldn't check. */
  readonly unchecked: readonly string[];
}

/** It was changed, or may have been, and nothing proves that the fault is gone. */
const NOT_FIXED: ReadonlySet<RemediationState> = new Set([
  'applying',
  'settling',
  'mitigated',
  'unverified',
  'failed',
  'paused',
  'interrupted',
]);

type Found = NonNullable<Observation['report']>;

interface Run extends Found {
  readonly at: string;
}

/**
 * Which findings of a report remain after its fixes. A finding is resolved only if it is proven: its own fix is verified, for all of its targets, or a
 * run that verified another fix checked everything and didn't find it. It remains if a later run found it, or if a later fix for it wasn't
 * verified. Times are those of the beginning of each run.
 */
export function remainingFindings<F extends ReportedFinding>(
  reported: readonly F[],
  remediations: readonly RemediationRecord[],
): Remaining<F> {
  const afters = remediations
    .flatMap(({ after }) => (after?.report ? [{ ...after, report: after.report }] : []))
    .toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const newest = afters.at(-1);
  const hasWorked = remediations.some(({ state }) => state === 'fixed');
  if (!newest || !hasWorked) return { resolved: [], left: reported, isAllFixed: false, unchecked: [] };
  const runs = afters.map(({ at, report }): Run => ({ ...report, at }));
  const isResolved = (finding: F) => {
    const goneMs = Math.max(fixedAt(finding, remediations), absentAt(finding, reported, runs));
    const foundMs = Math.max(foundAt(finding, reported, runs), foundForFixAt(finding, remediations));
    return goneMs > Math.max(foundMs, changedAt(finding, remediations));
  };
  const resolved = reported.filter(isResolved);
  const left = [
    ...reported
      .filter((finding) => !resolved.includes(finding))
      .map((finding) => asFoundLast(finding, reported, newest.report)),
    ...foundOnlyLater(reported, runs),
  ];
  const isEnded = remediations.every(
    (one) => !NOT_FIXED.has(one.state) || endedMs(one) < Date.parse(newest.at),
  );
  // Of the runs of older workers it's unknown what else they found.
  const isKnown = remediations.every(
    ({ state, after }) =>
      !OUTCOMES.has(state) || !after || after.report || Date.parse(after.at) <= Date.parse(newest.at),
  );
  const isNothingFound = newest.report.findings.length === 0 && newest.report.more === 0;
  return {
    resolved,
    left,
    // A measure below its total means that something isn't back yet, although the check doesn't count it as a finding.
    isAllFixed: left.length === 0 && isNothingFound && isEnded && isKnown && isComplete(newest.measures),
    unchecked: newest.report.isWhole ? [] : newest.gaps,
  };
}

/** When fixes for all targets of the finding were verified. A later run may still have found it. */
function fixedAt(
  { reason, target, targets }: ReportedFinding,
  remediations: readonly RemediationRecord[],
): number {
  const fixes = remediations.filter(
    ({ state, finding, after }) =>
      state === 'fixed' &&
      after?.finding === 'gone' &&
      finding.reason === reason &&
      finding.target === target,
  );
  const newestOf = (some: readonly RemediationRecord[]) =>
    Math.max(-Infinity, ...some.map(({ after }) => Date.parse(after?.at ?? '')));
  if (!targets) return newestOf(fixes);
  return Math.min(...targets.map((one) => newestOf(fixes.filter(({ finding }) => covers(finding, one)))));
}

/** A fix for the target of the finding itself is verified once the finding is gone, with all of its targets. */
function covers({ target, targets = [] }: RemediationRecord['finding'], wanted: string): boolean {
  return targets.includes(wanted) || targets.includes(target);
}

/** When a run that checked everything last didn't find it. */
function absentAt(
  finding: ReportedFinding,
  reported: readonly ReportedFinding[],
  runs: readonly Run[],
): number {
  return lastOf(runs, (run) => isConclusive(run) && !isFoundIn(finding, reported, run));
}

function foundAt(
  finding: ReportedFinding,
  reported: readonly ReportedFinding[],
  runs: readonly Run[],
): number {
  return lastOf(runs, (run) => isFoundIn(finding, reported, run));
}

/** When it was last found to plan a fix for it, or right before one was to be applied. */
function foundForFixAt(
  { reason, target }: ReportedFinding,
  remediations: readonly RemediationRecord[],
): number {
  const found = remediations
    .filter(({ finding }) => finding.reason === reason && finding.target === target)
    .flatMap(({ state, before, after }) => [after, OUTCOMES.has(state) ? undefined : before])
    .flatMap((one) => (one?.finding === 'found' ? [Date.parse(one.at)] : []));
  return Math.max(-Infinity, ...found);
}

/** When a fix for it last ended without being verified; never, if one is in progress. */
function changedAt({ reason, target }: ReportedFinding, remediations: readonly RemediationRecord[]): number {
  const others = remediations.filter(
    ({ state, finding }) => NOT_FIXED.has(state) && finding.reason === reason && finding.target === target,
  );
  return Math.max(-Infinity, ...others.map(endedMs));
}

function endedMs({ endedAt }: RemediationRecord): number {
  return endedAt === undefined ? Infinity : Date.parse(endedAt);
}

function lastOf(runs: readonly Run[], isIt: (run: Run) => boolean): number {
  const last = runs.findLast(isIt);
  return last ? Date.parse(last.at) : -Infinity;
}

function isConclusive({ isWhole, more }: Run): boolean {
  return isWhole && more === 0;
}

/** Whether a run found it, perhaps for another reason: a new reason for one of its targets means that the fault has only changed. */
function isFoundIn(
  finding: ReportedFinding,
  reported: readonly ReportedFinding[],
  { findings }: Found,
): boolean {
  return findings.some((found) => isSame(found, finding, reported));
}

function isSame(
  found: ReportedFinding,
  finding: ReportedFinding,
  reported: readonly ReportedFinding[],
): boolean {
  if (!overlaps(found, finding)) return false;
  if (found.reason === finding.reason) return true;
  return !reported.some((other) => other.reason === found.reason && overlaps(found, other));
}

function overlaps(a: ReportedFinding, b: ReportedFinding): boolean {
  const namesOf = ({ target, targets = [] }: ReportedFinding) => [target, ...targets];
  const names = new Set(namesOf(a));
  return namesOf(b).some((name) => names.has(name));
}

/** With the severity and the summary of the newest run, if one finding of it is the same: `12 of 12 VMs` may be `3 of 12` by now. */
function asFoundLast<F extends ReportedFinding>(finding: F, reported: readonly F[], { findings }: Found): F {
  const same = findings.filter((found) => isSame(found, finding, reported));
  const exact = same.find(({ reason, target }) => reason === finding.reason && target === finding.target);
  const now = exact ?? (same.length === 1 ? same[0] : undefined);
  return now ? { ...finding, severity: now.severity, summary: now.summary } : finding;
}

/** Findings that the report didn't have, unless a later run that checked everything didn't find them either. */
function foundOnlyLater(reported: readonly ReportedFinding[], runs: readonly Run[]): readonly FoundFinding[] {
  const since = Math.max(0, runs.findLastIndex(isConclusive));
  const others = runs
    .slice(since)
    .flatMap(({ findings }) => findings)
    .filter((found) => !reported.some((finding) => isSame(found, finding, reported)));
  return [...new Map(others.map((found) => [`${found.reason} ${found.target}`, found])).values()];
}
