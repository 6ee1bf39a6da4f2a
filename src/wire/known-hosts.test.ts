import { generateKeyPairSync } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import {
  judgeHostKey,
  keyFingerprint,
  keyType,
  knownKeyTypes,
  knownName,
  parseKnownHosts,
} from './known-hosts.ts';

/** An Ed25519 key in wire format. */
function makeKey(): Buffer {
  const raw = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const withLength = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  return Buffer.concat([withLength(Buffer.from('ssh-ed25519')), withLength(raw)]);
}

const key = makeKey();
const other = makeKey();
const line = (names: string, of: Buffer = key): string => `${names} ${keyType(of)} ${of.toString('base64')}`;
const verdict = (text: string, host: string, port = 22, presented = key) =>
  judgeHostKey(parseKnownHosts(text), { host, port }, presented);

test.each([
  ['a name', 'node-b', 'node-b', 22],
  ['a name in capitals', 'node-b', 'NODE-B', 22],
  ['one of several names', 'a,node-b,10.0.0.2', '10.0.0.2', 22],
  ['a port', '[node-b]:2222', 'node-b', 2222],
  ['an IPv6 address', 'fd00::1', 'fd00::1', 22],
  ['an IPv6 address in the brackets of a URL', 'fd00::1', '[fd00::1]', 22],
  ['an IPv6 address with a port', '[fd00::1]:2222', '[fd00::1]', 2222],
  ['a wildcard', '*.example', 'node-b.example', 22],
  ['a question mark', 'node-?', 'node-b', 22],
  ['a wildcard with an exception for another', '*.example,!c.example', 'b.example', 22],
])('trusts a key by %s', (_, names, host, port) => {
  expect(verdict(`# comment\n\n${line(names)} comment at the end\n`, host, port)).toEqual({ is: 'trusted' });
});

test.each([
  ['another name', line('node-c'), 'node-b', 22],
  ['the name with another port', line('[node-b]:2222'), 'node-b', 22],
  ['the name without the port', line('node-b'), 'node-b', 2222],
  ['the beginning of the name', line('node'), 'node-b', 22],
  ['a dot for any letter', line('node.b'), 'node-b', 22],
  ['an exception', line('*.example,!b.example'), 'b.example', 22],
  ['only an exception', line('!c.example'), 'b.example', 22],
  ['a comment', `#${line('node-b')}`, 'node-b', 22],
  ['a certificate authority', `@cert-authority ${line('node-b')}`, 'node-b', 22],
  ['an unknown marker', `@other ${line('node-b')}`, 'node-b', 22],
  ['a key that is cut off', `node-b ssh-ed25519 ${key.toString('base64').slice(0, 10)}`, 'node-b', 22],
  ['a type that is not that of the key', `node-b ssh-rsa ${key.toString('base64')}`, 'node-b', 22],
  ['an empty file', '', 'node-b', 22],
])('does not know a host by %s', (_, text, host, port) => {
  expect(verdict(text, host, port)).toEqual({ is: 'unknown' });
});

test('a key that differs has changed, unless another line has it', () => {
  expect(verdict(`\n${line('node-b', other)}`, 'node-b')).toEqual({ is: 'changed', line: 2 });
  expect(verdict(`${line('node-b', other)}\n${line('node-b')}`, 'node-b')).toEqual({ is: 'trusted' });
});

test('does not trust a key of a type that is not known for the host', () => {
  const rsa = Buffer.concat([Buffer.from([0, 0, 0, 7]), Buffer.from('ssh-rsa'), Buffer.alloc(9)]);
  const text = line('node-b', rsa);

  expect(verdict(text, 'node-b')).toEqual({ is: 'other type', types: ['ssh-rsa'] });
  expect(knownKeyTypes(parseKnownHosts(text), { host: 'node-b', port: 22 })).toEqual(['ssh-rsa']);
});

test('rejects a revoked key even if another line trusts it', () => {
  expect(verdict(`${line('node-b')}\n@revoked ${line('*')}`, 'node-b')).toEqual({ is: 'revoked', line: 2 });
  expect(verdict(`${line('node-b')}\n@revoked ${line('*', other)}`, 'node-b')).toEqual({ is: 'trusted' });
  expect(verdict(`@revoked ${line('node-b', other)}`, 'node-b')).toEqual({ is: 'unknown' });
});

test('reads names that ssh-keygen hashed, and shows fingerprints as it does', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-known-hosts-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'known_hosts');
  await writeFile(file, `${line('node-b')}\n${line('[node-c]:2222', other)}\n`);
  const run = promisify(execFile);
  await run('ssh-keygen', ['-q', '-H', '-f', file]);
  const text = await readFile(file, 'utf8');
  const { stdout } = await run('ssh-keygen', ['-l', '-f', file]);

  expect(text).not.toContain('node-b');
  expect(verdict(text, 'node-b')).toEqual({ is: 'trusted' });
  expect(verdict(text, 'node-c', 2222, other)).toEqual({ is: 'trusted' });
  expect(verdict(text, 'node-c', 2222)).toMatchObject({ is: 'changed' });
  expect(verdict(text, 'node-c', 22, other)).toEqual({ is: 'unknown' });
  expect(stdout).toContain(keyFingerprint(key));
  expect(knownName({ host: 'Node-C', port: 2222 })).toBe('[node-c]:2222');
});
