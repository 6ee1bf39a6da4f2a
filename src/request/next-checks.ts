import type { Catalogue } from './catalogue.ts';
import { parseRequest } from './parse.ts';
import type { NextCheck, Report } from '../check/finding.ts';
import { nextInWords } from '../check/report-in-words.ts';

/**
 * The same report with only those next checks that somebody could type: the check exists, and the written question is read back with the
 * same arguments. A next check that was dropped is a bug of ours, or the name of something in it cannot be typed.
 */
export function dropInvalidNext(
  report: Report,
  catalogue: Catalogue,
  onDropped: (dropped: NextCheck) => void,
): Report {
  if (report.findings.every(({ next }) => next === undefined)) return report;
  const findings = report.findings.map(({ next = [], ...finding }) => {
    const { valid = [], invalid = [] } = Object.groupBy(next, (one) =>
      canBeAsked(one, report, catalogue) ? 'valid' : 'invalid',
    );
    for (const one of invalid) onDropped(one);
    return { ...finding, ...(valid.length > 0 && { next: valid }) };
  });
  return { ...report, findings };
}

/** Whether the question, as it is written on a button, means this check with these arguments. */
export function canBeAsked(
  next: NextCheck,
  { environment }: Pick<Report, 'environment'>,
  catalogue: Catalogue,
): boolean {
  const parsed = parseRequest(nextInWords(next, { environment }), { catalogue, environments: [environment] });
  return (
    parsed.kind === 'run' &&
    parsed.check === next.check &&
    parsed.environment === environment &&
    Object.entries(next.args).every(([name, value]) => parsed.args[name] === value)
  );
}
