import type { Report } from '../check/finding.ts';
import type { Look, Remediation } from './remediation.ts';

const MOST_GAPS = 100;

/**
 * What asking the check again says about one finding. Absent is gone only where nothing hides it: where something could not be looked at
 * that could be before, a source stopped answering, and the finding may be behind it.
 */
export function lookOf(report: Report, { finding }: Pick<Remediation, 'finding'>, before?: Look): Look {
  const isThere = report.findings.some(
    ({ reason, target }) => reason === finding.reason && target === finding.target,
  );
  const gaps = report.gaps.map(({ what }) => what).slice(0, MOST_GAPS);
  const known = new Set(before?.gaps);
  const isHidden = report.examined === 0 || gaps.some((gap) => !known.has(gap));
  return {
    at: report.at,
    finding: isThere ? 'found' : isHidden ? 'unseen' : 'gone',
    verdict: report.verdict,
    measures: [...(report.measures ?? [])],
    gaps,
  };
}
