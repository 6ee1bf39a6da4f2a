import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { asksForDemo, findRunningDemo, runningDemo, runningDemoFile } from '../../src/cli/shared/demo.ts';
import { announceDemo } from './announce.ts';

let folder: string;
let dataPath: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wrench-announce-'));
  dataPath = join(folder, '.wrench');
});
afterEach(() => rmSync(folder, { recursive: true }));

function writeConfig(name = 'wrench.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, '');
  return path;
}

test('a demo is found while it runs, and leaves no file behind', async () => {
  const configPath = writeConfig();
  const announcement = announceDemo(dataPath, configPath);

  expect(findRunningDemo(dataPath)).toEqual({ pid: process.pid, configPath });
  expect(runningDemo(dataPath).configPath).toBe(configPath);
  await announcement.close();
  expect(findRunningDemo(dataPath)).toBeUndefined();
  expect(readdirSync(dataPath)).toEqual([]);
});

test('without a demo the error names the command that starts one, and the missing file', () => {
  expect(() => runningDemo(dataPath)).toThrow(
    expect.objectContaining({
      name: 'MissingSettings',
      message: expect.stringMatching(/demo isn.t running. Run `npm run demo`.*\/\.wrench\/demo\.json/),
    }),
  );
});

test('the file of a demo that was killed counts as no demo', async () => {
  const killed = execa(process.execPath, ['--eval', '']);
  await killed;
  const configPath = writeConfig();
  announceDemo(dataPath, configPath);
  writeFileSync(runningDemoFile(dataPath), JSON.stringify({ pid: killed.pid, configPath }));

  expect(findRunningDemo(dataPath)).toBeUndefined();
});

test('a pid that now belongs to another process counts as no demo', () => {
  const configPath = writeConfig();
  announceDemo(dataPath, configPath);
  rmSync(configPath);

  expect(findRunningDemo(dataPath)).toBeUndefined();
});

test.each([
  ['empty', () => ''],
  ['cut off', () => '{ "pid": 1'],
  ['null', () => 'null'],
  ['without a configuration', () => JSON.stringify({ pid: process.pid })],
  ['with a pid in words', (configPath: string) => JSON.stringify({ pid: `${process.pid}`, configPath })],
  ['with a process group', (configPath: string) => JSON.stringify({ pid: 0, configPath })],
  ['with all processes', (configPath: string) => JSON.stringify({ pid: -1, configPath })],
])('a file that is %s counts as no demo', (_, text) => {
  const configPath = writeConfig();
  announceDemo(dataPath, configPath);
  writeFileSync(runningDemoFile(dataPath), text(configPath));

  expect(findRunningDemo(dataPath)).toBeUndefined();
});

test('of two demos, the later one is found, and the earlier one again once the later one has stopped', async () => {
  const earlier = announceDemo(dataPath, writeConfig('earlier.yaml'));
  const later = announceDemo(dataPath, writeConfig('later.yaml'));

  expect(findRunningDemo(dataPath)?.configPath).toBe(join(folder, 'later.yaml'));
  await later.close();
  expect(findRunningDemo(dataPath)?.configPath).toBe(join(folder, 'earlier.yaml'));
  await earlier.close();
  expect(readdirSync(dataPath)).toEqual([]);
});

test('an earlier demo that stops does not remove the file of a later one', async () => {
  const earlierConfig = writeConfig('earlier.yaml');
  const earlier = announceDemo(dataPath, earlierConfig);
  const later = announceDemo(dataPath, writeConfig('later.yaml'));

  await earlier.close();
  rmSync(earlierConfig);
  expect(findRunningDemo(dataPath)?.configPath).toBe(join(folder, 'later.yaml'));
  await later.close();
  expect(readdirSync(dataPath)).toEqual([]);
});

test.each([
  [['--env', 'demo'], true],
  [['--env=demo'], true],
  [['env=demo', '--json'], true],
  [['--env', 'demoo'], false],
  [['--env', 'prod', '--match', 'demo'], false],
])('%j selects the demo: %j', (words, expected) => {
  expect(asksForDemo(words)).toBe(expected);
});
