import type { Report } from '../../check/finding.ts';
import type { Observation, RemediationRecord } from './record.ts';

const MOST_GAPS = 100;

/**
 * What asking the check again says about one finding. Absent is gone only where nothing hides it and nothing took its place: where something
 * could not be looked at that could be before, the finding may be behind it; where its target has a trouble that it had not before, it has
 * only changed its name.
 */
export function observationOf(
  report: Report,
  { finding }: Pick<RemediationRecord, 'finding'>,
  before?: Observation,
): Observation {
  const reasons = report.findings
    .filter(({ target }) => target === finding.target)
    .map(({ reason }) => reason);
  const gaps = report.gaps.map(({ what }) => what).slice(0, MOST_GAPS);
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
