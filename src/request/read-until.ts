import { duration } from '../text/duration.ts';

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/i;
const DAY_MS = 86_400_000;
const MAX_DAYS = 90;

/**
 * The end of something as people write it: `3d` and `8h` from now, `2026-12-01` at midnight UTC, or an ISO 8601 time with its zone.
 * @returns milliseconds of the epoch, or what is wrong, for people.
 */
export function readUntil(written: string, nowMs: number): number | string {
  const at = readEnd(written.trim(), nowMs);
  if (typeof at === 'string') return at;
  if (at <= nowMs)
    return `\`--until ${shown(written)}\` is in the past${DATE.test(written.trim()) ? ': a date means midnight UTC' : ''}.`;
  if (at - nowMs > MAX_DAYS * DAY_MS)
    return `\`--until ${shown(written)}\` is too far away: a silence lasts at most ${MAX_DAYS} days.`;
  return at;
}

function readEnd(written: string, nowMs: number): number | string {
  const [, zone] = TIME.exec(written) ?? [];
  if (TIME.test(written) && zone === undefined)
    return `\`--until ${shown(written)}\` needs a time zone, such as \`${written.slice(0, 16)}Z\` or \`${written.slice(0, 16)}+01:00\`.`;
  if (DATE.test(written) || zone !== undefined) {
    const at = Date.parse(written.toUpperCase());
    return Number.isNaN(at) || !isRealDate(written)
      ? `\`--until ${shown(written)}\`: there is no such date or time.`
      : at;
  }
  const length = duration.safeParse(written);
  return length.success
    ? nowMs + length.data
    : '`--until` takes a length of time such as `3d` or `8h`, a date such as `2026-12-01`, or a time with its zone such as `2026-12-01T09:00Z`.';
}

/** JavaScript reads 30 February as 2 March. */
function isRealDate(written: string): boolean {
  const day = written.slice(0, 10);
  const at = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day);
}

function shown(written: string): string {
  return written.slice(0, 40);
}
