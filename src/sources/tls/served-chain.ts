import type { X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

/** One certificate as sent. */
export interface Served {
  /** As Node gives it, with colons: for comparing only. */
  readonly fingerprint256: string;
  readonly der: Buffer;
}

export type ServedChain = readonly [Served, ...Served[]];

/** Whether the leaf's path alone tells all that is to be known of a site. */
export type IsEnough = (path: ServedChain) => boolean;

const MAX_CHAIN = 20;

/**
 * What the server sent, leaf first, without help of the local trust store (the context trusts nothing, so nothing is added).
 *
 * Node has two ways to tell. `getPeerX509Certificate` gives every certificate as sent, but Node 24 never frees those after
 * the leaf (`sk_X509_delete` without `X509_free` in crypto_x509.cc): 8 KB each, 80 MB in a scan of 10,000 sites.
 * `getPeerCertificate(true)` frees all, but gives the leaf's path only, in its order: certificates that have nothing to do
 * with the leaf are left out, and what comes after a gap in the order is lost. So the path comes first, and all is looked
 * at where the path is not enough or is the leaf alone: a server that sends nothing else leaks nothing.
 */
export function servedChain(socket: TLSSocket, isEnough: IsEnough): ServedChain | undefined {
  const path = pathOf(socket);
  if (path !== undefined && path.length > 1 && isEnough(path)) return path;
  return allOf(socket) ?? path;
}

function pathOf(socket: TLSSocket): ServedChain | undefined {
  const leaf: Partial<DetailedPeerCertificate> | null = socket.getPeerCertificate(true);
  if (leaf?.raw === undefined) return undefined; // `{}` or null where nothing was shown
  const first = toServed(leaf as DetailedPeerCertificate);
  const path: [Served, ...Served[]] = [first];
  let last = leaf as DetailedPeerCertificate;
  // A self-signed certificate is its own issuer.
  while (last.issuerCertificate !== undefined && last.issuerCertificate !== last && path.length < MAX_CHAIN) {
    last = last.issuerCertificate;
    path.push(toServed(last));
  }
  return path;
}

function toServed({ fingerprint256, raw }: DetailedPeerCertificate): Served {
  return { fingerprint256, der: raw };
}

/** Works once for each connection: it takes the certificates out of OpenSSL's hands. */
function allOf(socket: TLSSocket): ServedChain | undefined {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return undefined;
  const all: [Served, ...Served[]] = [fromX509(leaf)];
  for (let next = leaf.issuerCertificate; next && all.length < MAX_CHAIN; next = next.issuerCertificate)
    all.push(fromX509(next));
  return all;
}

function fromX509({ fingerprint256, raw }: X509Certificate): Served {
  return { fingerprint256, der: raw };
}
