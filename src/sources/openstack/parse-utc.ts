/** A time of an OpenStack API, which is in UTC even without a zone: `2026-11-26T11:59:48.000000`, `2026-11-26 11:59:48`. */
export function parseUtc(text: string | undefined): Date | undefined {
  if (text === undefined || !/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d/.test(text)) return undefined;
  const iso = text.replace(' ', 'T');
  const parsed = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`);
  return Number.isNaN(parsed.getTime()) ? undefined : parsed;
}
