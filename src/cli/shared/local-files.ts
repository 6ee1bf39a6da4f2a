import { stat } from 'node:fs/promises';
import { join, normalize, relative, resolve, sep } from 'node:path';
import type { Location } from '../../check/finding.ts';
import type { Config } from '../../config/read-config.ts';
import { configSchema } from '../../config/schema.ts';
import { repositoryOf } from '../../terminal/sarif.ts';

const ENVIRONMENT = 'local';

/** The same path always in the same form: `ci` for `./ci/`. */
export function localPaths(paths: readonly string[]): readonly string[] {
  return [...new Set(paths.map((path) => normalize(path).replace(/(?<=.)\/+$/, '')))];
}

/** The configuration of a run on folders and files of this machine, without `wrench.yaml`. @returns what is wrong, as a sentence, if something is. */
export async function localConfig(paths: readonly string[]): Promise<Config | string> {
  for (const path of paths) {
    const problem = await problemWith(path);
    if (problem !== undefined) return problem;
  }
  const parsed = configSchema.parse({
    environments: { [ENVIRONMENT]: { sources: [{ kind: 'checkout', folders: paths }] } },
    defaultEnvironment: ENVIRONMENT,
  });
  return { ...parsed, secrets: [] };
}

async function problemWith(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    return found.isDirectory() || found.isFile() ? undefined : `\`${path}\` isn't a folder or a file.`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? `\`${path}\` doesn't exist.` : `Couldn't read \`${path}\` (${code}).`;
  }
}

/** Where a file is, from the current folder, so that a terminal or an editor can open it. */
export function pathFromHere(paths: readonly string[], here = process.cwd()): (location: Location) => string {
  return (location) => {
    const { target, line, path } = location;
    // A file that was given itself is a repository of its own.
    const given = paths.find((one) => target === `${one}:${line}`);
    const repository = repositoryOf(location);
    const folder = paths.find((one) => one === repository) ?? (repository === '' ? '.' : undefined);
    if (given === undefined && folder === undefined) return path;
    const absolute = resolve(here, given ?? join(folder ?? '.', path));
    return relative(here, absolute).replaceAll(sep, '/');
  };
}
