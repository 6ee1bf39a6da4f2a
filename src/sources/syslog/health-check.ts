import type { LogLine } from '../../ports/logs.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { SourceHealth } from '../../ports/source.ts';
import { count, list, span } from '../../text/wording.ts';
import { parseLogLine } from '../../wire/log-line.ts';
import { sshHint } from '../../wire/ssh-hint.ts';
import { printable } from '../../wire/x509.ts';
import { BudgetSpentError, startBudget } from './byte-budget.ts';
import type { LogFile } from './log-store.ts';
import { readBackwards } from './read-backwards.ts';
import { type LogReading, STALE_MS } from './read-logs.ts';
import { compressionOf, currentFiles } from './rotation.ts';
import { readSwitchPorts } from './switch-ports.ts';

/** The newest line is in one of the files that were changed last. */
const FILES_READ = 20;
const BYTES_READ = 256 * 1024;
const BLOCK_BYTES = 64 * 1024;

/** Lists all files, reads the ends of those that were changed last, and reads the list of switch ports. */
export async function checkHealth(
  reading: LogReading,
  switchPorts: string | undefined,
  signal: AbortSignal,
): Promise<SourceHealth> {
  const logs = await checkLogs(reading, signal);
  if (!logs.ok || switchPorts === undefined) return logs;
  try {
    const ports = await readSwitchPorts(reading.name, switchPorts);
    return { ...logs, summary: `${logs.summary}; ${count(ports.length, 'switch port')}` };
  } catch (error) {
    return {
      ok: false,
      summary: (error as Error).message,
      hint: 'Correct the file that `switchPorts` names',
    };
  }
}

async function checkLogs(reading: LogReading, signal: AbortSignal): Promise<SourceHealth> {
  const problems = new Map<string, SourceError>();
  try {
    const listed = await reading.store.list(signal, (path, error) => problems.set(path, error));
    const newest = await readNewest(reading, listed, problems, signal);
    const files = count(currentFiles(listed).length, 'file');
    if (problems.size > 0) return withProblems(files, problems);
    if (!newest)
      return {
        ok: false,
        summary: `${files}, and none has a line with a time that could be read`,
        hint: 'Check `paths`, and that logs arrive in these files.',
      };
    const agoMs = Math.max(Date.now() - newest.at.getTime(), 0);
    const from = newest.host === undefined ? '' : ` from ${newest.host}`;
    const summary = `${files}, newest line ${span(agoMs)} ago${from}`;
    return agoMs > STALE_MS
      ? { ok: false, summary, hint: 'Check that logs still arrive in these files, and `timezone`.' }
      : { ok: true, summary };
  } catch (error) {
    return { ok: false, summary: (error as Error).message, hint: hintFor(error) };
  }
}

function hintFor(error: unknown): string {
  const isSource = error instanceof SourceError;
  const hint = isSource ? sshHint(error) : undefined;
  if (hint !== undefined) return hint;
  return isSource && error.kind === 'unreachable'
    ? 'Check that the host is up and that the worker can connect to its ssh port'
    : 'Check `paths` and the permissions of these files';
}

async function readNewest(
  reading: LogReading,
  listed: readonly LogFile[],
  problems: Map<string, SourceError>,
  signal: AbortSignal,
): Promise<(LogLine & { readonly at: Date }) | undefined> {
  const latest = listed
    .filter(({ path, sizeBytes }) => sizeBytes > 0 && compressionOf(path) === undefined)
    .toSorted((one, other) => other.modifiedAt.getTime() - one.modifiedAt.getTime())
    .slice(0, FILES_READ);
  const lines = await Promise.all(
    latest.map(async (file) => {
      try {
        return await lastLine(reading, file, signal);
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        problems.set(file.path, error);
        return undefined;
      }
    }),
  );
  return lines
    .filter((line) => line !== undefined)
    .toSorted((one, other) => other.at.getTime() - one.at.getTime())[0];
}

/** The last line with a time. */
async function lastLine(
  { store, utcOffsetMinutes }: LogReading,
  file: LogFile,
  signal: AbortSignal,
): Promise<(LogLine & { readonly at: Date }) | undefined> {
  const log = await store.open(file, signal);
  try {
    const options = { blockBytes: BLOCK_BYTES, budget: startBudget(BYTES_READ), signal };
    for await (const batch of readBackwards(log, options))
      for (const bytes of batch) {
        const line = parseLogLine(bytes, { now: new Date(), utcOffsetMinutes });
        if (line.at) return { ...line, at: line.at };
      }
    return undefined;
  } catch (error) {
    if (error instanceof BudgetSpentError) return undefined;
    throw error;
  } finally {
    await log.close();
  }
}

function withProblems(files: string, problems: ReadonlyMap<string, SourceError>): SourceHealth {
  const reasons = [...problems].map(([path, { message }]) => `${printable(path)}: ${message}`);
  return {
    ok: false,
    summary: `${files}; ${list(reasons, 5)}`,
    hint: [...problems.values()].some(({ kind }) => kind === 'refused')
      ? 'Let the user that reads the logs read these files, for example as a member of the group `adm`.'
      : 'Correct these `paths`, or remove them.',
  };
}
