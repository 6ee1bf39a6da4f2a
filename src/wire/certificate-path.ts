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
  const [leaf, ...others] = chain;
  if (isSelfSigned(leaf)) return roots.isConfigured(leaf) ? 'complete' : 'self-signed';
  return climb(leaf, others, roots);
}

function climb(from: X509Certificate, others: readonly X509Certificate[], roots: TrustedRoots): PathState {
  if (roots.isConfigured(from) || isSelfSigned(from)) return 'complete';
  let state: PathState = 'incomplete';
  for (const candidate of others) {
    if (candidate.subject !== from.issuer) continue;
    if (!isSignedBy(from, candidate)) {
      if (state === 'incomplete') state = 'broken';
      continue;
    }
    // Cross-signed authorities come twice, under one name and key: each is a path of its own.
    const rest = others.filter((other) => other !== candidate);
    if (climb(candidate, rest, roots) === 'complete') return 'complete';
    state = 'incomplete';
  }
  return roots.bySubject(from.issuer).some((root) => isSignedBy(from, root)) ? 'complete' : state;
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
