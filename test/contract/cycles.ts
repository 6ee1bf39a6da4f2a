import { posix } from 'node:path';
import { importsOf, type Tree } from './layers.ts';

/**
 * Import cycles, one for each group of files that import each other, as `a.ts → b.ts → a.ts`: the shortest
 * through the first file of the group. Imports of types and dynamic imports count, computed ones do not.
 */
export function importCycles(tree: Tree): readonly string[] {
  const imports = new Map([...tree].map(([path, text]) => [path, importedFiles(tree, path, text)]));
  const reported = new Set<string>();
  return [...tree.keys()].toSorted().flatMap((path) => {
    if (reported.has(path)) return [];
    const cycle = shortestCycle(imports, path);
    if (!cycle) return [];
    for (const member of groupOf(imports, path)) reported.add(member);
    return [cycle.join(' → ')];
  });
}

type Imports = ReadonlyMap<string, readonly string[]>;

function importedFiles(tree: Tree, path: string, text: string): readonly string[] {
  return importsOf(text)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => posix.join(posix.dirname(path), specifier))
    .filter((imported) => tree.has(imported));
}

/** From a file back to itself; undefined if it is not on a cycle. */
function shortestCycle(imports: Imports, start: string): readonly string[] | undefined {
  const importers = reachedFrom(imports, start);
  const last = [...importers.keys()].find((path) => imports.get(path)?.includes(start));
  if (last === undefined) return undefined;
  const cycle = [start];
  for (let path: string | undefined = last; path !== undefined; path = importers.get(path))
    cycle.unshift(path);
  return cycle;
}

/** The files that a file reaches and that reach it. */
function groupOf(imports: Imports, start: string): readonly string[] {
  return [...reachedFrom(imports, start).keys()].filter((path) => reachedFrom(imports, path).has(start));
}

/**
 * The files that a file reaches, nearest first, each with its importer on that path; itself without one.
 */
function reachedFrom(imports: Imports, start: string): ReadonlyMap<string, string | undefined> {
  const importers = new Map<string, string | undefined>([[start, undefined]]);
  // A Map also iterates over entries added during the iteration.
  for (const path of importers.keys())
    for (const imported of imports.get(path) ?? [])
      if (!importers.has(imported)) importers.set(imported, path);
  return importers;
}
