import { parseAllDocuments } from 'yaml';
import { promisesCertificate } from './certificate-names.ts';
import { type Held, isEmpty, matchKeys, matchWithin, nothing, together, unreadable, within } from './held.ts';
import { printable } from './x509.ts';

/** yaml takes time by tokens, some hundred thousand a second, and blocks meanwhile; texts with more are searched as plain text. */
const MAX_TOKENS = 120_000;
const MAX_DEPTH = 100;
const MAX_ALIASES = 100;

export interface Documents {
  readonly values: readonly unknown[];
  /** Whether every value that is written is among them: of several equal keys JSON's parser keeps the last. */
  readonly whole: boolean;
}

/** The documents that a text is, read with every scalar as text; undefined where it is neither JSON, JSON lines nor a YAML mapping or list. */
export function parseDocuments(text: string): Documents | undefined {
  if (/^\s*[{[]/.test(text)) {
    const json = parseJson(text) ?? parseJsonLines(text);
    if (json) return { values: json, whole: false };
  }
  if (!looksLikeYaml(text) || hasMoreTokensThan(MAX_TOKENS, text)) return undefined;
  try {
    const documents = parseAllDocuments(text, {
      schema: 'failsafe',
      prettyErrors: false,
      logLevel: 'silent',
    });
    if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return undefined;
    return {
      values: documents.map((document) => document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown),
      whole: true,
    };
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

/** PEM at the margin cannot stand inside YAML; what OpenSSL prints around it (`Bag Attributes`, `Certificate:`) looks like it, though. */
function looksLikeYaml(text: string): boolean {
  // Every repetition is bounded: the text is anybody's. A hundred brackets in a row are nobody's document, but take yaml seconds.
  return (
    !/^-----/m.test(text.replaceAll(/^---\s/gm, '')) &&
    /^[ \t]{0,200}([{[]|- |["']?[\w./][\w./ -]{0,100}["']?[ ]{0,8}:(\s|$))/m.test(text) &&
    !/[{[][\s{[]{100}/.test(text)
  );
}

function hasMoreTokensThan(most: number, text: string): boolean {
  let tokens = 0;
  for (const _ of text.matchAll(/[\n,{}[\]]/g)) if ((tokens += 1) > most) return true;
  return false;
}

/**
 * What a document holds at any depth, each with its dotted path. Keys are compared with the certificates of the same mapping or list.
 * @param find says what a value of it holds
 */
export function findInDocument(root: unknown, find: (value: string | Buffer) => Held): Held {
  // An alias makes one object stand at many places: reporting it once is enough, and an alias bomb stays as small as it was written.
  const seen = new Set<object>();
  const walk = (value: unknown, depth: number): Held => {
    if (typeof value === 'string') return find(value);
    if (typeof value !== 'object' || value === null || seen.has(value)) return nothing;
    seen.add(value);
    if (value instanceof Uint8Array) return find(Buffer.from(value));
    if (depth === MAX_DEPTH)
      return unreadable('', `it is nested deeper than ${MAX_DEPTH}, and was not read further down`);
    const entries = Object.entries(value).map(([key, inner]: [string, unknown]) => {
      const held = walk(inner, depth + 1);
      return [key, typeof inner === 'string' ? named(key, inner, held) : held] as const;
    });
    const matched = Array.isArray(value)
      ? [dropKeys(matchKeys(together(entries.map(([key, held]) => within(key, held)))))]
      : matchWithin(entries).map((held, index) => within(printable(entries[index]?.[0] ?? ''), held));
    return together(matched);
  };
  return walk(root, 0);
}

function dropKeys(held: Held): Held {
  return held.keys.length === 0 ? held : { ...held, keys: [] };
}

/** Shorter values are names, paths and fingerprints. */
const SHORTEST_DATA = 100;

/** A value that is named like a certificate, has the form of data and holds none that can be read is a gap: it may be encrypted, or of a kind that is not known here. */
function named(key: string, value: string, held: Held): Held {
  if (value.length < SHORTEST_DATA || !isEmpty(held) || !promisesCertificate(key)) return held;
  const { harmless, requests, unknown } = held.others;
  if (requests > 0 && harmless === 0)
    return { ...held, ...reason('it is named like a certificate, and holds a signing request') };
  if (harmless > 0) return held;
  return unknown > 0 || isData(value)
    ? { ...held, ...reason('it is named like a certificate, and none can be read in it') }
    : held;
}

function reason(because: string): Pick<Held, 'unreadable'> {
  return { unreadable: unreadable('', because).unreadable };
}

function isData(value: string): boolean {
  return /^[\w+/=\s:.,;[\]()-]*$/.test(value) && /[A-Za-z0-9+/_-]{80}|[A-Za-z0-9+/=]{60}\s/.test(value);
}
