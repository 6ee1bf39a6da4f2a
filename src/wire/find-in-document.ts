import { parseAllDocuments } from 'yaml';
import { type Held, matchKeys, nothing, together, unreadable } from './held.ts';
import { printable } from './x509.ts';

/** yaml reads one to five megabytes a second and blocks meanwhile; larger ones are searched as plain text. */
const MAX_YAML_LENGTH = 1024 * 1024;
const MAX_VALUE_LENGTH = 1024 * 1024;
const MAX_DEPTH = 20;
const MAX_ALIASES = 100;

/** The documents that a text is, read with every scalar as text; undefined where it is neither JSON nor a YAML mapping or list. */
export function parseDocuments(text: string): readonly unknown[] | undefined {
  if (/^\s*[{[]/.test(text)) {
    try {
      return [JSON.parse(text)];
    } catch {
      // YAML's flow style, perhaps.
    }
  }
  if (text.length > MAX_YAML_LENGTH || !looksLikeYaml(text)) return undefined;
  try {
    const documents = parseAllDocuments(text, {
      schema: 'failsafe',
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
    });
    if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return undefined;
    return documents.map((document) => document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown);
  } catch {
    return undefined;
  }
}

/** PEM at the margin cannot stand inside YAML; what OpenSSL prints around it (`Bag Attributes`, `Certificate:`) looks like it, though. */
function looksLikeYaml(text: string): boolean {
  // Every repetition is bounded: the text is anybody's. A hundred brackets in a row are nobody's document, but take yaml seconds.
  return (
    !/^-----/m.test(text.replaceAll(/^---\s/gm, '')) &&
    /^[ \t]{0,200}([{[]|- |["']?[\w./][\w./ -]{0,100}["']?[ ]{0,8}:(\s|$))/m.test(text) &&
    !/[{[][\s{[]{100}/.test(text)
  );
}

/**
 * What a document holds at any depth, each with its dotted path. Keys are laid beside the certificates of the same mapping or list.
 * @param find says what a text in it holds
 */
export function findInDocument(root: unknown, find: (text: string) => Held): Held {
  // An alias makes one object stand at many places: telling it once is enough, and an alias bomb stays as small as it was written.
  const seen = new Set<object>();
  const walk = (value: unknown, depth: number): Held => {
    if (typeof value === 'string') return value.length > MAX_VALUE_LENGTH ? tooLong : find(value);
    if (typeof value !== 'object' || value === null || seen.has(value)) return nothing;
    if (depth === MAX_DEPTH)
      return unreadable('', `it is nested deeper than ${MAX_DEPTH}, and was not read further down`);
    seen.add(value);
    const entries: [string, unknown][] = Object.entries(value);
    return matchKeys(together(entries.map(([key, inner]) => within(key, walk(inner, depth + 1)))));
  };
  return walk(root, 0);
}

const tooLong = unreadable(
  '',
  `it is a value of more than ${MAX_VALUE_LENGTH / 1024 / 1024} MB, and was not read`,
);

/** `:a.b` from `:b` within `a`; `:a#2` from `#2` within `a`. */
function within(key: string, held: Held): Held {
  if (held === nothing) return held;
  const join = <T extends { readonly at: string }>(item: T): T => ({
    ...item,
    at: `:${printable(key)}${item.at.startsWith(':') ? `.${item.at.slice(1)}` : item.at}`,
  });
  return { ...held, chains: held.chains.map(join), unreadable: held.unreadable.map(join) };
}
