import type { LogLine } from '../../ports/logs.ts';
import { SourceError } from '../../ports/source-error.ts';
import { cleanText } from '../../text/clean-text.ts';
import type { HostCommand } from '../../wire/host-command.ts';
import { HOST_COMMANDS } from '../../wire/host-commands.ts';
import { NOVA_MANAGE_FILES, type NovaLog, novaLogFiles, novaLogPattern } from '../../wire/nova-commands.ts';
import {
  attemptAnswer,
  firstAnswer,
  type HostQuestion,
  isNoSuchFile,
  isPermissionDenied,
  linesOf,
  mostTelling,
  runForAnswer,
} from './ask-host.ts';
import { type HostLogQuery, parseHostLines, type ReadLog, readJournal } from './read-journal.ts';

/** Lines that Nova wrote to the journal or to its own files. It may write to both. */
export async function readNovaLog(
  asked: HostQuestion,
  query: HostLogQuery & { readonly log: NovaLog },
): Promise<ReadLog> {
  const pattern = novaLogPattern(query.log);
  const unfiltered = (): Promise<ReadLog> =>
    readJournal(asked, query, (window) => HOST_COMMANDS.novaJournalUnfiltered({ log: query.log, ...window }));
  const [journal, files] = await Promise.all([
    attemptAnswer(() =>
      firstAnswer([
        () => readJournal(asked, query, (window) => HOST_COMMANDS.novaJournal({ log: query.log, ...window })),
        unfiltered,
      ]),
    ),
    attemptAnswer(() =>
      readFiles(asked, query, {
        make: () => HOST_COMMANDS.novaLogFiles(query),
        files: novaLogFiles(query.log),
      }),
    ),
  ]);
  const read = chooseAnswers(asked, [journal, files]);
  const lines = read.lines.map(withoutHeader).filter(({ text }) => pattern.test(text));
  // A journal to which Nova doesn't write says nothing about Nova.
  const isUnproven = lines.length === 0 && read.missing === undefined && files instanceof SourceError;
  if (isUnproven && (await unfiltered()).lines.length === 0)
    throw asked.fail('missing', 'Nova has written nothing to the journal, and has no log in /var/log');
  return { ...read, lines };
}

/** What a scheduled job of any name, and `nova-manage`, wrote. */
export async function readArchiveJob(asked: HostQuestion, query: HostLogQuery): Promise<ReadLog> {
  const answers = await Promise.all([
    attemptAnswer(() => readJobJournal(asked, query)),
    attemptAnswer(() => readJournal(asked, query, HOST_COMMANDS.novaManageJournal)),
    attemptAnswer(() =>
      readFiles(asked, query, { make: HOST_COMMANDS.novaManageFiles, files: NOVA_MANAGE_FILES }),
    ),
  ]);
  const read = chooseAnswers(asked, answers);
  return { ...read, lines: read.lines.map(withoutHeader) };
}

/** `Failed to add filter for units: No data available`: the journal has no unit with such a name. */
async function readJobJournal(asked: HostQuestion, query: HostLogQuery): Promise<ReadLog> {
  try {
    return await readJournal(asked, query, HOST_COMMANDS.archiveJournal);
  } catch (error) {
    if (error instanceof SourceError && /No data available/.test(error.message)) return { lines: [] };
    throw error;
  }
}

/**
 * What was read of all places, newest first. A place that doesn't exist is none; one that can't be read is a failure if nothing else has lines.
 * @throws {SourceError}
 */
function chooseAnswers(asked: HostQuestion, answers: readonly (ReadLog | SourceError)[]): ReadLog {
  const errors = answers.filter((one) => one instanceof SourceError);
  const read = answers.filter((one): one is ReadLog => !(one instanceof SourceError));
  const telling = errors.filter(({ kind }) => kind !== 'missing');
  const lines = mergeLines(read.map((one) => one.lines));
  if (read.length === 0 && telling.length === 0) throw asked.fail('missing', 'there is no such log');
  if (lines.length === 0 && telling.length > 0) throw mostTelling(telling);
  const missing = read.find((one) => one.missing !== undefined)?.missing;
  return { lines, ...(missing !== undefined && { missing }) };
}

