import { userInfo } from 'node:os';
import type { SourceRecorder } from '../../ports/recorder.ts';
import { SourceError } from '../../ports/source-error.ts';
import { openHttp, type PlainHttpClient } from '../../wire/http.ts';
import { type CommandEnd, openSsh, type SshConnection } from '../../wire/ssh.ts';
import { lostConnection } from '../../wire/ssh-connect.ts';
import { openLoginFiles } from '../../wire/ssh-login.ts';
import { readTextFile } from '../../wire/read-text-file.ts';
import type { DockerAccess } from './config.ts';

/** HTTP to one engine, over the transport in its address. */
export interface EngineTransport {
  /** The base URL of requests. It names the engine in recordings; only the host of `tcp://` is resolved. */
  readonly origin: string;
  readonly http: PlainHttpClient;
  readonly close: () => Promise<void>;
}

interface TransportOptions {
  readonly source: string;
  readonly timeoutMs: number;
  readonly recorder: SourceRecorder | undefined;
}

/** Below the 10 sessions that sshd allows in one connection (`MaxSessions`). */
const SSH_CONNECTIONS = 6;
const CONNECTIONS = 8;
const MAX_CONNECT_MS = 10_000;

/**
 * Reads the files of an access, and connects at the first request. Only the configuration decides where to: variables of the Docker CLI
 * such as `DOCKER_HOST` are not read.
 * @throws {SourceError} if a file cannot be read.
 */
export async function openTransport(
  access: DockerAccess,
  options: TransportOptions,
): Promise<EngineTransport> {
  const { source, recorder } = options;
  if (access.url.startsWith('unix:')) {
    const socketPath = access.url.slice('unix://'.length);
    const http = openHttp({
      source,
      recorder,
      maxConnections: CONNECTIONS,
      through: { name: socketPath, socketPath },
    });
    return { origin: 'http://localhost', http, close: http.close };
  }
  return access.url.startsWith('ssh:') ? openOverSsh(access, options) : openTcp(access, options);
}

async function openTcp(
  { url, ca, clientCertificate }: DockerAccess,
  { source, recorder }: TransportOptions,
): Promise<EngineTransport> {
  const usesTls = ca !== undefined || clientCertificate !== undefined;
  const { hostname, port } = new URL(url);
  const origin = `${usesTls ? 'https' : 'http'}://${hostname}:${port || (usesTls ? 2376 : 2375)}`;
  const tls = {
    ...(ca !== undefined && { ca: await readTextFile(source, ca) }),
    ...(clientCertificate && {
      cert: await readTextFile(source, clientCertificate.cert),
      key: await readTextFile(source, clientCertificate.key),
    }),
  };
  const http = openHttp({ source, recorder, maxConnections: CONNECTIONS, ...(usesTls && { tls }) });
  return { origin, http, close: http.close };
}

function openOverSsh(
  { url, ssh }: DockerAccess,
  { source, timeoutMs, recorder }: TransportOptions,
): EngineTransport {
  const { hostname, port, username } = new URL(url);
  const user = username === '' ? userInfo().username : decodeURIComponent(username);
  const connection: SshConnection = openSsh({
    source,
    login: {
      host: hostname,
      port: port === '' ? 22 : Number(port),
      user,
      key: ssh?.key,
      knownHosts: ssh?.knownHosts,
    },
    readLogin: openLoginFiles(source),
    connectTimeoutMs: Math.min(timeoutMs, MAX_CONNECT_MS),
  });
  const explain = explainDial({ source, host: hostname, user });
  const http = openHttp({
    source,
    recorder,
    maxConnections: SSH_CONNECTIONS,
    through: {
      name: hostname,
      openStream: () => connection.start('docker system dial-stdio', explain),
    },
  });
  return {
    origin: `http://${hostname}`,
    http,
    close: async () => {
      await http.close();
      await connection.close();
    },
  };
}

/** Why `docker system dial-stdio` ended: https://github.com/docker/cli/blob/master/cli/command/system/dial_stdio.go */
function explainDial({
  source,
  host,
  user,
}: {
  readonly source: string;
  readonly host: string;
  readonly user: string;
}): (end: CommandEnd) => Error {
  return ({ exitCode, stderr }) => {
    const error = (kind: 'refused' | 'unreachable', message: string): SourceError =>
      new SourceError(source, kind, message, { code: 'DIAL_STDIO' });
    if (exitCode === undefined) return lostConnection(host);
    if (/permission denied/i.test(stderr))
      return error(
        'refused',
        `${user} has no permission to use Docker on ${host}: add it to the group \`docker\` there (members are root on that host)`,
      );
    if (/cannot connect to the docker daemon|is the docker daemon running|no such file/i.test(stderr))
      return error('unreachable', `Docker is not running on ${host}`);
    if (exitCode === 127 || /not found/i.test(stderr))
      return error(
        'unreachable',
        `${host} has no \`docker\` command for ${user}: install the Docker CLI there`,
      );
    if (/is not a docker command|unknown command/i.test(stderr))
      return error('unreachable', `the Docker CLI on ${host} is too old: ssh:// needs version 18.09`);
    const said = stderr === '' ? '' : `: ${stderr.slice(0, 200)}`;
    return error(
      'unreachable',
      `\`docker system dial-stdio\` failed on ${host} (exit code ${exitCode})${said}`,
    );
  };
}
