import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Debian's packages install it here, outside of PATH. The program on PATH would switch to the user of the service. */
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** A process that was started here, and nothing else. */
export interface OwnProcess {
  readonly start: () => Promise<void>;
  /** SIGKILL, like a host that fails. */
  readonly kill: () => Promise<void>;
  readonly isAlive: () => boolean;
  readonly log: () => Promise<string>;
}

export interface RabbitmqNodeOptions {
  /** Its folder. Data is kept between starts. */
  readonly folder: string;
  /** `rabbit1@localhost` */
  readonly name: string;
  readonly cookie: string;
  readonly distPort: number;
  readonly epmdPort: number;
  /** Lines of rabbitmq.conf. */
  readonly settings: readonly string[];
  readonly definitions: object;
}

/** Registers the nodes of one cluster. Erlang would start one that outlives them, for the whole machine. */
export function makeEpmd(folder: string, port: number): OwnProcess {
  return makeProcess('epmd', ['-port', String(port), '-address', '127.0.0.1'], {
    log: join(folder, 'epmd.log'),
    folder,
    env: {},
  });
}

/** One real RabbitMQ with the management plugin. It reads no files of the machine's own RabbitMQ. */
export async function makeRabbitmqNode(options: RabbitmqNodeOptions): Promise<OwnProcess> {
  const { folder, name, cookie, distPort, epmdPort, settings, definitions } = options;
  const at = (file: string): string => join(folder, file);
  await mkdir(folder, { recursive: true });
  await Promise.all([
    writeFile(at('.erlang.cookie'), cookie, { mode: 0o400 }),
    writeFile(at('definitions.json'), JSON.stringify(definitions)),
    writeFile(at('enabled_plugins'), '[rabbitmq_management].\n'),
    writeFile(at('env.conf'), ''),
    writeFile(
      at('rabbitmq.conf'),
      [...settings, `load_definitions = ${at('definitions.json')}`, ''].join('\n'),
    ),
  ]);
  await chmod(folder, 0o755);
  return makeProcess(SERVER, [], {
    log: at('server.log'),
    folder,
    env: {
      HOME: folder,
      // The script becomes the server instead of waiting for it, so that a signal reaches it.
      RUNNING_UNDER_SYSTEMD: 'true',
      ERL_EPMD_PORT: String(epmdPort),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: name,
      RABBITMQ_DIST_PORT: String(distPort),
      RABBITMQ_CONF_ENV_FILE: at('env.conf'),
      RABBITMQ_CONFIG_FILE: at('rabbitmq.conf'),
      RABBITMQ_ENABLED_PLUGINS_FILE: at('enabled_plugins'),
      RABBITMQ_MNESIA_BASE: at('data'),
      RABBITMQ_LOG_BASE: at('log'),
      RABBITMQ_PID_FILE: at('server.pid'),
      RABBITMQ_LOGS: '-',
      // A lost node is noticed after this many seconds.
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
        '-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} -kernel net_ticktime 4',
    },
  });
}

function makeProcess(
  program: string,
  args: readonly string[],
  {
    log: logFile,
    folder,
    env,
  }: { readonly log: string; readonly folder: string; readonly env: Readonly<Record<string, string>> },
): OwnProcess {
  let child: ChildProcess | undefined;
  const isAlive = (): boolean =>
    child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  // A test run that ends early stops its servers too.
  const onExit = (): void => void child?.kill('SIGKILL');
  return {
    start: async () => {
      if (isAlive()) return;
      const log = openSync(logFile, 'a');
      const started = spawn(program, [...args], {
        stdio: ['ignore', log, log],
        cwd: folder,
        env: { PATH: process.env['PATH'], ...env },
      });
      closeSync(log);
      child = started;
      process.once('exit', onExit);
      await new Promise<void>((resolve, reject) => {
        started.once('spawn', resolve);
        started.once('error', () => reject(new Error(`no ${program}: apt-get install rabbitmq-server`)));
      });
    },
    kill: async () => {
      process.removeListener('exit', onExit);
      if (!isAlive()) return;
      const ended = new Promise((done) => child?.once('exit', done));
      child?.kill('SIGKILL');
      await ended;
    },
    isAlive,
    log: () => readFile(logFile, 'utf8').catch(() => ''),
  };
}
