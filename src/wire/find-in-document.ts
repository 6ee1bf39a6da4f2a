import { parseAllDocuments } from 'yaml';
import { promisesCertificate } from './certificate-names.ts';
import {
  type FoundContent,
  isEmpty,
  matchKeys,
  matchWithin,
  NO_CONTENT,
  mergeContent,
  unreadableContent,
  nestPlaces,
} from './found-content.ts';
import { printable } from './x509.ts';

/** yaml parses some hundred thousand tokens per second and blocks meanwhile, so a text with more tokens is searched as plain text. */
export const MAX_YAML_TOKENS = 120_000;
const MAX_DEPTH = 100;
const MAX_ALIASES = 100;

export interface Documents {
  readonly kind: 'json' | 'yaml';
  readonly values: readonly unknown[];
  /** The work spent on YAML. */
  readonly yamlTokens: number;
}

/**
 * The documents in a text, with every scalar as text; undefined if it is neither JSON, JSON lines nor a YAML mapping or list.
 * @param mostTokens the most YAML tokens to parse; for a text with more the result is undefined
 */
export function parseDocuments(text: string, mostTokens: number): Documents | undefined {
  if (/^\s*[{[]/.test(text)) {
    const json = parseJson(text) ?? parseJsonLines(text);
    if (json) return { kind: 'json', values: json, yamlTokens: 0 };
  }
  if (!looksLikeYaml(text)) return undefined;
  const yamlTokens = count(TOKEN, text, mostTokens);
  if (yamlTokens > mostTokens || yamlTokens * count(ALIAS, text, MAX_ALIAS_STEPS) > MAX_ALIAS_STEPS)
    return undefined;
  try {
    const documents = parseAllDocuments(text, {
      schema: 'failsafe',
      prettyErrors: false,
      logLevel: 'silent',
      // Comparing each with each takes minutes for a hundred thousand keys.
      uniqueKeys: false,
    });
    if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return undefined;
    const values = documents.map((document) => document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown);
    // A single word is a document too, and would be searched for documents again.
    return values.some((value) => typeof value === 'object')
      ? { kind: 'yaml', values, yamlTokens }
      : undefined;
  } catch {
    return undefined;
  }
}

function parseJson(text: string): readonly unknown[] | undefined {
  try {
    return [JSON.parse(text)];
  } catch {
    return undefined;
  }
}

function parseJsonLines(text: string): readonly unknown[] | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length < 2) return undefined;
  try {
    return lines.map((line) => JSON.parse(line) as unknown);
  } catch {
    return undefined;
  }
}

/** Unindented PEM cannot be part of YAML, though what OpenSSL prints around it (`Bag Attributes`, `Certificate:`) looks like YAML. */
function looksLikeYaml(text: string): boolean {
  // Every repetition is bounded, because the text is untrusted. yaml takes seconds for a hundred brackets in a row, which no real document has.
  return (
    !/^-----/m.test(text.replaceAll(/^---\s/gm, '')) &&
    /^[ \t]{0,200}([{[]|- |["']?[\w./][\w./ -]{0,100}["']?[ ]{0,8}:(\s|$))/m.test(text) &&
    !/[{[][\s{[]{100}/.test(text)
  );
}

const TOKEN = /[\n,{}[\]]/g;
const ALIAS = /(?<![^\s,[{])\*[^\s*,\]}]/g;
/** yaml searches for the anchor of each alias from the beginning of the document. */
const MAX_ALIAS_STEPS = 5_000_000;

/** How often an expression matches, counting at most one more than `most`. */
function count(expression: RegExp, text: string, most: number): number {
  let matches = 0;
  for (const _ of text.matchAll(expression)) if ((matches += 1) > most) break;
  return matches;
}

/**
 * The certificates in a document at any depth, each with its dotted path. Keys are compared with the certificates of the same mapping or list.
 * @param find searches one value
 */
export function findInDocument(root: unknown, find: (value: string | Buffer) => FoundContent): FoundContent {
  // An alias makes one object appear in many places. Visiting it once is enough, and keeps an alias bomb as small as its text.
  const seen = new Set<object>();
  const walk = (value: unknown, depth: number): FoundContent => {
    if (typeof value === 'string') return find(value);
    if (typeof value !== 'object' || value === null || seen.has(value)) return NO_CONTENT;
    seen.add(value);
    if (value instanceof Uint8Array) return find(Buffer.from(value));
    if (depth === MAX_DEPTH)
      return unreadableContent(
        '',
        `it is nested more than ${MAX_DEPTH} levels deep, so the rest was not read`,
      );
    const entries = Object.entries(value).map(([key, inner]: [string, unknown]) => {
      const contents = walk(inner, depth + 1);
      return [key, typeof inner === 'string' ? reportIfMissing(key, inner, contents) : contents] as const;
    });
    const matched = Array.isArray(value)
      ? [dropKeys(matchKeys(mergeContent(entries.map(([key, contents]) => nestPlaces(key, contents)))))]
      : matchWithin(entries).map((contents, index) =>
          nestPlaces(printable(entries[index]?.[0] ?? ''), contents),
        );
    return mergeContent(matched);
  };
  return walk(root, 0);
}

function dropKeys(contents: FoundContent): FoundContent {
  return contents.keys.length === 0 ? contents : { ...contents, keys: [] };
}

/** In characters. Shorter values are names, paths and fingerprints. */
const SHORTEST_DATA = 100;

/**
 * Reports a value that is named like a certificate and looks like data, but contains no readable certificate: it may be encrypted or of an unknown
 * kind.
 */
function reportIfMissing(key: string, value: string, contents: FoundContent): FoundContent {
  if (value.length < SHORTEST_DATA || !isEmpty(contents) || !promisesCertificate(key)) return contents;
  const { harmless, requests, unknown } = contents.others;
  if (requests > 0 && harmless === 0)
    return withReason(contents, 'it is named like a certificate, but contains a signing request');
  if (harmless > 0) return contents;
  return unknown > 0 || isData(value)
    ? withReason(contents, 'it is named like a certificate, but no certificate in it can be read')
    : contents;
}

function withReason(contents: FoundContent, because: string): FoundContent {
  return { ...contents, unreadable: [{ at: '', because }] };
}

function isData(value: string): boolean {
  return /^[\w+/=\s:.,;[\]()-]*$/.test(value) && /[A-Za-z0-9+/_-]{80}|[A-Za-z0-9+/=]{60}\s/.test(value);
}
