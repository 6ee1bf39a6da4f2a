import { existsSync } from 'node:fs';
import { MODULES } from './layers.ts';
import { readTree, ROOT } from './tree.ts';

/** What `npm run new` makes in the examples, and modules of the layer table that have no files yet. */
const NOT_THERE = new Set(['commands/node/disk', ...pathsOfEmptyModules()]);

function pathsOfEmptyModules(): readonly string[] {
  const files = [...readTree(['src', 'commands']).keys()];
  return MODULES.filter(({ at }) => !files.some((path) => at.test(path))).map(({ path }) =>
    path.replace(/\/$/, ''),
  );
}

/** A path from the root of the repository; not the end of a longer path, and not part of an address. */
const PATH = /(?<![\w./@~-])(?:src|commands|scripts|test|deploy|docs|\.ci)\/[\w./-]*\w/g;

/** The paths of the repository that a text names. */
export function namedPaths(text: string): readonly string[] {
  return [...text.matchAll(PATH)].map(([path]) => path);
}

/** Those of them that do not exist. */
export function missingPaths(text: string): readonly string[] {
  return namedPaths(text).filter((path) => !NOT_THERE.has(path) && !existsSync(`${ROOT}${path}`));
}
