import type { X509Certificate } from 'node:crypto';
import { isIssuedBy } from './x509.ts';

/**
 * Builds chains from an unordered set (PKCS#7 sorts certificates by their bytes, PKCS#12 has no order): each certificate that issued no other is a
 * leaf, followed by those of its issuers that are in the set. An issuer of two leaves is in both chains.
 */
export function arrangeChains(certificates: readonly X509Certificate[]): X509Certificate[][] {
  const unique = [
    ...new Map(certificates.map((certificate) => [certificate.fingerprint256, certificate])).values(),
  ];
  const bySubject = Map.groupBy(unique, ({ subject }) => subject);
  const issuers = new Map<X509Certificate, X509Certificate>();
  for (const certificate of unique) {
    const candidates = bySubject.get(certificate.issuer)?.slice(0, MAX_CANDIDATES) ?? [];
    if (isIssuedBy(certificate, certificate)) continue;
    const issuer = candidates.find(
      (candidate) => candidate !== certificate && isIssuedBy(certificate, candidate),
    );
    if (issuer) issuers.set(certificate, issuer);
  }
  const issuing = new Set(issuers.values());
  const leaves = unique.filter((certificate) => !issuing.has(certificate));
  // Two authorities that sign each other have no leaf; each is listed on its own rather than not at all.
  return leaves.length > 0
    ? leaves.map((leaf) => pathFrom(leaf, issuers))
    : unique.map((certificate) => [certificate]);
}

/** Authorities with one name differ by key after renewals. Hundreds of them can only be meant to be slow. */
const MAX_CANDIDATES = 10;

function pathFrom(
  leaf: X509Certificate,
  issuers: ReadonlyMap<X509Certificate, X509Certificate>,
): X509Certificate[] {
  const path = new Set<X509Certificate>();
  for (let next: X509Certificate | undefined = leaf; next && !path.has(next); next = issuers.get(next))
    path.add(next);
  return [...path];
}
