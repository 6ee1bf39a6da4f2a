import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type LogFolder, makeLogFolder, readLines } from '../../../test/world/log-folder.ts';
import { type Sshd, startSshd } from '../../../test/world/sshd.ts';
import type { Source } from '../../ports/source.ts';
import { syslogConfig } from './config.ts';
import { openSyslog } from './open.ts';

const until = new Date('2026-11-26T12:00:00Z');
const since = new Date('2026-11-26T10:00:00Z');

let tools: LogFolder;
let folder: LogFolder;
let sshd: Sshd;
let source: Source | undefined;

/** Runs the commands with another folder in place of `/var/log`. */
const SCRIPT = `#!/bin/bash
set -o pipefail
folder=$(cat "$(dirname "$0")/folder")
errors=$(mktemp)
back() { LC_ALL=C sed "s#$folder#/var/log#g"; }
eval "\${SSH_ORIGINAL_COMMAND//\\/var\\/log/$folder}" 2> "$errors" < /dev/null | back
status=$?
back < "$errors" >&2
rm "$errors"
exit "$status"
`;

beforeAll(async () => {
  tools = await makeLogFolder();
  const script = join(tools.dir, 'run');
  await writeFile(script, SCRIPT);
  await chmod(script, 0o755);
  // Otherwise bash reads the user's `.bashrc`, which may take a while.
  sshd = await startSshd({ environment: { SHLVL: '2' }, keyOptions: `command="${script}"` });
});
afterAll(async () => {
  await sshd.close();
  await tools.remove();
});
beforeEach(async () => {
  folder = await makeLogFolder();
  await tools.put({ folder: folder.dir, known_hosts: `[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n` });
});
afterEach(async () => {
  await source?.close();
  await folder.remove();
});

function open(paths: readonly string[], config: object = {}): Source {
  const access = { host: '127.0.0.1', port: sshd.port, user: sshd.user, key: sshd.keyPath };
  source = openSyslog(
    syslogConfig.parse({
      kind: 'syslog',
      name: 'switches',
      contains: ['switch'],
      paths: paths.map((path) => join('/var/log', path)),
      ssh: { ...access, knownHosts: join(tools.dir, 'known_hosts') },
      ...config,
    }),
  );
  return source;
}

function line(time: string, text: string): string {
  return `2026-11-26T${time}Z leaf-a Stp: ${text}\n`;
}

function seconds(from: string, count: number): string {
  const fromMs = Date.parse(`2026-11-26T${from}Z`);
  return Array.from({ length: count }, (_, at) => {
    const time = new Date(fromMs + at * 1_000).toISOString();
    return `${time} leaf-a Stp: ${time.slice(11, 19)} ${'x'.repeat(60)}\n`;
  }).join('');
}

test('reads files, patterns and folders of a host, with rotated and compressed files', async () => {
  await folder.put({
    'switches/a.log': line('11:30:00', 'a'),
    'switches/a.log.1': line('11:00:00', 'a1'),
    'switches/deep/b.log': line('11:20:00', 'b'),
    'switches/wtmp': 'x',
    'other.log': line('11:10:00', 'other'),
    'others.txt': line('11:10:00', 'no'),
  });
  await folder.put({ 'switches/a.log.2.gz': line('10:30:00', 'a2') }, new Date('2026-11-26T10:30:00Z'));
  expect(await readLines(open(['switches', 'other*.log']), { since, until })).toMatchObject({
    texts: ['a', 'b', 'other', 'a1', 'a2'],
  });
});

test('reads a large file in blocks from its end', async () => {
  await folder.put({ 'a.log': seconds('00:00:00', 43_200) });
  const { texts, error } = await readLines(open(['a.log'], { maxBytes: 2 * 1024 ** 2 }), { since, until });
  expect(error).toBeUndefined();
  expect(texts).toHaveLength(7_200);
  expect(new Set(texts).size).toBe(7_200);
});

test('says what could not be read, and reads the rest', async () => {
  await folder.put({ 'a.log': line('11:30:00', 'a'), 'b c.log': line('11:00:00', 'b') });
  const source = open(['*.log', 'gone.log', 'a b/c.log']);
  const { texts, error } = await readLines(source, { since, until });
  expect(texts).toEqual(['a']);
  expect(error?.message).toBe(
    '/var/log/a b/c.log: only paths below /var/log without blanks and other unusual characters can be read; ' +
      '/var/log/b c.log: its name has a blank or another unusual character; ' +
      '/var/log/gone.log: no file on 127.0.0.1 matches',
  );
});

test('a host key that is not known is an error with the key, and nothing is read', async () => {
  await tools.put({ known_hosts: '' });
  const before = sshd.logins();
  const { lines, error } = await readLines(open(['a.log']), { since, until });
  expect(lines).toEqual([]);
  expect(error?.hostKey).toMatchObject({ is: 'unknown' });
  expect(sshd.logins()).toBe(before);
});

test('the health check names the newest line', async () => {
  const at = new Date(Date.now() - 150_000).toISOString();
  await folder.put({ 'a.log': `${at} leaf-a Stp: x\n` });
  expect(await open(['a.log']).healthCheck(new AbortController().signal)).toEqual({
    ok: true,
    summary: '1 file, newest line 2 minutes ago from leaf-a',
  });
});

test('the health check says which part of the login is wrong', async () => {
  const check = (ssh: object) =>
    open(['a.log'], {
      ssh: { host: '127.0.0.1', port: sshd.port, user: sshd.user, key: sshd.keyPath, ...ssh },
    }).healthCheck(new AbortController().signal);
  expect(await check({ key: '/nonexistent/key' })).toEqual({
    ok: false,
    summary: "couldn't read the private key /nonexistent/key (ENOENT)",
    hint: 'Check `key`, and that the user of the worker can read the file',
  });
  expect(await check({ knownHosts: '/nonexistent/known_hosts' })).toMatchObject({
    hint: 'Verify the host key on the host before you trust it',
  });
  expect(await check({ port: 1 })).toMatchObject({
    hint: 'Check that the host is up and that the worker can connect to its ssh port',
  });
});

test('only files below /var/log are read over ssh', () => {
  const ssh = { host: 'logs', key: '/key' };
  const parse = (path: string) =>
    syslogConfig.safeParse({ kind: 'syslog', contains: ['switch'], paths: [path], ssh }).success;
  expect([parse('/var/log/a.log'), parse('/var/log'), parse('/etc/shadow'), parse('/var/logs/a')]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
