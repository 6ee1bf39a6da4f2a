import {
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type ErrorCode,
  type Node,
  parseAllDocuments,
} from 'yaml';
import type { MappedText } from '../mapped-text.ts';
import type { ScriptsInFile } from '../script.ts';
import { type ScalarToken, scalarPieces } from './scalar-pieces.ts';

export type YamlProblem = ScriptsInFile['problems'][number];

interface YamlBase {
  /** The offset in its file. */
  readonly at: number;
  /** `!reference` */
  readonly tag?: string;
}

export interface YamlText extends YamlBase {
  readonly kind: 'text';
  /** Where it ends; of a block, where its header begins. */
  readonly end: number;
  readonly value: string;
  /** The value with its places in the file. */
  readonly mapped: MappedText;
  /** Whether it is written without quotes, as null, numbers and booleans are. */
  readonly isPlain: boolean;
  /** Of its file, as given to `readYamlDocuments`. */
  readonly path: string;
}

export interface YamlList extends YamlBase {
  readonly kind: 'list';
  readonly items: readonly Yaml[];
}

export interface YamlMap extends YamlBase {
  readonly kind: 'map';
  /** By key, with the keys of `<<` added. Of a key that stands there twice, the last one. */
  readonly entries: ReadonlyMap<string, YamlEntry>;
}

export interface YamlEntry {
  readonly key: number;
  readonly value: Yaml;
}

/** Aliases are replaced by what they refer to, which is then the same object. */
export type Yaml = YamlText | YamlList | YamlMap;

export interface YamlDocuments {
  readonly roots: readonly Yaml[];
  /** What couldn't be read. */
  readonly problems: readonly YamlProblem[];
}

/** Larger files are not read: a parsed file takes many times its size. */
const LONGEST_YAML = 2_500_000;
const DEEPEST_YAML = 200;
/** How many entries `<<` may add. */
const MOST_MERGED = 200_000;
/** One fault often causes many errors. */
const MOST_PROBLEMS = 3;

/** Reads the documents of a YAML file. Every plain value is text. Never throws: what can't be read is a problem. */
export function readYamlDocuments(content: string, path = ''): YamlDocuments {
  if (content.length > LONGEST_YAML) {
    const because = `The file has more than ${LONGEST_YAML / 1_000_000} million characters.`;
    return { roots: [], problems: [{ at: 0, because }] };
  }
  const problems: YamlProblem[] = [];
  const roots: Yaml[] = [];
  for (const document of documentsOf(content, problems)) {
    for (const { pos, code } of document.errors.slice(0, MOST_PROBLEMS))
      problems.push({
        at: Math.min(pos[0], content.length),
        because: `The YAML is invalid: ${describeError(code)}`,
      });
    const reading: Reading = { path, anchors: new Map(), problems, merged: 0, at: 0 };
    if (document.contents) roots.push(toYaml(document.contents, reading, 0));
  }
  return { roots, problems };
}

function documentsOf(
  content: string,
  problems: YamlProblem[],
): ReturnType<typeof parseAllDocuments> & readonly unknown[] {
  try {
    const documents = parseAllDocuments(content, {
      keepSourceTokens: true,
      logLevel: 'error',
      prettyErrors: false,
      schema: 'failsafe',
      strict: false,
      // It compares each key with each other one.
      uniqueKeys: false,
    });
    return 'empty' in documents ? ([] as never) : documents;
  } catch (error) {
    // Such as a file that is nested too deep for the stack.
    const isDeep = error instanceof RangeError;
    problems.push({ at: 0, because: isDeep ? TOO_DEEP : "The YAML couldn't be parsed." });
    return [] as never;
  }
}

const TOO_DEEP = 'The YAML is nested too deep.';

/** In words. The parser's own messages repeat the text of the file, which may be long or secret. */
function describeError(code: ErrorCode): string {
  return `${code.toLowerCase().replaceAll('_', ' ')}.`;
}

interface Reading {
  readonly path: string;
  readonly anchors: Map<string, Yaml>;
  readonly problems: YamlProblem[];
  merged: number;
  /** Of the last node that has one. */
  at: number;
}

