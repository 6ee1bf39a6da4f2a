import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';

/** Authorities that need not be served, because clients have them. */
export interface TrustedRoots {
  readonly bySubject: (subject: string) => readonly X509Certificate[];
  /** Whether this very certificate was configured as trusted; public roots are not asked here. */
  readonly isConfigured: (certificate: X509Certificate) => boolean;
}

/**
 * Whether what was served or stored is enough for a client, judged without dates and without this machine's trust store:
 * - `complete` the leaf's path ends at a self-signed certificate in the chain, at a configured one, or below a known root;
 * - `self-signed` the leaf signs itself and was not configured as trusted;
 * - `broken` an issuer of the right name is there, but its key does not verify the signature;
 * - `incomplete` the last issuer on the path is not there, and is no known root.
 */
export type PathState = 'complete' | 'incomplete' | 'self-signed' | 'broken';

/** Order does not matter after the leaf, and certificates that are no part of its path are passed over, as clients do. */
export function judgePath(
  chain: readonly [X509Certificate, ...X509Certificate[]],
  roots: TrustedRoots,
): PathState {
  const [leaf] = chain;
  if (isSelfSigned(leaf)) return roots.isConfigured(leaf) ? 'complete' : 'self-signed';
  // Each certificate is climbed from once: a server may send rings of authorities that sign one another, in any number.
  const reached = new Set([leaf]);
  let broken = false;
  for (const from of reached) {
    if (roots.isConfigured(from) || isSelfSigned(from)) return 'complete';
    if (roots.bySubject(from.issuer).some((root) => isSignedBy(from, root))) return 'complete';
    const named = chain.filter((candidate) => candidate.subject === from.issuer);
    const issuers = named.filter((candidate) => isSignedBy(from, candidate));
    for (const issuer of issuers) reached.add(issuer);
    broken ||= named.length > 0 && issuers.length === 0;
  }
  return broken ? 'broken' : 'incomplete';
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && isSignedBy(certificate, certificate);
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    // A key or an algorithm that this OpenSSL does not know verifies nothing.
    return false;
  }
}

/** The roots that come with Node (Mozilla's), and those configured. */
export function trustRoots(configured: readonly X509Certificate[]): TrustedRoots {
  const own = indexBySubject(configured);
  const fingerprints = new Set(configured.map(({ fingerprint256 }) => fingerprint256));
  return {
    bySubject: (subject) => [...(own.get(subject) ?? []), ...(publicRoots().get(subject) ?? [])],
    isConfigured: (certificate) => fingerprints.size > 0 && fingerprints.has(certificate.fingerprint256),
  };
}

type Index = ReadonlyMap<string, readonly X509Certificate[]>;

let parsedPublicRoots: Index | undefined;

/** Parsed at the first need, once for the process: some 150 roots, 20 ms, about 1 MB. */
function publicRoots(): Index {
  parsedPublicRoots ??= indexBySubject(rootCertificates.map((pem) => new X509Certificate(pem)));
  return parsedPublicRoots;
}

function indexBySubject(certificates: readonly X509Certificate[]): Index {
  return Map.groupBy(certificates, ({ subject }) => subject);
}
