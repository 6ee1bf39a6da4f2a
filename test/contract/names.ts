import type { Tree } from './layers.ts';

const COMMENTS = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;
/** `export const x`, `export async function* x`, `export type X`, `export interface X` ... */
const DECLARATION =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:const|let|class|function\*?|interface|type)\s+(?<name>[\w$]+)/gm;
/** `export const { a, b: c } = f();`, `export const [a] = f();` */
const DESTRUCTURED = /^export (?:const|let) [{[](?<list>[^}\]]*)[}\]] =/gm;
/** `export * as x from './b.ts';` */
const NAMESPACE = /^export (?:type )?\* as (?<name>[\w$]+)/gm;
/** `export { a, type B, c as d };` */
const EXPORT_LIST = /^export (?:type )?\{(?<list>[^}]*)\}(?!\s*from)/gm;
/** `export { a, type B, c as d } from './b.ts';` */
const REEXPORT_LIST = /^export (?:type )?\{(?<list>[^}]*)\}\s*from/gm;
/** `import type { A } from './b.ts';`, `import a, { b as c } from './b.ts';` */
const IMPORT_LIST = /^import [^;{]*\{(?<list>[^}]*)\}/gm;

/**
 * The names that a file declares and exports, each once. Names re-exported from another file are not
 * included, unless they are renamed.
 */
export function exportedNames(text: string): ReadonlySet<string> {
  const code = text.replaceAll(COMMENTS, '');
  const imported = new Set(namesIn(code, IMPORT_LIST).map(({ alias }) => alias));
  const declared = [...code.matchAll(DECLARATION)].map(({ groups }) => groups?.['name'] ?? '');
  const named = [...code.matchAll(NAMESPACE)].map(({ groups }) => groups?.['name'] ?? '');
  const listed = namesIn(code, EXPORT_LIST).filter(
    ({ name, alias }) => alias !== name || !imported.has(name),
  );
  const renamed = namesIn(code, REEXPORT_LIST).filter(({ name, alias }) => alias !== name);
  const lists = [...namesIn(code, DESTRUCTURED), ...listed, ...renamed];
  return new Set([...declared, ...named, ...lists.map(({ alias }) => alias)]);
}

/** The names in lists such as `{ a, type B, c as d }` or `{ a, b: c }`; without `as` or `:`, the alias is the name. */
function namesIn(
  code: string,
  pattern: RegExp,
): readonly { readonly name: string; readonly alias: string }[] {
  return [...code.matchAll(pattern)]
    .flatMap(({ groups }) => (groups?.['list'] ?? '').split(','))
    .map((item) => item.trim().replace(/^type\s+/, ''))
    .filter((item) => item !== '')
    .map((item) => {
      const [name = '', alias = name] = item.split(/\s+as\s+|\s*:\s*/);
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
