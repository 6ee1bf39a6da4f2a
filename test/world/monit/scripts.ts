import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One process monitored by monit: two small scripts, as BOSH jobs have. */
export interface WatchedProcess {
  readonly name: string;
  /**
   * Program and arguments, with the program's full path, because monit starts it with almost no
   * environment.
   */
  readonly command: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
  /** How many seconds monit waits for the process to appear. Default: 10. */
  readonly startSeconds?: number;
  /** Its start script fails and starts nothing. */
  readonly failsToStart?: boolean;
  /** When this process is gone, it exits and stops its monit too: nothing is left if a demo is killed. */
  readonly ownerPid?: number;
}

/** The prefix of a process's files: monit reads paths byte by byte, so non-ASCII letters would differ. */
export function fileOf(process: string): string {
  return process.replaceAll(/[^\w.-]/g, '_');
}

/**
 * Set in the environment of everything started from a folder, because a pid in a file may belong to another
 * process by now.
 */
export const MARK = 'WRENCH_MONIT_FOLDER';

/**
 * Its output goes to a file, because monit waits for a pipe to be closed. `<name>.started` names what to
 * stop; `closing` prevents a concurrent start.
 */
export async function writeScripts(folder: string, process: WatchedProcess): Promise<void> {
  const file = fileOf(process.name);
  await writeFile(join(folder, `${file}.start`), startScript(folder, process));
  await writeFile(join(folder, `${file}.stop`), stopScript(folder, file));
}

function startScript(folder: string, process: WatchedProcess): string {
  const { command, environment = {}, ownerPid } = process;
  const name = fileOf(process.name);
  const at = (file: string): string => quote(join(folder, file));
  const lines = [
    `[ -e ${at('closing')} ] && exit 1`,
    process.failsToStart && 'exit 1',
    ownerPid !== undefined &&
      `kill -0 ${ownerPid} 2>/dev/null || { kill "$(cat ${at('monit.pid')})"; exit 1; }`,
    ...Object.entries({ ...environment, [MARK]: folder }).map(
      ([key, value]) => `export ${key}=${quote(value)}`,
    ),
    `${command.map(quote).join(' ')} >>${at(`${name}.log`)} 2>&1 </dev/null &`,
    `echo $! >${at(`${name}.started`)}`,
    `echo $! >${at(`${name}.pid`)}`,
  ];
  return `${lines.filter((line) => typeof line === 'string').join('\n')}\nexit 0\n`;
}

/** Sends SIGTERM, waits, and kills it. */
function stopScript(folder: string, name: string): string {
  const at = (file: string): string => quote(join(folder, file));
  return `rm -f ${at(`${name}.pid`)}
pid=$(cat ${at(`${name}.started`)}) || exit 0
tries=0
while ${runs(folder)}; do
  [ "$tries" -eq 0 ] && kill "$pid"
  [ "$tries" -eq 60 ] && kill -9 "$pid"
  tries=$((tries + 1))
  sleep 0.05
done
rm -f ${at(`${name}.pid`)}
exit 0
`;
}

/** Whether `$pid` is ours and alive: a zombie has no environment anymore. */
function runs(folder: string): string {
  return `grep -qzxF ${quote(`${MARK}=${folder}`)} "/proc/$pid/environ" 2>/dev/null`;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
