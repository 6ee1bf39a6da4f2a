import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CaseFile } from './case-file.ts';
import type { CaseResult } from './run-case.ts';
import { MAX_WAIT_MS } from '../timeouts.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-cases-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function runMain(...words: readonly string[]) {
  const main = new URL('main.ts', import.meta.url).pathname;
  const options = { reject: false, timeout: MAX_WAIT_MS } as const;
  const { exitCode, stdout, stderr } = await execa(process.execPath, [main, ...words], options);
  return { exitCode, stdout, stderr };
}

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const CASE: CaseFile = {
  case: 'c1',
  check: 'node/versions',
  now: '2026-11-26T12:00:00Z',
  answers: [{ from: 'engine:ci-1', request: 'GET /version', status: 200, body: {} }],
};

test('prints an object for one check and an array for several, and an unknown check does not stop the others', async () => {
  const path = await write('c1.json', JSON.stringify({ ...CASE, check: 'node/no-such + node/versions' }));
  const { exitCode, stdout } = await runMain(path);
  const [unknown, known] = JSON.parse(stdout) as readonly CaseResult[];
  expect(unknown).toEqual({ case: 'c1', check: 'node/no-such', error: 'no such check' });
  expect(known).toMatchObject({
    case: 'c1',
    check: 'node/versions',
    report: { at: '2026-11-26T12:00:00.000Z' },
  });
  expect(exitCode).toBe(0);
});

test.each([
  ['a missing file', undefined, /no such file/],
  ['text', 'hello', /not valid JSON/],
  ['another form', '{"case":"c1"}', /not a case file: check: missing$/],
  [
    'an answer without a method',
    JSON.stringify({ ...CASE, answers: [{ from: 'cluster:a', request: '/version', status: 200 }] }),
    /answers\.0\.request: must be METHOD \/path/,
  ],
  ['an unknown check', JSON.stringify({ ...CASE, check: 'node/no-such' }), /no such check: node\/no-such/],
])('prints one line and exits with 64 on invalid input: %s', async (_what, text, message) => {
  const path = text === undefined ? join(folder, 'absent.json') : await write('input.json', text);
  const { exitCode, stderr } = await runMain(path);
  expect(stderr).toMatch(message);
  expect(stderr.split('\n')).toHaveLength(1);
  expect(exitCode).toBe(64);
});

test('reports a folder as unreadable', async () => {
  const { exitCode, stderr } = await runMain(folder);
  expect(stderr).toBe(`${folder}: cannot be read (EISDIR)`);
  expect(exitCode).toBe(64);
});

test.each([[[]], [['--no-such-flag', 'x.json']]])('prints the usage for %j', async (words) => {
  const { exitCode, stderr } = await runMain(...words);
  expect(stderr).toContain('Usage: npm run case -- [--direct] FILE...');
  expect(exitCode).toBe(64);
});

test('runs a pipeline file alone', async () => {
  const path = await write('test.sh', 'docker run shop/api npm test\n');
  const { stdout, exitCode } = await runMain(path);
  expect(JSON.parse(stdout)).toMatchObject({
    case: 'test.sh',
    check: 'ci/docker-run',
    report: { status: 'found', findings: [{ locations: [{ line: 1, column: 1 }] }] },
  });
  expect(exitCode).toBe(0);
});
