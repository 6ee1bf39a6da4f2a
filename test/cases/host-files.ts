import type { SpokenAnswer } from './case-file.ts';
import { textOf, timeOfOld } from './host-formats.ts';

/** What a case file says about a file of a host. */
export interface KnownFile {
  readonly path: string;
  readonly bytes: number;
  /** Of 512 bytes. Absent if it wasn't printed. */
  readonly blocks?: number;
  /** In seconds. Absent if it wasn't printed. */
  readonly modified?: number;
}

/** What the answers say about files: which exist, which don't, and which folders were listed completely. */
export interface KnownFiles {
  readonly files: readonly KnownFile[];
  /** The errors of files, as the program wrote them: `No such file or directory`. */
  readonly errors: ReadonlyMap<string, string>;
  /** Folders of which all files are known. */
  readonly listed: readonly string[];
}

const NO_SUCH_FILE = 'No such file or directory';

/** From `stat`, `ls -l`, `find -printf` and `test -e`. */
export function filesIn(answers: readonly SpokenAnswer[], now: Date): KnownFiles {
  // What `qemu-img` has opened exists; others know more about it.
  const inOrder = [...answers.filter(isOfImage), ...answers.filter((one) => !isOfImage(one))];
  const known = inOrder.flatMap(
    (one) => READERS.find(([pattern]) => pattern.test(one.ask))?.[1](one, now) ?? [],
  );
  // One question may print more about a file than another.
  const byPath = new Map<string, KnownFile>();
  for (const file of known.flatMap(({ files = [] }) => files))
    byPath.set(file.path, { ...byPath.get(file.path), ...file });
  return {
    files: [...byPath.values()],
    errors: new Map(known.flatMap((one) => [...errorsIn(one.text), ...(one.errors ?? [])])),
    listed: known.flatMap(({ listed = [] }) => listed),
  };
}

/** What a file is known to be: its facts, an error, or nothing. */
export function stateOf(known: KnownFiles, path: string): KnownFile | string | undefined {
  const found = known.files.find((one) => one.path === path);
  if (found) return found;
  const error = known.errors.get(path);
  if (error !== undefined) return error;
  const folder = path.slice(0, path.lastIndexOf('/'));
  const isListed = known.listed.includes(folder) || known.errors.get(folder) === NO_SUCH_FILE;
  return isListed ? NO_SUCH_FILE : undefined;
}

/** As `find -printf '%s,%b,%T@,%p\0'` and `stat -c %s,%b,%Y,%n` print it. What wasn't printed is as of a file that is in use. */
export function fileLine({ path, bytes, blocks, modified }: KnownFile, now: Date): string {
  return [bytes, blocks ?? Math.ceil(bytes / 512), modified ?? Math.floor(now.getTime() / 1000), path].join(
    ',',
  );
}

interface Read extends Partial<Omit<KnownFiles, 'errors'>> {
  readonly text: string;
  readonly errors?: ReadonlyMap<string, string>;
}
type Reader = (answer: SpokenAnswer, now: Date) => Read;

const isOfImage = ({ ask }: SpokenAnswer): boolean => /\bqemu-img\b/.test(ask);

