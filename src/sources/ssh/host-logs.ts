import type { LogLine } from '../../ports/logs.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { HostCommand } from '../../wire/host-command.ts';
import { HOST_COMMANDS, SYSTEM_LOG_TAIL_BYTES } from '../../wire/host-commands.ts';
import { parseLogLine } from '../../wire/log-line.ts';
import {
  attemptAnswer,
  firstAnswer,
  type HostQuestion,
  isNoSuchFile,
  isPermissionDenied,
  linesOf,
  mostTelling,
  runForText,
} from './ask-host.ts';
import { readArchiveJob, readNovaLog } from './nova-logs.ts';
import { type HostLogQuery, parseHostLines, type ReadLog, readJournal, toLogClock } from './read-journal.ts';

const BATCH_LINES = 1_000;
/** Of a driver, about the size or the state of a link: `eno1: Invalid MTU 9000 requested, hw max 1500`. */
const KERNEL_LINE = /\bmtu\b|\bbond|\blink (?:is |status|becomes|down|up)|\bLACP\b|promiscuous mode/i;
const DHCP_PROGRAM = /^(?:dnsmasq(?:-dhcp)?|dhcpd|neutron-dhcp-agent)$/;

/**
 * The lines of one log, in batches, newest first.
 * @throws {SourceError} at the end, if older lines of the window are missing
 */
export async function* readHostLog(
  asked: HostQuestion,
  query: HostLogQuery,
): AsyncGenerator<readonly LogLine[]> {
  const { lines, missing } = await readLog(asked, query);
  for (let from = 0; from < lines.length; from += BATCH_LINES) yield lines.slice(from, from + BATCH_LINES);
  if (missing !== undefined) throw asked.fail('malformed', missing);
}

function readLog(asked: HostQuestion, query: HostLogQuery): Promise<ReadLog> {
  switch (query.log) {
    case 'dhcp':
      return readDhcp(asked, query);
    case 'kernel':
      return readKernel(asked, query);
    case 'archive-job':
      return readArchiveJob(asked, query);
    default:
      return readNovaLog(asked, { ...query, log: query.log });
  }
}

/** A journal without such lines proves little: dnsmasq may write to a file. */
async function readDhcp(asked: HostQuestion, query: HostLogQuery): Promise<ReadLog> {
  const journal = await attemptAnswer(() => readDhcpJournal(asked, query));
  if (!(journal instanceof SourceError) && (journal.lines.length > 0 || journal.missing !== undefined))
    return journal;
  const files = await attemptAnswer(() => readSystemLogs(asked, query));
  if (!(files instanceof SourceError)) return files;
  if (journal instanceof SourceError && journal.kind === 'missing' && files.kind === 'missing')
    throw asked.fail('missing', 'there is neither a journal nor a system log in /var/log');
  if (journal instanceof SourceError) throw mostTelling([journal, files]);
  // A server that runs must have written somewhere.
  if (files.kind === 'missing' || !(await isServerRunning(asked))) return journal;
  throw files;
}

/** Without what the journal writes about itself, except that it has dropped messages. */
async function readDhcpJournal(asked: HostQuestion, query: HostLogQuery): Promise<ReadLog> {
  const { lines, ...rest } = await readJournal(asked, query, HOST_COMMANDS.dhcpJournal);
  const ofServers = lines.filter(
    ({ program, text }) => program !== 'systemd-journald' || text.startsWith('Suppressed '),
  );
  return { ...rest, lines: ofServers };
}

async function isServerRunning(asked: HostQuestion): Promise<boolean> {
  const { text } = await runForText(asked, () => HOST_COMMANDS.processes({ program: 'dnsmasq' }), [0, 1]);
  return linesOf(text).length > 0;
}

