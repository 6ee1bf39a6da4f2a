import type { LogLine } from '../ports/logs.ts';
import { cleanLine } from '../text/clean-text.ts';
import { type LogClock, type LogTime, readLogTime } from './log-time.ts';

const MAX_TEXT_LENGTH = 1_000;
/** What can be in front of the text: time, host, program. */
const MAX_HEADER_LENGTH = 1_000;
/** Clocks that are further apart than this are not both right. The collector's is then used, because the lines of a file are in its order. */
const MAX_CLOCK_DIFFERENCE_MS = 15 * 60_000;

/**
 * Reads one line of a log: RFC 3164 and RFC 5424, RFC 3339 as of rsyslog and journalctl, and what switches write themselves or through a collector.
 * Of a line that can't be read, `text` is the whole line and `at` is absent.
 */
export function parseLogLine(line: string | Buffer, clock: LogClock): LogLine {
  const raw = toPrintable(line);
  const unread = { text: cut(raw) };
  const [priority] = /^<\d{1,3}>/.exec(raw) ?? [''];
  const content = raw.slice(priority.length);
  if (priority !== '' && content.startsWith('1 ')) return readRfc5424(content.slice(2), clock) ?? unread;
  const direct = readDirect(content, clock);
  if (direct) return direct.isUnset ? { ...unread, ...hostOf(direct.line) } : direct.line;
  return unread;
}

/** A line and whether its time is only that of a clock that was never set. */
interface ReadLine {
  readonly line: LogLine & { readonly at: Date };
  readonly isUnset: boolean;
}

/** A sequence number, NX-OS's `: `, and the name of the switch in front of its time: `000123: leaf-a: `. IOS XR: `RP/0/RSP0/CPU0:`. */
const DEVICE_PREFIX = /^(?:\d{1,10}: ?)?(?:: ?)?(?:RP\/[\w/]+:|(?<host>[\w.-]{1,255}): )?(?:\d{1,10}: )?/;
/** A message of a switch, perhaps behind its host, process and VDC: `%STP-2-BLOCK_BPDUGUARD: …`. */
const DEVICE_MESSAGE = /^:? ?(?:\S+ ){0,5}%[A-Z][\w-]*-\d-\w+/;
const IS_DEVICE_PREFIXED = /^(?:\d{1,10}: |: |\*|\.|RP\/|[\w.-]+: [*.\dA-Z])/;

function readDirect(content: string, clock: LogClock): ReadLine | undefined {
  const time = readLogTime(content, clock);
  if (time) {
    const outer = readAfterTime(time);
    return unwrap(outer, time, clock) ?? outer;
  }
  if (!IS_DEVICE_PREFIXED.test(content)) return undefined;
  return readPrefixed(content, clock);
}

/** A line that a switch has written in its own form. */
function readPrefixed(content: string, clock: LogClock): ReadLine | undefined {
  const prefix = DEVICE_PREFIX.exec(content);
  const time = readLogTime(content.slice(prefix?.[0].length ?? 0), clock);
  if (!time || !DEVICE_MESSAGE.test(time.rest)) return undefined;
  const { line, isUnset } = readAfterTime(time);
  const host = prefix?.groups?.['host'];
  return { line: { ...(host !== undefined && { host }), ...line }, isUnset };
}

/**
 * A collector writes its own time and the address of the switch in front of the line that the switch has sent:
 * `Nov 26 10:31:07 10.0.0.1 000123: leaf-a: Nov 26 10:31:06.950 UTC: %SPANTREE-2-…`.
 */
function unwrap(outer: ReadLine, { rest }: LogTime, clock: LogClock): ReadLine | undefined {
  const [, behindHost] = /^ \S+ +(\S.*)$/.exec(rest) ?? [];
  if (behindHost === undefined) return undefined;
  const inner = readPrefixed(behindHost, clock) ?? readRelayed(behindHost, clock);
  if (!inner) return undefined;
  return { line: chooseTime(outer.line, inner), isUnset: false };
}

/** The line of a switch with its own time, or the one of the collector if the clock of the switch is wrong. */
function chooseTime(outer: LogLine & { readonly at: Date }, inner: ReadLine): ReadLine['line'] {
  const { at } = outer;
  const isOff = Math.abs(inner.line.at.getTime() - at.getTime()) > MAX_CLOCK_DIFFERENCE_MS;
  return { ...hostOf(outer), ...inner.line, ...((inner.isUnset || isOff) && { at }) };
}

