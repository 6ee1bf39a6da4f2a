import { globSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The Markdown files of the repository, by their path from its root. */
export const DOCUMENTS: readonly string[] = globSync('**/*.md', {
  cwd: ROOT,
  exclude: (path) => path.split('/').includes('node_modules'),
}).toSorted();

/** The files under folders of the repository, by their path from its root. */
export function readTree(
  folders: readonly string[],
  wanted: RegExp = /\.[cm]?[jt]sx?$/,
): ReadonlyMap<string, string> {
  const paths = folders.flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && wanted.test(entry.name))
      .map((entry) => `${entry.parentPath}/${entry.name}`.slice(ROOT.length)),
  );
  return new Map(paths.toSorted().map((path) => [path, readText(path)]));
}

export function readText(path: string): string {
  return readFileSync(`${ROOT}${path}`, 'utf8');
}
