import type { X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

/** One certificate as sent. */
export interface ServedCertificate {
  /** In Node's format with colons; only for comparison. */
  readonly fingerprint256: string;
  readonly der: Buffer;
}

export type ServedChain = readonly [ServedCertificate, ...ServedCertificate[]];

/** Whether the path of the leaf is enough, so that the rest of what was sent isn't read. */
export type IsEnough = (path: ServedChain) => boolean;

/**
 * The chain as sent by the server, leaf first, without the local trust store (the context trusts nothing, so nothing is added).
 *
 * Node has two functions for it. `getPeerX509Certificate` returns every certificate as sent, but Node 24 never frees those after the leaf
 * (`sk_X509_delete` without `X509_free`): 8 KB each, 80 MB in a scan of 10,000 sites. `getPeerCertificate(true)` frees
 * all, but returns only the path of the leaf: it omits unrelated certificates and everything after a gap in the order. So the path is read
 * first, and the complete chain only if the path is not enough or is only the leaf; if the server sends only a leaf, nothing leaks. Nothing
 * is truncated: OpenSSL accepts at most 100 KB of certificates (SSL_CTX_set_max_cert_list(3)).
 */
export function servedChain(socket: TLSSocket, isEnough: IsEnough): ServedChain | undefined {
  const path = pathOf(socket);
  if (path !== undefined && path.length > 1 && isEnough(path)) return path;
  return allOf(socket) ?? path;
}

function pathOf(socket: TLSSocket): ServedChain | undefined {
  const leaf: Partial<DetailedPeerCertificate> | null = socket.getPeerCertificate(true);
  if (leaf?.raw === undefined) return undefined; // `{}` or null if there is no certificate
  return listOf(leaf as DetailedPeerCertificate, toServed);
}

/** Every certificate is a separate object, so a repeated one is the end: a self-signed certificate is its own issuer. */
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

/** Works only once per connection, because it removes the certificates from OpenSSL. */
function allOf(socket: TLSSocket): ServedChain | undefined {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return undefined;
  return listOf(leaf, fromX509);
}

function fromX509({ fingerprint256, raw }: X509Certificate): ServedCertificate {
  return { fingerprint256, der: raw };
}
