import { Duplex } from 'node:stream';
import type { Client, ClientChannel, ServerHostKeyAlgorithm } from 'ssh2';
import { SourceError } from '../ports/source-error.ts';
import {
  type HostAddress,
  judgeHostKey,
  keyFingerprint,
  keyType,
  knownKeyTypes,
  knownName,
  parseKnownHosts,
  withoutBrackets,
} from './known-hosts.ts';
import { printable } from './x509.ts';

export interface SshOptions extends HostAddress {
  /** The source that errors name. */
  readonly source: string;
  readonly username: string;
  /** Called for each connection, so that a host key that was added in the meantime is known. */
  readonly readFiles: () => Promise<SshFiles>;
  /** The path of `known_hosts`, for messages. */
  readonly knownHostsPath: string;
  readonly connectTimeoutMs: number;
}

export interface SshFiles {
  /** PEM or OpenSSH format, without a passphrase. */
  readonly privateKey: string;
  /** The content of `known_hosts`. */
  readonly knownHosts: string;
}

/** How a command on the host ended. */
export interface CommandEnd {
  /** Absent if the connection ended first. */
  readonly exitCode?: number;
  /** The beginning of what it wrote to its standard error, as printable text. */
  readonly stderr: string;
}

/** One connection to a host, opened for the first command and kept open while commands run. */
export interface SshConnection {
  /**
   * Starts a command. Writing to the stream is its standard input, reading is its standard output. If the command fails, the stream fails with what
   * `explain` returns.
   * @throws {SourceError} `refused` if the host key is not known or differs, or the user is not accepted; `unreachable` if there is no connection. The
   * host key is verified before anything is sent that depends on the private key.
   */
  readonly start: (command: string, explain: (end: CommandEnd) => Error) => Promise<Duplex>;
  readonly close: () => Promise<void>;
}

const MAX_STDERR = 2_000;
const IDLE_MS = 30_000;
const KEEPALIVE_MS = 15_000;
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

export function openSsh(options: SshOptions): SshConnection {
  let connecting: Promise<Client> | undefined;
  const closing = new AbortController();
  let running = 0;
  let idle: NodeJS.Timeout | undefined;

  const connect = async (onClose: () => void): Promise<Client> => {
    const client = await connectTo(options, onClose, closing.signal);
    if (!closing.signal.aborted) return client;
    client.end();
    throw closedError(options);
  };
  const begin = (): Promise<Client> => {
    const forget = (): void => {
      if (connecting === started) connecting = undefined;
    };
    const started = connect(forget);
    started.catch(forget);
    return started;
  };
  const ended = (client: Client): void => {
    running -= 1;
    if (running > 0) return;
    idle = setTimeout(() => client.end(), IDLE_MS);
    idle.unref();
  };

  return {
    start: async (command, explain) => {
      if (closing.signal.aborted) throw closedError(options);
      clearTimeout(idle);
      running += 1;
      let client: Client;
      try {
        connecting ??= begin();
        client = await connecting;
      } catch (error) {
        running -= 1;
        throw error;
      }
      try {
        const channel = await execute(options, client, command);
        channel.once('close', () => ended(client));
        return streamOf(options, channel, explain);
      } catch (error) {
        ended(client);
        throw error;
      }
    },
    close: async () => {
      closing.abort();
      clearTimeout(idle);
      const client = await connecting?.catch(() => undefined);
      client?.end();
    },
  };
}

/** @param closing aborts a handshake that is in progress. */
async function connectTo(options: SshOptions, onClose: () => void, closing: AbortSignal): Promise<Client> {
  const { source, host, port, username, connectTimeoutMs } = options;
  const { privateKey, knownHosts } = await options.readFiles();
  const { Client: SshClient, utils } = (await import('ssh2')).default;
  const parsed = utils.parseKey(privateKey);
  if (parsed instanceof Error)
    throw new SourceError(
      source,
      'malformed',
      /encrypted/i.test(parsed.message)
        ? `the private key for ${host} has a passphrase: use a key without one that only Wrench can read`
        : `the private key for ${host} is not in PEM or OpenSSH format`,
    );
  const known = parseKnownHosts(knownHosts);
  const types = knownKeyTypes(known, options);
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
    closing.addEventListener('abort', stop);
    client.on('ready', () => {
      isReady = true;
      closing.removeEventListener('abort', stop);
      resolve(client);
    });
    client.on('error', (error: Error & { level?: string; code?: string }) => {
      // After the handshake the channels report that the connection was lost.
      if (!isReady) reject(refusal ?? connectionError(options, error));
    });
    client.on('close', () => {
      closing.removeEventListener('abort', stop);
      const lost = closing.aborted ? closedError(options) : connectionError(options, { code: 'ECONNRESET' });
      if (!isReady) reject(refusal ?? lost);
      onClose();
    });
    client.connect({
      host: withoutBrackets(host),
      port,
      username,
      privateKey,
      readyTimeout: connectTimeoutMs,
      keepaliveInterval: KEEPALIVE_MS,
      algorithms: { serverHostKey: algorithms },
      hostVerifier: (key: Buffer) => {
        refusal = refusalOf(options, judgeHostKey(known, options, key), key);
        return refusal === undefined;
      },
    });
  });
}

