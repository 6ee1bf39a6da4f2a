import type { KeyObject } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type FoundChain, isKeyOf, parseKey } from '../../wire/found-content.ts';
import { pairedKeyNames } from '../../wire/key-pairs.ts';
import { splitPem } from '../../wire/pem.ts';

interface CertificateFile {
  readonly path: string;
  readonly content: Buffer;
  readonly chains: readonly FoundChain[];
}

interface CompareOptions {
  /** Whether the configured patterns match a path. No other file is read. */
  readonly isMatched: (path: string, real: string) => boolean;
  readonly maxBytes: number;
}

interface Compared {
  readonly chains: readonly FoundChain[];
  /** Paths of the keys. */
  readonly keysCompared: readonly string[];
}

/**
 * Compares the certificate of a file with the private key next to it that has a paired name. The key does not leave this module. Chains
 * stay unchanged if there is no such key, if it can't be read (because it is encrypted, for example), or if its file contains several.
 */
export async function compareWithKeyBeside(
  { path, content, chains }: CertificateFile,
  { isMatched, maxBytes }: CompareOptions,
): Promise<Compared> {
  const unchanged = { chains, keysCompared: [] };
  const loose = chains.filter(({ at }) => !at.includes(':'));
  // If the file contains a key, no other key belongs to the certificate.
  if (loose.length === 0 || content.includes('PRIVATE KEY-----')) return unchanged;

  const keys = new Map<string, KeyObject>();
  for (const name of pairedKeyNames(basename(path))) {
    const beside = join(dirname(path), name);
    const key = await readKey(beside, isMatched, maxBytes);
    if (key) keys.set(beside, key);
  }
  if (keys.size === 0) return unchanged;
  const keysCompared = [...keys.keys()];
  const owner = loose.find(({ chain: [leaf] }) => [...keys.values()].some((key) => isKeyOf(leaf, key)));
  if (owner) return { chains: withResult(chains, owner, true), keysCompared };
  const meant = meantChain(basename(path), loose);
  // A renewal replaces one file after the other, so the scan may have read one old and one new file.
  if (!meant || !(await isStill(path, content))) return { chains, keysCompared };
  return { chains: withResult(chains, meant, false), keysCompared };
}

/**
 * The chain that a key that matches none was meant for: the first leaf, which a server presents. Unknown among several CAs, and a file that
 * is named as a chain may contain only intermediates.
 */
function meantChain(name: string, chains: readonly FoundChain[]): FoundChain | undefined {
  const leaf = chains.find(({ chain: [leaf] }) => !leaf.ca);
  if (leaf || chains.length > 1 || /chain/i.test(name)) return leaf;
  return chains[0];
}

function withResult(
  chains: readonly FoundChain[],
  compared: FoundChain,
  keyMatches: boolean,
): readonly FoundChain[] {
  return chains.map((found) => (found === compared ? { ...found, keyMatches } : found));
}

/** The only private key of a file. Read errors are reported when that file itself is scanned. */
async function readKey(
  path: string,
  isMatched: CompareOptions['isMatched'],
  maxBytes: number,
): Promise<KeyObject | undefined> {
  try {
    const facts = await stat(path);
    if (!facts.isFile() || facts.size > maxBytes || !isMatched(path, await realpath(path))) return undefined;
    return keyIn(await readFile(path));
  } catch {
    return undefined;
  }
}

function keyIn(content: Buffer): KeyObject | undefined {
  const { blocks, broken } = splitPem(content.toString('utf8'));
  if (blocks.length + broken.length === 0) return derKeyIn(content);
  const keys = [...blocks, ...broken].filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const [key] = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  return key && keys.length === 1 ? parseKey({ key: key.text, format: 'pem' }) : undefined;
}

function derKeyIn(key: Buffer): KeyObject | undefined {
  return (
    parseKey({ key, format: 'der', type: 'pkcs8' }) ??
    parseKey({ key, format: 'der', type: 'pkcs1' }) ??
    parseKey({ key, format: 'der', type: 'sec1' })
  );
}

async function isStill(path: string, content: Buffer): Promise<boolean> {
  try {
    return content.equals(await readFile(path));
  } catch {
    return false;
  }
}
