import type { Report } from '../../check/finding.ts';
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
  const reasons = report.findings
    .filter(({ target }) => target === finding.target)
    .map(({ reason }) => reason);
  const gaps = report.gaps.map(({ what }) => what).slice(0, MAX_GAPS);
  const isThere = reasons.includes(finding.reason);
  const isChanged = before !== undefined && reasons.some((reason) => !before.reasons.includes(reason));
  const isHidden = report.examined === 0 || gaps.some((gap) => !before?.gaps.includes(gap));
  return {
    at: report.at,
    finding: isThere || isChanged ? 'found' : isHidden ? 'unseen' : 'gone',
    reasons,
    verdict: report.verdict,
    measures: [...(report.measures ?? [])],
    gaps,
  };
}
