import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createRecordFile, type RecordFile } from './record-file.ts';

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-record-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('the file is readable for its owner only', async () => {
  const path = join(await makeFolder(), 'a.json');
  const file = (await createRecordFile(path)) as RecordFile;
  await file.write('{}\n');
  await file.close();
  expect(await readFile(path, 'utf8')).toBe('{}\n');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('no file is left by a run that wrote nothing', async () => {
  const folder = await makeFolder();
  const file = (await createRecordFile(join(folder, 'a.json'))) as RecordFile;
  await file.close();
  expect(await readdir(folder)).toEqual([]);
});

test('an existing file is not overwritten, and an invalid path is reported', async () => {
  const path = join(await makeFolder(), 'a.json');
  await writeFile(path, 'mine');
  expect(await createRecordFile(path)).toBe(
    `\`${path}\` already exists and won't be overwritten. Choose another name.`,
  );
  expect(await readFile(path, 'utf8')).toBe('mine');
  expect(await createRecordFile(join(path, 'b'))).toBe(`Couldn't create \`${join(path, 'b')}\` (ENOTDIR).`);
});
