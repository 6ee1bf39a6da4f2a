import { activeVersion, contentOf, type KnownCertificate } from '../../shared/managed-chain.ts';
import type { PlanContext } from './plan-context.ts';
import { endOfVersion } from './plan-context.ts';
import { earliest, type Member } from './rotation.ts';

/**
 * Which version of its authority signed what is in use of a certificate. `unsure`: its content wasn't read, and more than one version may have signed it.
 * `former`: a version that is neither in use nor transitional, or no longer exists.
 */
export type SignedBy = 'fresh' | 'old' | 'former' | 'unsure';

export interface SignedCertificate {
  readonly certificate: KnownCertificate;
  readonly by: SignedBy;
  /** When it stops being valid with its chain; the worst case if it isn't known which version signed it. */
  readonly endMs?: number;
  readonly isAuthority: boolean;
}

/** What an authority signed, of which only what is in use counts. */
export function signedCertificates(
  plan: PlanContext,
  authority: KnownCertificate,
): readonly SignedCertificate[] {
  return plan.managed
    .signedBy(authority)
    .filter((one) => one !== authority && activeVersion(one) !== undefined)
    .map((certificate) => describeSigned(plan, certificate, authority));
}

function describeSigned(
  plan: PlanContext,
  certificate: KnownCertificate,
  authority: KnownCertificate,
): SignedCertificate {
  const signer = plan.signerOf(certificate);
  const { fresh, old, phase } = plan.transitionOf(authority);
  // Without a transitional version, the one in use is the newest.
  const used = phase === 'none' ? old : fresh;
  const { endMs } = plan.endOf(certificate);
  const known = {
    certificate,
    isAuthority: isAuthority(plan, certificate),
    ...(endMs !== undefined && { endMs }),
  };
  if (!signer) return { ...known, by: 'unsure' };
  const others = signer.alternatives.filter(({ id }) => id !== signer.version?.id);
  if (signer.known === 'assumed') {
    const isOnlyTrusted = phase === 'trusted' && signer.version?.id === old?.id;
    if (isOnlyTrusted && others.every(({ id }) => id === fresh?.id)) return { ...known, by: 'old' };
    if (others.length > 0 || !signer.version) {
      const worst = earliest([endMs, ...others.map((one) => endOfVersion(authority, one))]);
      return { ...known, by: 'unsure', ...(worst !== undefined && { endMs: worst }) };
    }
  }
  if (signer.version === undefined) return { ...known, by: 'former' };
  if (signer.version.id === used?.id) return { ...known, by: 'fresh' };
  return { ...known, by: signer.version.id === old?.id ? 'old' : 'former' };
}

/** By its content if the manager doesn't say, as old ones don't. What signs itself may be one, and is then rotated with care. */
export function isAuthority(
  { managed }: Pick<PlanContext, 'managed'>,
  certificate: KnownCertificate,
): boolean {
  const { automation, versions, name, signedBy } = certificate;
  const one = activeVersion(certificate) ?? versions[0];
  const read = one && contentOf(certificate, one)?.chain[0].authority;
  const stated = automation?.isAuthority ?? one?.authority ?? read;
  if (stated !== undefined) return stated;
  const isOwnSigner = signedBy?.toLowerCase() === name.toLowerCase();
  return isOwnSigner || managed.signedBy(certificate).some((other) => other !== certificate);
}

export function memberOf(
  { nameOf }: Pick<PlanContext, 'nameOf'>,
  { certificate, endMs }: Pick<SignedCertificate, 'certificate' | 'endMs'>,
  note?: string,
): Member {
  const { place, store, renewable } = certificate;
  const name = nameOf(certificate);
  return {
    name,
    place,
    store,
    renewable: renewable === true,
    ...(endMs !== undefined && { endMs }),
    ...(note !== undefined && { note }),
  };
}
