const OFFSET = /^(?:(?:UTC|GMT)?(?<sign>[+-])(?<hours>\d\d?)(?::?(?<minutes>\d\d))?|UTC|GMT|Z)$/;
const MINUTE_MS = 60_000;
/** Offsets change at whole quarters of an hour. */
const CACHED_MS = 15 * MINUTE_MS;
const MAX_CACHED = 1_000;

/** Whether it is `UTC`, an offset such as `+02:00`, or a zone of IANA such as `Europe/Berlin`. */
export function isTimeZone(zone: string): boolean {
  if (OFFSET.test(zone)) return fixedOffset(zone) !== undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** The offset of a zone from UTC in minutes, by local time: of two in the hour that is repeated in autumn, the one in summer. */
export function offsetIn(zone: string): number | ((localMs: number) => number) {
  const fixed = fixedOffset(zone);
  if (fixed !== undefined) return fixed;
  const format = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' });
  const offsetAt = (atMs: number): number => {
    const name = format.formatToParts(atMs).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    return fixedOffset(name) ?? 0;
  };
  const cached = new Map<number, number>();
  return (localMs) => {
    const key = Math.floor(localMs / CACHED_MS);
    const known = cached.get(key);
    if (known !== undefined) return known;
    // The offset before the local time counts, as it did until the clocks were set back.
    const before = offsetAt(localMs - 24 * 60 * MINUTE_MS);
    const isBefore = offsetAt(localMs - before * MINUTE_MS) === before;
    const offset = isBefore ? before : offsetAt(localMs - offsetAt(localMs) * MINUTE_MS);
    if (cached.size >= MAX_CACHED) cached.clear();
    cached.set(key, offset);
    return offset;
  };
}

function fixedOffset(zone: string): number | undefined {
  const match = OFFSET.exec(zone);
  if (!match) return undefined;
  const { sign, hours = '0', minutes = '0' } = match.groups ?? {};
  const total = Number(hours) * 60 + Number(minutes);
  if (Number(minutes) > 59 || total > 14 * 60) return undefined;
  return sign === '-' ? -total : total;
}
