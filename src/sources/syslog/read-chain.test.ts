import { expect, test } from 'vitest';
import { startBudget } from './byte-budget.ts';
import type { LogFile, LogStore } from './log-store.ts';
import { readChain } from './read-chain.ts';

interface StoredFile extends LogFile {
  readonly content: Buffer;
}

function file(path: string, identity: string, ...texts: readonly string[]): StoredFile {
  const content = Buffer.from(texts.map((text) => `2026-11-26T11:00:00Z leaf-a Stp: ${text}\n`).join(''));
  const modifiedAt = new Date('2026-11-26T11:00:00Z');
  return { path, identity, sizeBytes: content.length, modifiedAt, content };
}

/** A folder that is in another state each time that it is listed or a file is opened. */
async function readIn(
  listed: StoredFile,
  states: readonly (readonly StoredFile[])[],
): Promise<readonly string[]> {
  let step = 0;
  const next = (): readonly StoredFile[] => states[Math.min(step++, states.length - 1)] ?? [];
  const store: LogStore = {
    blockBytes: 64,
    list: async () => [],
    listChain: async () => next(),
    open: async ({ path }) => {
      const found = next().find((one) => one.path === path) as StoredFile;
      return {
        file: found,
        read: async (from, bytes) => found.content.subarray(from, from + bytes),
        sizeNow: async () => found.sizeBytes,
        close: async () => {},
      };
    },
  };
  const texts: string[] = [];
  const chain = readChain(store, listed, {
    source: 'switches',
    sinceMs: Date.parse('2026-11-26T10:00:00Z'),
    untilMs: Infinity,
    clock: { now: new Date('2026-11-26T12:00:00Z') },
    budget: startBudget(Infinity),
    signal: new AbortController().signal,
    blockBytes: 64,
    keepBytes: 1_000,
    onProblem: (_, error) => {
      throw error;
    },
    onNewest: () => {},
  });
  for await (const lines of chain) texts.push(...lines.map(({ text }) => text));
  return texts;
}

const old = file('/l/a.log', 'one', 'old');
const oldRotated = { ...old, path: '/l/a.log.1' };
const current = file('/l/a.log', 'two', 'new');

test('a file that is rotated before it is opened is read too', async () => {
  expect(await readIn(old, [[current, oldRotated]])).toEqual(['new', 'old']);
});

test('a file that is rotated after it was read is read once', async () => {
  const empty = file('/l/a.log', 'two');
  expect(await readIn(old, [[old], [empty, oldRotated]])).toEqual(['old']);
});

test('a file that is compressed after it was read is read once', async () => {
  const packed: StoredFile = { ...file('/l/a.log.1.gz', 'three'), modifiedAt: old.modifiedAt };
  expect(await readIn(old, [[old], [file('/l/a.log', 'two'), packed]])).toEqual(['old']);
});
