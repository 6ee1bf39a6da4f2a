import type { Measure } from './finding.ts';

/**
 * What a fix changed, from the measures of the reports before and after it: `doppler_z2: 0 -> 1 registered; metron_agent running on 12 of 12`.
 * Empty if no measure changed.
 */
export function proofInWords(before: readonly Measure[], after: readonly Measure[]): string {
  return after
    .flatMap((now) => {
      const was = before.find(({ label, unit }) => label === now.label && unit === now.unit);
      if (now.of !== undefined && was?.value !== now.value)
        return [`${now.label} ${now.unit} on ${now.value} of ${now.of}`];
      return was && was.value !== now.value ? [`${now.label}: ${was.value} -> ${now.value} ${now.unit}`] : [];
    })
    .join('; ');
}

/** Whether every measure that has a total has reached it. */
export function isComplete(measures: readonly Measure[]): boolean {
  return measures.every(({ value, of }) => of === undefined || value >= of);
}
