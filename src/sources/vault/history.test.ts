import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Authority, issue, type Issued, makeAuthority } from '../../../test/world/ca.ts';
import { asSafe } from '../../../test/world/safe-secrets.ts';
import { scanCertificates } from '../../../test/world/scan-certificates.ts';
import { startVault, type Vault } from '../../../test/world/vault.ts';
import type { VersionContent } from '../../ports/managed-certificates.ts';
import type { Source } from '../../ports/source.ts';
import { vaultConfig } from './config.ts';
import { openVault } from './open.ts';

const { signal } = new AbortController();
const PLACE = 'vault:secret/cf/rep/server:certificate';

let vault: Vault;
let source: Source;
let authority: Authority;
beforeEach(async () => {
  vault = await startVault();
  authority = await makeAuthority({ name: 'ca' });
  await vault.mount('secret', '2');
  await vault.mount('old', '1');
  await vault.allow('reader', {
    'secret/data/*': ['read'],
    'secret/metadata/*': ['list'],
    'old/*': ['read', 'list'],
    'secret/data/cf/closed/*': ['deny'],
  });
  const token = await vault.issueToken({ policies: ['reader'], ttl: '1h' });
  source = openVault(
    vaultConfig.parse({ kind: 'vault', url: vault.address, auth: { token }, paths: ['secret/cf', 'old/cf'] }),
  );
});
afterEach(async () => {
  await source.close();
  await vault.close();
});

function history(place = PLACE, most = 5): Promise<readonly VersionContent[]> {
  return source.reads.certificates!.history!(place, { signal, most });
}

async function store(...names: readonly string[]): Promise<readonly Issued[]> {
  const all: Issued[] = [];
  for (const name of names) {
    const issued = await issue(authority, { name });
    await vault.put('secret/cf/rep/server', {
      ...asSafe(issued),
      ca: authority.certificatePem,
      password: 'hunter2',
    });
    all.push(issued);
  }
  return all;
}

const names = (versions: readonly VersionContent[]): readonly string[] =>
  versions.map(({ id, chain: [{ name }] }) => `${id} ${name}`);

test('has the versions before the present one, newest first, with when they were written and no private key', async () => {
  const keys = await store('one', 'two', 'three');
  const versions = await history();

  expect(names(versions)).toEqual(['2 two', '1 one']);
  expect(versions[0]).toMatchObject({ createdAt: expect.any(Date) as Date, trusts: [{ name: 'ca' }] });
  const text = inspect(versions, { depth: 20, maxStringLength: null }) + JSON.stringify(versions);
  const lines = keys.flatMap(({ keyPem }) => keyPem.split('\n').slice(1, -2));
  expect([...lines, 'hunter2', 'PRIVATE KEY'].filter((canary) => text.includes(canary))).toEqual([]);
});

test('needs no permission except that of the scan, and reads only as many as requested', async () => {
  await store('one', 'two', 'three', 'four');
  const before = vault.requests.length;
  expect(names(await history(PLACE, 2))).toEqual(['3 three', '2 two']);
  const read = vault.requests.slice(before).filter(({ path }) => path.includes('/data/'));
  expect(read).toHaveLength(3);
  expect(vault.requests.slice(before).filter(({ status }) => status === 403)).toEqual([]);
});

test('skips versions that were deleted, destroyed, or had no certificate there', async () => {
  await store('one');
  await vault.put('secret/cf/rep/server', { password: 'hunter2' });
  await store('three');
  await vault.softDelete('secret/cf/rep/server');
  await store('four');
  await vault.destroy('secret/cf/rep/server', [4]);
  await store('five', 'six');

  expect(names(await history())).toEqual(['5 five', '1 one']);
});

test('is bounded if a thousand versions were deleted', async () => {
  await store('one');
  for (let version = 2; version <= 40; version += 1) {
    await vault.put('secret/cf/rep/server', { password: 'hunter2' });
    await vault.softDelete('secret/cf/rep/server');
  }
  await store('last');
  const before = vault.requests.length;
  expect(await history(PLACE, 2)).toEqual([]);
  expect(vault.requests.length - before).toBeLessThan(30);
});

test('finds the same place in a name with colons', async () => {
  const one = await issue(authority, { name: 'one' });
  const two = await issue(authority, { name: 'two' });
  for (const { certificatePem } of [one, two])
    await vault.put('secret/cf/a:b', { 'tls:crt': certificatePem });
  expect(names(await history('vault:secret/cf/a:b:tls:crt'))).toEqual(['1 one']);
});

test('is empty in KV version 1, and for a secret that no longer exists', async () => {
  await vault.put('old/cf/tls', asSafe(await issue(authority, { name: 'one' })));
  expect(await history('vault:old/cf/tls:certificate')).toEqual([]);
  expect(await history('vault:secret/cf/none:certificate')).toEqual([]);
});

test('says what is missing if the secret may not be read, and refuses places of others', async () => {
  await expect(history('vault:secret/cf/closed/x:certificate')).rejects.toMatchObject({
    kind: 'refused',
    message: 'the token lacks `read` on secret/data/cf/closed/x',
  });
  for (const place of ['other:secret/cf/x:certificate', 'vault:secret/../sys/x:certificate', 'vault:x'])
    await expect(history(place)).rejects.toMatchObject({ kind: 'refused' });
});

test('a scan says which version it read and since when, and which authorities are stored beside it', async () => {
  await store('one', 'two');
  await vault.put('old/cf/tls', asSafe(await issue(authority, { name: 'old' })));
  const { results, seen } = await scanCertificates(source);

  expect(seen.map(({ place }) => place)).toEqual([
    'vault:old/cf/tls:certificate',
    'vault:secret/cf/rep/server:ca',
    PLACE,
  ]);
  const at = (place: string) => results.find((one) => one.place === place);
  expect(at(PLACE)).toMatchObject({
    version: '2',
    storedSince: expect.any(Date) as Date,
    trusts: [{ name: 'ca' }],
  });
  expect(at('vault:secret/cf/rep/server:ca')).not.toHaveProperty('trusts');
  expect(at('vault:old/cf/tls:certificate')).not.toHaveProperty('version');
  expect(at('vault:old/cf/tls:certificate')).not.toHaveProperty('storedSince');
});
