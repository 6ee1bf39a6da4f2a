/** Repeatable random numbers: the same seed gives the same numbers in the same order. */
export interface Chance {
  /** From 0 to below 1. */
  readonly next: () => number;
  /** A whole number from `from` to `to`, both included. */
  readonly between: (from: number, to: number) => number;
  readonly oneOf: <T>(many: readonly T[]) => T;
  /** Some of them in any order, at most `count`. */
  readonly some: <T>(many: readonly T[], count: number) => readonly T[];
  readonly happens: (share: number) => boolean;
  /**
   * An independent generator for one part of the run, so that the order in which parts run does not affect
   * them.
   */
  readonly apart: (name: string) => Chance;
}

/**
 * Mulberry32, small and good enough for tests:
 * https://gist.github.com/tommyettinger/46a874533244883189143505d203312c
 */
export function makeChance(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  const some: Chance['some'] = (many, count) => {
    const left = [...many];
    const taken = [];
    while (left.length > 0 && taken.length < count)
      taken.push(...left.splice(between(0, left.length - 1), 1));
    return taken;
  };
  return {
    next,
    between,
    oneOf: (many) => {
      const found = many[between(0, many.length - 1)];
      if (found === undefined) throw new Error('nothing to choose from');
      return found;
    },
    some,
    happens: (share) => next() < share,
    apart: (name) => makeChance(Buffer.from(name).reduce((hash, byte) => Math.imul(hash, 31) + byte, seed)),
  };
}
