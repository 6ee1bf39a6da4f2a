import { expect, test } from 'vitest';
import { takeTurns } from './read-host.ts';

test('a host that hangs holds up only the next one of hundreds, which then reads the storage for all', async () => {
  const turns = takeTurns({ signal: new AbortController().signal, leftMs: () => 40 });
  const reads: number[] = [];
  const read = (host: number) => () => {
    reads.push(host);
    return host === 0 ? new Promise<undefined>(() => undefined) : Promise.resolve('disks');
  };
  void turns('nas1:/export/nova', read(0));
  const others = Array.from({ length: 200 }, (_, at) => turns('nas1:/export/nova', read(at + 1)));
  expect((await Promise.all(others)).filter((one) => one !== undefined)).toEqual(['disks']);
  expect(reads).toEqual([0, 1]);
});

test('each storage is read for itself, and by the next host if the first one can’t', async () => {
  const turns = takeTurns({ signal: new AbortController().signal, leftMs: () => 60_000 });
  const answers = await Promise.all([
    turns('nas1:/a', async () => undefined),
    turns('nas1:/b', async () => 'b'),
    turns('nas1:/a', async () => 'a'),
    turns('nas1:/a', async () => 'again'),
  ]);
  expect(answers).toEqual([undefined, 'b', 'a', undefined]);
});
