import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_WAIT_MS } from '../timeouts.ts';
import { freePort } from './free-port.ts';
import { type MonitAccess, readStatus, readWatched, type Watched } from './monit/ask.ts';
import { endProcesses } from './monit/end-processes.ts';
import { fileOf, writeScripts, type WatchedProcess } from './monit/scripts.ts';

/** A real monit for one test, on loopback, with processes that it starts. */
export interface Monit extends MonitAccess {
  /** All its files: `monitrc`, `monit.log`, `<process>.pid`, `<process>.log`. */
  readonly folder: string;
  readonly summary: () => Promise<readonly Watched[]>;
  /** @throws if it is not running. */
  readonly pidOf: (process: string) => Promise<number>;
  /** Monit's log: actions and failures. */
  readonly log: () => Promise<string>;
  /** Stops only monit and what it started; removes the folder. */
  readonly close: () => Promise<void>;
}

export interface MonitOptions {
  /** The name of the machine, part of the folder's name. */
  readonly name: string;
  readonly processes: readonly WatchedProcess[];
  /** Other checks in monit's syntax, given its folder: files, filesystems, hosts, programs. */
  readonly checks?: (folder: string) => readonly string[];
  /** Seconds between two checks. Default: 1, monit's minimum. */
  readonly pollSeconds?: number;
  /** Default: BOSH's usual credentials, `vcap:random-password`. */
  readonly auth?: { readonly username: string; readonly password: string };
}

const MAX_TRIES = 5;

export async function startMonit(options: MonitOptions): Promise<Monit> {
  const auth = options.auth ?? { username: 'vcap', password: 'random-password' };
  const folder = await mkdtemp(join(tmpdir(), `wrench-monit-${options.name.replaceAll(/[^\w-]/g, '-')}-`));
  await Promise.all(options.processes.map((one) => writeScripts(folder, one)));
  const { child, access } = await spawnSomewhere(folder, options, auth);
  const end = async (): Promise<void> => {
    await endProcesses(
      folder,
      options.processes.map(({ name }) => name),
      () => endMonit(child),
    );
    await rm(folder, { recursive: true, force: true });
  };
  let closing: Promise<void> | undefined;
  return {
    ...access,
    folder,
    summary: () => readWatched(access),
    pidOf: async (process) => Number(await readFile(join(folder, `${fileOf(process)}.pid`), 'utf8')),
    log: () => readFile(join(folder, 'monit.log'), 'utf8'),
    close: () => (closing ??= end()),
  };
}

/**
 * Another test may take a free port a moment later: monit then runs without its web pages, and is restarted
 * on another port.
 */
async function spawnSomewhere(
  folder: string,
  options: MonitOptions,
  auth: { readonly username: string; readonly password: string },
): Promise<{ child: ChildProcess; access: MonitAccess }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const access = { url: `http://127.0.0.1:${port}`, ...auth };
    const monitrc = join(folder, 'monitrc');
    // As monit itself requires: one byte per letter. It rejects a file that others may read.
    await writeFile(monitrc, configuration(folder, port, options, auth), { encoding: 'latin1', mode: 0o600 });
    const child = spawn('monit', ['-I', '-c', monitrc], { stdio: 'ignore', cwd: folder });
    const failure = new Promise<Error>((resolve) => child.once('error', resolve));
    const answered = await Promise.race([answers(child, access, monitrc), failure]);
    if (answered instanceof Error)
      throw new Error('monit could not be started: is it installed (apt-get install monit)?', {
        cause: answered,
      });
    if (answered) return { child, access };
    await endMonit(child);
    if (attempt === MAX_TRIES)
      throw new Error(`monit does not answer: ${await readFile(join(folder, 'monit.log'), 'utf8')}`);
  }
}

/** Whether this monit responds, and not one of another test that was faster. */
async function answers(child: ChildProcess, access: MonitAccess, monitrc: string): Promise<boolean> {
  const endsAt = performance.now() + MAX_WAIT_MS;
  while (child.exitCode === null && performance.now() < endsAt) {
    const status = await readStatus(access).catch(() => undefined);
    if (status !== undefined) return status.includes(`<controlfile>${monitrc}</controlfile>`);
    await sleep(50);
  }
  return false;
}

async function endMonit(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const patience = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(patience);
}

function configuration(
  folder: string,
  port: number,
  { processes, checks: others, pollSeconds = 1 }: MonitOptions,
  { username, password }: { readonly username: string; readonly password: string },
): string {
  const checks = processes.map(({ name, startSeconds = 10 }) => {
    const file = `${folder}/${fileOf(name)}`;
    return `
check process "${name}" with pidfile "${file}.pid"
  start program = "/bin/sh ${file}.start" with timeout ${startSeconds} seconds
  stop program = "/bin/sh ${file}.stop" with timeout 10 seconds
  group vcap`;
  });
  return `set daemon ${pollSeconds}
set httpd port ${port} and use address 127.0.0.1 allow ${username}:"${password}"
set idfile ${folder}/monit.id
set statefile ${folder}/monit.state
set pidfile ${folder}/monit.pid
set logfile ${folder}/monit.log
${[...checks, ...(others?.(folder) ?? [])].join('\n')}
`;
}
