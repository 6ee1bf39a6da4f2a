import { createPrivateKey } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Authority, fullChain, issue, type Issued, makeAuthority } from '../../../test/world/ca.ts';
import { asUnprivilegedUser, makeScannedFolder, type ScannedFolder } from '../../../test/world/scan-files.ts';
import { findCertificates } from '../../wire/find-certificates.ts';
import { compareWithKeyBeside } from './compare-with-key.ts';

let folder: ScannedFolder;
let root: Authority;
let authority: Authority;
let rep: Issued;
let other: Issued;

beforeAll(async () => {
  root = await makeAuthority({ name: 'Root' });
  authority = await makeAuthority({ name: 'Intermediate', issuer: root });
  rep = await issue(authority, { name: 'rep.test' });
  other = await issue(authority, { name: 'other.test', keyType: 'rsa2048' });
});
beforeEach(async () => {
  folder = await makeScannedFolder();
});
afterEach(() => folder.remove());

/** Each place with its `keyMatches`. */
async function keys(
  paths: readonly string[] = ['**/*'],
  config: object = {},
): Promise<Record<string, boolean | undefined>> {
  const seen = await folder.seen(paths, config);
  return Object.fromEntries(Object.entries(seen).map(([place, { keyMatches }]) => [place, keyMatches]));
}

test('compares a certificate with the key next to it that has a paired name', async () => {
  await folder.put({
    'a/rep.crt': rep.certificatePem,
    'a/rep.key': rep.keyPem,
    'b/tls.crt': rep.certificatePem,
    'b/tls.key': other.keyPem,
    'c/fullchain.pem': fullChain(other, authority),
    'c/privkey.pem': other.keyPem,
    'd/server.pem': fullChain(rep, authority),
    'd/server-key.pem': other.keyPem,
    'e/ca.crt': root.certificatePem,
    'e/ca.key': authority.keyPem,
  });
  expect(await keys()).toEqual({
    'a/rep.crt': true,
    'b/tls.crt': false,
    'c/fullchain.pem': true,
    'd/server.pem': false,
    'e/ca.crt': false,
  });
});

test('compares a certificate with no other key', async () => {
  await folder.put({
    'web.crt': rep.certificatePem,
    'jwt.key': other.keyPem,
    'upstream-ca.crt': root.certificatePem,
    id_rsa: other.keyPem,
    'deep/web.key': other.keyPem,
  });
  expect(await keys()).toEqual({ 'web.crt': undefined, 'upstream-ca.crt': undefined });
});

test('reads a key only if the patterns match it and nothing ignores it', async () => {
  const { put, link, dir } = folder;
  await put({ 'rep.crt': rep.certificatePem, 'rep.key': other.keyPem });
  expect(await keys(['*.crt'])).toEqual({ 'rep.crt': undefined });
  expect(await keys(['rep.crt'])).toEqual({ 'rep.crt': undefined });
  expect(await keys(['*'], { ignore: [join(dir, '*.key')] })).toEqual({ 'rep.crt': undefined });
  expect(await keys(['*.crt', '*.key'])).toEqual({ 'rep.crt': false });
  expect(await keys(['rep.crt', 'rep.key'])).toEqual({ 'rep.crt': false });
  expect(await keys(['rep.{crt,key}'])).toEqual({ 'rep.crt': false });
  await put({ 'linked/web.crt': rep.certificatePem, 'private/x.key': other.keyPem });
  await link({ 'linked/web.key': '../private/x.key' });
  expect(await keys(['linked/*'])).toEqual({ 'linked/web.crt': false });
  expect(await keys(['linked/*'], { ignore: [join(dir, 'private/**')] })).toEqual({
    'linked/web.crt': undefined,
  });
});

test('finds pairs behind links: a BOSH job, a Kubernetes Secret', async () => {
  await folder.put({
    'data/rep-1a/certs/rep.crt': rep.certificatePem,
    'data/rep-1a/certs/rep.key': other.keyPem,
    'tls/..1/tls.crt': rep.certificatePem,
    'tls/..1/tls.key': other.keyPem,
  });
  await folder.link({
    'jobs/rep': '../data/rep-1a',
    'tls/..data': '..1',
    'tls/tls.crt': '..data/tls.crt',
    'tls/tls.key': '..data/tls.key',
  });
  expect(await keys(['jobs/*/certs/*', 'tls/*'])).toEqual({
    'jobs/rep/certs/rep.crt': false,
    'tls/tls.crt': false,
  });
});

test('does not report a pattern without certificates if its keys were compared', async () => {
  const { put, scan } = folder;
  await put({ 'rep.crt': rep.certificatePem, 'rep.key': rep.keyPem });
  expect(await scan(['*.crt', '*.key'])).toEqual(['rep.crt rep.test']);
  expect(await scan(['rep.crt', 'rep.key'])).toEqual(['rep.crt rep.test']);
  await put({ 'lone/x.key': other.keyPem });
  expect(await scan(['*.crt', 'lone/*.key'])).toEqual([
    'lone/*.key missing: 1 file matches, but it contains no certificate',
    'rep.crt rep.test',
  ]);
});

