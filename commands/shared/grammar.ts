import { wording } from '../kit.ts';

/** A predicate for one subject and for several: `is failing`, `are failing`. */
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

/** The form of the predicate that agrees with this amount. */
export function agree(amount: number, { one, many }: Predicate): string {
  return amount === 1 ? one : many;
}

/** `the only node`, `both nodes`, `all 12 nodes`. */
export function allOf(amount: number, noun: string, plural = `${noun}s`): string {
  if (amount === 1) return `the only ${noun}`;
  return amount === 2 ? `both ${plural}` : `all ${amount} ${plural}`;
}

/** What part of all has a problem: `3 of 41 nodes`, `all 3 nodes`, `both nodes`; `1 node` if there is only one. */
export function shareOf(amount: number, total: number, noun: string): string {
  if (amount < total) return `${amount} of ${total} ${noun}s`;
  return total === 1 ? `1 ${noun}` : allOf(total, noun);
}

/** `doppler_z1/0 and doppler_z2/0 are failing`: names the first `most`, and counts the others. */
export function say(names: readonly string[], predicate: Predicate, most?: number): string {
  return `${wording.list(names, most)} ${agree(names.length, predicate)}`;
}
