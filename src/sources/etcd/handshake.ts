import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import type { Certificate } from '../../ports/certificate.ts';
import type { SourceRecorder } from '../../ports/recorder.ts';
import type { HttpTls } from '../../wire/http.ts';
import { readCertificate } from '../../wire/x509.ts';

/** A TLS port, and the options for handshakes with it. */
interface Port {
  readonly url: string;
  readonly tls: () => Promise<HttpTls>;
  readonly recorder?: SourceRecorder | undefined;
}

/**
 * The certificate that a client port serves, trusted or not, because expired ones matter most. `undefined` if the port doesn't use TLS or
 * no handshake succeeded; the other requests to that port report why.
 */
export async function readServedCertificate(
  port: Port,
  signal: AbortSignal,
): Promise<Certificate | undefined> {
  const read = () => shakeHands(port, signal, async (socket) => socket.getPeerX509Certificate()?.raw);
  const der = await (port.recorder?.certificate(new URL(port.url).host, read) ?? read());
  return der && readCertificate(der);
}

/** A server that rejects a client sends an alert right after the handshake, but an HTTP client sees only a closed connection. */
const REFUSED_WITHIN_MS = 2_000;
const REFUSAL =
  /ALERT_(BAD_CERTIFICATE|CERTIFICATE_REQUIRED|UNKNOWN_CA|HANDSHAKE_FAILURE)|CERTIFICATE_REQUIRED/;

/** Whether the port rejects handshakes without a client certificate that it trusts. */
export async function wantsClientCertificate(port: Port, signal: AbortSignal): Promise<boolean> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(REFUSED_WITHIN_MS)]);
  const observe = async () => {
    const wants = await shakeHands(port, soon, async (socket) => {
      socket.resume();
      return once(socket, 'close', { signal: soon }).then(
        () => false,
        (error: NodeJS.ErrnoException) => REFUSAL.test(error.code ?? ''),
      );
    });
    return wants ?? false;
  };
  const what = `${new URL(port.url).host} requires a client certificate`;
  return port.recorder?.observe(what, observe) ?? observe();
}

/** The host for a socket: an IPv6 address without brackets. */
export function hostAndPort(url: string): { readonly host: string; readonly port: number } {
  const { protocol, hostname, port } = new URL(url);
  const usual = protocol === 'https:' ? 443 : 80;
  return { host: hostname.replaceAll(/^\[|\]$/g, ''), port: Number(port || usual) };
}

/** `undefined` if no handshake succeeded. */
async function shakeHands<T>(
  { url, tls }: Port,
  signal: AbortSignal,
  use: (socket: TLSSocket) => Promise<T>,
): Promise<T | undefined> {
  if (new URL(url).protocol !== 'https:') return undefined;
  let socket: TLSSocket | undefined;
  try {
    socket = connect({
      ...(await tls()),
      ...hostAndPort(url),
      rejectUnauthorized: false,
    });
    // An error after the listeners are removed must not end the process.
    socket.on('error', () => {});
    await once(socket, 'secureConnect', { signal });
    return await use(socket);
  } catch {
    return undefined;
  } finally {
    socket?.destroy();
  }
}
