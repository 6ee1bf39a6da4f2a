import { type Held, isNothing, nothing } from './found-content.ts';

/** Bytes that a text holds in encoded form, between two offsets. */
export interface Encoded {
  readonly from: number;
  readonly to: number;
  readonly bytes: Buffer;
}

/** What was found between two offsets of a text. */
export interface Part {
  readonly from: number;
  readonly to: number;
  readonly held: Held;
}

/** In characters of base64. Shorter ones hold no certificate: the smallest in use have some 250 bytes. */
export const SHORTEST = 160;

/** Reads candidates until a number of bytes is used up. */
export interface Trial {
  /** Undefined where nothing is in it, and where the bytes are used up. */
  readonly attempt: (encoded: Encoded) => Part | undefined;
  readonly isSpent: () => boolean;
}

export function startTrial(read: (bytes: Buffer) => Held, bytes: number): Trial {
  let left = bytes;
  return {
    attempt: (encoded) => {
      left -= encoded.bytes.length;
      const held = left < 0 ? nothing : read(encoded.bytes);
      return isNothing(held) ? undefined : { from: encoded.from, to: encoded.to, held };
    },
    isSpent: () => left < 0,
  };
}
