import { createHash } from 'node:crypto';

/** `f` and 10 hex digits: short enough to type. */
export const FINDING_ID = /^f[0-9a-f]{10}$/;

/** Names a finding in commands and buttons: `/wrench silence f3a91c20d4`. Derived from its fingerprint. */
export function findingIdOf(fingerprint: string): string {
  return `f${createHash('sha256').update(fingerprint).digest('hex').slice(0, 10)}`;
}
