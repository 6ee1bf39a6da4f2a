// oxlint-disable-next-line no-restricted-imports -- hashing is pure
import { createHash } from 'node:crypto';

/** Identifies texts: the first 16 hexadecimal digits of a SHA-256. */
export function contentHash(...texts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 16);
}
