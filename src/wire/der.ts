/** One element of DER (X.690), with the offsets of its content in the bytes that it was read from. */
export interface Element {
  readonly tag: number;
  /** Where the element starts, including its tag. */
  readonly from: number;
  readonly start: number;
  readonly end: number;
  /** Where the next element starts: `end`, except after the end mark of an indefinite length. */
  readonly next: number;
}

export const tags = { integer: 0x02, bitString: 0x03, oid: 0x06, sequence: 0x30, context0: 0xa0 } as const;

const MAX_DEPTH = 32;

/**
 * Reads the element at an offset, with a one-byte tag; also BER's indefinite length, which Java and Windows write in PKCS#7. @throws {RangeError} if
 * there is none, or it would extend past the end.
 */
export function readElement(bytes: Uint8Array, from: number, limit = bytes.length, depth = 0): Element {
  const tag = byteAt(bytes, from, limit);
  if ((tag & 0x1f) === 0x1f || depth > MAX_DEPTH) throw new RangeError('not DER');
  const first = byteAt(bytes, from + 1, limit);
  if (first === 0x80) return readIndefinite(bytes, from, limit, depth);
  let start = from + 2;
  let length = first;
  if (first > 0x80) {
    const size = first & 0x7f;
    if (size > 4) throw new RangeError('not DER');
    length = 0;
    for (let index = 0; index < size; index += 1) length = length * 256 + byteAt(bytes, start + index, limit);
    start += size;
  }
  if (start + length > limit) throw new RangeError('DER is truncated');
  return { tag, from, start, end: start + length, next: start + length };
}

function readIndefinite(bytes: Uint8Array, from: number, limit: number, depth: number): Element {
  const start = from + 2;
  let at = start;
  while (byteAt(bytes, at, limit) !== 0 || byteAt(bytes, at + 1, limit) !== 0) {
    at = readElement(bytes, at, limit, depth + 1).next;
  }
  return { tag: byteAt(bytes, from, limit), from, start, end: at, next: at + 2 };
}

/** Where the element at an offset ends; undefined if there is none, or it would extend past the end. */
export function endOfElement(bytes: Uint8Array, at: number): number | undefined {
  try {
    return readElement(bytes, at).next;
  } catch {
    return undefined;
  }
}

/** The elements inside one. @throws {RangeError} as `readElement` does. */
export function* readChildren(bytes: Uint8Array, parent: Element): Generator<Element, void, undefined> {
  for (let at = parent.start; at < parent.end;) {
    const child = readElement(bytes, at, parent.end);
    yield child;
    at = child.next;
  }
}

function byteAt(bytes: Uint8Array, at: number, limit: number): number {
  const byte = at < limit ? bytes[at] : undefined;
  if (byte === undefined) throw new RangeError('DER is truncated');
  return byte;
}
