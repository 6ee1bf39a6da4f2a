import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

/** Runs `wrench` in an empty folder: there is no configuration. */
function wrench(...words: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'wrench-help-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { PATH = '', HOME = '' } = process.env;
  return execa(process.execPath, [main, ...words], {
    cwd: folder,
    env: { PATH, HOME },
    extendEnv: false,
    reject: false,
  });
}

const VERBS = ['all', 'bot', 'worker', 'run', 'digest', 'audit', 'freeze', 'unfreeze', 'doctor'];

test.each(VERBS)('wrench %s --help shows its usage in lines of at most 100 columns', async (verb) => {
  const [{ stdout, stderr, exitCode }, asTopic] = await Promise.all([
    wrench(verb, '--help'),
    wrench('help', verb),
  ]);

  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  expect(stdout).toMatch(new RegExp(`^Usage:\n  wrench ${verb}\\b`, 'm'));
  expect(stdout).toMatch(/^ {2}-h, --help +Show this help$/m);
  expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
  expect(asTopic.stdout).toBe(stdout);
});

test.each([[['help']], [['--help']], [['-h']], [[]]])('wrench %j lists all commands', async (words) => {
  const { stdout, exitCode } = await wrench(...words);

  expect(exitCode).toBe(0);
  for (const verb of VERBS) expect(stdout).toMatch(new RegExp(`^  ${verb} +[A-Z]`, 'm'));
});

test.each([
  ['audt', 'Did you mean `audit`?'],
  ['bogus', 'Available: all, bot, worker, run, doctor, freeze, unfreeze, digest, audit, help.'],
])('an unknown command %s is an error', async (word, hint) => {
  expect(await wrench(word)).toMatchObject({
    exitCode: 64,
    stdout: '',
    stderr: `wrench: Unknown command \`${word}\`. ${hint}\nRun \`wrench --help\` for usage.`,
  });
});
