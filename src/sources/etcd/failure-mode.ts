import { connect } from 'node:net';
import type { FailureMode } from '../../ports/key-value.ts';
import type { SourceError } from '../../ports/source-error.ts';
import type { EndpointClient } from './endpoint-client.ts';
import { hostAndPort } from './handshake.ts';

const ACCEPTS_WITHIN_MS = 1_000;

const UNREACHABLE: ReadonlySet<string> = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EACCES',
  'EADDRNOTAVAIL',
]);
const TIMEOUTS: ReadonlySet<string> = new Set(['TIMEOUT', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT']);

/** Nothing listens there, or the name doesn't resolve: every other request would fail too. */
export function isNotConnectable({ code = '' }: SourceError): boolean {
  return code === 'ECONNREFUSED' || UNREACHABLE.has(code);
}

/** What a failed request says about the member that should have responded. */
export async function findFailureMode(
  { kind, code = '' }: SourceError,
  client: Pick<EndpointClient, 'url' | 'recorder'>,
  signal: AbortSignal,
): Promise<FailureMode> {
  if (code === 'ECONNREFUSED') return 'not-listening';
  if (UNREACHABLE.has(code)) return 'unreachable';
  if (kind !== 'unreachable' || !TIMEOUTS.has(code)) return 'rejected';
  const observe = () => acceptsConnections(client, signal);
  const what = `${new URL(client.url).host} accepts connections`;
  return (await (client.recorder?.observe(what, observe) ?? observe())) ? 'hung' : 'unreachable';
}

/** The kernel still accepts connections for a stopped process, but not for a host that is down or behind a firewall. */
function acceptsConnections({ url }: Pick<EndpointClient, 'url'>, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({
      ...hostAndPort(url),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ACCEPTS_WITHIN_MS)]),
    });
    const end = (accepts: boolean) => {
      resolve(accepts);
      socket.destroy();
    };
    socket.once('connect', () => end(true));
    socket.on('error', () => end(false));
  });
}
