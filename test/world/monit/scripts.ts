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
  /** It writes its own `<name>.pid`, once it is ready; else the start script does, at once. */
  readonly writesPidfile?: boolean;
  /** Its start script ends with an error and starts nothing. */
  readonly failsToStart?: boolean;
  /** It goes when this process has gone, and takes its monit with it: nothing is left where a demo is killed outright. */
  readonly ownerPid?: number;
}

/**
 * What it starts belongs to no script: its output goes to a file, for monit waits for a pipe to be closed.
 * `<name>.started` is for our own tidying up; `closing` stops a start that crosses it.
 */
export async function writeScripts(folder: string, process: WatchedProcess): Promise<void> {
  const { name, environment = {} } = process;
  const settings = Object.entries(environment).map(([key, value]) => `export ${key}=${quote(value)}`);
  const orphaned = `kill "$(cat ${quote(join(folder, 'monit.pid'))})"; exit 1`;
  const start = [
    `[ -e ${quote(join(folder, 'closing'))} ] && exit 1`,
    ...(process.failsToStart ? ['exit 1'] : []),
    ...(process.ownerPid === undefined
      ? []
      : [`kill -0 ${process.ownerPid} 2>/dev/null || { ${orphaned}; }`]),
    ...settings,
    `${process.command.map(quote).join(' ')} >>${quote(join(folder, `${name}.log`))} 2>&1 </dev/null &`,
    `echo $! >${quote(join(folder, `${name}.started`))}`,
    ...(process.writesPidfile ? [] : [`echo $! >${quote(join(folder, `${name}.pid`))}`]),
  ];
  await writeFile(join(folder, `${name}.start`), `${start.join('\n')}\n`, 'latin1');
  await writeFile(join(folder, `${name}.stop`), stopScript(join(folder, name)), 'latin1');
}

/** Asks it to end, waits, and ends it. One that has ended and that nobody has buried yet still answers to `kill -0`: its state is `Z`. */
function stopScript(path: string): string {
  return `pid=$(cat ${quote(`${path}.started`)})
rm -f ${quote(`${path}.pid`)}
kill "$pid" 2>/dev/null
tries=0
while grep -q '^State:[[:space:]]*[^Z]' "/proc/$pid/status" 2>/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -eq 60 ] && kill -9 "$pid"
  sleep 0.05
done
exit 0
`;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
