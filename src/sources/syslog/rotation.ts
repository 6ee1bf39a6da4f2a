import { basename, dirname, join } from 'node:path';
import type { LogFile } from './log-store.ts';

const COMPRESSED = /\.(gz|zst|xz|bz2|lz4|Z)$/;
/** What logrotate and others append: `.1`, `-20261125`, `.20261125`, `-2026-11-25`, `-20261125-14`, `-1795684800`, `.old`. */
const MARK = String.raw`(?:\.\d{1,4}|[-.](?:\d{8}|\d{4}-\d\d-\d\d)(?:[-_T.]?\d{2,6})?|-\d{10}|\.old)`;
const MARKED = new RegExp(`^(?<name>.+?)${MARK}$`);
/** With `extension .log`, logrotate puts it in front of the extension: `leaf-a-20261125.log`. */
const MARKED_BEFORE_EXTENSION = new RegExp(String.raw`^(?<name>.+?)${MARK}(?<extension>\.[A-Za-z]{1,8})$`);

/** How a file is compressed, by its name: `gz`. */
export function compressionOf(path: string): string | undefined {
  return COMPRESSED.exec(path)?.[1];
}

/** The names that the file could have had before it was rotated. */
function namesBefore(name: string): readonly string[] {
  const plain = name.replace(COMPRESSED, '');
  const { name: marked } = MARKED.exec(plain)?.groups ?? {};
  const { name: before, extension = '' } = MARKED_BEFORE_EXTENSION.exec(plain)?.groups ?? {};
  return [
    ...(plain === name ? [] : [plain]),
    ...(marked === undefined ? [] : [marked]),
    ...(before === undefined ? [] : [`${before}${extension}`]),
  ];
}

/** Whether `path` was named `current` before it was rotated. */
export function isRotationOf(path: string, current: string): boolean {
  return dirname(path) === dirname(current) && namesBefore(basename(path)).includes(basename(current));
}

/** Every path that a file could have had before it was rotated, with those of the files that it was rotated to. */
export function groupRotated(paths: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const path of paths)
    for (const name of namesBefore(basename(path))) {
      const current = join(dirname(path), name);
      const known = groups.get(current);
      if (known) known.push(path);
      else groups.set(current, [path]);
    }
  return groups;
}

/** The files that are not the rotated ones of another file in the list: `10.0.0.1` is only one if there is a file `10.0.0`. */
export function currentFiles(files: readonly LogFile[]): readonly LogFile[] {
  const paths = new Set(files.map(({ path }) => path));
  return files.filter(({ path }) => {
    const folder = dirname(path);
    return !namesBefore(basename(path)).some((name) =>
      paths.has(folder === '/' ? `/${name}` : `${folder}/${name}`),
    );
  });
}
