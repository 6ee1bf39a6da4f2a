import { type FoundContent, isNoContent, NO_CONTENT } from './found-content.ts';

/** Bytes that a text contains in encoded form, between two offsets. */
export interface Encoded {
  readonly from: number;
  readonly to: number;
  readonly bytes: Buffer;
}

/** What was found between two offsets of a text. */
export interface EncodedPart {
  readonly from: number;
  readonly to: number;
  readonly contents: FoundContent;
}

/** In characters of base64. Shorter values contain no certificate: the smallest in use have some 250 bytes. */
export const MIN_ENCODED_LENGTH = 160;

/** Reads candidates until a number of bytes is used up. */
export interface DecodeBudget {
  /** Undefined if nothing was found, or the bytes are used up. */
  readonly attempt: (encoded: Encoded) => EncodedPart | undefined;
  readonly isSpent: () => boolean;
}

export function startDecoding(read: (bytes: Buffer) => FoundContent, bytes: number): DecodeBudget {
  let left = bytes;
  return {
    attempt: (encoded) => {
      left -= encoded.bytes.length;
      const contents = left < 0 ? NO_CONTENT : read(encoded.bytes);
      return isNoContent(contents) ? undefined : { from: encoded.from, to: encoded.to, contents };
    },
    isSpent: () => left < 0,
  };
}
