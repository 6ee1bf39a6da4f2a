import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { getOrCreate } from './get-or-create.ts';

/** Authorities that a server need not send, because clients have them. */
export interface TrustedRoots {
  readonly bySubject: (subject: string) => readonly X509Certificate[];
  /** Whether exactly this certificate is configured as trusted; false for public roots. */
  readonly isConfigured: (certificate: X509Certificate) => boolean;
}

/**
 * Whether what was served or stored is enough for a client, judged without the trust store of this machine:
 * - `complete` the leaf's path ends at a self-signed certificate in the chain, at a configured one, or below a known root;
 * - `self-signed` the leaf signs itself and was not configured as trusted;
 * - `broken` an issuer with the right name is present, but its key does not verify the signature;
 * - `incomplete` the last issuer on the path is missing and is not a known root.
 */
export type PathState = 'complete' | 'incomplete' | 'self-signed' | 'broken';

export type X509Path = readonly [X509Certificate, ...X509Certificate[]];

export interface JudgedPath {
  readonly state: PathState;
  /** The path is complete, and every issuer on it, including the root, is within its dates. The leaf's own dates do not count. */
  readonly isUsable: boolean;
  /**
   * Leaf first. For an incomplete path, the part that exists. It ends with the root if that was in the chain or is configured; a public root that was
   * not is included only if it is not valid now, because it is then the cause.
   */
  readonly path: X509Path;
}

/**
 * Chooses the path that a client can use, among all that signatures allow. In this order: one to a trusted authority that is valid now, one to any
 * trusted authority, one to any self-signed certificate that is valid now, one to any self-signed certificate, else the longest part. So a valid root
 * that is not trusted does not replace a trusted one that has expired. Among several of a kind, the one whose issuers expire last. An expired issuer
 * does not matter if another path avoids it (RFC 4158, section 2.3).
 *
 * After the leaf, the order of the chain does not matter, and certificates on no path are ignored, as clients do.
 * The work is bounded: each certificate is expanded once, because a server may send rings of authorities that sign each other.
 */
export function judgePath(chain: X509Path, roots: TrustedRoots, now: Date): JudgedPath {
  const [leaf] = chain;
  const { issuersOf, isServed } = makeIssuers(chain, roots);
  const isSelfSigned = (certificate: X509Certificate) => issuersOf(certificate).includes(certificate);
  const isTrusted = ({ subject, fingerprint256 }: X509Certificate) =>
    roots.bySubject(subject).some((root) => root.fingerprint256 === fingerprint256);
  if (!roots.isConfigured(leaf) && isSelfSigned(leaf))
    return { state: 'self-signed', isUsable: false, path: [leaf] };

  const isEnd = (certificate: X509Certificate) => isTrusted(certificate) || isSelfSigned(certificate);
  const isValidNow = (certificate: X509Certificate) => isValidAt(certificate, now);
  const climb = (isTop: Accepts, isAllowed: Accepts) =>
    climbTo(leaf, { issuersOf, isTop, isAllowed, isEnd, now });
  const always = () => true;
  const complete =
    climb(isTrusted, isValidNow) ??
    climb(isTrusted, always) ??
    climb(isEnd, isValidNow) ??
    climb(isEnd, always);
  if (complete === undefined) return climbAsFarAsItGoes(chain, issuersOf, now);

  const top = complete.at(-1) ?? leaf;
  const isLeftOut = !isServed(top) && !roots.isConfigured(top) && isValidNow(top);
  const path = isLeftOut ? complete.slice(0, -1) : complete;
  return { state: 'complete', isUsable: complete.slice(1).every(isValidNow), path: [leaf, ...path.slice(1)] };
}

type Accepts = (certificate: X509Certificate) => boolean;
type IssuersOf = (certificate: X509Certificate) => readonly X509Certificate[];

interface Step {
  readonly certificate: X509Certificate;
  readonly below?: Step;
}

/**
 * The path whose issuers expire last. The certificate that expires last is always expanded first, so the first top that is reached is the best one,
 * and no other path to it is better (Prim's algorithm, with the dates as weights). A top is not expanded, and the leaf's own dates make no difference
 * between paths.
 */
function climbTo(
  leaf: X509Certificate,
  {
    issuersOf,
    isTop,
    isAllowed,
    isEnd,
    now,
  }: {
    readonly issuersOf: IssuersOf;
    readonly isTop: Accepts;
    readonly isAllowed: Accepts;
    readonly isEnd: Accepts;
    readonly now: Date;
  },
): X509Certificate[] | undefined {
  const reached = new Set([leaf]);
  const open: Step[] = [{ certificate: leaf }];
  while (open.length > 0) {
    const best = open.reduce((one, other) =>
      endsLater(other.certificate, one.certificate, now) ? other : one,
    );
    if (isTop(best.certificate)) return unroll(best);
    open.splice(open.indexOf(best), 1);
    if (isEnd(best.certificate)) continue;
    for (const issuer of issuersOf(best.certificate)) {
      if (reached.has(issuer) || !isAllowed(issuer)) continue;
      reached.add(issuer);
      open.push({ certificate: issuer, below: best });
    }
  }
  return undefined;
}

function unroll(top: Step): X509Certificate[] {
  const path: X509Certificate[] = [];
  for (let step: Step | undefined = top; step !== undefined; step = step.below) path.push(step.certificate);
  return path.toReversed();
}

