import { type Finding, type Report, SEVERITIES } from '../../check/finding.ts';
import type { FoundFinding, Observation, RemediationRecord } from './record.ts';

/** Further gaps count as new. */
const MAX_GAPS = 1_000;
/** Of everything that a run found. A report with more isn't the report of a fault that one fix has removed. */
const MAX_FOUND = 30;
const MAX_FOUND_TARGETS = 300;
const MAX_SUMMARY_CHARS = 300;

/**
 * What a report says about one finding. An absent finding is gone only if nothing hides it and nothing has replaced it: a gap
 * that the report did not have before may hide it, and a new reason for the same target means that the fault has only changed. Of a finding
 * with many targets, this is decided for each.
 */
export function observationOf(
  report: Report,
  { finding }: Pick<RemediationRecord, 'finding'>,
  before?: Observation,
): Observation {
  const about = report.findings.filter((one) => concerns(one, finding));
  const reasons = [...new Set(about.map(({ reason }) => reason))];
  const gaps = report.gaps.map(({ what }) => what);
  const isNew = (reason: string) => before !== undefined && !before.reasons.includes(reason);
  const isThere = reasons.some((reason) => reason === finding.reason || isNew(reason));
  const isHidden = report.examined === 0 || gaps.some((gap) => !before?.gaps.includes(gap));
  const { targets, changed } = targetsIn(about, finding);
  // A target that wasn't found for this reason before can't have had another, separate reason.
  const isReplaced =
    before !== undefined &&
    targets.some((one) => before.changed?.includes(one) || !(before.targets ?? targets).includes(one));
  return {
    at: report.at,
    finding: isThere || isReplaced ? 'found' : isHidden ? 'unseen' : 'gone',
    reasons,
    ...(finding.targets && { targets }),
    ...(changed.length > 0 && { changed }),
    verdict: report.verdict,
    measures: [...(report.measures ?? [])],
    gaps: gaps.slice(0, MAX_GAPS),
    ...(before && { report: everythingFound(report) }),
  };
}

/** All findings of a report, about any target, for messages about the whole report. */
function everythingFound({
  findings,
  gaps,
  examined,
}: Pick<Report, 'findings' | 'gaps' | 'examined'>): NonNullable<Observation['report']> {
  const kept: FoundFinding[] = [];
  let targetsLeft = MAX_FOUND_TARGETS;
  for (const severity of SEVERITIES)
    for (const { reason, target, targets, summary } of findings.filter((one) => one.severity === severity)) {
      targetsLeft -= targets?.length ?? 1;
      if (kept.length === MAX_FOUND || targetsLeft < 0) break;
      kept.push({
        reason,
        severity,
        target,
        ...(targets && { targets: [...targets] }),
        summary: summary.slice(0, MAX_SUMMARY_CHARS).toWellFormed(),
      });
    }
  return {
    isWhole: examined > 0 && gaps.every(({ unrelated }) => unrelated),
    findings: kept,
    more: findings.length - kept.length,
  };
}

/** Which of the targets of a finding are found, and which of these for other reasons only. */
function targetsIn(
  about: readonly Finding<unknown>[],
  { reason, targets = [] }: RemediationRecord['finding'],
) {
  const found = (among: readonly Finding<unknown>[]) =>
    targets.filter((target) => among.some((one) => affects(one, target)));
  const all = found(about);
  const same = new Set(found(about.filter((one) => one.reason === reason)));
  return { targets: all, changed: all.filter((target) => !same.has(target)) };
}

/**
 * The baseline for a plan for many targets: the observation right before it is applied. A target that is absent from it may be hidden by a gap,
 * unless it was found despite the same gaps when the plan was made. Gaps that may hide a target are left out, so that they count as new.
 */
export function baselineOf(
  now: Observation,
  planned: Observation | undefined,
  { targets = [] }: RemediationRecord['finding'],
): Observation {
  const absent = targets.filter((target) => !now.targets?.includes(target));
  if (absent.length === 0) return now;
  const wereFound = absent.every((target) => planned?.targets?.includes(target));
  return { ...now, gaps: wereFound ? now.gaps.filter((gap) => planned?.gaps.includes(gap)) : [] };
}

/** Whether a finding of a later report is about the remediation's cause, or one of the targets it was offered for. */
function concerns(
  later: Finding<unknown>,
  { target, targets = [target] }: RemediationRecord['finding'],
): boolean {
  return targets.some((one) => affects(later, one));
}

/** A target has its own finding, or is one of many that a finding lists: it may have joined others since. */
function affects({ target, targets = [] }: Finding<unknown>, wanted: string): boolean {
  return target === wanted || targets.includes(wanted);
}

/**
 * The outcome that an observation proves; undefined if it proves none. A mitigation is never fixed, even if the finding is gone. A fix that removed a
 * part of the fault is mitigated. Before the plan says that it can be proven, it isn't.
 */
export function provenOutcome(
  record: Pick<RemediationRecord, 'mitigates' | 'plan' | 'steps'>,
  { finding, isMitigated, at, unproven }: Pick<Observation, 'finding' | 'isMitigated' | 'at' | 'unproven'>,
): 'fixed' | 'mitigated' | undefined {
  if (record.mitigates) return isMitigated ? 'mitigated' : undefined;
  if (finding === 'found' && isMitigated) return 'mitigated';
  if (finding !== 'gone' || unproven !== undefined) return undefined;
  const fromMs = provableFromMs(record);
  return fromMs !== undefined && Date.parse(at) < fromMs ? undefined : 'fixed';
}

/** From when on the absence of its finding proves a fix; undefined if always. */
function provableFromMs({ plan, steps }: Pick<RemediationRecord, 'plan' | 'steps'>): number | undefined {
  const last = steps.at(-1);
  if (plan?.provenAfterSeconds === undefined || !last) return undefined;
  return Date.parse(last.at) + plan.provenAfterSeconds * 1_000;
}
