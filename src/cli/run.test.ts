import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

/** `wrench run` in an empty folder: there is no configuration. */
function runWithoutConfiguration(...words: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'wrench-run-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { PATH = '', HOME = '' } = process.env;
  return execa(process.execPath, [main, 'run', ...words], {
    cwd: folder,
    env: { PATH, HOME },
    extendEnv: false,
    reject: false,
  });
}

test.each([
  [['--help'], 'wrench run COMMAND CHECK [flags]'],
  [['-h'], 'wrench run COMMAND CHECK [flags]'],
  [['certs', '--help'], 'wrench run certs expiring'],
  [['certs', 'expiring', '--help', '--json'], 'wrench run certs expiring [within]'],
  [['node', 'disk', '--env', 'prod', '-h', '--record', 'answers.json'], 'wrench run node disk'],
])('help needs no configuration: wrench run %j', async (words, expected) => {
  const { stdout, stderr, exitCode } = await runWithoutConfiguration(...words);

  expect(stderr).toBe('');
  expect(stdout).toContain(expected);
  expect(stdout).toContain('--record FILE');
  expect(exitCode).toBe(0);
});

test('--json takes no value', async () => {
  expect(await runWithoutConfiguration('certs', 'expiring', '--json=3')).toMatchObject({
    stdout: '',
    stderr: '`--json` takes no value.',
    exitCode: 64,
  });
});

test('a check needs a configuration', async () => {
  const { stdout, stderr, exitCode } = await runWithoutConfiguration('certs', 'expiring');

  expect(stdout).toBe('');
  expect(stderr).toContain('File not found. Copy deploy/examples/wrench.yaml there');
  expect(exitCode).toBe(78);
});