test('reports no mismatch for an unreadable key, or for several keys', async () => {
  const encrypted = createPrivateKey(other.keyPem).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  });
  await folder.put({
    'a.crt': rep.certificatePem,
    'a.key': encrypted,
    'b.crt': rep.certificatePem,
    'b.key': other.keyPem + authority.keyPem,
    'c.crt': rep.certificatePem,
    'c.key': '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n',
    'd.crt': rep.certificatePem,
    'd.key': 'words',
    'e.crt': rep.certificatePem,
    'e.key/x': '',
    'f.crt': rep.certificatePem,
    'f.key': other.keyPem.slice(0, 200),
    'g.crt': rep.certificatePem,
    'g.key': other.keyPem + encrypted.toString(),
    'h.crt': rep.certificatePem,
    'h.key': other.keyPem + '#'.repeat(6000),
  });
  expect(Object.values(await keys(['*'], { maxFileBytes: 6000 }))).toEqual(
    Array.from({ length: 8 }, () => undefined),
  );
});

test('a key without read permission is a gap, and its certificate is not compared', async () => {
  const { put, scan, dir } = folder;
  await put({ 'rep.crt': rep.certificatePem, 'rep.key': other.keyPem });
  await chmod(join(dir, 'rep.key'), 0);
  await asUnprivilegedUser(async () => {
    expect(await keys()).toEqual({ 'rep.crt': undefined });
    expect(await scan(['*'])).toEqual([
      'rep.crt rep.test',
      'rep.key refused: the user that the worker runs as has no permission to read it',
    ]);
  });
});

test('reads keys in any PEM format and in DER', async () => {
  const key = createPrivateKey(rep.keyPem);
  const rsa = createPrivateKey(other.keyPem);
  const curve = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
  await folder.put({
    'a.crt': rep.certificatePem,
    'a.key': curve + key.export({ type: 'sec1', format: 'pem' }).toString(),
    'b.crt': other.certificatePem,
    'b.key': rsa.export({ type: 'pkcs1', format: 'pem' }).toString().replaceAll('\n', '\r\n'),
    'c.cer': rep.der,
    'c.key': key.export({ type: 'pkcs8', format: 'der' }),
    'd.cer': other.der,
    'd.key': rsa.export({ type: 'pkcs1', format: 'der' }),
    'e.cer': rep.der,
    'e.key': rsa.export({ type: 'pkcs8', format: 'der' }),
  });
  expect(await keys()).toEqual({
    'a.crt': true,
    'b.crt': true,
    'c.cer': true,
    'd.cer': true,
    'e.cer': false,
  });
});

test('marks the certificate that matches the key, otherwise the first leaf', async () => {
  const third = await issue(authority, { name: 'third.test' });
  await folder.put({
    // In the wrong order, but the key is correct.
    'order.crt': root.certificatePem + rep.certificatePem,
    'order.key': rep.keyPem,
    'second.crt': rep.certificatePem + other.certificatePem,
    'second.key': other.keyPem,
    'none.crt': root.certificatePem + rep.certificatePem + other.certificatePem,
    'none.key': third.keyPem,
  });
  expect(await keys()).toEqual({
    'order.crt': undefined,
    'order.crt#2': true,
    'second.crt': undefined,
    'second.crt#2': true,
    'none.crt': undefined,
    'none.crt#2': false,
    'none.crt#3': undefined,
  });
});

test('does not compare a key with a list of CAs or a chain without its leaf', async () => {
  const second = await makeAuthority({ name: 'Second root' });
  await folder.put({
    'a/bundle.crt': root.certificatePem + second.certificatePem,
    'a/bundle.key': rep.keyPem,
    'b/cert-chain.pem': authority.certificatePem + root.certificatePem,
    'b/cert.pem': rep.certificatePem,
    'b/key.pem': rep.keyPem,
  });
  expect(await keys()).toEqual({
    'a/bundle.crt': undefined,
    'a/bundle.crt#2': undefined,
    'b/cert-chain.pem': undefined,
    'b/cert.pem': true,
  });
});

test('one matching key of two paired keys is enough', async () => {
  await folder.put({
    'server.pem': rep.certificatePem,
    'server.key': other.keyPem,
    'server-key.pem': rep.keyPem,
  });
  expect(await keys()).toEqual({ 'server.pem': true });
});

test('compares a file that contains a key with that key only', async () => {
  await folder.put({
    'web.pem': rep.certificatePem + rep.keyPem,
    'web.key': other.keyPem,
    'old.pem': rep.certificatePem + other.keyPem,
    'old.key': rep.keyPem,
  });
  expect(await keys()).toEqual({ 'web.pem': true, 'old.pem': false });
});

test('does not report a mismatch if the certificate was replaced during the scan', async () => {
  const { put, dir } = folder;
  await put({ 'rep.crt': other.certificatePem, 'rep.key': other.keyPem });
  const compare = async (content: string) =>
    compareWithKeyBeside(
      {
        path: join(dir, 'rep.crt'),
        content: Buffer.from(content),
        chains: findCertificates(content).certificates,
      },
      { isMatched: () => true, maxBytes: 10_000 },
    );
  const [before] = (await compare(rep.certificatePem)).chains;
  expect(before?.keyMatches).toBeUndefined();
  const [after] = (await compare(other.certificatePem)).chains;
  expect(after?.keyMatches).toBe(true);
});

test('returns nothing of a key', async () => {
  await folder.put({ 'rep.crt': rep.certificatePem, 'rep.key': other.keyPem, 'other.key': rep.keyPem });
  const said = inspect(await folder.seen(['*']), { depth: Infinity, maxStringLength: Infinity });
  for (const { keyPem } of [rep, other])
    for (const line of keyPem.split('\n').slice(1, -2)) expect(said).not.toContain(line);
});
