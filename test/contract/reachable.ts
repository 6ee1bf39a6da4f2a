import { posix } from 'node:path';
import { importsOf, type Tree } from './layers.ts';

/**
 * Everything that some files load, including themselves: paths of the tree, and packages as imported. With
 * `lazily`, imports at run time count too; without it, only what is loaded before the first line runs.
 */
export function reachable(
  tree: Tree,
  from: readonly string[],
  { lazily }: { readonly lazily: boolean },
): ReadonlySet<string> {
  const found = new Set(from);
  // A Set also iterates over values added during the iteration.
  for (const path of found) {
    const text = (tree.get(path) ?? '').replaceAll(ERASED, '');
    for (const specifier of importsOf(lazily ? text : text.replaceAll(LAZY, '')))
      found.add(specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier);
  }
  return found;
}

/** Erased at run time; `import { type X }` is not, and loads its module. */
const ERASED = /^(?:import|export) type [^;]*;/gm;
const LAZY = /\bimport\s*\([^)]*\)/g;
