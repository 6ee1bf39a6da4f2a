import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newCheck } from './new-check.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
let repository: string;
let commands: string;

beforeEach(() => {
  repository = mkdtempSync(join(tmpdir(), 'wrench-new-'));
  commands = join(repository, 'commands');
  for (const part of [
    'commands/_template',
    'commands/kit.ts',
    'commands/shared',
    'src/check',
    'src/ports',
    'src/text',
    'tsconfig.json',
    'package.json',
  ])
    cpSync(join(root, part), join(repository, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(repository, 'node_modules'));
});
afterEach(() => rmSync(repository, { recursive: true }));

test('a new check in a new area compiles, and its test passes', async () => {
  const { written, nextSteps } = newCheck('etcd/slow-disk', commands);

  expect(written).toContain('etcd/command.ts');
  expect(readdirSync(join(commands, 'etcd/slow-disk'))).toEqual(
    readdirSync(join(commands, '_template/example')),
  );
  expect(nextSteps[0]).toContain('commands/etcd/slow-disk/stories.ts');

  const run = { cwd: repository, preferLocal: true, localDir: root, env: { NO_COLOR: '1' } };
  await execa('tsc', ['--noEmit', '-p', repository], run);
  const { stdout } = await execa('vitest', ['run', '--root', repository, 'commands/etcd'], run);
  expect(stdout).toContain('1 passed');
});

test('a second check in an area does not change its command', () => {
  newCheck('etcd/doppler', commands);

  const { written } = newCheck('etcd/slow-disk', commands);

  expect(written).not.toContain('etcd/command.ts');
  expect(readdirSync(join(commands, 'etcd')).toSorted()).toEqual(['command.ts', 'doppler', 'slow-disk']);
});

test('does not overwrite an existing check', () => {
  newCheck('etcd/doppler', commands);

  expect(() => newCheck('etcd/doppler', commands)).toThrow('commands/etcd/doppler already exists');
  expect(readFileSync(join(commands, 'etcd/doppler/check.ts'), 'utf8')).toContain('defineCheck');
});

test.each([
  '',
  'etcd',
  'etcd/',
  '/doppler',
  'etcd/doppler/deep',
  'Etcd/doppler',
  'etcd/slow_disk',
  '../etc/passwd',
  '_template/x',
  'etcd/-x',
  `${'a'.repeat(32)}/x`,
])('rejects the name %j and writes nothing', (name) => {
  expect(() => newCheck(name, commands)).toThrow(/such as .*etcd\/doppler/);
  expect(readdirSync(commands).toSorted()).toEqual(['_template', 'kit.ts', 'shared']);
});

test.each(['wrench/doppler', 'etcd/help'])('rejects %s because it contains a reserved word', (name) => {
  expect(() => newCheck(name, commands)).toThrow('reserved word');
});

test('warns about an area that looks like a typo of another', () => {
  newCheck('certs/expiring', commands);

  expect(newCheck('cert/chain', commands).nextSteps[0]).toContain('The area `certs` already exists');
});
