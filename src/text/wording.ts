/** How Wrench writes durations, times, amounts and lists. Pure: nothing reads a clock. */

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** A twelfth of 365 days, rounded down, so that a year is twelve of them and not eleven. */
const MONTH_MS = 30.4 * DAY_MS;

/** A duration in one unit: hours below two days, days below a hundred, then months, then years. Rounds down. */
export function span(ms: number): string {
  if (!Number.isFinite(ms)) return 'an unknown time';
  const length = Math.abs(ms);
  if (length < MINUTE_MS) return 'less than a minute';
  if (length < HOUR_MS) return count(Math.floor(length / MINUTE_MS), 'minute');
  if (length < 2 * DAY_MS) return count(Math.floor(length / HOUR_MS), 'hour');
  if (length < 100 * DAY_MS) return count(Math.floor(length / DAY_MS), 'day');
  if (length < 36 * MONTH_MS) return count(Math.floor(length / MONTH_MS), 'month');
  return count(Math.floor(length / (12 * MONTH_MS)), 'year');
}

/** A configured duration, without rounding: `5 minutes`, `90 seconds`, `1 hour 30 minutes`. */
export function period(ms: number): string {
  if (!Number.isFinite(ms)) return 'an unknown time';
  const length = Math.abs(ms);
  if (length < 2 * MINUTE_MS && length !== MINUTE_MS) return count(length / 1_000, 'second');
  const parts = [
    count(Math.floor(length / HOUR_MS), 'hour'),
    count(Math.floor((length % HOUR_MS) / MINUTE_MS), 'minute'),
    count((length % MINUTE_MS) / 1_000, 'second'),
  ];
  return parts.filter((part) => !part.startsWith('0 ')).join(' ');
}

/** A time in UTC: `2019-07-12 22:25 UTC`. */
export function utcTime(date: Date): string {
  const ms = date.getTime();
  return Number.isNaN(ms) ? 'no readable date' : `${date.toISOString().slice(0, -8).replace('T', ' ')} UTC`;
}

/** A time for machines: ISO 8601 in UTC, from milliseconds since the epoch. */
export function isoTimestamp(ms: number): string {
  return new Date(ms).toISOString();
}

/** A day in UTC, for sentences: `3 March 2027`. */
export function calendarDay(date: Date): string {
  if (Number.isNaN(date.getTime())) return 'no readable date';
  return date.toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  });
}

/** `1 certificate`, `3 certificates`: the plural adds an s unless given. */
export function count(amount: number, noun: string, plural = `${noun}s`): string {
  return `${amount} ${amount === 1 ? noun : plural}`;
}

/** `a`, `a and b`, `a, b and 7 more`: at most `most` names. `total` also counts those that are not in the list. */
export function list(words: readonly string[], most = 3, total = words.length): string {
  const named = words.slice(0, most);
  const rest = total - named.length;
  if (rest > 0) return `${named.join(', ')} and ${rest} more`;
  const last = named.at(-1) ?? '';
  return named.length < 2 ? last : `${named.slice(0, -1).join(', ')} and ${last}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** In decimal units, as in `etcdctl endpoint status`: 2 GiB are `2.1 GB`. */
export function bytes(amount: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(amount, 1)) / 3), UNITS.length - 1);
  const scaled = amount / 1_000 ** power;
  return `${Number(scaled.toFixed(scaled < 9.95 && power > 0 ? 1 : 0))} ${UNITS[power]}`;
}

/** `12%`, rounded down: a share below 1 is never `100%`, and one above 0 never `0%`. */
export function percent(share: number): string {
  if (share > 0 && share < 0.01) return 'less than 1%';
  // 0.29 * 100 is a little less than 29 in floating point, and so is 29% of a size in whole bytes.
  const whole = Math.floor(share * 100 + 1e-6);
  return `${share < 1 ? Math.min(whole, 99) : whole}%`;
}

/** `12 GB`, `3 days left`, but `61%` and `61% used`. */
export function withUnit(number: string, unit: string): string {
  return unit === '' || unit.startsWith('%') ? `${number}${unit}` : `${number} ${unit}`;
}

/** `8.9 s`; from two minutes on as {@link span}. */
export function elapsed(ms: number): string {
  return Math.abs(ms) < 2 * MINUTE_MS ? `${Number((ms / 1_000).toFixed(1))} s` : span(ms);
}

/** Capitalizes the first letter, unless the text begins with one of `names`, which keep their spelling. */
export function capitalize(text: string, names: readonly string[] = []): string {
  if (names.some((name) => text.startsWith(`${name} `) || text.startsWith(`${name},`))) return text;
  return text.charAt(0).toUpperCase() + text.slice(1);
}
