import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import type { Certificate } from '../../ports/certificates.ts';
import { readCertificate } from '../../wire/x509.ts';
import type { Contact } from './contact.ts';

/**
 * What a client port serves, whether it is trusted or not: one that has expired is what somebody looks for. `undefined` where it is
 * not TLS, or nothing could be had; why is told by the questions that are asked there.
 */
export async function readServedCertificate(
  { url, tls }: Contact,
  signal: AbortSignal,
): Promise<Certificate | undefined> {
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'https:') return undefined;
  let socket: TLSSocket | undefined;
  try {
    socket = connect({
      ...(await tls()),
      host: hostname.replaceAll(/^\[|\]$/g, ''),
      port: Number(port || 443),
      rejectUnauthorized: false,
    });
    // A server that refuses us says so after the handshake, when nobody listens any more.
    socket.on('error', () => {});
    await once(socket, 'secureConnect', { signal });
    const certificate = socket.getPeerX509Certificate();
    return certificate && readCertificate(certificate.raw);
  } catch {
    return undefined;
  } finally {
    socket?.destroy();
  }
}
