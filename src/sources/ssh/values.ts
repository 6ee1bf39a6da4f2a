import { parseJson } from '../../text/parse-json.ts';

/** A whole number of 0 or more, also as text: versions of iproute2 differ. */
export function toCount(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

export function toWord(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** In lower case. Also of InfiniBand; the address of an IP tunnel is none. */
export function toMac(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.trim().toLowerCase() : '';
  return /^[0-9a-f]{2}(?::[0-9a-f]{2}){5,19}$/.test(text) ? text : undefined;
}

/** Leaves out what is unknown. */
export function known<T extends object>(facts: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** The elements of a JSON list of objects, as `ip -j` prints it. Elements of links that have just vanished are empty. undefined if it is anything else. */
export function objectsInJson(text: string): readonly Readonly<Record<string, unknown>>[] | undefined {
  const parsed = parseJson(text);
  if (!Array.isArray(parsed)) return undefined;
  const elements: readonly unknown[] = parsed;
  if (!elements.every((one) => typeof one === 'object' && one !== null && !Array.isArray(one)))
    return undefined;
  return (elements as Readonly<Record<string, unknown>>[]).filter((one) => Object.keys(one).length > 0);
}
