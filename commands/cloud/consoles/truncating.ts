import { type ports, wording } from '../../kit.ts';
import { type ConsoleLogs, diskBytesOf, LARGE_BYTES } from './console-logs.ts';

/** Whether truncating the current log would free its space, and keep it free. */
export type Truncating =
  | { readonly helps: true; readonly path: string; readonly bytes: number }
  | { readonly helps: false; readonly because: string };

export function truncatingOf({ host, current, files }: ConsoleLogs): Truncating {
  const no = (because: string): Truncating => ({ helps: false, because });
  if (!current || diskBytesOf(current) < LARGE_BYTES)
    return no(
      files.length > (current ? 1 : 0)
        ? 'only logs that were already rotated are large'
        : `it has only ${wording.bytes(current ? diskBytesOf(current) : 0)}`,
    );
  if (!host.openFiles)
    return no("it isn't known how the log is written, because its writers couldn't be read");
  const problem = writerProblem(current.path, host.openFiles);
  return problem === undefined
    ? { helps: true, path: current.path, bytes: diskBytesOf(current) }
    : no(problem);
}

/** Why truncating a log doesn't help. undefined if every process that has it open to write appends to it. */
export function writerProblem(path: string, openFiles: readonly ports.OpenFile[]): string | undefined {
  const writers = openFiles.filter((one) => one.path === path && !one.isDeleted && one.isReadOnly !== true);
  const other = writers.find(({ isAppendOnly }) => isAppendOnly !== true);
  if (!other) return undefined;
  const who = `${other.program ?? 'a process'} (pid ${other.pid})`;
  return other.isAppendOnly === false
    ? `${who} has it open without O_APPEND, so the file would become sparse and get its old size back with the next write`
    : `it isn't known whether ${who} appends to it`;
}
