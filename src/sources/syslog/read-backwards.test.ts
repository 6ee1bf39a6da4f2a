import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { startBudget } from './byte-budget.ts';
import type { OpenLog } from './log-store.ts';
import { MAX_LINE_BYTES, readBackwards, readForwards, TruncatedError } from './read-backwards.ts';

const { signal } = new AbortController();

function logOf(content: Buffer, sizeBytes = content.length): OpenLog {
  return {
    file: { path: '/var/log/a.log', sizeBytes, modifiedAt: new Date(0) },
    read: async (from, bytes) => content.subarray(from, from + bytes),
    sizeNow: async () => content.length,
    close: async () => {},
  };
}

async function backwards(content: Buffer, blockBytes: number): Promise<readonly string[]> {
  const lines: string[] = [];
  const budget = startBudget(Infinity);
  for await (const batch of readBackwards(logOf(content), { blockBytes, budget, signal }))
    lines.push(...batch.map((line) => line.toString('latin1')));
  return lines;
}

async function forwards(chunks: readonly Buffer[]): Promise<readonly string[]> {
  const lines: string[] = [];
  const stream = async function* () {
    yield* chunks;
  };
  for await (const batch of readForwards(stream()))
    lines.push(...batch.map((line) => line.toString('latin1')));
  return lines;
}

/** Many line breaks, and some lines that are longer than what is read of a line. */
const content = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: fc.uint8Array({ min: 1, maxLength: 20 }) },
      { weight: 5, arbitrary: fc.constant(Uint8Array.of(0x0a)) },
      {
        weight: 1,
        arbitrary: fc.nat({ max: 3 * MAX_LINE_BYTES }).map((length) => Buffer.alloc(length, 'x')),
      },
    ),
    { maxLength: 40 },
  )
  .map((parts) => Buffer.concat(parts));

function expectedLines(bytes: Buffer): readonly string[] {
  return bytes
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.slice(0, MAX_LINE_BYTES));
}

test('reading backwards in blocks of any size gives the lines of the file', async () => {
  await fc.assert(
    fc.asyncProperty(
      content,
      fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 50, max: 20_000 })),
      async (bytes, blockBytes) => {
        expect((await backwards(bytes, blockBytes)).toReversed()).toEqual(expectedLines(bytes));
      },
    ),
  );
});

test('reading forwards in chunks of any size gives the lines of the file', async () => {
  await fc.assert(
    fc.asyncProperty(content, fc.integer({ min: 1, max: 5_000 }), async (bytes, size) => {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      );
      expect(await forwards(chunks)).toEqual(expectedLines(bytes));
    }),
  );
});

/** https://github.com/logrotate/logrotate/blob/main/logrotate.8.in: copytruncate, of a program that doesn't append. */
test('the zeros that a truncated log begins with are neither part of a line nor of what may be read', async () => {
  const bytes = Buffer.concat([
    Buffer.from('old\n'),
    Buffer.alloc(5 * MAX_LINE_BYTES),
    Buffer.from('first\nlast\n'),
  ]);
  const budget = startBudget(3_000);
  const lines: string[] = [];
  for await (const batch of readBackwards(logOf(bytes), { blockBytes: 1_000, budget, signal }))
    lines.push(...batch.map(String));
  expect(lines).toEqual(['last', 'first', 'old']);
  const chunks = Array.from({ length: 50 }, (_, at) => bytes.subarray(at * 1_000, (at + 1) * 1_000));
  expect(await forwards(chunks)).toEqual(['old', 'first', 'last']);
});

test('one line of any length never takes more memory than a block and the beginning of a line', async () => {
  const sizeBytes = 2 * 1024 ** 3;
  let most = 0;
  const log: OpenLog = {
    ...logOf(Buffer.alloc(0), sizeBytes),
    read: async (_, bytes) => {
      most = Math.max(most, process.memoryUsage().arrayBuffers);
      return Buffer.alloc(bytes, 'x');
    },
  };
  const before = process.memoryUsage().arrayBuffers;
  const budget = startBudget(256 * 1024 ** 2);
  const read = async () => {
    for await (const batch of readBackwards(log, { blockBytes: 1024 ** 2, budget, signal }))
      expect(batch).toEqual([]);
  };
  await expect(read()).rejects.toMatchObject({ name: 'BudgetSpentError' });
  expect(most - before).toBeLessThan(128 * 1024 ** 2);
});

test('a file that gets shorter while it is read is an error', async () => {
  const budget = startBudget(Infinity);
  const batches = readBackwards(logOf(Buffer.from('a\nb\n'), 10), { blockBytes: 4, budget, signal });
  await expect(batches.next()).rejects.toThrow(TruncatedError);
});
