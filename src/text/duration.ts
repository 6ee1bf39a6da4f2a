import { z } from 'zod';

const UNIT_MS = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
} as const;
/** Longer sums lose precision, and finally become Infinity. */
const LONGEST_MS = 10_000 * UNIT_MS.y;
const WRITTEN = /^(?:\d+(?:\.\d+)?[smhdwy])+$/;
const PART = /(\d+(?:\.\d+)?)([smhdwy])/g;

/** A duration as people write it, such as `30d`, `2w` or `1d12h`, parsed to milliseconds. A number without a unit is a number of days. */
export const duration = z
  .string()
  .trim()
  .toLowerCase()
  .transform((written) => (/^\d+$/.test(written) ? `${written}d` : written))
  .refine((written) => WRITTEN.test(written), {
    error: 'must be a duration such as 30d, 2w or 12h',
    params: { kind: 'duration', hint: 'Try 30d, 2w or 12h.' },
    abort: true,
  })
  .transform((written) => {
    let sum = 0;
    for (const [, count, unit] of written.matchAll(PART))
      sum += Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
    return sum;
  })
  .refine((sum) => sum <= LONGEST_MS, {
    error: 'must be at most 10,000 years',
    params: { kind: 'duration' },
  });