const READERS: readonly (readonly [RegExp, Reader])[] = [
  [/\bqemu-img\b/, readChain],
  [/(?:^|\s)stat\b.* (?:-c|--format|--printf)/, readFormattedStat],
  [/(?:^|\s)stat\b(?!.* -f)/, readStat],
  [/(?:^|\s)find\b(?=.* -ls\b)/, readFindList],
  [/(?:^|\s)find\b/, readFind],
  [/(?:^|\s)du\b/, readUsage],
  [/(?:^|\s)(?:ls|ll)\b/, readList],
  [/(?:^|\s)(?:test -[ef]|\[ -[ef]) /, readTest],
];

/** `stat: cannot statx '/x': No such file or directory`, `ls: cannot access '/x': …` */
function errorsIn(text: string): readonly (readonly [path: string, error: string])[] {
  return [...text.matchAll(/^(?:stat|ls|find|cat): (?:[^'/]*)['‘`]?(\/[^'’]*?)['’]?: (.+)$/gm)].map(
    ([, path, error]) => [path!, error!.trim()],
  );
}

const pathsIn = (ask: string): readonly string[] => ask.match(/\/[\w./*@:+-]+/g) ?? [];

/** The fields of a line, by the directives of a format. */
function byFormat(format: string, line: string): Readonly<Record<string, string>> {
  const names: string[] = [];
  const pattern = format
    .replace(/(?:\\n|\\0|\s)+$/, '')
    .replaceAll('\\t', '\t')
    .split(/(%T@|%A@|%C@|%[a-zA-Z])/)
    .map((part, at) => {
      if (at % 2 === 0) return part.replaceAll(/[.*+?^$()[\]{}|\\]/g, '\\$&').replaceAll(/\s+/g, '\\s+');
      names.push(part);
      return '(.+?)';
    })
    .join('');
  const [, ...values] = new RegExp(`^\\s*${pattern}\\s*$`).exec(line) ?? [];
  return Object.fromEntries(values.map((value, at) => [names[at], value]));
}

const formatIn = (ask: string): string =>
  /(?:-c|--format|--printf|-printf)[ =]?(?:'([^']*)'|"([^"]*)"|(\S+))/.exec(ask)?.slice(1).find(Boolean) ??
  '';

const linesOf = (answer: SpokenAnswer): readonly string[] =>
  textOf(answer)
    .split(/\n|\0/)
    .filter((line) => line.trim() !== '');

function toFile(
  path: string | undefined,
  { size, blocks, time }: { readonly size?: string; readonly blocks?: string; readonly time?: string },
): readonly KnownFile[] {
  if (path === undefined) return [];
  const seconds =
    time === undefined ? Number.NaN : /^\d+(\.\d+)?$/.test(time) ? Number(time) : Date.parse(time) / 1000;
  return [
    {
      path,
      bytes: Number(size ?? 0),
      ...(blocks !== undefined && { blocks: Number(blocks) }),
      ...(!Number.isNaN(seconds) && { modified: Math.floor(seconds) }),
    },
  ];
}

function readFormattedStat(answer: SpokenAnswer): Read {
  const format = formatIn(answer.ask);
  const paths = pathsIn(answer.ask.replace(format, '')).filter((path) => !path.includes('*'));
  const lines = linesOf(answer).filter((line) => !line.startsWith('stat: '));
  const files = lines.flatMap((line, at) => {
    const values = byFormat(format, line);
    const path =
      values['%n']?.replaceAll(/^['"]|['"]$/g, '') ?? (lines.length === paths.length ? paths[at] : undefined);
    return toFile(path, {
      ...(values['%s'] !== undefined && { size: values['%s'] }),
      ...(values['%b'] !== undefined && { blocks: values['%b'] }),
      ...((values['%Y'] ?? values['%y']) !== undefined && { time: (values['%Y'] ?? values['%y'])! }),
    });
  });
  return { text: textOf(answer), files, errors: withoutText(answer, paths) };
}

/** An exit code without a message. */
function withoutText(answer: SpokenAnswer, paths: readonly string[]): ReadonlyMap<string, string> {
  const isMissing = (answer.rc ?? 0) !== 0 && textOf(answer).trim() === '';
  return new Map(isMissing ? paths.map((path) => [path, NO_SUCH_FILE]) : []);
}

/** `  File: /x\n  Size: 21474836480  Blocks: 41943040 … Modify: 2026-11-26 11:42:00.0 +0000` */
function readStat(answer: SpokenAnswer): Read {
  const text = textOf(answer);
  const files = text.split(/^(?=\s*File:)/m).flatMap((part) => {
    const path = /File: ['‘`]?(\/\S*?)['’]?$/m.exec(part)?.[1];
    const [size, blocks] = [/Size: (\d+)/.exec(part)?.[1], /Blocks: (\d+)/.exec(part)?.[1]];
    const time = /Modify: (\S+ [\d:]+)\S*( [+-]\d{4})?/.exec(part);
    return toFile(path, {
      ...(size !== undefined && { size }),
      ...(blocks !== undefined && { blocks }),
      ...(time && { time: `${time[1]}${time[2] ?? ' +0000'}` }),
    });
  });
  return { text, files, errors: withoutText(answer, pathsIn(answer.ask)) };
}

/** A search that leaves out small or old files doesn't list a folder. */
function readFind(answer: SpokenAnswer): Read {
  const format = formatIn(answer.ask);
  const files = linesOf(answer).flatMap((line) => {
    const values = format === '' ? {} : byFormat(format, line);
    const [path = /^\/\S+$/.exec(line)?.[0]] = [values['%p']];
    const time = values['%T@'] ?? values['%t'];
    return toFile(path, {
      ...(values['%s'] !== undefined && { size: values['%s'] }),
      ...(values['%b'] !== undefined && { blocks: values['%b'] }),
      ...(time !== undefined && { time }),
    });
  });
  const [folder] = pathsIn(answer.ask);
  const isWhole = (answer.rc ?? 0) === 0 && !/ -(size|mtime|mmin|newer|name|path|delete)\b/.test(answer.ask);
  return {
    text: textOf(answer),
    files,
    listed: isWhole && folder !== undefined ? [folder.replace(/\/$/, '')] : [],
  };
}

/** With `--backing-chain`, each file of a list was opened. */
function readChain({ ask, json, rc }: SpokenAnswer): Read {
  const chain = /--backing-chain/.test(ask) && Array.isArray(json) && (rc ?? 0) === 0 ? json : [];
  return {
    text: '',
    files: (chain as readonly Readonly<Record<string, unknown>>[]).flatMap((one) =>
      typeof one['filename'] === 'string'
        ? [{ path: one['filename'], bytes: Number(one['virtual-size'] ?? 0) }]
        : [],
    ),
  };
}

/** `find -ls`: the number of the file and its blocks of 1 KiB in front of what `ls -l` prints. */
function readFindList(answer: SpokenAnswer, now: Date): Read {
  const text = textOf(answer).replaceAll(/^ *\d+ +(?=\d+ +[-dlcbps])/gm, '');
  const { files = [] } = readList({ ...answer, ask: 'ls', json: undefined, text }, now);
  return { text: textOf(answer), files };
}

/** `du`: the size on disk, in units of 1 KiB unless it says otherwise. */
function readUsage(answer: SpokenAnswer): Read {
  const unit = /\bdu\b.* (-\w*b|-B ?1\b|--block-size=1\b|--bytes)/.test(answer.ask) ? 1 : 1024;
  const files = linesOf(answer).flatMap((line) => {
    const [, size, suffix, path] = /^([\d.]+)([KMGT]?)\s+(\/\S+)$/.exec(line) ?? [];
    if (path === undefined) return [];
    const bytes = Number(size) * (suffix === '' ? unit : 1024 ** ' KMGT'.indexOf(suffix!));
    return [{ path, bytes: Math.round(bytes), blocks: Math.ceil(bytes / 512) }];
  });
  return { text: textOf(answer), files };
}

/** `-rw-r--r-- 1 nova nova 21474836480 Nov 26 11:42 296319fe…`, also with the blocks of 1 KiB in front. */
const LONG =
  /^\s*(?:(?<kib>\d+)\s+)?(?<mode>[-dlcbps][-rwxsStT]{9})[.+@]?\s+\d+\s+\S+\s+\S+\s+(?<size>\d+)\s+(?<time>\w{3}\s+\d+\s+[\d:]+|\d{4}-\d\d-\d\d \d\d:\d\d(?::[\d.]+)?(?: [+-]\d{4})?)\s+(?<name>.+)$/;

function readList(answer: SpokenAnswer, now: Date): Read {
  const asked = pathsIn(answer.ask);
  let folder = asked.find((path) => !path.includes('*')) ?? '';
  const files: KnownFile[] = [];
  const listed = new Set<string>();
  for (const line of linesOf(answer)) {
    if (/^(ls: |total )/.test(line)) continue;
    // `ls` of several folders.
    if (/^\/.*:$/.test(line)) {
      folder = line.slice(0, -1);
      listed.add(folder);
      continue;
    }
    const long = LONG.exec(line)?.groups;
    const name = (long?.['name'] ?? line.trim()).replace(/ -> .*$/, '');
    const path = name.startsWith('/') ? name : `${folder.replace(/\/$/, '')}/${name}`;
    const { kib, size, time } = long ?? {};
    const modified = time === undefined ? undefined : timeIn(time, now);
    files.push({
      path,
      bytes: Number(size ?? 0),
      ...(kib !== undefined && { blocks: Number(kib) * 2 }),
      ...(modified !== undefined && { modified }),
    });
  }
  const isFolder = files.every(({ path }) => path !== folder) && !/ -\w*d/.test(answer.ask);
  const isWhole = (answer.rc ?? 0) === 0 && isFolder && !/[|*]/.test(answer.ask) && folder !== '';
  if (isWhole) listed.add(folder.replace(/\/$/, ''));
  return { text: textOf(answer), files, listed: [...listed] };
}

function timeIn(time: string, now: Date): number | undefined {
  const old = /^(\w{3})\s+(\d+)\s+(\d\d:\d\d)$/.exec(time);
  const ms = old
    ? timeOfOld(`${old[1]} ${old[2]!.padStart(2)} ${old[3]}:00`, now)
    : Date.parse(/[+-]\d{4}$|\d{4}$/.test(time) ? time : `${time}Z`.replace(' ', 'T'));
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}

function readTest({ ask, rc, ...answer }: SpokenAnswer): Read {
  const [path] = pathsIn(ask);
  const text = textOf({ ask, ...answer });
  if (path === undefined) return { text };
  return (rc ?? 0) === 0
    ? { text, files: [{ path, bytes: 0 }] }
    : { text, errors: new Map([[path, NO_SUCH_FILE]]) };
}
