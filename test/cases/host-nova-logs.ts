import type { SpokenAnswer } from './case-file.ts';
import { iso, journalLines, textOf } from './host-formats.ts';

/** Which logs of Nova a question is about. The logs of nova-compute say what it removed and how it reports. */
type NovaLog = 'image-cache' | 'service-reports' | 'slow-requests' | 'archive-job';

const LOGS: readonly (readonly [RegExp, readonly NovaLog[]])[] = [
  [/archive|nova-manage/i, ['archive-job']],
  [/nova-api|\b(slow|slowest|longest)\b.*\brequests?\b|\brequests?\b.*\btime\b/i, ['slow-requests']],
  [/image.?cache|\bbase (file|image)|_base/i, ['image-cache']],
  [/servicegroup|report|conductor/i, ['service-reports']],
  [/nova-compute|nova_compute/i, ['image-cache', 'service-reports']],
];

/** A line of a log as Nova writes it itself: `2026-11-26 09:24:07.118 4102 WARNING nova.virt…`. */
const OF_NOVA = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)([.,]\d+) (\d+) (?=[A-Z]+ )/;
const HAS_TIME = /^(?:\w{3} [ \d]?\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT)/;

function logsOf({ of, ask }: SpokenAnswer): readonly NovaLog[] {
  return LOGS.find(([pattern]) => pattern.test(`${ask} of ${of}`))?.[1] ?? [];
}

/** A word for the log that one of Wrench's commands reads; undefined if it reads another one. */
function logIn(line: string): NovaLog | undefined {
  if (/^journalctl .*(archive\*|-t nova-manage)|nova-manage\.log/.test(line)) return 'archive-job';
  if (/nova-api/.test(line) && /^(journalctl|grep)/.test(line)) return 'slow-requests';
  if (!/^(journalctl|grep -HaE) .*nova-compute/.test(line)) return undefined;
  return /reporting\.service/.test(line) ? 'service-reports' : 'image-cache';
}

/** The command reads another log, or none. */
export const NOT_ASKED = Symbol('not asked');

/** Whether a question in a case file is about a log of Nova. */
export function isOfNovaLog(answer: SpokenAnswer): boolean {
  return logsOf(answer).length > 0 && !/\/var\/lib\/|\/etc\//.test(answer.ask);
}

/**
 * As `journalctl` or `grep -HaE` prints a log of Nova, with what the command filters for. undefined if the file doesn't answer it.
 */
export function novaLogLines(
  host: string,
  answers: readonly SpokenAnswer[],
  now: Date,
  line: string,
): string | typeof NOT_ASKED | undefined {
  const log = logIn(line);
  if (log === undefined) return NOT_ASKED;
  const ofFiles = line.startsWith('grep');
  const ofLogs = answers.filter((one) => isOfNovaLog(one) && /\/var\/log\//.test(one.ask) === ofFiles);
  // Without a filter, the journal has all lines of the unit. Wrench asks for it to find out whether Nova writes to it.
  const isUnfiltered = !ofFiles && log === 'image-cache' && !/ -g /.test(line);
  const given = ofLogs.filter((one) => (isUnfiltered ? logsOf(one).length > 1 : logsOf(one).includes(log)));
  if (isUnfiltered && ofLogs.some((one) => linesOf(one).length === 0))
    return `${iso(now.getTime())} ${host} nova-compute[1]: Auditing locally available compute resources\n`;
  if (given.length === 0) return undefined;
  const pattern = / -(?:g|HaE -e) (\S+)/.exec(line)?.[1];
  const isKept = (text: string): boolean =>
    (pattern === undefined || new RegExp(pattern).test(text)) &&
    (!line.includes('-t nova-manage') || / nova-manage(\[\d+\])?: /.test(text));
  if (ofFiles)
    return given
      .flatMap((one) => {
        const [path = '/var/log/nova/nova-compute.log'] = /\/var\/log\/[\w./-]*\w/.exec(one.ask) ?? [];
        return linesOf(one)
          .filter(isKept)
          .map((text) => `${path}:${text}\n`);
      })
      .join('');
  const program =
    log === 'slow-requests' ? 'nova-api' : log === 'archive-job' ? 'nova-manage' : 'nova-compute';
  const written = given.map((one) => ({
    of: one.of,
    ask: one.ask,
    json: undefined,
    text: [...linesOf(one), ...exitOf(one)]
      .map((text) => toJournal(text, { host, program, now }))
      .filter(isKept)
      .join('\n'),
  }));
  const within = Number(/--since=-(\d+)s/.exec(line)?.[1] ?? Infinity);
  return journalLines(host, written, now, within);
}

/** A run without systemd, whose exit code is in the file: `nova-manage db archive_deleted_rows`. */
function exitOf({ ask, rc }: SpokenAnswer): readonly string[] {
  const isRun = /nova-manage/.test(ask) && !/journalctl|\/var\/log\/|systemctl|^grep/.test(ask);
  return isRun && rc ? [`Main process exited, code=exited, status=${rc}/n/a`] : [];
}

const linesOf = (answer: SpokenAnswer): readonly string[] =>
  textOf(answer)
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^-- .* --$/.test(line));

/** The journal has its own time in front of that of Nova. A line without any was written in the time that was asked for. */
function toJournal(
  text: string,
  { host, program, now }: { readonly host: string; readonly program: string; readonly now: Date },
): string {
  const [, day, time, , pid] = OF_NOVA.exec(text) ?? [];
  if (day !== undefined) return `${iso(Date.parse(`${day}T${time}Z`))} ${host} ${program}[${pid}]: ${text}`;
  return HAS_TIME.test(text) ? text : `${iso(now.getTime())} ${host} ${program}[1]: ${text}`;
}
