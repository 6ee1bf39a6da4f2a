import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import { MAX_WAIT_MS } from '../../timeouts.ts';
import { type AnswerCommand, serveHosts } from './serve-hosts.ts';

/** Runs a command with OpenSSH's own client, which verifies the host key. */
async function serve(hosts: Readonly<Record<string, AnswerCommand>>) {
  const served = await serveHosts(new Map(Object.entries(hosts)));
  onTestFinished(served.close);
  const { inventory, user, key, knownHosts } = served.source('hosts') as Readonly<Record<string, string>>;
  const lines = (await readFile(inventory!, 'utf8')).split('\n');
  const ssh = (host: string, command: string) => {
    const line = lines.find((one) => one.startsWith(`${host} `));
    const [, address = '', port = ''] = /ansible_host=(\S+) ansible_port=(\d+)/.exec(line ?? '') ?? [];
    const options = ['BatchMode=yes', 'StrictHostKeyChecking=yes', `UserKnownHostsFile=${knownHosts}`];
    const words = [...options.flatMap((one) => ['-o', one]), '-i', key!, '-p', port];
    return execa('ssh', [...words, `${user}@${address}`, command], {
      reject: false,
      timeout: MAX_WAIT_MS,
      stripFinalNewline: false,
      encoding: 'buffer',
    });
  };
  return { served, ssh };
}

test('each host has its own answers, and a command is passed on unchanged, never to a shell', async () => {
  const { served, ssh } = await serve({
    'cmp-11': (command) => ({ exitCode: 0, stdout: `cmp-11 got ${command}\n` }),
    'cmp-12': () => ({ exitCode: 3, stdout: Buffer.from([0, 255, 10]), stderr: 'failed\n' }),
  });
  const line = `env LC_ALL=C grep -Ha . '/proc/net/vlan/config'; id >&2`;
  const [first, second] = await Promise.all([ssh('cmp-11', line), ssh('cmp-12', 'date')]);
  expect(Buffer.from(first.stdout).toString()).toBe(`cmp-11 got ${line}\n`);
  expect(first.exitCode).toBe(0);
  expect([...second.stdout]).toEqual([0, 255, 10]);
  expect(Buffer.from(second.stderr).toString()).toBe('failed\n');
  expect(second.exitCode).toBe(3);
  expect([...served.commands].toSorted()).toEqual([`cmp-11: ${line}`, 'cmp-12: date']);
});

test('an answer of 1 MB arrives whole', async () => {
  const { ssh } = await serve({ 'cmp-11': () => ({ exitCode: 0, stdout: 'x'.repeat(1_000_000) }) });
  const { stdout, exitCode } = await ssh('cmp-11', 'date');
  expect({ bytes: stdout.length, exitCode }).toEqual({ bytes: 1_000_000, exitCode: 0 });
});
