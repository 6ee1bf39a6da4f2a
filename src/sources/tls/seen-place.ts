import { X509Certificate } from 'node:crypto';
import type { Certificate } from '../../ports/certificate.ts';
import type { Handshake, InspectOptions, SeenPlace } from '../../ports/certificates.ts';
import {
  judgePath,
  type JudgedPath,
  type PathState,
  type TrustedRoots,
} from '../../wire/certificate-path.ts';
import { getOrCreate } from '../../wire/get-or-create.ts';
import { printable, toCertificate } from '../../wire/x509.ts';
import type { SiteProbe } from './probe.ts';
import type { IsEnough, ServedCertificate, ServedChain } from './served-chain.ts';
import type { Site } from './site.ts';

/**
 * By place and issuers: when the complete chain was last read there and consisted of a leaf and exactly these, in milliseconds since 1970.
 */
export type IssuersReadAt = Map<string, number>;

/** Converts the results of handshakes into facts. */
export interface SeenPlaceReader {
  readonly read: (place: string, site: Site, probe: SiteProbe, otherAddresses: number) => SeenPlace;
  /** Whether a client can use a path, or nothing else was found at this place before. */
  readonly isEnough: (place: string) => IsEnough;
}

/** Enough for the CAs of a scan, which repeat at every site. Above that, the cache is cleared, so that memory stays flat (about 5 MB). */
const MAX_REMEMBERED = 500;
/** Sites whose complete chain is the path of the leaf, although that is incomplete. */
const MAX_PLACES = 50_000;
/**
 * A server may start to send another path around an expired certificate, which Node's own path doesn't show, so the complete chain is read
 * again after this time.
 */
const REREAD_AFTER_MS = 60_000;

interface ParsedCertificate {
  readonly x509: X509Certificate;
  readonly facts: Certificate;
}

/** Known certificates are not parsed again. Paths are judged as of `now`. */
export function makeSeenPlaceReader(
  roots: TrustedRoots,
  issuersAt: IssuersReadAt,
  now: Date,
  onCertificate?: InspectOptions['onCertificate'],
): SeenPlaceReader {
  const known = new Map<string, ParsedCertificate>();
  const paths = new Map<string, JudgedPath>();
  const know = (fingerprint256: string, make: () => X509Certificate) =>
    getOrCreate(
      known,
      fingerprint256,
      () => {
        const x509 = make();
        onCertificate?.(x509.raw);
        return { x509, facts: toCertificate(x509) };
      },
      MAX_REMEMBERED,
    );
  const read = ({ fingerprint256, der }: ServedCertificate) =>
    know(fingerprint256, () => new X509Certificate(der));
  const factsOf = (x509: X509Certificate) => know(x509.fingerprint256, () => x509).facts;
  const judge = (chain: ServedChain) => {
    const [leaf, ...others] = chain;
    return getOrCreate(
      paths,
      keyOf(chain),
      () => judgePath([read(leaf).x509, ...others.map((served) => read(served).x509)], roots, now),
      MAX_REMEMBERED,
    );
  };
  const isAllThere = (place: string, path: ServedChain, { state }: JudgedPath) => {
    const seenAt = issuersAt.get(keyAt(place, path));
    if (seenAt === undefined) return false;
    return state === 'incomplete' || now.getTime() - seenAt < REREAD_AFTER_MS;
  };
  return {
    isEnough: (place) => (path) => {
      const judged = judge(path);
      return judged.isUsable || isAllThere(place, path, judged);
    },
    read: (place, site, probe, otherAddresses) => {
      const [first, ...others] = probe.chain;
      const leaf = read(first);
      const chain: SeenPlace['chain'] = [leaf.facts, ...others.map((served) => read(served).facts)];
      const judged = judge(probe.chain);
      if (!judged.isUsable && isInOrder(chain) && !isAllThere(place, probe.chain, judged)) {
        if (issuersAt.size >= MAX_PLACES) issuersAt.clear();
        issuersAt.set(keyAt(place, probe.chain), now.getTime());
      }
      const path: SeenPlace['chain'] = [leaf.facts, ...judged.path.slice(1).map(factsOf)];
      const served = toHandshake(site, probe, leaf.x509, judged.state, otherAddresses);
      const { instance } = site;
      return {
        kind: 'seen',
        place,
        chain,
        path,
        served,
        ...(instance !== undefined && { host: printable(instance) }),
      };
    },
  };
}

function keyOf(chain: readonly ServedCertificate[]): string {
  return chain.map(({ fingerprint256 }) => fingerprint256).join();
}

/** A server with several certificates may have other issuers for each. */
function keyAt(place: string, [, ...issuers]: ServedChain): string {
  return `${place} ${keyOf(issuers)}`;
}

function isInOrder(chain: SeenPlace['chain']): boolean {
  return chain.every(({ subject }, index) => index === 0 || chain[index - 1]?.issuer === subject);
}

function toHandshake(
  site: Site,
  probe: SiteProbe,
  leaf: X509Certificate,
  path: PathState,
  otherAddresses: number,
): Handshake {
  const { address, protocol, clientCertificateRequired, legacyOnly, stapled } = probe;
  return {
    address,
    ...(otherAddresses > 0 && { otherAddresses }),
    ...(site.servername !== undefined && { servername: site.servername }),
    ...(protocol !== undefined && { protocol }),
    nameMatches: isValidFor(leaf, site),
    path,
    clientCertificateRequired,
    legacyOnly,
    stapled,
  };
}

/** Subject alternative names only, as in browsers and Go: a name in the CN doesn't count (RFC 9525, section 2). */
function isValidFor(leaf: X509Certificate, { host, servername }: Site): boolean {
  if (servername === undefined) return leaf.checkIP(host) !== undefined;
  return leaf.checkHost(servername, { subject: 'never', partialWildcards: false }) !== undefined;
}