/** A relay keeps the whole line: `Nov 26 11:40:03 relay Nov 26 11:40:02 net-1 dnsmasq-dhcp[2210]: …`. */
function readRelayed(text: string, clock: LogClock): ReadLine | undefined {
  const time = readLogTime(text, clock);
  const read = time && readAfterTime(time);
  return read?.line.host !== undefined && read.line.program !== undefined ? read : undefined;
}

const PROGRAM = /^(?<program>[^\s:[\]%]{1,128})(?:\[(?<pid>[^\s\]]{0,32})\])?:(?= |$) ?/;
/** Without a colon, only the brackets show that it is a program. */
const PROGRAM_WITHOUT_COLON = /^(?<program>[^\s:[\]%]{1,128})\[(?<pid>\d{1,10})\] /;
const HOST = /^(?<host>[^\s[\]%(]{1,255}) +(?=\S)/;
/** `leaf-a: %STP-2-…`: it looks like a program. */
const HOST_OF_DEVICE = /^(?<host>[\w.-]{1,255}): +(?=%[A-Z][\w-]*-\d-\w)/;
/** In front of the message of a switch. */
const SEQUENCE = /^\d{0,10}: +/;
const NO_HOST = /^(?:last )?message repeated \d+ times/;

/** Reads host, program and text behind the time. */
function readAfterTime({ at, isUnset, rest }: LogTime): ReadLine {
  const endsInColon = rest.startsWith(':');
  const afterTime = rest.slice(endsInColon ? 1 : 0).trimStart();
  const host = endsInColon || NO_HOST.test(afterTime) ? null : readHost(afterTime);
  const afterHost = afterTime.slice(host?.[0].length ?? 0).replace(SEQUENCE, '');
  const program = PROGRAM.exec(afterHost) ?? PROGRAM_WITHOUT_COLON.exec(afterHost);
  const line = {
    at,
    ...toNames(host?.groups?.['host'], program?.groups?.['program'], program?.groups?.['pid']),
    text: cut(afterHost.slice(program?.[0].length ?? 0)),
  };
  return { line, isUnset };
}

function readHost(text: string): RegExpExecArray | null {
  return HOST_OF_DEVICE.exec(text) ?? (PROGRAM.test(text) ? null : HOST.exec(text));
}

/** https://www.rfc-editor.org/rfc/rfc5424#section-6 */
const RFC5424 =
  /^(?<time>\S+) (?<host>\S+) (?<program>\S+) (?<pid>\S+) \S+ (?:-|(?:\[(?:[^\]\\]|\\.)*\])+)(?: |$)/;

function readRfc5424(content: string, clock: LogClock): LogLine | undefined {
  const match = RFC5424.exec(content);
  if (!match) return undefined;
  const { time = '', host, program, pid } = match.groups ?? {};
  const read = readLogTime(time, clock);
  const given = (value: string | undefined) => (value === '-' ? undefined : value);
  const text = content.slice(match[0].length).replace(/^\uFEFF/, '');
  const line = { ...toNames(given(host), given(program), given(pid)), text: cut(text) };
  if (read?.rest !== '') return line;
  const timed = { at: read.at, ...line };
  const inner = readPrefixed(text, clock);
  return inner ? chooseTime(timed, inner) : timed;
}

function toNames(
  host: string | undefined,
  program: string | undefined,
  pid: string | undefined,
): Pick<LogLine, 'host' | 'program' | 'pid'> {
  return {
    ...(host !== undefined && { host }),
    ...(program !== undefined && { program }),
    ...(pid !== undefined && /^\d{1,10}$/.test(pid) && { pid: Number(pid) }),
  };
}

function hostOf({ host }: LogLine): Pick<LogLine, 'host'> {
  return host === undefined ? {} : { host };
}

/** One line without its line break. Bytes that aren't UTF-8 become U+FFFD. */
function toPrintable(line: string | Buffer): string {
  const most = MAX_HEADER_LENGTH + MAX_TEXT_LENGTH;
  // A character has at most 4 bytes. Zeros are what a log begins with that was truncated while a program wrote it.
  const text = typeof line === 'string' ? line : withoutZeros(line).toString('utf8', 0, 4 * most);
  const short = text.length > most ? text.slice(0, most) : text;
  return PLAIN.test(short) ? short.trimEnd() : cleanLine(short);
}

const PLAIN = /^[\x20-\x7e]*$/;

/** Without the zeros at its beginning. */
export function withoutZeros(bytes: Buffer): Buffer {
  const words =
    bytes.byteOffset % 4 === 0 ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2) : [];
  let from = 0;
  while (words[from] === 0) from += 1;
  for (from *= 4; bytes[from] === 0;) from += 1;
  return bytes.subarray(from);
}

function cut(text: string): string {
  const most = text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH - 1)}…` : text;
  return most.toWellFormed();
}
