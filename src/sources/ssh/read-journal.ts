import type { HostClock, HostLog } from '../../ports/hosts.ts';
import type { LogLine } from '../../ports/logs.ts';
import { type HostCommand, MAX_JOURNAL_LINES, MAX_JOURNAL_SECONDS } from '../../wire/host-command.ts';
import { parseLogLine } from '../../wire/log-line.ts';
import type { LogClock } from '../../wire/log-time.ts';
import { type HostQuestion, linesOf, runForAnswer } from './ask-host.ts';

export interface HostLogQuery {
  readonly log: HostLog;
  readonly withinMs: number;
  readonly sudo: boolean;
  readonly clock: () => Promise<HostClock>;
}

/** Newest first. */
export interface ReadLog {
  readonly lines: readonly LogLine[];
  /** Why older lines of the window are missing. */
  readonly missing?: string;
}

/** What the journal has of the window. */
export async function readJournal(
  asked: HostQuestion,
  query: HostLogQuery,
  make: (window: { readonly withinSeconds: number }) => HostCommand,
): Promise<ReadLog> {
  const withinSeconds = Math.max(1, Math.min(Math.ceil(query.withinMs / 1000), MAX_JOURNAL_SECONDS));
  const { text, stderr, exitCode, isCut } = await runForAnswer(asked, () => make({ withinSeconds }), [0, 1]);
  if (/not seeing messages from other users and the system|insufficient permissions/i.test(stderr))
    throw asked.fail('refused', "the user can't read the journal: add it to the group systemd-journal");
  if (/no journal files were (?:found|opened)/i.test(stderr))
    throw asked.fail('missing', 'there is no journal');
  const read = linesOf(text).filter((line) => !/^-- .* --$/.test(line));
  if (exitCode === 1 && read.length > 0) throw asked.fail('malformed', "couldn't read all of the journal");
  if (exitCode === 1 && linesOf(stderr).length > 0) throw asked.fail('malformed', linesOf(stderr)[0] ?? '');
  const whole = isCut ? read.slice(0, -1) : read;
  // The times are in UTC, as the command says, whatever the zone of the host is.
  const inUtc = async () => ({ ...(await query.clock()), utcOffsetMinutes: 0 });
  const lines = await parseHostLines(whole, { ...query, clock: inUtc }, { isInWindow: true });
  const isFull = isCut || read.length >= MAX_JOURNAL_LINES;
  return {
    lines,
    ...(isFull && { missing: `only the newest ${whole.length} lines of the journal were read` }),
  };
}

const ISO_TIME = /^\d{4}-\d\d-\d\dT/;

/** Parses lines, newest first, and leaves out those before the window. The clock of the host is read if that or the times need it. */
export async function parseHostLines(
  newestFirst: readonly string[],
  { clock, withinMs }: Pick<HostLogQuery, 'clock' | 'withinMs'>,
  { isInWindow = false, program }: { readonly isInWindow?: boolean; readonly program?: RegExp } = {},
): Promise<readonly LogLine[]> {
  if (newestFirst.length === 0) return [];
  const isClockNeeded = !isInWindow || !newestFirst.every((line) => ISO_TIME.test(line));
  const hostClock = isClockNeeded ? await clock() : undefined;
  const logClock: LogClock = hostClock ? toLogClock(hostClock) : { now: new Date() };
  const since = hostClock ? hostClock.time.getTime() - withinMs : -Infinity;
  return newestFirst
    .map((line) => parseLogLine(line, logClock))
    .filter((line) => line.at === undefined || line.at.getTime() >= since)
    .filter((line) => program === undefined || line.program === undefined || program.test(line.program));
}

export function toLogClock({ time, utcOffsetMinutes }: HostClock): LogClock {
  return { now: time, utcOffsetMinutes };
}