async function readKernel(asked: HostQuestion, query: HostLogQuery): Promise<ReadLog> {
  const { lines, ...rest } = await firstAnswer([
    () => readJournal(asked, query, HOST_COMMANDS.kernelJournal),
    () => readRing(asked, query, HOST_COMMANDS.kernelRing),
    () => readRing(asked, query, HOST_COMMANDS.kernelRingAsText),
  ]);
  return { ...rest, lines: lines.filter(({ text }) => KERNEL_LINE.test(text)) };
}

/** `[   14.220113] ` is the time since the start of the host. It isn't the time of a clock. */
const SINCE_START = /^\[\s*\d+\.\d+\]\s?/;

async function readRing(
  asked: HostQuestion,
  query: HostLogQuery,
  make: (as: { readonly sudo: boolean }) => HostCommand,
): Promise<ReadLog> {
  const { text } = await runForText(asked, () => make(query));
  // With `--time-format iso`, a comma is in front of the microseconds.
  const read = linesOf(text)
    .toReversed()
    .map((line) => line.replace(/^(\d{4}-\d\d-\d\dT[\d:]+),(\d+)(\S*) /, '$1.$2$3 kernel: '));
  const withoutTime = read.map((line) => line.replace(SINCE_START, ''));
  return { lines: await parseHostLines(withoutTime, query) };
}

const FILE_NAME = /^==> (?<path>\/\S+) <==$/;

async function readSystemLogs(asked: HostQuestion, query: HostLogQuery): Promise<ReadLog> {
  const { text, stderr } = await runForText(asked, HOST_COMMANDS.systemLogs, [0, 1]);
  const files = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const path = FILE_NAME.exec(line)?.groups?.['path'];
    if (path !== undefined) files.set(path, []);
    else if (line !== '') [...files.values()].at(-1)?.push(line);
  }
  if (isPermissionDenied(stderr))
    throw asked.fail('refused', "the user can't read the logs in /var/log: add it to the group adm");
  if (files.size === 0)
    throw asked.fail(isNoSuchFile(stderr) ? 'missing' : 'malformed', 'there is no system log in /var/log');
  const read = await Promise.all(
    [...files].map(async ([path, lines]) => {
      const isCut = Buffer.byteLength(lines.join('\n')) >= 0.9 * SYSTEM_LOG_TAIL_BYTES;
      const whole = (isCut ? lines.slice(1) : lines).toReversed();
      const parsed = await parseHostLines(whole, query, { program: DHCP_PROGRAM });
      return { path, parsed, isCut: isCut && !(await hasOlderLine(whole, query)) };
    }),
  );
  const [cut] = read.filter((one) => one.isCut);
  return {
    lines: mergeFiles(read.map(({ parsed }) => parsed)),
    ...(cut && { missing: `only the end of ${cut.path} was read` }),
  };
}

/** Whether what was read goes back to the beginning of the window. */
async function hasOlderLine(newestFirst: readonly string[], query: HostLogQuery): Promise<boolean> {
  const clock = await query.clock();
  const since = clock.time.getTime() - query.withinMs;
  const oldest = newestFirst
    .slice(-100)
    .map((line) => parseLogLine(line, toLogClock(clock)).at?.getTime() ?? Infinity);
  return Math.min(...oldest, Infinity) < since;
}

/** Syslog daemons write a line into several files. A line that a file has twice was written twice. */
function mergeFiles(files: readonly (readonly LogLine[])[]): readonly LogLine[] {
  const seen = new Map<string, number>();
  const merged: LogLine[] = [];
  for (const lines of files) {
    const ofFile = new Map<string, number>();
    for (const line of lines) {
      const key = JSON.stringify([line.at?.getTime(), line.program, line.pid, line.text]);
      const count = (ofFile.get(key) ?? 0) + 1;
      ofFile.set(key, count);
      if (count <= (seen.get(key) ?? 0)) continue;
      seen.set(key, count);
      merged.push(line);
    }
  }
  return merged.toSorted((a, b) => (b.at?.getTime() ?? 0) - (a.at?.getTime() ?? 0));
}
