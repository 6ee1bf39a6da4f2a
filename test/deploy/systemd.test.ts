import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { readEnvironment } from '../../src/config/read-config.ts';
import { configSchema } from '../../src/config/schema.ts';
import { filesIn, readText, ROOT } from './tree.ts';

const UNITS = ['wrench-bot.service', 'wrench-worker.service', 'wrench.service'];

interface Unit {
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/** The settings of a unit. Throws for a line that is neither comment, section nor setting. */
function parseUnit(text: string): readonly Unit[] {
  let section = '';
  return text.split('\n').flatMap((line) => {
    if (line === '' || line.startsWith('#')) return [];
    const name = /^\[(\w+)\]$/.exec(line)?.[1];
    if (name !== undefined) return ((section = name), []);
    const [, key, value = ''] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    if (key === undefined) throw new Error(`invalid line in a unit: ${line}`);
    return [{ section, key, value }];
  });
}

const valuesOf = (unit: string, key: string): readonly string[] =>
  parseUnit(readText(`deploy/systemd/${unit}`))
    .filter((one) => one.key === key)
    .map(({ value }) => value);

test('there is a unit for each role and one for both', () => {
  expect(filesIn('deploy/systemd')).toEqual(UNITS);
});

test.each([
  ['wrench-bot.service', 'bot'],
  ['wrench-worker.service', 'worker'],
  ['wrench.service', 'all'],
])('%s starts the role %s with its own secrets and user', (unit, verb) => {
  const name = unit.replace('.service', '');

  expect(valuesOf(unit, 'ExecStart')).toEqual([`/usr/bin/node src/main.ts ${verb}`]);
  expect(readText('src/main.ts')).toMatch(new RegExp(`^  ${verb}: `, 'm'));
  expect(existsSync(`${ROOT}src/main.ts`)).toBe(true);
  expect(valuesOf(unit, 'EnvironmentFile')).toEqual([`/etc/wrench/${verb === 'all' ? 'wrench' : verb}.env`]);
  expect(valuesOf(unit, 'User')).toEqual([name]);
});

test('neither role can read the secrets of the other', () => {
  expect(valuesOf('wrench-bot.service', 'InaccessiblePaths').join(' ')).toContain('/etc/wrench/worker.env');
  expect(valuesOf('wrench-worker.service', 'InaccessiblePaths').join(' ')).toContain('/etc/wrench/bot.env');
});

test.each(UNITS)('%s can write only its own state and gain no privileges', (unit) => {
  for (const [key, value] of Object.entries({
    ProtectSystem: 'strict',
    ProtectHome: 'yes',
    PrivateTmp: 'yes',
    NoNewPrivileges: 'yes',
    CapabilityBoundingSet: '',
    RestrictAddressFamilies: 'AF_INET AF_INET6 AF_UNIX AF_NETLINK',
  }))
    expect({ [key]: valuesOf(unit, key) }).toEqual({ [key]: [value] });
  // V8 generates executable code.
  expect(valuesOf(unit, 'MemoryDenyWriteExecute')).toEqual([]);
  expect(valuesOf(unit, 'ReadWritePaths')).toEqual([]);
});

test('the bot has a folder for its copy of the audit, the worker has none', () => {
  expect(valuesOf('wrench-bot.service', 'StateDirectory')).toEqual(['wrench-bot']);
  expect(valuesOf('wrench.service', 'StateDirectory')).toEqual(['wrench']);
  expect(valuesOf('wrench-worker.service', 'StateDirectory')).toEqual([]);
  for (const unit of ['wrench-bot.service', 'wrench.service'])
    expect(valuesOf(unit, 'StateDirectoryMode')).toEqual(['0700']);
});

test.each(UNITS)('%s keeps the health port on loopback', (unit) => {
  const variables = valuesOf(unit, 'Environment').join(' ');

  expect(variables).not.toContain('HEALTH_HOST');
  expect(readEnvironment({}).healthHost).toBe('127.0.0.1');
});

test.each(UNITS)('%s restarts forever, because a fault may be fixed in the meantime', (unit) => {
  expect(valuesOf(unit, 'Restart')).toEqual(['always']);
  expect(valuesOf(unit, 'StartLimitIntervalSec')).toEqual(['0']);
  expect(valuesOf(unit, 'RestartPreventExitStatus')).toEqual([]);
});

test('the stop timeout is longer than a role may need, and Wrench stops the private Redis', () => {
  const { stopSeconds } = configSchema.shape.limits.parse({});
  const stop = (unit: string) => Number(valuesOf(unit, 'TimeoutStopSec')[0]);

  expect(stop('wrench-worker.service')).toBeGreaterThan(stopSeconds + 10);
  expect(stop('wrench-bot.service')).toBeGreaterThan(10);
  expect(stop('wrench.service')).toBeGreaterThan(stopSeconds + 20);
  expect(valuesOf('wrench.service', 'KillMode')).toEqual(['mixed']);
});

test.each(UNITS)('systemd, if installed, accepts %s', async (unit) => {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-systemd-'));
  const path = join(folder, unit);
  await writeFile(path, readText(`deploy/systemd/${unit}`).replace('/usr/bin/node', process.execPath));

  const said = await execa('systemd-analyze', ['verify', path], { reject: false, all: true });
  await rm(folder, { recursive: true });

  // It also reports on other units of this machine. Without systemd, only the lines are validated.
  expect(said.all.split('\n').filter((line) => line.includes(unit))).toEqual([]);
});
