import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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

test.each([
  [['ci', 'docker-run', '--pth', '.'], 'Unknown flag `--pth`'],
  [['ci', 'dockerun', '--env', 'prod'], 'Did you mean `ci docker-run`?'],
  [['certs', 'expiring', '--env'], '`--env` needs the name of an environment.'],
])('a mistake is reported before the missing configuration: %j', async (words, problem) => {
  const { stderr, exitCode } = await runWithoutConfiguration(...words);

  expect(stderr).toContain(problem);
  expect(stderr).not.toContain('wrench.yaml');
  expect(exitCode).toBe(64);
});

test('without a configuration, a check of files names the flag that needs none', async () => {
  const { stderr, exitCode } = await runWithoutConfiguration('ci', 'docker-run', '--env', 'prod');

  expect(stderr).toContain('File not found. To check files without it, add `--path .`.');
  expect(exitCode).toBe(78);
});

/** `wrench run ci docker-run` on these files, by path, in a folder without a configuration. */
async function lint(files: Readonly<Record<string, string>>, ...words: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'wrench-lint-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  const { PATH = '', HOME = '' } = process.env;
  const { stdout, stderr, exitCode } = await execa(
    process.execPath,
    [main, 'run', 'ci', 'docker-run', ...words],
    {
      cwd: folder,
      env: { PATH, HOME },
      extendEnv: false,
      reject: false,
    },
  );
  return { stdout, stderr, exitCode };
}

const LEAKING = '#!/bin/sh\ndocker run shop/api ./verify\n';
const CLEAN = '#!/bin/sh\ndocker run --rm shop/api ./verify\n';

test('a folder is checked without a configuration: places can be clicked, and the exit code is 1', async () => {
  const { stdout, stderr, exitCode } = await lint({ 'ci/a.sh': LEAKING, 'ci/b.sh': CLEAN }, '--path', '.');

  expect(stderr).toBe('');
  expect(stdout).toMatch(/^WARNING {3}1 of 2 pipeline commands leaves its container behind: ci\/a\.sh:2\n/);
  expect(stdout).toContain('ci/a.sh:2:1  warning');
  expect(stdout).toContain('+ docker run --rm shop/api ./verify');
  expect(exitCode).toBe(1);
});

test('paths are folders and files, and what is not in them is not read', async () => {
  const files = { 'ci/a.sh': LEAKING, 'one.sh': LEAKING, 'other.sh': LEAKING };
  const { stdout } = await lint(files, '--path', './ci/', '--path', 'one.sh');

  expect(stdout).toContain('ci/a.sh:2:1  warning');
  expect(stdout).toContain('one.sh:2:1  warning');
  expect(stdout).not.toContain('other.sh');
});

test('nothing to report is 0, and nothing read is 2', async () => {
  expect(await lint({ 'ci/b.sh': CLEAN }, '--path', '.')).toMatchObject({
    stdout: expect.stringMatching(/^CLEAR/),
    exitCode: 0,
  });
  expect(await lint({ 'README.md': 'docker run shop/api\n' }, '--path', '.')).toMatchObject({
    stdout: expect.stringMatching(/^UNKNOWN/),
    exitCode: 2,
  });
});

test('a report can be SARIF, with paths from the current folder', async () => {
  const { stdout, exitCode } = await lint({ 'ci/a.sh': LEAKING }, '--path', 'ci', '-o', 'sarif');
  const log = JSON.parse(stdout) as { runs: [{ results: [{ locations: unknown; level: string }] }] };

  expect(log.runs[0].results).toMatchObject([
    { level: 'warning', locations: [{ physicalLocation: { artifactLocation: { uri: 'ci/a.sh' } } }] },
  ]);
  expect(exitCode).toBe(1);
});

test('the corrections can be printed as a patch, with paths from the current folder', async () => {
  const { stdout, exitCode } = await lint(
    { 'ci/a.sh': LEAKING, 'ci/b.sh': CLEAN },
    '--path',
    'ci',
    '-o',
    'diff',
  );

  expect(stdout).toBe(
    [
      '--- a/ci/a.sh',
      '+++ b/ci/a.sh',
      '@@ -1,2 +1,2 @@',
      ' #!/bin/sh',
      '-docker run shop/api ./verify',
      '+docker run --rm shop/api ./verify',
    ].join('\n'),
  );
  expect(exitCode).toBe(1);
  expect((await lint({ 'ci/b.sh': CLEAN }, '--path', '.', '-o', 'diff')).stdout).toBe('');
});

test('a reader that closes the pipe early changes nothing about the exit code', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wrench-pipe-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'a.sh'), 'docker run shop/api ./verify\n'.repeat(3_000));
  const lint = execa(process.execPath, [main, 'run', 'ci', 'docker-run', '--path', 'a.sh', '--json'], {
    cwd: folder,
    reject: false,
    buffer: false,
  });
  lint.stdout.once('data', () => lint.stdout.destroy());

  expect((await lint).exitCode).toBe(1);
});

test.each([
  [['--path', 'none'], "`none` doesn't exist."],
  [['--path', '.', '--env', 'prod'], 'Unknown environment `prod`. Available: local.'],
  [['--path', '.', '-o', 'xml'], 'Unknown format `xml`. Available: text, json, sarif, diff.'],
])('%j is a usage error', async (words, problem) => {
  const { stderr, exitCode } = await lint({ 'ci/a.sh': LEAKING }, ...words);

  expect(stderr).toContain(problem);
  expect(exitCode).toBe(64);
});

test('only checks of pipeline files take paths', async () => {
  const { stderr, exitCode } = await runWithoutConfiguration('certs', 'expiring', '--path', '.');

  expect(stderr).toBe('`--path` is only for checks of pipeline files: `ci docker-run`.');
  expect(exitCode).toBe(64);
});