/** Of a line that several places have, one is kept. The journal has only whole seconds. */
function mergeLines(places: readonly (readonly LogLine[])[]): readonly LogLine[] {
  const seen = new Map<string, number>();
  const merged = places.flatMap((lines) => {
    const ofPlace = new Map<string, number>();
    return lines.filter((line) => {
      const seconds = line.at === undefined ? undefined : Math.floor(line.at.getTime() / 1000);
      const key = JSON.stringify([seconds, withoutHeader(line).text]);
      const count = (ofPlace.get(key) ?? 0) + 1;
      ofPlace.set(key, count);
      if (count <= (seen.get(key) ?? 0)) return false;
      seen.set(key, count);
      return true;
    });
  });
  return merged.toSorted((a, b) => (b.at?.getTime() ?? 0) - (a.at?.getTime() ?? 0));
}

/** `4102 WARNING nova.virt.libvirt.imagecache [None req-6a1d - - - - -] `, as Nova writes it in front of a message. */
const HEADER =
  /^(?<pid>\d{1,10}) (?:DEBUG|INFO|AUDIT|WARNING|ERROR|CRITICAL|TRACE) (?<logger>[\w.]{1,200}) (?:\[[^\]]{0,300}\] )?/;
const TIME = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,]\d{3} /;

function withoutHeader(line: LogLine): LogLine {
  const text = line.text.replace(TIME, '');
  const header = HEADER.exec(text);
  if (!header) return line;
  return { ...line, pid: Number(header.groups?.['pid']), text: text.slice(header[0].length) };
}

const FILE_LINE = /^(?<path>\/[^:]+):(?<text>.*)$/;

async function readFiles(
  asked: HostQuestion,
  query: HostLogQuery,
  { make, files }: { readonly make: () => HostCommand; readonly files: readonly string[] },
): Promise<ReadLog> {
  const { text, stderr, exitCode, isCut } = await runForAnswer(asked, make, [0, 1, 2]);
  if (isPermissionDenied(stderr))
    throw asked.fail(
      'refused',
      "the user can't read the logs of Nova: add it to the groups `adm` and `nova`",
    );
  const errors = linesOf(stderr);
  if (errors.filter(isNoSuchFile).length >= files.length)
    throw asked.fail('missing', 'there is no log of Nova in /var/log');
  const other = errors.find((line) => !isNoSuchFile(line));
  if (exitCode === 2 && (other !== undefined || errors.length === 0))
    throw asked.fail('malformed', cleanText(other ?? 'exit code 2').slice(0, 200));
  const found = isCut ? linesOf(text).slice(0, -1) : linesOf(text);
  const parsed = found.map((line) => FILE_LINE.exec(line)?.groups);
  if (parsed.some((one) => one === undefined))
    throw asked.fail('malformed', 'the output has an unknown format');
  const newestFirst = parsed
    .map((one) => toProgramLine(one?.['path'] ?? '', one?.['text'] ?? ''))
    .toReversed();
  return {
    lines: await parseHostLines(newestFirst, query),
    ...(isCut && { missing: 'only the beginning of the logs of Nova was read' }),
  };
}

/** With the name of the program, so that the process id isn't read as a host: `2026-11-26 09:24:07.118 nova-compute[4102]: Unknown base file: …`. */
function toProgramLine(path: string, text: string): string {
  const [time] = TIME.exec(text) ?? [];
  const header = time === undefined ? null : HEADER.exec(text.slice(time.length));
  if (time === undefined || !header) return text;
  const program = /(?<name>[^/]*?)\.log/.exec(path)?.groups?.['name'] ?? 'nova';
  return `${time}${program}[${header.groups?.['pid']}]: ${text.slice(time.length + header[0].length)}`;
}
