import { connect as connectSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client, ServerHostKeyAlgorithm } from 'ssh2';
import { SourceError } from '../ports/source-error.ts';
import { rejectHostKey, trustedKeyTypes } from './host-keys.ts';
import { withoutBrackets } from './known-hosts.ts';
import type { ReadLogin, SshLogin } from './ssh-login.ts';

export interface ConnectOptions {
  /** The source that errors name. */
  readonly source: string;
  readonly login: SshLogin;
  readonly readLogin: ReadLogin;
  /** For the connection, the handshake and the login together. */
  readonly connectTimeoutMs: number;
  /** A stream to the machine through a jump host. Default: a TCP connection. */
  readonly socket?: Duplex | undefined;
  /** The name of that jump host. */
  readonly through?: string | undefined;
  /** Called once, if the connection ends after the login or if there was none. */
  readonly onClose?: () => void;
  /** Aborts a handshake that is in progress. */
  readonly signal: AbortSignal;
}

const KEEPALIVE_MS = 15_000;
/** How long a machine may take to end a connection that Wrench has ended. */
const END_MS = 1_000;
/** SHA-1 signatures (`ssh-rsa`) and DSA are not offered. */
const HOST_KEY_ALGORITHMS: readonly (readonly [
  type: string,
  algorithms: readonly ServerHostKeyAlgorithm[],
])[] = [
  ['ssh-ed25519', ['ssh-ed25519']],
  ['ecdsa-sha2-nistp256', ['ecdsa-sha2-nistp256']],
  ['ecdsa-sha2-nistp384', ['ecdsa-sha2-nistp384']],
  ['ecdsa-sha2-nistp521', ['ecdsa-sha2-nistp521']],
  ['ssh-rsa', ['rsa-sha2-512', 'rsa-sha2-256']],
];

/**
 * Logs in to one machine. Its host key is verified before anything is sent that depends on the private key.
 * @throws {SourceError} `refused` if the host key is not known or differs, or the user is not accepted; `unreachable` if there is no connection, or
 * `signal` has aborted.
 */
export async function connectSsh(options: ConnectOptions): Promise<Client> {
  const { source, login, readLogin, connectTimeoutMs, onClose, signal } = options;
  const { host, port, user, agent } = login;
  const { privateKey, ...files } = await readLogin(login);
  if (agent !== undefined) await assertAgent(source, agent);
  const { Client: SshClient } = (await import('ssh2')).default;
  const types = trustedKeyTypes(login, files);
  const algorithms = [
    // Known types first, as OpenSSH does: another type couldn't be verified.
    ...HOST_KEY_ALGORITHMS.filter(([type]) => types.includes(type)),
    ...HOST_KEY_ALGORITHMS.filter(([type]) => !types.includes(type)),
  ].flatMap(([, names]) => names);
  const client = new SshClient();
  let refusal: SourceError | undefined;
  return new Promise((resolve, reject) => {
    let isReady = false;
    const stop = (): void => void client.destroy();
    if (signal.aborted) return reject(closedError(options));
    signal.addEventListener('abort', stop);
    client.on('ready', () => {
      isReady = true;
      signal.removeEventListener('abort', stop);
      resolve(client);
    });
    client.on('error', (error: Error & { level?: string; code?: string }) => {
      // After the handshake the channels report that the connection was lost. Without the agent's keys, none is accepted, which is the next error.
      if (!isReady && error.level !== 'agent') reject(refusal ?? connectionError(options, error));
    });
    client.on('close', () => {
      signal.removeEventListener('abort', stop);
      const lost = signal.aborted ? closedError(options) : connectionError(options, { code: 'ECONNRESET' });
      if (!isReady) reject(refusal ?? lost);
      onClose?.();
    });
    const socket = options.socket ?? connectSocket({ host: withoutBrackets(host), port });
    // A machine that never ends its side would keep the connection open, and the process running.
    socket.once('finish', () => setTimeout(() => socket.destroy(), END_MS).unref());
    return client.connect({
      sock: socket,
      username: user,
      ...(privateKey !== undefined && { privateKey }),
      ...(agent !== undefined && { agent }),
      readyTimeout: connectTimeoutMs,
      keepaliveInterval: KEEPALIVE_MS,
      // Compressed data could be a thousand times larger than what limits count.
      algorithms: { serverHostKey: algorithms, compress: ['none'] },
      hostVerifier: (key: Buffer) => {
        refusal = rejectHostKey({ ...options, files }, key);
        return refusal === undefined;
      },
    });
  });
}

/** Without this, an agent that isn't running would look like a key that isn't accepted. */
function assertAgent(source: string, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      reject(
        new SourceError(
          source,
          'refused',
          `no ssh agent listens on ${path} (${code}): start one there and add a key with \`ssh-add\``,
          { code: 'SSH_AGENT' },
        ),
      ),
    );
  });
}

/** A machine as messages name it: `cmp-12`, `cmp-12:2222 (through jump-1)`. */
export function sshPlaceOf({
  login: { host, port },
  through,
}: Pick<ConnectOptions, 'login' | 'through'>): string {
  const at = port === 22 ? host : `${host}:${port}`;
  return through === undefined ? at : `${at} (through ${through})`;
}

function connectionError(
  options: ConnectOptions,
  { level, code, message = '' }: { level?: string; code?: string; message?: string },
): SourceError {
  const { source, login } = options;
  const at = sshPlaceOf(options);
  if (level === 'client-authentication')
    return new SourceError(
      source,
      'refused',
      login.agent === undefined
        ? `${at} doesn't accept the ssh key of ${login.user}: add its public key to authorized_keys there`
        : `${at} accepts none of the keys in the ssh agent for ${login.user}: see \`ssh-add -l\`, and add a public key to authorized_keys there`,
      { code: 'SSH_AUTHENTICATION' },
    );
  const unreachable = (words: string, as = 'SSH'): SourceError =>
    new SourceError(source, 'unreachable', `${at} ${words}`, { code: as });
  if (level === 'client-timeout') return unreachable("didn't complete the ssh handshake in time", 'TIMEOUT');
  if (/no matching/i.test(message))
    return unreachable('and Wrench have no ssh algorithm in common: its ssh server may be too old');
  switch (code) {
    case 'ECONNREFUSED':
      return unreachable('refused the connection: no ssh server listens there', code);
    case 'ENOTFOUND':
      return unreachable('has no address: the name was not found', code);
    case 'EAI_AGAIN':
      return unreachable("has no address: name resolution isn't responding", code);
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return unreachable("can't be reached: no route to the host", code);
    case 'ETIMEDOUT':
      return unreachable("didn't accept the connection in time", code);
    case 'ECONNRESET':
      return unreachable('closed the connection during the ssh handshake', code);
    default:
      return unreachable(`couldn't be reached over ssh (${code ?? level ?? 'unknown failure'})`);
  }
}

export function closedError({
  source,
  login: { host },
}: Pick<ConnectOptions, 'source' | 'login'>): SourceError {
  return new SourceError(source, 'unreachable', `${host} was not queried: the source is closed`);
}

/** The error of a request that may be retried over a new connection. */
export function lostConnection(host: string): Error {
  return Object.assign(new Error(`the ssh connection to ${host} was lost`), { code: 'ECONNRESET' });
}
