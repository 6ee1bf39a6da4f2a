import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';

/** A real sshd on loopback that accepts one key of the user who runs the tests. */
export interface Sshd {
  readonly port: number;
  readonly user: string;
  /** The private key of the user. */
  readonly keyPath: string;
  /** The public host key, in the format of a `known_hosts` line after the names: `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** Makes another private key of the user, with these options in `authorized_keys`, and returns its path. */
  readonly addKey: (name: string, keyOptions: string) => Promise<string>;
  /** The number of authenticated connections. */
  readonly logins: () => number;
  /** The number of started commands. */
  readonly commands: () => number;
  /** Closes all connections, like a restart of the host. */
  readonly endConnections: () => Promise<void>;
  /** Restarts it on the same port with a new host key, which is returned. */
  readonly replaceHostKey: () => Promise<string>;
  readonly close: () => Promise<void>;
}

const run = promisify(execFile);

/**
 * @param environment of the commands. `SHLVL` keeps Debian's bash from reading the user's `.bashrc` for each of them, which can take seconds.
 * @param hostKeyType of its only host key
 * @param keyOptions of the key in `authorized_keys`: `restrict,command="…"`
 */
export async function startSshd({
  environment = {},
  hostKeyType = 'ed25519',
  settings = [],
  keyOptions,
}: {
  readonly environment?: Readonly<Record<string, string>>;
  readonly hostKeyType?: 'ed25519' | 'rsa' | 'ecdsa';
  readonly settings?: readonly string[];
  readonly keyOptions?: string;
} = {}): Promise<Sshd> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-sshd-'));
  const port = await freePort();
  const path = (name: string): string => join(folder, name);
  const makeKey = (name: string, type: string): Promise<unknown> =>
    run('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', path(name)]);
  await makeKey('user', 'ed25519');
  const publicKey = await readFile(path('user.pub'), 'utf8');
  await writeFile(
    path('authorized_keys'),
    keyOptions === undefined ? publicKey : `${keyOptions} ${publicKey}`,
  );
  const config = [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${path('host')}`,
    `AuthorizedKeysFile ${path('authorized_keys')}`,
    `PidFile none`,
    'StrictModes no',
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    // Over all connections: every command is a session.
    'LogLevel VERBOSE',
    `SetEnv ${Object.entries({ SHLVL: '2', ...environment })
      .map(([name, value]) => `${name}=${value}`)
      .join(' ')}`,
    ...settings,
  ];
  await writeFile(path('sshd_config'), `${config.join('\n')}\n`);
  // Its unprivileged process runs there.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  let server: ChildProcess | undefined;
  let logins = 0;
  let commands = 0;
  const stop = async (): Promise<void> => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill();
    await ended;
  };
  const start = async (): Promise<string> => {
    await makeKey('host', hostKeyType);
    const program = '/usr/sbin/sshd';
    server = spawn(program, ['-D', '-e', '-f', path('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
    const lines = createInterface({ input: server.stderr! });
    const log: string[] = [];
    await new Promise<void>((resolve, reject) => {
      server!.once('error', reject);
      server!.once('exit', () => reject(new Error(`sshd ended: ${log.join('\n')}`)));
      lines.on('line', (line) => {
        log.push(line);
        if (line.startsWith('Server listening')) resolve();
        if (line.startsWith('Accepted publickey')) logins += 1;
        if (line.startsWith('Starting session: command')) commands += 1;
      });
    });
    return (await readFile(path('host.pub'), 'utf8')).split(' ').slice(0, 2).join(' ');
  };
  const hostKey = await start();
  return {
    port,
    user: userInfo().username,
    keyPath: path('user'),
    hostKey,
    addKey: async (name, options) => {
      await makeKey(name, 'ed25519');
      await appendFile(path('authorized_keys'), `${options} ${await readFile(path(`${name}.pub`), 'utf8')}`);
      return path(name);
    },
    logins: () => logins,
    commands: () => commands,
    endConnections: async () => {
      const children = await readFile(`/proc/${server!.pid}/task/${server!.pid}/children`, 'utf8');
      for (const pid of children.split(' ').filter((one) => one !== '')) process.kill(Number(pid));
    },
    replaceHostKey: async () => {
      await stop();
      await rm(path('host'));
      await rm(path('host.pub'));
      return start();
    },
    close: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
