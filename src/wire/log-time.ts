/** How the times of a log are understood. */
export interface LogClock {
  /** When the log was read: a time without a year is the last one before it, or at most a day after it. */
  readonly now: Date;
  /**
   * The offset from UTC of times without a zone, in minutes. A function gets the local time as if it were UTC. Default: 0, and times in a zone that
   * isn't known are not understood.
   */
  readonly utcOffsetMinutes?: number | ((localMs: number) => number) | undefined;
}

/** A time at the beginning of a text. */
export interface LogTime {
  readonly at: Date;
  /** IOS writes `*` in front of it if the clock was never set, so that it may count from the boot. */
  readonly isUnset: boolean;
  /** What comes after it and its zone. */
  readonly rest: string;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** 29 February may be 8 years ago: there was none in 1900. */
const MAX_YEARS_BACK = 8;

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH = `(?<month>${MONTHS.join('|')})`;
const DAY_NAME = '(?:(?:mon|tue|wed|thu|fri|sat|sun),? +)?';
const CLOCK = String.raw`(?<hours>\d\d):(?<minutes>\d\d):(?<seconds>\d\d)(?:[.,](?<fraction>\d{1,9}))?`;

const FORMATS = [
  // RFC 3164 and the variants of switches: `Nov 26 11:40:03`, `Nov  6 2026 11:40:03`, `*Mar  1 00:01:23.456`, `[Thu Nov 26 11:40:03 2026]`
  String.raw`^(?<mark>[*.])?\[?${DAY_NAME}${MONTH} +(?<day>\d{1,2}) (?:(?<year>\d{4}) )?${CLOCK}(?: (?<lateYear>[12]\d{3})(?=[\s\]]|: |$))?`,
  // RFC 3339, journalctl and Python: `2026-11-26T11:40:03.123456`, `Thu 2026-11-26 11:40:03`
  String.raw`^${DAY_NAME}(?<year>\d{4})-(?<monthNumber>\d\d)-(?<day>\d\d)[t ]${CLOCK}`,
  // NX-OS: `2026 Nov 26 10:31:07.123`
  String.raw`^(?<mark>[*.])?(?<year>\d{4}) ${MONTH} +(?<day>\d{1,2}) ${CLOCK}`,
].map((source) => new RegExp(source, 'i'));
/** `journalctl -o short-unix`. */
const EPOCH = /^(?<seconds>\d{9,10})\.(?<fraction>\d{3,6})(?= )/;

const OFFSET = /^ ?(?:Z|(?:UTC|GMT)?(?<sign>[+-])(?<hours>\d\d?)(?::?(?<minutes>\d\d))?)(?=[\s:\]]|$)/;
const ZONE_NAME = /^ (?<name>[A-Z]{3,5})(?=[\s:\]]|$)/;
/** Names with one common meaning, in minutes. `CST`, `IST` and `BST` have several. */
const ZONES: Readonly<Record<string, number>> = {
  UTC: 0,
  GMT: 0,
  CET: 60,
  CEST: 120,
  EET: 120,
  EEST: 180,
  MSK: 180,
  JST: 540,
  KST: 540,
  AEST: 600,
  AEDT: 660,
  NZST: 720,
  NZDT: 780,
  EST: -300,
  EDT: -240,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420,
};

/** Reads the time at the beginning of a text. undefined if there is none, or if it isn't valid. */
export function readLogTime(text: string, clock: LogClock): LogTime | undefined {
  const epoch = EPOCH.exec(text);
  if (epoch) {
    const atMs = Number(epoch.groups?.['seconds']) * 1_000 + fractionMs(epoch.groups?.['fraction']);
    return { at: new Date(atMs), isUnset: false, rest: text.slice(epoch[0].length) };
  }
  for (const format of FORMATS) {
    const match = format.exec(text);
    if (match) return toLogTime(match, clock);
  }
  return undefined;
}

function toLogTime(match: RegExpExecArray, clock: LogClock): LogTime | undefined {
  const groups: Groups = match.groups ?? {};
  const { rest, offsetMinutes } = readZone(match.input.slice(match[0].length), clock);
  if (offsetMinutes === undefined) return undefined;
  const year = groups['year'] ?? groups['lateYear'];
  const atMs =
    year === undefined
      ? nearestMs(groups, offsetMinutes, clock.now)
      : toMs(Number(year), groups, offsetMinutes);
  return atMs === undefined
    ? undefined
    : { at: new Date(atMs), isUnset: groups['mark'] === '*', rest: rest.replace(/^\]/, '') };
}

type Groups = Readonly<Record<string, string | undefined>>;
type OffsetMinutes = NonNullable<LogClock['utcOffsetMinutes']>;

/** `offsetMinutes` is undefined for a zone that isn't known. */
function readZone(text: string, clock: LogClock): { rest: string; offsetMinutes?: OffsetMinutes } {
  const offset = OFFSET.exec(text);
  if (offset) {
    const { sign, hours = '0', minutes = '0' } = offset.groups as Groups;
    const offsetMinutes = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
    return { rest: text.slice(offset[0].length), offsetMinutes };
  }
  const local = clock.utcOffsetMinutes;
  const [written, name = ''] = ZONE_NAME.exec(text) ?? [];
  if (written === undefined) return { rest: text, offsetMinutes: local ?? 0 };
  const rest = text.slice(written.length);
  const known = ZONES[name];
  if (known !== undefined) return { rest, offsetMinutes: known };
  // Only between a time and a message of a switch is another word a zone. Elsewhere it is a host: `Nov 26 11:40:03 EDGE dnsmasq[1]: …`.
  if (!/^: *%/.test(rest)) return { rest: text, offsetMinutes: local ?? 0 };
  return { rest, ...(local !== undefined && { offsetMinutes: local }) };
}

/** The last such time that is at most a day after `now`. */
function nearestMs(groups: Groups, offsetMinutes: OffsetMinutes, now: Date): number | undefined {
  const latestMs = now.getTime() + DAY_MS;
  const newest = new Date(latestMs).getUTCFullYear() + 1;
  for (let year = newest; year >= newest - 1 - MAX_YEARS_BACK; year -= 1) {
    const atMs = toMs(year, groups, offsetMinutes);
    if (atMs !== undefined && atMs <= latestMs) return atMs;
  }
  return undefined;
}

function toMs(year: number, groups: Groups, offsetMinutes: OffsetMinutes): number | undefined {
  const { month = '', monthNumber } = groups;
  const monthIndex =
    monthNumber === undefined ? MONTHS.indexOf(month.toLowerCase()) : Number(monthNumber) - 1;
  const [day, hours, minutes, seconds] = ['day', 'hours', 'minutes', 'seconds'].map((key) =>
    Number(groups[key]),
  ) as [number, number, number, number];
  // 60 is a leap second.
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const date = new Date(Date.UTC(year, monthIndex, day));
  if (date.getUTCMonth() !== monthIndex || date.getUTCDate() !== day) return undefined;
  const localMs =
    date.getTime() + ((hours * 60 + minutes) * 60 + seconds) * 1_000 + fractionMs(groups['fraction']);
  return localMs - (typeof offsetMinutes === 'number' ? offsetMinutes : offsetMinutes(localMs)) * MINUTE_MS;
}

function fractionMs(digits = '0'): number {
  return Math.floor(Number(`0.${digits}`) * 1_000);
}
