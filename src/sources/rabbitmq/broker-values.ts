import { printable } from '../../wire/x509.ts';

// These take values instead of names of properties: a property that is read by its own expression is found much faster, and lists of queues have many.

/** A number, or a text that is one. RabbitMQ writes words such as `unknown` if it has none. */
export function numberOrText(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'string' && /^\s*-?\d{1,15}(\.\d+)?\s*$/.test(value) ? Number(value) : undefined;
}

/** A number that can't be below 0. */
export function countOf(value: unknown): number | undefined {
  const number = numberOrText(value);
  return number === undefined || number < 0 ? undefined : number;
}

export function flagIn(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  return value === 'true' ? true : value === 'false' ? false : undefined;
}

export function nameOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? printable(value) : undefined;
}

/** @returns undefined if it is not a list, or if something other than texts is in it. */
export function namesOf(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.every((one): one is string => typeof one === 'string')
    ? value.map((one) => printable(one))
    : undefined;
}

type Unknowable<Facts> = { [Key in keyof Facts]: undefined extends Facts[Key] ? Key : never }[keyof Facts];
type Known<Facts extends object> = Omit<Facts, Unknowable<Facts>> & {
  [Key in Unknowable<Facts>]?: Exclude<Facts[Key], undefined>;
};

/** Only what is known, so that what is unknown is absent. */
export function knownFacts<Facts extends object>(facts: Facts): Known<Facts> {
  for (const key in facts) if (facts[key] === undefined) return withKnown({}, facts);
  return facts;
}

/** Adds only what is known to an object. */
export function withKnown<Base extends object, Facts extends object>(
  base: Base,
  facts: Facts,
): Base & Known<Facts> {
  const added = base as Partial<Facts>;
  for (const key in facts) if (facts[key] !== undefined) added[key] = facts[key];
  return base as Base & Known<Facts>;
}
