import { Duplex } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { SourceError } from '../ports/source-error.ts';
import { closedError, type ConnectOptions, connectSsh, lostConnection } from './ssh-connect.ts';
import { printable } from './x509.ts';

export type SshOptions = Pick<ConnectOptions, 'source' | 'login' | 'readLogin' | 'connectTimeoutMs'>;

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

export function openSsh(options: SshOptions): SshConnection {
  let connecting: Promise<Client> | undefined;
  const closing = new AbortController();
  let running = 0;
  let idle: NodeJS.Timeout | undefined;

  const connect = async (onClose: () => void): Promise<Client> => {
    const client = await connectSsh({ ...options, onClose, signal: closing.signal });
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

/** If a server doesn't respond in time, its connection is closed, so that the next command doesn't wait for it as well. */
function execute(
  { source, login: { host }, connectTimeoutMs }: SshOptions,
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
function streamOf(
  { login: { host } }: SshOptions,
  channel: ClientChannel,
  explain: (end: CommandEnd) => Error,
): Duplex {
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