function climbAsFarAsItGoes(chain: X509Path, issuersOf: IssuersOf, now: Date): JudgedPath {
  const [leaf] = chain;
  const named = indexBySubject(chain);
  const reached = new Set([leaf]);
  let broken = false;
  for (const from of reached) {
    const issuers = issuersOf(from);
    for (const issuer of issuers) reached.add(issuer);
    const others = named.get(normalName(from.issuer)) ?? [];
    broken ||= issuers.length === 0 && others.some((other) => other !== from);
  }
  const path = new Set([leaf]);
  for (const from of path) {
    let next: X509Certificate | undefined;
    for (const issuer of issuersOf(from))
      if (!path.has(issuer) && (next === undefined || endsLater(issuer, next, now))) next = issuer;
    if (next !== undefined) path.add(next);
  }
  return { state: broken ? 'broken' : 'incomplete', isUsable: false, path: [leaf, ...[...path].slice(1)] };
}

/** Certificates that are not valid yet come after all that are valid. The fingerprint makes the choice deterministic. */
function endsLater(one: X509Certificate, other: X509Certificate, now: Date): boolean {
  const difference = usableUntil(one, now) - usableUntil(other, now);
  return difference > 0 || (difference === 0 && one.fingerprint256 < other.fingerprint256);
}

function usableUntil({ validFromDate, validToDate }: X509Certificate, now: Date): number {
  return validFromDate > now ? Math.min(now.getTime(), validToDate.getTime()) : validToDate.getTime();
}

function isValidAt({ validFromDate, validToDate }: X509Certificate, now: Date): boolean {
  return validFromDate <= now && now <= validToDate;
}

/**
 * The most verifications for one chain; real chains need a few. A handshake carries up to some 300 certificates (100 KB). A hostile server could name
 * them so that each has to be tried with each, which would block the process for seconds. What is not tried counts as not signed.
 */
const MAX_SIGNATURES = 500;

/** Issuers by signature, from the chain and from trusted certificates. The same certificate is the same object, whatever its origin. */
function makeIssuers(chain: X509Path, roots: TrustedRoots): { issuersOf: IssuersOf; isServed: Accepts } {
  const known = new Map<string, X509Certificate>();
  const intern = (certificate: X509Certificate) =>
    getOrCreate(known, certificate.fingerprint256, () => certificate);
  const served = new Set(chain.map(intern));
  const bySubject = indexBySubject(served);
  const keys = new Map<X509Certificate, string | undefined>();
  const found = new Map<X509Certificate, readonly X509Certificate[]>();
  let signaturesLeft = MAX_SIGNATURES;

  const findIssuers: IssuersOf = (certificate) => {
    const { issuer } = certificate;
    const trusted = roots.bySubject(issuer).map(intern);
    // Certificates of one authority usually share one key, so each key is tried once.
    const verifies = new Map<string, boolean>();
    return [...new Set([...trusted, ...(bySubject.get(normalName(issuer)) ?? [])])].filter((candidate) => {
      const key = getOrCreate(keys, candidate, () => keyOf(candidate));
      if (key === undefined || !mayIssue(candidate)) return false;
      return getOrCreate(
        verifies,
        key,
        () => (signaturesLeft -= 1) >= 0 && isSignedBy(certificate, candidate),
      );
    });
  };
  /** RFC 5280, section 6.1.4 (k). Version 1 roots lack the extension. */
  const mayIssue = (candidate: X509Certificate) =>
    candidate.ca || candidate.subject === candidate.issuer || roots.isConfigured(candidate);
  return {
    issuersOf: (certificate) => getOrCreate(found, certificate, () => findIssuers(certificate)),
    isServed: (certificate) => served.has(certificate),
  };
}

/** @returns undefined for a key type that this OpenSSL does not know: it verifies nothing. */
function keyOf(certificate: X509Certificate): string | undefined {
  try {
    return certificate.publicKey.export({ type: 'spki', format: 'der' }).toString('latin1');
  } catch {
    return undefined;
  }
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    // An algorithm that this OpenSSL does not know verifies nothing.
    return false;
  }
}

/** The configured certificates, and the public roots: by default Mozilla's, which come with Node. */
export function trustRoots(
  configured: readonly X509Certificate[],
  publicRoots?: readonly X509Certificate[],
): TrustedRoots {
  const own = indexBySubject(configured);
  const others = publicRoots === undefined ? nodeRoots : () => index;
  const index = indexBySubject(publicRoots ?? []);
  const fingerprints = new Set(configured.map(({ fingerprint256 }) => fingerprint256));
  return {
    bySubject: (subject) => {
      const name = normalName(subject);
      return [...(own.get(name) ?? []), ...(others().get(name) ?? [])];
    },
    isConfigured: (certificate) => fingerprints.size > 0 && fingerprints.has(certificate.fingerprint256),
  };
}

type Index = ReadonlyMap<string, readonly X509Certificate[]>;

let parsedNodeRoots: Index | undefined;

/** Parsed on first use, once per process: some 150 roots, 20 ms, about 1 MB. */
function nodeRoots(): Index {
  parsedNodeRoots ??= indexBySubject(rootCertificates.map((pem) => new X509Certificate(pem)));
  return parsedNodeRoots;
}

function indexBySubject(certificates: Iterable<X509Certificate>): Index {
  return Map.groupBy(certificates, ({ subject }) => normalName(subject));
}

/**
 * Case and spacing of names do not matter (RFC 5280, section 7.1); OpenSSL compares them in this way.
 * @param name undefined is an empty name, contrary to Node's types: such a certificate has only alternative names
 */
function normalName(name: string | undefined): string {
  return (name ?? '').toLowerCase().replace(/ +/g, ' ');
}
