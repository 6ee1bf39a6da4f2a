import type { X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

/** One certificate as sent. */
export interface ServedCertificate {
  /** As Node gives it, with colons: for comparing only. */
  readonly fingerprint256: string;
  readonly der: Buffer;
}

export type ServedChain = readonly [ServedCertificate, ...ServedCertificate[]];

/** Whether the leaf's path is enough, so that the rest of what was sent need not be read. */
export type IsEnough = (path: ServedChain) => boolean;

/**
 * What the server sent, leaf first, without help of the local trust store (the context trusts nothing, so nothing is added).
 *
 * Node has two functions for it. `getPeerX509Certificate` gives every certificate as sent, but Node 24 never frees those after
 * the leaf (`sk_X509_delete` without `X509_free` in crypto_x509.cc): 8 KB each, 80 MB in a scan of 10,000 sites.
 * `getPeerCertificate(true)` frees all, but gives the leaf's path only, in its order: certificates that have nothing to do
 * with the leaf are left out, and what comes after a gap in the order is lost. So the path is read first, and everything
 * only where the path is not enough or is the leaf alone: a server that sends nothing else leaks nothing.
 *
 * Nothing is cut off: OpenSSL takes no more than 100 KB of certificates (SSL_CTX_set_max_cert_list(3)).
 */
export function servedChain(socket: TLSSocket, isEnough: IsEnough): ServedChain | undefined {
  const path = pathOf(socket);
  if (path !== undefined && path.length > 1 && isEnough(path)) return path;
  return allOf(socket) ?? path;
}

function pathOf(socket: TLSSocket): ServedChain | undefined {
  const leaf: Partial<DetailedPeerCertificate> | null = socket.getPeerCertificate(true);
  if (leaf?.raw === undefined) return undefined; // `{}` or null where nothing was shown
  return listOf(leaf as DetailedPeerCertificate, toServed);
}

/** Every certificate is an object of its own, so one that comes back is the end: a self-signed certificate is its own issuer. */
function listOf<T extends { readonly issuerCertificate?: T | undefined }>(
  leaf: T,
  read: (certificate: T) => ServedCertificate,
): ServedChain {
  const met = new Set([leaf]);
  for (const { issuerCertificate } of met) if (issuerCertificate !== undefined) met.add(issuerCertificate);
  const [first = leaf, ...others] = met;
  return [read(first), ...others.map(read)];
}

function toServed({ fingerprint256, raw }: DetailedPeerCertificate): ServedCertificate {
  return { fingerprint256, der: raw };
}

/** Works once for each connection: it takes the certificates out of OpenSSL. */
function allOf(socket: TLSSocket): ServedChain | undefined {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return undefined;
  return listOf(leaf, fromX509);
}

function fromX509({ fingerprint256, raw }: X509Certificate): ServedCertificate {
  return { fingerprint256, der: raw };
}
