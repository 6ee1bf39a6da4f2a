import type { SpokenAnswer } from './case-file.ts';
import { textOf } from './host-formats.ts';

/** What a search for disks prints on its two outputs. */
export interface DiskOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** For each disk its path, a NUL, and what `qemu-img info --output=json` printed, from questions about single disks. undefined if there are none. */
export function instanceDisks(answers: readonly SpokenAnswer[]): DiskOutput | undefined {
  const disks = answers.flatMap((answer) => {
    const [json, ...behind] = jsonOf(answer);
    const path =
      /(\/[^\s'"]*\/disk[\w.]*)/.exec(answer.ask)?.[1] ?? (json?.['filename'] as string | undefined) ?? '';
    if (path === '') return [];
    const folder = path.slice(0, path.lastIndexOf('/'));
    const snapshots = behind.flatMap((one) => {
      const file = String(one['filename']);
      return file.startsWith(`${folder}/disk`) ? [{ path: file, json: one, error: '' }] : [];
    });
    return [{ path, json, error: (answer.rc ?? 0) === 0 ? '' : textOf(answer) }, ...snapshots];
  });
  const listed = answers.some(({ ask }) => /\bls\b|\bfind\b/.test(ask));
  if (disks.length === 0 && !listed) return undefined;
  return {
    stdout: disks
      .map(({ path, json }) => `${path}\0${json ? `${JSON.stringify(json, undefined, 4)}\n` : ''}`)
      .join(''),
    stderr: disks.map(({ error }) => error).join(''),
  };
}

type DiskInfo = Readonly<Record<string, unknown>>;

/** The disk, and with `--backing-chain` what is behind it. */
function jsonOf(answer: SpokenAnswer): readonly DiskInfo[] {
  if ((answer.rc ?? 0) !== 0) return [];
  const text = textOf(answer);
  if (!/^\s*[[{]/.test(text))
    return text
      .split(/^\s*$/m)
      .map((part) => fromText(part.trim()))
      .filter((one) => one !== undefined);
  const value = JSON.parse(text) as unknown;
  return Array.isArray(value) ? (value as DiskInfo[]) : [value as DiskInfo];
}

/** `image: disk`, `file format: qcow2`, `virtual size: 20 GiB (21474836480 bytes)`, `backing file: /x (actual path: /y)` */
function fromText(text: string): Readonly<Record<string, unknown>> | undefined {
  const field = (name: string): string | undefined => new RegExp(`^${name}: (.+)$`, 'm').exec(text)?.[1];
  const format = field('file format');
  if (format === undefined) return undefined;
  const [, backing, actual] = /^(.*?)(?: \(actual path: (.*)\))?$/.exec(field('backing file') ?? '') ?? [];
  return {
    filename: field('image'),
    format,
    'virtual-size': Number(/\((\d+) bytes\)/.exec(field('virtual size') ?? '')?.[1] ?? 0),
    ...(backing && {
      'backing-filename': backing,
      'full-backing-filename': actual ?? backing,
      'backing-filename-format': field('backing file format') ?? 'raw',
    }),
  };
}
