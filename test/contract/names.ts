import type { Tree } from './layers.ts';

const COMMENTS = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;
/** `export const x`, `export async function* x`, `export type X`, `export interface X` ... */
const DECLARATION =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:const|let|class|function\*?|interface|type)\s+(?<name>[\w$]+)/gm;
/** `export { a, type B, c as d };`, but not `export { a } from './b.ts';` */
const EXPORT_LIST = /^export (?:type )?\{(?<list>[^}]*)\}(?!\s*from)/gm;
/** `import type { A } from './b.ts';`, `import a, { b as c } from './b.ts';` */
const IMPORT_LIST = /^import [^;{]*\{(?<list>[^}]*)\}/gm;

/** The names that a file declares and exports, each once. Names that it re-exports from another file are not among them. */
export function exportedNames(text: string): ReadonlySet<string> {
  const code = text.replaceAll(COMMENTS, '');
  const imported = new Set(namesIn(code, IMPORT_LIST).map(({ alias }) => alias));
  const declared = [...code.matchAll(DECLARATION)].map(({ groups }) => groups?.['name'] ?? '');
  const listed = namesIn(code, EXPORT_LIST).filter(({ name }) => !imported.has(name));
  return new Set([...declared, ...listed.map(({ alias }) => alias)]);
}

/** The names in lists such as `{ a, type B, c as d }`; without `as`, the alias is the name. */
function namesIn(
  code: string,
  pattern: RegExp,
): readonly { readonly name: string; readonly alias: string }[] {
  return [...code.matchAll(pattern)]
    .flatMap(({ groups }) => (groups?.['list'] ?? '').split(','))
    .map((item) => item.trim().replace(/^type\s+/, ''))
    .filter((item) => item !== '')
    .map((item) => {
      const [name = '', alias = name] = item.split(/\s+as\s+/);
      return { name, alias };
    });
}

/** Each name that several files export, as `name: a.ts, b.ts`. */
export function duplicateNames(tree: Tree): readonly string[] {
  const files = new Map<string, string[]>();
  for (const [path, text] of tree)
    for (const name of exportedNames(text)) files.set(name, [...(files.get(name) ?? []), path]);
  return [...files]
    .filter(([, paths]) => paths.length > 1)
    .map(([name, paths]) => `${name}: ${paths.join(', ')}`)
    .toSorted();
}