function toYaml(node: Node, reading: Reading, depth: number): Yaml {
  const at = node.range?.[0] ?? reading.at;
  reading.at = at;
  if (depth > DEEPEST_YAML) return unreadable(at, TOO_DEEP, reading);
  if (isAlias(node)) {
    const target = reading.anchors.get(node.source);
    return (
      target ?? unreadable(at, `The anchor of \`*${node.source.slice(0, 100)}\` doesn't exist.`, reading)
    );
  }
  const read = toValue(node, at, reading, depth);
  if ((isScalar(node) || isCollection(node)) && node.anchor) reading.anchors.set(node.anchor, read);
  return read;
}

function toValue(node: Node, at: number, reading: Reading, depth: number): Yaml {
  const tag = isScalar(node) || isCollection(node) ? node.tag : undefined;
  const base = { at, ...(tag !== undefined && { tag }) };
  if (isMap(node)) return { kind: 'map', ...base, entries: entriesOf(node.items, reading, depth) };
  if (isSeq(node)) {
    const items = node.items.map((item) => toYaml(item as Node, reading, depth + 1));
    return { kind: 'list', ...base, items };
  }
  return textOf(base, node.srcToken as ScalarToken | undefined, reading);
}

function textOf(base: YamlBase, token: ScalarToken | undefined, { path }: Reading): YamlText {
  const mapped = token ? scalarPieces(token) : { text: '', pieces: [{ text: 0, file: base.at }] };
  const isPlain = !token || token.type === 'scalar';
  const end = !token || token.type === 'block-scalar' ? base.at : token.offset + token.source.length;
  return { kind: 'text', ...base, end, value: mapped.text, mapped, isPlain, path };
}

function entriesOf(
  items: readonly { readonly key: unknown; readonly value: unknown }[],
  reading: Reading,
  depth: number,
): ReadonlyMap<string, YamlEntry> {
  const own = new Map<string, YamlEntry>();
  const merged: Yaml[] = [];
  for (const { key, value } of items) {
    const name = isScalar(key) ? key : undefined;
    const token = name?.srcToken as ScalarToken | undefined;
    const text = token ? scalarPieces(token).text : '';
    const at = name?.range?.[0] ?? reading.at;
    reading.at = at;
    const read: Yaml = value ? toYaml(value as Node, reading, depth + 1) : textOf({ at }, undefined, reading);
    if (text === '<<') merged.push(...(read.kind === 'list' ? read.items : [read]));
    else own.set(text, { key: at, value: read });
  }
  // Earlier ones have precedence over later ones: https://yaml.org/type/merge.html
  for (const one of merged) addMissing(own, one, reading);
  return own;
}

function addMissing(entries: Map<string, YamlEntry>, from: Yaml, reading: Reading): void {
  if (from.kind !== 'map') return;
  reading.merged += from.entries.size;
  if (reading.merged > MOST_MERGED) {
    if (reading.merged - from.entries.size <= MOST_MERGED)
      reading.problems.push({ at: reading.at, because: 'The aliases of the file expand to too much.' });
    return;
  }
  for (const [name, entry] of from.entries) if (!entries.has(name)) entries.set(name, entry);
}

function unreadable(at: number, because: string, reading: Reading): YamlText {
  if (reading.problems.length < MOST_PROBLEMS) reading.problems.push({ at, because });
  return textOf({ at }, undefined, reading);
}

/** The value of a key. Undefined if there is none, or it is null. */
export function valueAt(node: Yaml | undefined, ...keys: readonly string[]): Yaml | undefined {
  let value = node;
  for (const key of keys) value = value?.kind === 'map' ? value.entries.get(key)?.value : undefined;
  return value && isNull(value) ? undefined : value;
}

function isNull(node: Yaml): boolean {
  return node.kind === 'text' && node.isPlain && /^(~|null|Null|NULL|)$/.test(node.value);
}

export function textAt(node: Yaml | undefined, ...keys: readonly string[]): string | undefined {
  const value = valueAt(node, ...keys);
  return value?.kind === 'text' ? value.value : undefined;
}

/** The items of a list, or the one value that stands instead of it. */
export function sequenceItems(node: Yaml | undefined): readonly Yaml[] {
  if (!node) return [];
  return node.kind === 'list' ? node.items : [node];
}
