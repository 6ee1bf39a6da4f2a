import { duration } from '../text/duration.ts';

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/i;
const DAY_MS = 86_400_000;
const MAX_DAYS = 90;

/**
 * Parses the end of a silence: `3d` and `8h` from now, `2026-12-01` for midnight UTC, or an ISO 8601 time with its zone.
 * @returns milliseconds since the epoch, or the problem, for people.
 */
export function readUntil(written: string, nowMs: number): number | string {
  const at = readEnd(written.trim(), nowMs);
  if (typeof at === 'string') return at;
  if (at <= nowMs)
    return `\`--until ${shown(written)}\` is in the past${DATE.test(written.trim()) ? ': a date means midnight UTC' : ''}.`;
  if (at - nowMs > MAX_DAYS * DAY_MS)
    return `\`--until ${shown(written)}\` is too far away: a silence can last at most ${MAX_DAYS} days.`;
  return at;
}

function readEnd(written: string, nowMs: number): number | string {
  const [, zone] = TIME.exec(written) ?? [];
  if (TIME.test(written) && zone === undefined)
    return `\`--until ${shown(written)}\` needs a time zone, such as \`${written.slice(0, 16)}Z\` or \`${written.slice(0, 16)}+01:00\`.`;
  if (DATE.test(written) || zone !== undefined) {
    const at = Date.parse(written.toUpperCase());
    return Number.isNaN(at) || !isRealDate(written)
      ? `Invalid time \`${shown(written)}\` for \`--until\`: this date or time doesn't exist.`
      : at;
  }
  const length = duration.safeParse(written);
  return length.success
    ? nowMs + length.data
    : `Invalid time \`${shown(written)}\` for \`--until\`. Try 3d, 8h, 2026-12-01 or 2026-12-01T09:00Z.`;
}

/** JavaScript parses 30 February as 2 March. */
function isRealDate(written: string): boolean {
  const day = written.slice(0, 10);
  const at = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day);
}

function shown(written: string): string {
  return written.slice(0, 40);
}
