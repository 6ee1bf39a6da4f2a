import { Cron } from 'croner';
import { nearest } from './nearest.ts';

/** When something runs: five cron fields, in an IANA time zone. */
export interface CronSchedule {
  readonly cron: string;
  readonly timeZone: string;
}

const FIELDS = 5;
const HOUR_MS = 3_600_000;
/** How far to search back for the latest run, nearest first, so that few runs are enumerated even after years without one. */
const LOOK_BACK_MS = [HOUR_MS, 24 * HOUR_MS, 8 * 24 * HOUR_MS, 32 * 24 * HOUR_MS, 367 * 24 * HOUR_MS];

/**
 * The first run after a time, in milliseconds since the epoch.
 *
 * A fixed time that daylight saving skips runs at the first time after the gap, and one that occurs twice runs at its first occurrence. What runs
 * every few minutes or every hour runs through both occurrences.
 */
export function nextRunMs(schedule: CronSchedule, afterMs: number): number | undefined {
  return open(schedule).nextRun(new Date(afterMs))?.getTime();
}

/** The next runs after a time, at most `count`. */
export function nextRunsMs(schedule: CronSchedule, afterMs: number, count: number): readonly number[] {
  const cron = open(schedule);
  const runs: number[] = [];
  for (let atMs: number | undefined = afterMs; runs.length < count;) {
    atMs = cron.nextRun(new Date(atMs))?.getTime();
    if (atMs === undefined) break;
    runs.push(atMs);
  }
  return runs;
}

/** The latest run in `(afterMs, untilMs]`; undefined if there is none. */
export function latestRunMs(schedule: CronSchedule, afterMs: number, untilMs: number): number | undefined {
  const cron = open(schedule);
  const next = (fromMs: number) => {
    const atMs = cron.nextRun(new Date(fromMs))?.getTime();
    return atMs !== undefined && atMs <= untilMs ? atMs : undefined;
  };
  if (next(afterMs) === undefined) return undefined;
  const starts = [...LOOK_BACK_MS.map((backMs) => untilMs - backMs), afterMs];
  for (const fromMs of starts) {
    let latest: number | undefined;
    for (let atMs = next(Math.max(afterMs, fromMs)); atMs !== undefined; atMs = next(atMs)) latest = atMs;
    if (latest !== undefined) return latest;
  }
  return undefined;
}

/** The problem with a cron expression, for people; undefined if it is valid. */
export function explainCron(cron: string): string | undefined {
  const fields = cron.trim().split(/\s+/).filter(Boolean).length;
  if (fields !== FIELDS) {
    const found = fields === 1 ? '1 field' : `${fields} fields`;
    return `\`${cron.slice(0, 60)}\` has ${found}, not five: minute, hour, day of the month, month and day of the week, as in \`30 7 * * 1-5\``;
  }
  try {
    // Every combination of a date and a day of the week occurs within the next 28 years.
    const first = nextRunMs({ cron, timeZone: 'UTC' }, Date.UTC(2026, 0, 1));
    return first === undefined ? `\`${cron.slice(0, 60)}\` never runs: this date doesn't exist` : undefined;
  } catch (error) {
    const because = (error as Error).message.replace(/^CronPattern: /, '');
    return `\`${cron.slice(0, 60)}\` is not a valid cron expression: ${because}`;
  }
}

/** The name that was probably meant, if any, for an invalid name of a time zone; undefined if the name is valid. */
export function explainTimeZone(name: string): { readonly meant?: string } | undefined {
  try {
    // Offsets such as `+01:00` would be valid, but have no daylight saving time.
    if (/^[A-Za-z]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name })) return undefined;
  } catch {
    // Unknown: explained below.
  }
  const known = ['UTC', ...Intl.supportedValuesOf('timeZone')];
  const city = (zone: string) => zone.split('/').at(-1) ?? zone;
  const byCity = nearest(city(name), known.map(city));
  const meant = nearest(name, known) ?? known.find((zone) => city(zone) === byCity);
  return meant === undefined ? {} : { meant };
}

function open({ cron, timeZone }: CronSchedule): Cron {
  return new Cron(cron.trim(), { mode: '5-part', timezone: timeZone, fixedTimeRule: 'no-wildcard' });
}
