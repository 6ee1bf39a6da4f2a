import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { type Connection, createConnection } from 'mysql2/promise';
import { freePort } from '../free-port.ts';

/** A real MariaDB on loopback, for one test. */
export interface MariaDb {
  readonly port: number;
  /** An administrator's connection, which may send several statements at once. */
  readonly admin: Connection;
  /** Creates a user with these privileges, such as `SELECT ON nova.*`. */
  readonly addUser: (name: string, password: string, grants: readonly string[]) => Promise<void>;
  /** SIGSTOP and SIGCONT: a paused server accepts connections and doesn't respond. */
  readonly pause: () => void;
  readonly resume: () => void;
  readonly kill: () => Promise<void>;
  /** Starts it again, on its port and data. */
  readonly start: () => Promise<void>;
  /** Stops it and removes its folder; safe to call twice. */
  readonly close: () => Promise<void>;
}

export interface MariaDbOptions {
  /** In PEM. Default: no TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Further settings: `--read-only`. */
  readonly settings?: readonly string[];
}

const run = promisify(execFile);
const INSTALL = 'mariadb-install-db';
const SERVER = '/usr/sbin/mariadbd';

export async function startMariaDb({ tls, settings = [] }: MariaDbOptions = {}): Promise<MariaDb> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-mariadb-'));
  // It drops root's privileges unless told otherwise.
  const user = `--user=${userInfo().username}`;
  const data = `--datadir=${join(folder, 'data')}`;
  await run(INSTALL, [
    '--no-defaults',
    data,
    user,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    '--skip-name-resolve',
  ]);
  const port = await freePort();
  const socketPath = join(folder, 'mariadb.sock');
  if (tls) await writeTls(folder, tls);
  let server: ChildProcess | undefined;
  const isRunning = (): boolean => server?.exitCode === null && server.signalCode === null;
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    if (!isRunning()) return;
    const ended = once(server!, 'exit');
    server!.kill('SIGCONT');
    server!.kill(signal);
    await ended;
  };
  const launch = async (): Promise<Connection> => {
    server = spawn(
      SERVER,
      [
        '--no-defaults',
        data,
        user,
        `--port=${port}`,
        '--bind-address=127.0.0.1',
        `--socket=${socketPath}`,
        `--pid-file=${join(folder, 'pid')}`,
        '--skip-name-resolve',
        // Its data is gone after the test.
        '--innodb-flush-log-at-trx-commit=0',
        '--innodb-log-file-size=32M',
        '--innodb-buffer-pool-size=192M',
        ...(tls ? [`--ssl-cert=${join(folder, 'cert.pem')}`, `--ssl-key=${join(folder, 'key.pem')}`] : []),
        ...settings,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    await untilReady(server);
    return createConnection({ socketPath, user: 'root', multipleStatements: true });
  };
  let admin = await launch();
  return {
    port,
    get admin() {
      return admin;
    },
    addUser: async (name, password, grants) => {
      await admin.query('CREATE USER ?@? IDENTIFIED BY ?', [name, '%', password]);
      for (const grant of grants) await admin.query(`GRANT ${grant} TO ?@?`, [name, '%']);
    },
    pause: () => server!.kill('SIGSTOP'),
    resume: () => server!.kill('SIGCONT'),
    kill: async () => {
      admin.destroy();
      await end('SIGKILL');
    },
    start: async () => {
      admin = await launch();
    },
    close: async () => {
      admin.destroy();
      await end('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function untilReady(server: ChildProcess): Promise<void> {
  const log: string[] = [];
  const lines = createInterface({ input: server.stderr! });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', () => reject(new Error(`mariadbd ended: ${log.slice(-20).join('\n')}`)));
    lines.on('line', (line) => {
      log.push(line);
      if (line.includes('ready for connections')) resolve();
    });
  });
}

async function writeTls(
  folder: string,
  { cert, key }: { readonly cert: string; readonly key: string },
): Promise<void> {
  await writeFile(join(folder, 'cert.pem'), cert);
  await writeFile(join(folder, 'key.pem'), key);
  await chmod(join(folder, 'key.pem'), 0o600);
}
