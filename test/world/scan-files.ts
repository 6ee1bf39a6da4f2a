import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { SeenPlace, ScanResult } from '../../src/ports/certificates.ts';
import type { SourceHealth } from '../../src/ports/source.ts';
import { filesConfig } from '../../src/sources/files/config.ts';
import { openFiles } from '../../src/sources/files/open.ts';

/** A temporary folder to scan. Paths are relative to it. */
export interface ScannedFolder {
  readonly dir: string;
  readonly put: (files: Readonly<Record<string, string | Buffer>>) => Promise<void>;
  /** Makes symbolic links, each with its target unchanged. */
  readonly link: (links: Readonly<Record<string, string>>) => Promise<void>;
  /** The results of a scan, sorted: `place name` or `place kind: message`. */
  readonly scan: (paths: readonly string[], config?: object) => Promise<string[]>;
  /** The certificates by place. */
  readonly seen: (paths: readonly string[], config?: object) => Promise<Record<string, SeenPlace>>;
  /** The number of files without a certificate. */
  readonly countEmpty: (paths: readonly string[], config?: object) => Promise<number>;
  readonly healthCheck: (paths: readonly string[], config?: object) => Promise<SourceHealth>;
  readonly remove: () => Promise<void>;
}

export async function makeScannedFolder(): Promise<ScannedFolder> {
  const dir = await mkdtemp(join(tmpdir(), 'files-'));
  await chmod(dir, 0o755);
  const open = (paths: readonly string[], config: object) =>
    openFiles(
      filesConfig.parse({
        kind: 'files',
        name: 'disk',
        paths: paths.map((path) => join(dir, path)),
        ...config,
      }),
    );
  const resultsOf = async (paths: readonly string[], config: object, onEmpty?: () => void) => {
    const results: ScanResult[] = [];
    const { signal } = new AbortController();
    const scanned = open(paths, config).reads.certificates?.scan({ signal, ...(onEmpty && { onEmpty }) });
    for await (const result of scanned ?? []) results.push(result);
    return results;
  };
  const placeOf = ({ place }: ScanResult) => place.replace(`disk:${dir}/`, '');
  const describe = (result: ScanResult) =>
    `${placeOf(result)} ${
      result.kind === 'seen' ? result.chain[0].name : `${result.error.kind}: ${result.error.message}`
    }`;
  return {
    dir,
    put: async (files) => {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(dir, path)), { recursive: true });
        await writeFile(join(dir, path), content);
      }
    },
    link: async (links) => {
      for (const [path, target] of Object.entries(links)) {
        await mkdir(dirname(join(dir, path)), { recursive: true });
        await symlink(target, join(dir, path));
      }
    },
    scan: async (paths, config = {}) => (await resultsOf(paths, config)).map(describe).toSorted(),
    seen: async (paths, config = {}) =>
      Object.fromEntries(
        (await resultsOf(paths, config)).flatMap((result) =>
          result.kind === 'seen' ? [[placeOf(result), result]] : [],
        ),
      ),
    countEmpty: async (paths, config = {}) => {
      let empty = 0;
      await resultsOf(paths, config, () => (empty += 1));
      return empty;
    },
    healthCheck: (paths, config = {}) => open(paths, config).healthCheck(new AbortController().signal),
    remove: () => rm(dir, { recursive: true }),
  };
}

/** Root ignores permissions. */
export async function asUnprivilegedUser<T>(work: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}
