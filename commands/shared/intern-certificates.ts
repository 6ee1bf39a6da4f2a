import type { ports } from '../kit.ts';

export interface Interner {
  readonly place: <P extends Omit<ports.SeenPlace, 'path'>>(place: P) => P;
  readonly content: (content: ports.VersionContent) => ports.VersionContent;
}

/** Keeps each certificate once: the same authority is stored beside each of 50,000 leaves. */
export function intern(): Interner {
  const byFingerprint = new Map<string, ports.Certificate>();
  const once = (certificate: ports.Certificate): ports.Certificate => {
    const known = byFingerprint.get(certificate.fingerprint);
    if (known) return known;
    byFingerprint.set(certificate.fingerprint, certificate);
    return certificate;
  };
  const chainOf = ([leaf, ...others]: ports.SeenPlace['chain']): ports.SeenPlace['chain'] => [
    once(leaf),
    ...others.map(once),
  ];
  return {
    place: (place) => ({
      ...place,
      chain: chainOf(place.chain),
      ...(place.trusts && { trusts: place.trusts.map(once) }),
    }),
    content: (content) => ({
      ...content,
      chain: chainOf(content.chain),
      trusts: content.trusts.map(once),
    }),
  };
}
