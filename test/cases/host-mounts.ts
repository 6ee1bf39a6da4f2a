import type { SpokenAnswer } from './case-file.ts';
import { textOf } from './host-formats.ts';

interface KnownMount {
  readonly target: string;
  readonly source?: string;
  readonly fstype?: string;
  readonly size?: number;
  readonly avail?: number;
}

/** As `findmnt -J -b -l -o TARGET,SOURCE,FSTYPE,SIZE,AVAIL`, from `findmnt`, `df`, `mount` and `stat -f`. undefined if none was asked. */
export function mountsAsJson(answers: readonly SpokenAnswer[]): string | undefined {
  const byTarget = new Map<string, KnownMount>();
  for (const mount of answers.flatMap(mountsIn)) {
    // `df /var/lib/nova` may be about the file system that another question shows in full.
    const known = byTarget.get(mount.target);
    byTarget.set(mount.target, { ...known, ...mount });
  }
  if (byTarget.size === 0) return undefined;
  const filesystems = [...byTarget.values()].map(({ target, source = target, fstype, size, avail }) => ({
    target,
    source,
    fstype: fstype ?? typeAbove(target, [...byTarget.values()]) ?? 'unknown',
    size: size ?? null,
    avail: avail ?? null,
  }));
  return JSON.stringify({ filesystems });
}

function typeAbove(path: string, mounts: readonly KnownMount[]): string | undefined {
  return mounts.find(
    ({ target, fstype }) => fstype !== undefined && path.startsWith(`${target.replace(/\/$/, '')}/`),
  )?.fstype;
}

function mountsIn(answer: SpokenAnswer): readonly KnownMount[] {
  if ((answer.rc ?? 0) !== 0) return [];
  const text = textOf(answer);
  const [path] = answer.ask.match(/\/[\w./-]*/g)?.slice(-1) ?? [];
  if (/\bfindmnt\b/.test(answer.ask))
    return /^\s*\{/.test(text) ? ofFindmntJson(text) : ofTable(text, answer.ask, path);
  if (/\bstat -f\b/.test(answer.ask) && path !== undefined) return [{ target: path, fstype: text.trim() }];
  if (/\bmount\b/.test(answer.ask))
    return [...text.matchAll(/^(\S+) on (\S+) type (\S+)/gm)].map(([, source, target, fstype]) => ({
      target: target!,
      source: source!,
      fstype: fstype!,
    }));
  return ofTable(text, answer.ask, path);
}

function ofFindmntJson(text: string): readonly KnownMount[] {
  interface System {
    readonly target: string;
    readonly source: string;
    readonly fstype: string;
    readonly size?: string | number | null;
    readonly avail?: string | number | null;
    readonly children?: readonly System[];
  }
  const flat = (systems: readonly System[]): readonly System[] =>
    systems.flatMap((one) => [one, ...flat(one.children ?? [])]);
  const { filesystems } = JSON.parse(text) as { readonly filesystems: readonly System[] };
  return flat(filesystems).map(({ target, source, fstype, size, avail }) => ({
    target,
    source,
    fstype,
    ...(size !== undefined && size !== null && { size: bytesOf(String(size), 1) }),
    ...(avail !== undefined && avail !== null && { avail: bytesOf(String(avail), 1) }),
  }));
}

const COLUMNS: readonly (readonly [keyof KnownMount, RegExp])[] = [
  ['source', /^(Filesystem|SOURCE)$/],
  ['fstype', /^(Type|FSTYPE)$/],
  ['size', /^(\d+[BKMGT]?-blocks|Size|SIZE)$/],
  ['avail', /^(Avail|Available|AVAIL)$/],
  ['target', /^(Mounted_on|TARGET)$/],
];

/** By the header, as of `df` with any columns. */
function ofTable(text: string, ask: string, path: string | undefined): readonly KnownMount[] {
  const [header = '', ...lines] = text.split('\n').filter((line) => line.trim() !== '');
  const names = header.replace('Mounted on', 'Mounted_on').trim().split(/\s+/);
  const unit = /\bfindmnt\b/.test(ask)
    ? 1
    : unitOf(/(\d+[BKMGT]?)-blocks/.exec(header)?.[1] ?? /-B ?(\w+)|--block-size=(\w+)/.exec(ask)?.[1]);
  return lines.flatMap((line) => {
    const cells = line.trim().split(/\s+/);
    const cell = (column: keyof KnownMount): string | undefined =>
      cells[names.findIndex((name) => COLUMNS.find(([one]) => one === column)![1].test(name))];
    const target = cell('target') ?? path;
    const [source, fstype, size, avail] = [cell('source'), cell('fstype'), cell('size'), cell('avail')];
    if (target === undefined) return [];
    return [
      {
        target,
        ...(source !== undefined && { source }),
        ...(fstype !== undefined && { fstype }),
        ...(size !== undefined && { size: bytesOf(size, unit) }),
        ...(avail !== undefined && { avail: bytesOf(avail, unit) }),
      },
    ];
  });
}

const SUFFIXES = ['', 'K', 'M', 'G', 'T', 'P'];

/** `1`, `1024`, `K`. By default, `df` counts in KiB. */
function unitOf(written = '1K'): number {
  const [, count = '', suffix = ''] = /^(\d*)([KMGT]?)B?$/.exec(written) ?? [];
  return Number(count || 1) * 1024 ** Math.max(0, SUFFIXES.indexOf(suffix));
}

/** `41231686042`, `39G`, `1.5T` */
function bytesOf(written: string, unit: number): number {
  const [, number = '0', suffix = ''] = /^([\d.]+)([KMGTP]?)i?B?$/.exec(written) ?? [];
  return Math.round(Number(number) * (suffix === '' ? unit : 1024 ** SUFFIXES.indexOf(suffix)));
}
