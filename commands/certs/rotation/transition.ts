import type { ports } from '../../kit.ts';
import { activeVersion } from '../../shared/managed-chain.ts';

/**
 * How far the rotation of an authority has come that has a transitional version:
 * https://github.com/pivotal/credhub-release/blob/main/docs/ca-rotation.md
 *
 * `none`: no version is transitional. `trusted`: the new version is transitional, so that it is trusted, and the old one still signs. `used`: the flag
 * was moved to the old version, so that the new one signs.
 *
 * A version on each side of the one in use: someone added a version before the former rotation was finished. That one must be finished first, because
 * moving the flag takes it from the version that still signs something.
 */
export interface Transition {
  readonly phase: 'none' | 'trusted' | 'used';
  readonly fresh?: ports.CertificateVersion;
  readonly old?: ports.CertificateVersion;
  /** The version that the next rotation is about, while this one isn't finished. */
  readonly next?: ports.CertificateVersion;
  /** How many versions are transitional. Old servers may list one twice. */
  readonly transitional: number;
}

export function transitionOf(certificate: Pick<ports.ManagedCertificate, 'versions'>): Transition {
  const versions = [...new Map(certificate.versions.map((one) => [one.id, one])).values()];
  const active = activeVersion({ versions });
  const flagged = versions.filter(({ transitional }) => transitional);
  const [newest] = flagged;
  const transitional = flagged.length;
  if (!newest) return { phase: 'none', ...(active && { old: active }), transitional };
  if (!active) return { phase: 'trusted', fresh: newest, transitional };
  const isNewer = (one: ports.CertificateVersion) => versions.indexOf(one) < versions.indexOf(active);
  const old = flagged.find((one) => !isNewer(one));
  if (!old) return { phase: 'trusted', fresh: newest, old: active, transitional };
  return { phase: 'used', fresh: active, old, ...(isNewer(newest) && { next: newest }), transitional };
}
