import type { X509Certificate } from 'node:crypto';
import type { Certificate, Handshake, Seen } from '../../ports/certificates.ts';
import { judgePath, type PathState, type TrustedRoots } from '../../wire/certificate-path.ts';
import { toCertificate } from '../../wire/x509.ts';
import type { Probe } from './probe.ts';
import type { Site } from './site.ts';

export type ToSeen = (place: string, site: Site, probe: Probe) => Seen;

/** Enough for the authorities of a scan, which are met again at every site; then forgotten, so that memory stays flat. */
const MAX_REMEMBERED = 500;

/** Turns what a handshake showed into plain facts. Certificates met again are not read again. */
export function makeToSeen(roots: TrustedRoots): ToSeen {
  const certificates = new Map<string, Certificate>();
  const paths = new Map<string, PathState>();
  const read = (x509: X509Certificate) =>
    remember(certificates, x509.fingerprint256, () => toCertificate(x509));
  return (place, site, probe) => {
    const [leaf, ...others] = probe.chain;
    const chain: Seen['chain'] = [read(leaf), ...others.map(read)];
    const key = chain.map(({ fingerprint }) => fingerprint).join();
    const path = remember(paths, key, () => judgePath(probe.chain, roots));
    return { kind: 'seen', place, chain, served: toHandshake(site, probe, path) };
  };
}

function toHandshake(site: Site, probe: Probe, path: PathState): Handshake {
  const { address, protocol, clientCertificateRequired, legacyOnly, stapled } = probe;
  return {
    address,
    ...(site.servername !== undefined && { servername: site.servername }),
    ...(protocol !== undefined && { protocol }),
    nameMatches: isValidFor(probe.chain[0], site),
    path,
    clientCertificateRequired,
    legacyOnly,
    stapled,
  };
}

/** Alternative names only, as browsers and Go have it: a name in the CN alone is no name (RFC 9525, section 2). */
function isValidFor(leaf: X509Certificate, { host, servername }: Site): boolean {
  if (servername === undefined) return leaf.checkIP(host) !== undefined;
  return leaf.checkHost(servername, { subject: 'never', partialWildcards: false }) !== undefined;
}

function remember<T>(known: Map<string, T>, key: string, make: () => T): T {
  const before = known.get(key);
  if (before !== undefined) return before;
  if (known.size >= MAX_REMEMBERED) known.clear();
  const made = make();
  known.set(key, made);
  return made;
}
