import type { Catalogue } from './catalogue.ts';
import { parseRequest } from './parse.ts';
import type { NextCheck, Report } from '../check/finding.ts';
import { nextInWords } from '../check/report-in-words.ts';

/**
 * The same report with only those next checks that can be typed: the check exists, and its command is parsed to the same arguments. A dropped next
 * check is a bug in Wrench, or contains a name that can't be typed.
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

/** Whether the command on a button is parsed to this check with these arguments. */
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