function refusalOf(
  { source, host, port, knownHostsPath, ...address }: SshOptions,
  verdict: ReturnType<typeof judgeHostKey>,
  key: Buffer,
): SourceError | undefined {
  const name = knownName({ ...address, host, port });
  const shown = `${keyFingerprint(key)} (${printable(keyType(key))})`;
  const refused = (message: string): SourceError =>
    new SourceError(source, 'refused', message, { code: 'SSH_HOST_KEY' });
  const scan = `\`ssh-keyscan${port === 22 ? '' : ` -p ${port}`} ${withoutBrackets(host)} >> ${knownHostsPath}\``;
  switch (verdict.is) {
    case 'trusted':
      return undefined;
    case 'revoked':
      return refused(
        `${host} presents the host key ${shown}, which ${knownHostsPath} marks as revoked (line ${verdict.line})`,
      );
    case 'changed':
      return refused(
        `the host key of ${host} has changed: it is now ${shown}, and ${knownHostsPath} has a different one (line ${verdict.line}). ` +
          `The connection may be intercepted. If the host was reinstalled, remove the old key with \`ssh-keygen -f ${knownHostsPath} -R '${name}'\`, ` +
          `then add the new one with ${scan} and verify it`,
      );
    case 'other type':
      return refused(
        `${host} presents the host key ${shown}, and ${knownHostsPath} has only keys of other types for it (${verdict.types.join(', ')}). ` +
          `Add it with ${scan} and verify it`,
      );
    case 'unknown':
      return refused(
        `the host key of ${host} is not in ${knownHostsPath}: verify on the host that its fingerprint is ${shown}, then add it with ${scan}`,
      );
  }
}

function connectionError(
  { source, host, port, username }: SshOptions,
  { level, code, message = '' }: { level?: string; code?: string; message?: string },
): SourceError {
  const at = port === 22 ? host : `${host}:${port}`;
  if (level === 'client-authentication')
    return new SourceError(
      source,
      'refused',
      `${at} doesn't accept the ssh key of ${username}: add its public key to authorized_keys there`,
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

function closedError({ source, host }: SshOptions): SourceError {
  return new SourceError(source, 'unreachable', `${host} was not queried: the source is closed`);
}

/** The error of a request that may be retried over a new connection. */
export function lostConnection(host: string): Error {
  return Object.assign(new Error(`the ssh connection to ${host} was lost`), { code: 'ECONNRESET' });
}

/** If a server doesn't respond in time, its connection is closed, so that the next command doesn't wait for it as well. */
function execute(
  { source, host, connectTimeoutMs }: SshOptions,
  client: Client,
  command: string,
): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    const lost = (): void => reject(lostConnection(host));
    client.once('close', lost);
    const late = setTimeout(() => {
      done();
      const message = `${host} didn't start a command over ssh in time`;
      reject(new SourceError(source, 'unreachable', message, { code: 'TIMEOUT' }));
      client.destroy();
    }, connectTimeoutMs);
    const done = (): void => {
      clearTimeout(late);
      client.off('close', lost);
    };
    try {
      client.exec(command, (error, channel) => {
        done();
        if (!error) return resolve(channel);
        const message = `${host} refused to start a command over ssh: check MaxSessions and ForceCommand in its sshd_config`;
        return reject(new SourceError(source, 'refused', message, { code: 'SSH' }));
      });
    } catch {
      done();
      lost();
    }
  });
}

/** A stream that ends only if the command succeeded, and otherwise fails with what `explain` returns. */
function streamOf({ host }: SshOptions, channel: ClientChannel, explain: (end: CommandEnd) => Error): Duplex {
  let stderr = '';
  let exitCode: number | undefined;
  const stream = new Duplex({
    read: () => void channel.resume(),
    write: (chunk: Buffer, _encoding, done) => {
      // The command has ended, and the stream is about to.
      if (channel.writable) channel.write(chunk, done);
      else done(lostConnection(host));
    },
    final: (done) => {
      channel.end();
      done();
    },
    destroy: (error, done) => {
      channel.destroy();
      done(error);
    },
  });
  channel.on('data', (chunk: Buffer) => {
    if (!stream.destroyed && !stream.push(chunk)) channel.pause();
  });
  channel.stderr.on('data', (chunk: Buffer) => {
    if (stderr.length < MAX_STDERR) stderr += chunk.toString('utf8').slice(0, MAX_STDERR - stderr.length);
  });
  channel.on('exit', (code: number | null) => {
    exitCode = code ?? undefined;
  });
  channel.on('error', (error: Error) => stream.destroy(error));
  channel.on('close', () => {
    if (stream.destroyed) return;
    if (exitCode === 0) stream.push(null);
    else
      stream.destroy(
        explain({
          ...(exitCode !== undefined && { exitCode }),
          stderr: printable(stderr.trim().replace(/\s+/g, ' ')),
        }),
      );
  });
  return stream;
}
