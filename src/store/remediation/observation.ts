import type { Finding, Report } from '../../check/finding.ts';
import type { Observation, RemediationRecord } from './record.ts';

const MAX_GAPS = 100;

/**
 * What a report says about one finding. An absent finding is gone only if nothing hides it and nothing has replaced it: a gap
 * that the report did not have before may hide it, and a new reason for the same target means that the fault has only changed.
 */
export function observationOf(
  report: Report,
  { finding }: Pick<RemediationRecord, 'finding'>,
  before?: Observation,
): Observation {
  const about = report.findings.filter((one) => concerns(one, finding));
  const reasons = [...new Set(about.map(({ reason }) => reason))];
  const gaps = report.gaps.map(({ what }) => what).slice(0, MAX_GAPS);
  const isThere = reasons.includes(finding.reason);
  const stillFound = finding.targets?.filter((target) => about.some((one) => affects(one, target)));
  const isChanged = before !== undefined && reasons.some((reason) => !before.reasons.includes(reason));
  const isHidden = report.examined === 0 || gaps.some((gap) => !before?.gaps.includes(gap));
  return {
    at: report.at,
    finding: isThere || isChanged ? 'found' : isHidden ? 'unseen' : 'gone',
    reasons,
    ...(stillFound && { targets: stillFound }),
    verdict: report.verdict,
    measures: [...(report.measures ?? [])],
    gaps,
  };
}

/** Whether a finding of a later report is about what the remediation is for: its cause, or one of the targets it was offered for. */
function concerns(
  later: Finding<unknown>,
  { target, targets = [target] }: RemediationRecord['finding'],
): boolean {
  return targets.some((one) => affects(later, one));
}

/** A target has a finding of its own, or is one of many that a finding lists: it may have joined others since. */
function affects({ target, targets = [] }: Finding<unknown>, wanted: string): boolean {
  return target === wanted || targets.includes(wanted);
}

/** The outcome that an observation proves; undefined if it proves none. A mitigation is never fixed, even if the finding is gone. */
export function provenOutcome(
  { mitigates }: Pick<RemediationRecord, 'mitigates'>,
  { finding, isMitigated }: Observation,
): 'fixed' | 'mitigated' | undefined {
  if (mitigates) return isMitigated ? 'mitigated' : undefined;
  return finding === 'gone' ? 'fixed' : undefined;
}
