import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { headFileOf, readHeadFile, replaceHeadFile } from './head-file.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-head-'));
  path = join(folder, 'data', 'audit-head');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const head = (seq: number) => ({ seq, hash: String(seq % 10).repeat(64) });
const always = () => true;

test.each<[string | undefined, string]>([
  [undefined, 'data/audit-head'],
  ['stdout', 'data/audit-head'],
  ['copies/audit.jsonl', 'copies/audit.jsonl.head'],
])('with the copy %s the head is in %s', (copyTo, expected) => {
  expect(headFileOf(copyTo, 'data')).toBe(resolve(expected));
});

test('creates the folder, and reads the head that was written', async () => {
  await expect(readHeadFile(path)).resolves.toBe('missing');

  const written = await replaceHeadFile(path, head(7), (there) => there === 'missing');

  expect(written).toMatchObject(head(7));
  await expect(readHeadFile(path)).resolves.toEqual(written);
  expect(await readdir(join(folder, 'data'))).toEqual(['audit-head']);
});

test('a head that is not accepted leaves the file unchanged', async () => {
  await replaceHeadFile(path, head(7), always);

  await expect(replaceHeadFile(path, head(3), () => false)).resolves.toBeUndefined();

  await expect(readHeadFile(path)).resolves.toMatchObject(head(7));
  expect(await readdir(join(folder, 'data'))).toEqual(['audit-head']);
});

test('many writers write one at a time, and the file is always complete', async () => {
  const written = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      replaceHeadFile(path, head(at + 1), (there) => typeof there === 'string' || there.seq < at + 1),
    ),
  );

  const seqs = written.flatMap((one) => one?.seq ?? []);
  expect(seqs.length).toBeGreaterThan(0);
  await expect(readHeadFile(path)).resolves.toMatchObject(head(Math.max(...seqs)));
});

test('a file left by a killed process does not block the others forever', async () => {
  await replaceHeadFile(path, head(7), always);
  await writeFile(`${path}.new`, '');
  await expect(replaceHeadFile(path, head(8), always)).resolves.toBeUndefined();

  const longAgo = new Date(Date.now() - 60_000);
  await utimes(`${path}.new`, longAgo, longAgo);
  await replaceHeadFile(path, head(8), always);

  await expect(replaceHeadFile(path, head(8), always)).resolves.toMatchObject(head(8));
});

test.each(['', '{', '{}', 'null', '{"seq":0,"hash":"","at":"now"}'])('rejects %j', async (text) => {
  await writeFile(join(folder, 'head'), text);

  await expect(readHeadFile(join(folder, 'head'))).resolves.toBe('invalid');
});
