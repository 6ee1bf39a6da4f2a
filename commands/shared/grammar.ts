import { wording } from '../kit.ts';

/** What a sentence says of one, and of several: `is failing`, `are failing`. */
export interface Predicate {
  readonly one: string;
  readonly many: string;
}

export function be(what: string): Predicate {
  return { one: `is ${what}`, many: `are ${what}` };
}

export function have(what: string): Predicate {
  return { one: `has ${what}`, many: `have ${what}` };
}

/** The form of the predicate for that many. */
export function agree(amount: number, { one, many }: Predicate): string {
  return amount === 1 ? one : many;
}

/** `doppler_z1/0 and doppler_z2/0 are failing`: the first `most` by name, and how many more. */
export function say(names: readonly string[], predicate: Predicate, most?: number): string {
  return `${wording.list(names, most)} ${agree(names.length, predicate)}`;
}
