import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { SourceError } from '../ports/source-error.ts';
import { withoutBrackets } from './known-hosts.ts';
import { type ConnectOptions, connectSsh, sshPlaceOf } from './ssh-connect.ts';
import type { SshLogin, SshRoute } from './ssh-login.ts';
import { unlessAborted } from './unless-aborted.ts';

/** Connections to hosts, through their jump hosts. All hosts behind the same jump hosts share one connection to them. */
export interface SshJumps {
  /** @throws {SourceError} as {@link connectSsh} does, also about a jump host. */
  readonly connect: (route: SshRoute, options: Pick<ConnectOptions, 'signal' | 'onClose'>) => Promise<Client>;
}

interface JumpOptions extends Pick<ConnectOptions, 'source' | 'readLogin' | 'connectTimeoutMs'> {
  /** How long a jump host that couldn't be reached is not tried again. */
  readonly deadMs: number;
  /** Aborts when the source is closed. */
  readonly closing: AbortSignal;
}

/** A connection to a jump host, and how many streams go through it. */
interface Jump {
  readonly client: Client;
  readonly host: string;
  streams: number;
  idle?: NodeJS.Timeout;
}

const IDLE_MS = 30_000;

export function openSshJumps({ deadMs, closing, ...shared }: JumpOptions): SshJumps {
  const jumps = new Map<string, Promise<Jump>>();

  const jumpTo = (logins: readonly SshLogin[]): Promise<Jump> => {
    const key = JSON.stringify(logins);
    const known = jumps.get(key);
    if (known) return known;
    const forget = (): void => {
      if (jumps.get(key) === opening) jumps.delete(key);
    };
    const opening = open(logins, forget);
    jumps.set(key, opening);
    opening.catch(() => setTimeout(forget, deadMs).unref());
    return opening;
  };

  const open = async (logins: readonly SshLogin[], onClose: () => void): Promise<Jump> => {
    const login = logins.at(-1)!;
    const client = await connectBehind(logins.slice(0, -1), login, { signal: closing, onClose });
    closing.addEventListener('abort', () => client.end(), { once: true });
    return { client, host: login.host, streams: 0 };
  };

  const connectBehind = async (
    logins: readonly SshLogin[],
    login: SshLogin,
    { signal, onClose }: Pick<ConnectOptions, 'signal' | 'onClose'>,
  ): Promise<Client> => {
    const options = { ...shared, login, signal, ...(onClose && { onClose }) };
    if (logins.length === 0) return connectSsh(options);
    const jump = await unlessAborted(jumpTo(logins), signal);
    const through = jump.host;
    const socket = await openStream(jump, { ...options, through });
    return connectSsh({ ...options, socket, through });
  };

  return { connect: ({ jump = [], ...login }, options) => connectBehind(jump, login, options) };
}

/** A stream to a host. If the jump host doesn't respond in time, the stream is closed once it opens. */
function openStream(jump: Jump, options: ConnectOptions): Promise<Duplex> {
  const { source, login, connectTimeoutMs, signal } = options;
  const { client, host: through } = jump;
  const place = sshPlaceOf(options);
  clearTimeout(jump.idle);
  jump.streams += 1;
  const closed = (): void => {
    jump.streams -= 1;
    if (jump.streams > 0) return;
    jump.idle = setTimeout(() => client.end(), IDLE_MS);
    jump.idle.unref();
  };
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      done();
      closed();
      reject(error);
    };
    const unreachable = (words: string, code: string): void =>
      fail(new SourceError(source, 'unreachable', `${place} ${words}`, { code }));
    const onAbort = (): void => fail(signal.reason as Error);
    const onLost = (): void =>
      unreachable(`couldn't be reached: the connection to ${through} was lost`, 'ECONNRESET');
    const late = setTimeout(
      () => unreachable("didn't accept the connection in time", 'TIMEOUT'),
      connectTimeoutMs,
    );
    let isDone = false;
    const done = (): void => {
      isDone = true;
      clearTimeout(late);
      signal.removeEventListener('abort', onAbort);
      client.off('close', onLost);
    };
    // One listener for each host that is being connected to.
    client.setMaxListeners(0);
    client.once('close', onLost);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) return onAbort();
    try {
      client.forwardOut('127.0.0.1', 0, withoutBrackets(login.host), login.port, (error, stream) => {
        if (isDone) {
          // Nothing may listen for errors of a stream that nobody uses.
          stream?.on('error', () => undefined);
          return stream?.destroy();
        }
        if (!error) {
          done();
          stream.once('close', closed);
          return resolve(stream);
        }
        const { reason } = error as Error & { reason?: number };
        if (reason === ADMINISTRATIVELY_PROHIBITED)
          return fail(
            new SourceError(
              source,
              'refused',
              `${through} doesn't forward connections to ${login.host}:${login.port}: allow it with AllowTcpForwarding in its sshd_config, and with ` +
                '`port-forwarding` or `permitopen` in authorized_keys',
              { code: 'SSH_FORWARDING' },
            ),
          );
        return unreachable(
          `can't be reached from there: ${through} couldn't connect to it`,
          'SSH_FORWARDING',
        );
      });
    } catch {
      if (!isDone) onLost();
    }
    return undefined;
  });
}

/** https://www.rfc-editor.org/rfc/rfc4254#section-5.1 */
const ADMINISTRATIVELY_PROHIBITED = 1;
