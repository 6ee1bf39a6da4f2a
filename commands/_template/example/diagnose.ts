import type { Diagnosis } from '../../kit.ts';
import type { Facts } from './collect.ts';

/** Pure: the same facts, arguments and time give the same diagnosis. */
export function diagnose({ certificates }: Facts): Diagnosis {
  const findings = certificates
    .filter(({ notBefore, notAfter }) => notAfter < notBefore)
    .map(({ place }) => ({
      reason: 'ends-before-it-begins',
      severity: 'warning' as const,
      target: place,
      summary: `${place} ends before it begins`,
    }))
    .toSorted((a, b) => (a.target < b.target ? -1 : 1)); // sources respond in no particular order
  const verdict = `${findings.length} of ${certificates.length} certificates end before they begin`;
  return { examined: certificates.length, verdict, findings };
}
