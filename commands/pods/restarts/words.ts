import { wording } from '../../kit.ts';
import type { Loop } from './loops.ts';
import { perHour } from './restarting.ts';

/** Amounts as this check writes them. */

/** Kill windows are compared in seconds, up to this length. */
const IN_SECONDS_MS = 10 * 60_000;
const IN_MINUTES_MS = 3 * 3_600_000;

/** `91 s`, `76 minutes`, `5 hours`. */
export function lifeInWords(ms: number): string {
  if (ms < IN_SECONDS_MS) return `${Math.round(ms / 1_000)} s`;
  return ms < IN_MINUTES_MS ? wording.count(Math.floor(ms / 60_000), 'minute') : wording.span(ms);
}

/** The shortest and the longest: `91 s`, `76 to 118 minutes`, `9 s to 4 hours`. */
export function livesInWords(all: readonly number[]): string | undefined {
  if (all.length === 0) return undefined;
  const shortest = lifeInWords(Math.min(...all));
  const longest = lifeInWords(Math.max(...all));
  if (shortest === longest) return shortest;
  const [amount, unit = ''] = shortest.split(' ');
  return `${longest.endsWith(` ${unit}`) ? amount : shortest} to ${longest}`;
}

const HOUR_MS = 3_600_000;

/** `8 restarts in the last hour`, `13 to 14 restarts in the last day`, `about 39 restarts an hour (estimated)`. Of several with different spans, the worst. */
export function rateInWords(loops: readonly [Loop, ...Loop[]], noun = 'restart'): string {
  const [worst] = loops;
  const span = spanInWords(worst.spanMs);
  const same = loops.filter((one) => one.isEstimate === worst.isEstimate && spanInWords(one.spanMs) === span);
  const isRange = same.length === loops.length;
  const upTo = isRange ? '' : 'up to ';
  const chosen = isRange ? same : [worst];
  if (worst.isEstimate) {
    const isSlow = perHour(worst) < 2;
    const rates = chosen.map((one) => Math.max(1, Math.round(perHour(one) * (isSlow ? 24 : 1))));
    return `about ${upTo}${amountsInWords(rates, noun)} ${isSlow ? 'a day' : 'an hour'} (estimated)`;
  }
  const amounts = chosen.map(({ restarts }) => restarts);
  return `${upTo}${amountsInWords(amounts, noun)} in ${span}`;
}

/** Without a noun, only the numbers. */
function amountsInWords(amounts: readonly number[], noun: string): string {
  const least = Math.min(...amounts);
  const most = Math.max(...amounts);
  const range = least === most ? '' : `${least} to `;
  return `${range}${noun === '' ? most : wording.count(most, noun)}`;
}

/** `the last hour`; samples are seldom taken exactly an hour apart. */
export function spanInWords(ms: number): string {
  if (Math.abs(ms - HOUR_MS) <= 90_000) return 'the last hour';
  if (Math.abs(ms - 24 * HOUR_MS) <= HOUR_MS) return 'the last day';
  if (ms < 2 * 60_000) return 'the last minute';
  return `the last ${ms < IN_MINUTES_MS ? wording.count(Math.floor(ms / 60_000), 'minute') : wording.span(ms)}`;
}
