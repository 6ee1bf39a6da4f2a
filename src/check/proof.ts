import { bytes } from '../text/wording.ts';
import type { Measure } from './finding.ts';

/**
 * What a fix changed, from the measures of the reports before and after it: `doppler_z2: 0 -> 1 registered; metron_agent running on 12 of 12`.
 * Bytes are rounded: `57 MB -> 0 B`. Empty if no measure changed.
 */
export function proofInWords(before: readonly Measure[], after: readonly Measure[]): string {
  return inWords(before, after, roundedChange);
}

/** The same with exact bytes: `leftover layers: 56,623,104 -> 0 bytes`. */
export function exactProof(before: readonly Measure[], after: readonly Measure[]): string {
  return inWords(before, after, exactChange);
}

function inWords(
  before: readonly Measure[],
  after: readonly Measure[],
  change: (was: number, now: Measure) => string,
): string {
  return after
    .flatMap((now) => {
      const was = before.find(({ label, unit }) => label === now.label && unit === now.unit);
      if (now.of !== undefined && was?.value !== now.value)
        return [`${now.label} ${now.unit} on ${now.value} of ${now.of}`];
      return was && was.value !== now.value ? [`${now.label}: ${change(was.value, now)}`] : [];
    })
    .join('; ');
}

function exactChange(was: number, { value, unit }: Measure): string {
  return `${inDigits(was)} -> ${inDigits(value)} ${unit}`;
}

/** Exact if both round to the same. */
function roundedChange(was: number, now: Measure): string {
  const [from, to] = [bytes(was), bytes(now.value)];
  return now.unit === 'bytes' && from !== to ? `${from} -> ${to}` : exactChange(was, now);
}

/** `104,787,968`; a fraction is unchanged. */
function inDigits(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en-US') : String(value);
}

/** Whether every measure that has a total has reached it. */
export function isComplete(measures: readonly Measure[]): boolean {
  return measures.every(({ value, of }) => of === undefined || value >= of);
}
