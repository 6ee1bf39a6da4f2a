import type { SpokenAnswer } from './case-file.ts';
import type { KnownFile } from './host-files.ts';
import { textOf } from './host-formats.ts';

interface OpenFile {
  readonly pid: string;
  readonly descriptor: string;
  readonly path: string;
  readonly isDeleted: boolean;
  readonly flags?: string;
  readonly bytes?: number;
  readonly program?: string;
}

/** A line of `lsof`, with or without the column NLINK: `qemu-kvm 31877 qemu 14w REG 253,0 6162317312 131 /var/… (deleted)`. */
const LSOF =
  /^(?<program>\S+)\s+(?<pid>\d+)\s+(?:\d+\s+)?\S+\s+(?<descriptor>\d+)[rwuNR -]\S*\s+REG\s+\S+\s+(?<bytes>\d+)\s.*?(?<path>\/\S+)(?<deleted> \(deleted\))?\s*$/;
/** A line of `ls -l /proc/31877/fd`, or of `find /proc -ls`. */
const LINK =
  /(?:\/proc\/(?<pid>\d+)\/fd\/|\s|^)(?<descriptor>\d+) -> (?<path>\/\S+)(?<deleted> \(deleted\))?\s*$/;
const FDINFO = /\/proc\/(?<pid>\d+)\/fdinfo\/(?<descriptor>\d+)/;

/** Whether a question is about open files. */
export const OPEN_FILES = /\/proc\/[^/\s]+\/fd|\blsof\b|\bfuser\b/;

/**
 * As Wrench's search in `/proc` prints the open files whose paths match, from `lsof`, `ls -l /proc/PID/fd` and `/proc/PID/fdinfo/N`. A descriptor without a
 * path belongs to the log whose size is its position, or else to the largest. undefined if the file says nothing about such files.
 */
export function openFileRecords(
  answers: readonly SpokenAnswer[],
  { isAsked, logs }: { readonly isAsked: (path: string) => boolean; readonly logs: readonly KnownFile[] },
): string | undefined {
  const good = answers.filter(({ rc }) => (rc ?? 0) === 0);
  const infos = good.flatMap((one) => {
    const { pid, descriptor } = FDINFO.exec(one.ask)?.groups ?? {};
    return pid === undefined ? [] : [{ pid, descriptor: descriptor!, text: textOf(one) }];
  });
  const named = good.filter(({ ask }) => !FDINFO.test(ask)).flatMap(listedIn);
  const open: OpenFile[] = named.map((file) => {
    const info = infos.find(({ pid, descriptor }) => pid === file.pid && descriptor === file.descriptor);
    return { ...file, ...flagsIn(info?.text) };
  });
  for (const { pid, descriptor, text } of infos) {
    if (named.some((one) => one.pid === pid && one.descriptor === descriptor)) continue;
    const log = logAt(Number(/^pos:\s*(\d+)/m.exec(text)?.[1] ?? Number.NaN), logs);
    if (log) open.push({ pid, descriptor, path: log.path, isDeleted: false, ...flagsIn(text) });
  }
  const matching = open.filter(({ path }) => isAsked(path));
  // A search for deleted files that found none. `grep` ends with 1.
  const isSearched = answers.some(
    ({ ask, rc }) => (rc ?? 0) <= 1 && !FDINFO.test(ask) && /deleted|\+L1|_base|\/\*\/fd/.test(ask),
  );
  // `lsof` and `fuser` of a log that nobody has open print nothing, and end with 1.
  const isUnused = answers.some(
    (one) =>
      (one.rc ?? 0) <= 1 && /\b(lsof|fuser)\b.*\/console\.log/.test(one.ask) && textOf(one).trim() === '',
  );
  const isAnswered = isAsked('/var/lib/nova/instances/_base/x') ? isSearched : isUnused;
  if (matching.length === 0 && !isAnswered) return undefined;
  return `/proc/1/fd\0${matching.map((one) => recordOf(one, logs)).join('')}`;
}

function listedIn(answer: SpokenAnswer): readonly OpenFile[] {
  const ofQuestion = /\/proc\/(\d+)\/fd/.exec(answer.ask)?.[1];
  let ofHeading: string | undefined;
  return textOf(answer)
    .split('\n')
    .flatMap((line): readonly OpenFile[] => {
      // `ls -l` of several folders.
      ofHeading = /^\/proc\/(\d+)\/fd:$/.exec(line)?.[1] ?? ofHeading;
      const { program, pid, descriptor, bytes, path, deleted } =
        (LSOF.exec(line) ?? LINK.exec(line))?.groups ?? {};
      const process = pid ?? ofHeading ?? ofQuestion;
      if (path === undefined || descriptor === undefined || process === undefined) return [];
      return [
        {
          pid: process,
          descriptor,
          path,
          isDeleted: deleted !== undefined,
          ...(bytes !== undefined && { bytes: Number(bytes) }),
          ...(program !== undefined && { program }),
        },
      ];
    });
}

function flagsIn(text = ''): { readonly flags?: string } {
  const flags = /^flags:\s*([0-7]+)/m.exec(text)?.[1];
  return flags === undefined ? {} : { flags };
}

function logAt(position: number, logs: readonly KnownFile[]): KnownFile | undefined {
  const bySize = logs.toSorted((one, other) => other.bytes - one.bytes);
  return bySize.find(({ bytes }) => bytes === position) ?? bySize[0];
}

function recordOf(
  { pid, descriptor, path, isDeleted, flags, bytes, program = 'qemu-system-x86' }: OpenFile,
  logs: readonly KnownFile[],
): string {
  const log = logs.findLast((one) => one.path === path);
  const size = bytes ?? log?.bytes;
  return [
    `/proc/${pid}/fd/${descriptor},${path}${isDeleted ? ' (deleted)' : ''}\0`,
    flags === undefined ? '' : `flags:\t${flags}\n`,
    size === undefined ? '' : `${size},${log?.blocks ?? Math.ceil(size / 512)}\n`,
    `${program}\n`,
  ].join('');
}
