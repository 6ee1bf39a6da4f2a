/**
 * Ids are 64 bits: v3 writes them as decimal text, v2 in hexadecimal, and etcdctl shows them in hexadecimal without leading zeros. Here
 * they are always strings in the format of etcdctl.
 */

/** @returns undefined for 0, which means no member, and for an invalid id. */
export function hexId(decimal: unknown): string | undefined {
  const text = typeof decimal === 'number' && Number.isSafeInteger(decimal) ? String(decimal) : decimal;
  if (typeof text !== 'string' || !/^\d{1,20}$/.test(text)) return undefined;
  return nonZero(BigInt(text));
}

/** Parses an id from v2. */
export function hexIdV2(hex: unknown): string | undefined {
  return typeof hex === 'string' && /^[0-9a-f]{1,16}$/i.test(hex) ? nonZero(BigInt(`0x${hex}`)) : undefined;
}

/** Converts an id to the format of v3. */
export function decimalId(hex: string): string {
  return BigInt(`0x${hex}`).toString();
}

function nonZero(id: bigint): string | undefined {
  return id === 0n ? undefined : id.toString(16);
}
