import { randomBytes } from 'node:crypto';

/** A set of keys, stored as 64-bit fingerprints outside the JavaScript heap: 150,000 keys take 4 MB. */
export interface SeenKeys {
  /** @returns whether the key is new. */
  readonly add: (key: string) => boolean;
}

const FIRST_SLOTS = 1_024;

/**
 * An open-addressing hash set. The probability that any two of 150,000 keys share a fingerprint is about 1 in 10⁹. Each set has its own
 * random seed, so no one can choose names of pods that collide.
 */
export function makeSeenKeys(): SeenKeys {
  const seed = randomBytes(8);
  const seeds = [seed.readUInt32LE(0), seed.readUInt32LE(4)] as const;
  let slots = new Uint32Array(2 * FIRST_SLOTS);
  let size = 0;

  const insert = (into: Uint32Array, high: number, low: number): boolean => {
    const mask = into.length / 2 - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const [storedHigh, storedLow] = [into[2 * slot], into[2 * slot + 1]];
      if (storedHigh === high && storedLow === low) return false;
      if (storedHigh === 0 && storedLow === 0) {
        into[2 * slot] = high;
        into[2 * slot + 1] = low;
        return true;
      }
    }
  };

  const grow = (): void => {
    const larger = new Uint32Array(2 * slots.length);
    for (let at = 0; at < slots.length; at += 2) {
      const [high, low] = [slots[at]!, slots[at + 1]!];
      if (high !== 0 || low !== 0) insert(larger, high, low);
    }
    slots = larger;
  };

  return {
    add: (key) => {
      const [high, low] = fingerprint(key, seeds);
      const isNew = insert(slots, high, low);
      if (isNew && ++size * 4 > slots.length) grow();
      return isNew;
    },
  };
}

/** cyrb53 by bryc (public domain), with all 64 bits of its state: https://github.com/bryc/code/blob/master/jshash/experimental/cyrb53.js */
function fingerprint(key: string, seeds: readonly [number, number]): readonly [number, number] {
  let [high, low] = [0xde_ad_be_ef ^ seeds[0], 0x41_c6_ce_57 ^ seeds[1]];
  for (let index = 0; index < key.length; index++) {
    const code = key.charCodeAt(index);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  // 0, 0 marks an empty slot.
  return [high >>> 0, low >>> 0 || 1];
}
