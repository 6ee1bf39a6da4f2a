import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Sshd, startSshd } from '../../../test/world/sshd.ts';
import type { Source } from '../../ports/source.ts';
import { sshConfig } from './config.ts';
import { openHosts } from './open.ts';

const { signal } = new AbortController();

let shell: Sshd;
let restricted: Sshd;
beforeAll(async () => {
  const collect = new URL('../../../deploy/hosts/wrench-collect', import.meta.url).pathname;
  [shell, restricted] = await Promise.all([
    startSshd(),
    startSshd({ keyOptions: `restrict,command="/bin/sh ${collect}"` }),
  ]);
});
afterAll(async () => {
  await shell?.close();
  await restricted?.close();
});

async function saveInventory(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-inventory-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'inventory'), text);
  return join(folder, 'inventory');
}

function open(server: Sshd, config: object): Source {
  const source = openHosts(
    sshConfig.parse({
      kind: 'ssh',
      name: 'compute',
      user: server.user,
      key: server.keyPath,
      knownHosts: '/nonexistent/known_hosts',
      port: server.port,
      timeoutMs: 60_000,
      ...config,
    }),
  );
  onTestFinished(source.close);
  return source;
}

const oneHost = (server: Sshd): Source =>
  open(server, { hosts: ['cmp-1'], address: '127.0.0.1', hostKeys: { 'cmp-1': [server.hostKey] } });

test('asks hosts questions, with a shell and with the forced command', async () => {
  for (const server of [shell, restricted]) {
    const { hosts } = oneHost(server).reads;

    expect(hosts?.hosts).toEqual([{ name: 'cmp-1', address: `127.0.0.1:${server.port}` }]);
    const { time } = await hosts!.clock({ host: 'cmp-1', signal });
    expect(Math.abs(time.getTime() - Date.now())).toBeLessThan(60_000);
  }
});

test('warns about a key that can do more than ask questions', async () => {
  expect(await oneHost(shell).permissions!(signal)).toEqual([
    {
      method: 'clock',
      permission: 'log in to cmp-1',
      allowed: true,
      alsoAllows: 'run any command there as its user',
      hint: expect.stringContaining('restrict,command="/usr/local/bin/wrench-collect"') as string,
    },
  ]);
  expect(await oneHost(restricted).permissions!(signal)).toEqual([]);
});

test('does not warn about a key whose forced command is missing, which can do nothing', async () => {
  const half = await startSshd({ keyOptions: 'restrict,command="/nonexistent/wrench-collect"' });
  onTestFinished(half.close);

  expect(await oneHost(half).permissions!(signal)).toEqual([]);
  expect(await oneHost(half).healthCheck(signal)).toMatchObject({
    ok: false,
    hint: 'Give the user /bin/sh as its shell, or the forced command in deploy/hosts',
  });
});

test('says once how to add the host keys of many hosts', async () => {
  const inventory = await saveInventory('cmp-1 127.0.0.1\ncmp-2 127.0.0.1\ncmp-3 127.0.0.1\n');

  const { summary } = await open(shell, { inventory }).healthCheck(signal);

  expect(summary.match(/ssh-keyscan/g)).toHaveLength(1);
  expect(summary).toContain('the host key of cmp-1 is not in /nonexistent/known_hosts');
  expect(summary).toMatch(/\(also cmp-2 and cmp-3\)$/);
});

test('says how many hosts respond, and why the others do not', async () => {
  const gone = await startSshd();
  await gone.close();
  const inventory = await saveInventory(
    [
      ...['good-1', 'good-2', 'strange-1', 'strange-2'].map((name) => `${name} 127.0.0.1`),
      ...['gone-1', 'gone-2', 'gone-3'].map(
        (name) => `${name} ansible_host=127.0.0.1 ansible_port=${gone.port}`,
      ),
    ].join('\n'),
  );
  const hostKeys = { 'good-1': [shell.hostKey], 'good-2': [shell.hostKey] };

  const { ok, summary, hint } = await open(shell, { inventory, hostKeys }).healthCheck(signal);

  expect({ ok, hint }).toEqual({
    ok: false,
    hint: 'Check that the hosts are up and that the worker can connect to their ssh port',
  });
  expect(summary).toMatch(/^2 of 7 hosts respond: /);
  expect(summary).toContain('no ssh server listens there (also gone-2 and gone-3)');
  expect(summary).toContain('the host key of strange-1 is not in /nonexistent/known_hosts');
  expect(await oneHost(shell).healthCheck(signal)).toEqual({ ok: true, summary: '1 of 1 host responds' });
});

test('says which file of a login is wrong', async () => {
  const at = { inventory: await saveInventory('cmp-1 127.0.0.1\ncmp-2 127.0.0.1\n') };

  expect(await open(shell, { ...at, key: '/nonexistent/key' }).healthCheck(signal)).toEqual({
    ok: false,
    summary:
      "0 of 2 hosts respond: cmp-1: couldn't read the private key /nonexistent/key (ENOENT) (also cmp-2)",
    hint: 'Check `key`, and that the user of the worker can read the file',
  });
  expect(await open(shell, { ...at, key: `${shell.keyPath}.pub` }).healthCheck(signal)).toMatchObject({
    summary: expect.stringContaining(
      `${shell.keyPath}.pub isn't a private key in PEM or OpenSSH format`,
    ) as string,
  });
  expect(await open(shell, { ...at, knownHosts: '/' }).healthCheck(signal)).toMatchObject({
    hint: 'Check `knownHosts`, and that the user of the worker can read the file',
  });
});

test('counts hosts that are still connecting at the timeout as not responding', async () => {
  const stopped = AbortSignal.abort(new Error('the timeout'));

  expect(await oneHost(shell).healthCheck(stopped)).toMatchObject({
    ok: false,
    summary: "0 of 1 host responds: cmp-1 didn't respond in time",
  });
});

test('reads an inventory again when it changes, and never believes that there are no hosts', async () => {
  const inventory = await saveInventory('cmp-1 127.0.0.1\n');
  const source = open(shell, { inventory, hostKeys: { 'cmp-1': [shell.hostKey] } });
  const { hosts } = source.reads;
  expect(hosts!.hosts.map(({ name }) => name)).toEqual(['cmp-1']);

  await writeFile(inventory, 'cmp-1 127.0.0.1\ncmp-02 127.0.0.1\n');
  expect(hosts!.hosts.map(({ name }) => name)).toEqual(['cmp-1', 'cmp-02']);
  expect(await hosts!.clock({ host: 'cmp-1', signal })).toHaveProperty('time');

  await rm(inventory);
  expect(hosts!.hosts).toEqual([{ name: inventory, address: inventory }]);
  await expect(hosts!.clock({ host: inventory, signal })).rejects.toMatchObject({
    kind: 'unreachable',
    message: `couldn't read the inventory ${inventory} (ENOENT)`,
  });
  expect(await source.healthCheck(signal)).toMatchObject({
    ok: false,
    summary: `couldn't read the inventory ${inventory} (ENOENT)`,
    hint: 'Check `inventory` and `groups`',
  });

  await writeFile(inventory, '# all of them are gone\n');
  await expect(hosts!.clock({ host: inventory, signal })).rejects.toMatchObject({
    message: `the inventory ${inventory} has no hosts`,
  });
});
