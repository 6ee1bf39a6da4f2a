import { asObject, type JsonObject, numberIn, textIn } from '../../wire/json-object.ts';

/** A timestamp; undefined if it is not set or cannot be parsed. */
export function dateIn(object: JsonObject, key: string): Date | undefined {
  const text = textIn(object, key);
  if (text === undefined || !/^\d{4}-\d\d-\d\dT/.test(text)) return undefined;
  const date = new Date(text);
  // Go writes a zero time as year 1.
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1_970 ? undefined : date;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A number that counts something, or a duration; undefined if it is not a whole number, or is negative. */
export function wholeNumberIn(object: JsonObject, key: string): number | undefined {
  const value = numberIn(object, key);
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** The entries of a map whose values are strings. */
export function textsIn(object: JsonObject, key: string): Readonly<Record<string, string>> {
  const entries = Object.entries(asObject(object[key]));
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** The strings in a list. */
export function textListIn(object: JsonObject, key: string): readonly string[] {
  const value = object[key];
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

/** The string under a key, to be spread; `{}` if there is none. */
export function optionalText<Name extends string>(
  name: Name,
  object: JsonObject,
  key: string = name,
): { readonly [Key in Name]?: string } {
  const text = textIn(object, key);
  return text === undefined ? {} : ({ [name]: text } as { readonly [Key in Name]: string });
}

/** The timestamp under a key, to be spread; `{}` if there is none. */
export function optionalDate<Name extends string>(
  name: Name,
  object: JsonObject,
  key: string = name,
): { readonly [Key in Name]?: Date } {
  const date = dateIn(object, key);
  return date === undefined ? {} : ({ [name]: date } as { readonly [Key in Name]: Date });
}
