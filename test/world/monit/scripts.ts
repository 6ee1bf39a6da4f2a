import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One process that a monit watches over: written down as two small scripts, as BOSH jobs have theirs. */
export interface WatchedProcess {
  readonly name: string;
  /** Program and arguments; the program with its whole path, for monit starts it with next to no environment. */
  readonly command: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
  /** Seconds that monit waits for the process to appear. Default: 10. */
  readonly startSeconds?: number;
  /** Its start script ends with an error and starts nothing. */
  readonly failsToStart?: boolean;
  /** It goes when this process has gone, and takes its monit with it: nothing is left where a demo is killed outright. */
  readonly ownerPid?: number;
}

/** What the files of a process begin with: monit reads paths byte by byte, and a letter beyond ASCII would be another one there. */
export function fileOf(process: string): string {
  return process.replaceAll(/[^\w.-]/g, '_');
}

/** What everything that was started from a folder has in its environment: a number in a file may be another process's by now. */
export const MARK = 'WRENCH_MONIT_FOLDER';

/**
 * What it starts belongs to no script: its output goes to a file, for monit waits for a pipe to be closed.
 * `<name>.started` says what to stop; `closing` stops a start that crosses it.
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

/** Asks it to end, waits, and ends it. */
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

/** Whether `$pid` is ours and alive: one that has ended and waits to be buried has no environment any more. */
function runs(folder: string): string {
  return `grep -qzxF ${quote(`${MARK}=${folder}`)} "/proc/$pid/environ" 2>/dev/null`;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
