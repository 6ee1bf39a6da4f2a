import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Authority, issue, type Issued, makeAuthority } from '../../../test/world/ca.ts';
import { scanCertificates, type CertificateScan } from '../../../test/world/scan-certificates.ts';
import { startVault, type Vault } from '../../../test/world/vault.ts';
import type { ScanResult } from '../../ports/certificates.ts';
import type { Source } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { vaultConfig } from './config.ts';
import { openVault } from './open.ts';

let vault: Vault;
let authority: Authority;
let leaf: Issued;
let sources: Source[];
const HOUR_MS = 3_600_000;

beforeEach(async () => {
  sources = [];
  vault = await startVault();
  authority = await makeAuthority({ name: 'cf ca' });
  leaf = await issue(authority, { name: 'rep' });
  await vault.mount('secret', '2');
  await vault.allow('reader', { 'secret/*': ['read', 'list'] });
  for (let folder = 0; folder < 4; folder++)
    for (let secret = 0; secret < 5; secret++)
      await vault.put(`secret/cf/folder-${folder}/s${secret}`, {
        certificate: leaf.certificatePem,
        key: leaf.keyPem,
      });
});
afterEach(async () => {
  for (const source of sources) await source.close();
  await vault.close();
});

function open(more: object = {}): Source {
  const auth = { token: vault.rootToken };
  const config = {
    kind: 'vault',
    url: vault.address,
    paths: ['secret/cf'],
    auth,
    timeoutMs: 5000,
    concurrency: 2,
    ...more,
  };
  const source = openVault(vaultConfig.parse(config));
  sources.push(source);
  return source;
}

function scan(more: object = {}): Promise<CertificateScan> {
  return scanCertificates(open(more));
}

const withoutPort = (texts: readonly string[]): string[] =>
  texts.map((text) => text.replaceAll(/127\.0\.0\.1:\d+/g, 'HOST'));

test('a Vault that fails during the scan: earlier results are kept, and the rest is one gap, not one per secret', async () => {
  vault.dieAfter(12);
  const { seen, gaps } = await scan();
  expect(seen.length).toBeGreaterThan(0);
  expect(seen.length).toBeLessThan(12);
  expect(withoutPort(gaps)).toEqual([
    'vault:secret/cf: unreachable: stopped after many consecutive failed requests (HOST refused the connection: nothing listens there): the rest of secret/cf was not checked',
  ]);
});

test('the next scan reads everything once Vault is back', async () => {
  const source = open();
  vault.dieAfter(12);
  await scanCertificates(source);
  await vault.revive();
  expect(await scanCertificates(source)).toMatchObject({ gaps: [] });
});

test('reports a Vault that is sealed during the scan as sealed', async () => {
  const source = open();
  const places: ScanResult[] = [];
  for await (const result of source.reads.certificates!.scan({ signal: new AbortController().signal })) {
    places.push(result);
    if (places.length === 3) vault.become('sealed');
  }
  const [gap, ...more] = places.filter((result) => result.kind === 'unseen');
  expect(more).toEqual([]);
  expect(withoutPort([gap!.error.message])).toEqual([
    'stopped after many consecutive failed requests (Vault at HOST is sealed): the rest of secret/cf was not checked',
  ]);
});

test('the scan throws and explains if Vault is down, sealed or not initialized', async () => {
  vault.become('sealed');
  await expect(scan()).rejects.toThrow(/^Vault at 127\.0\.0\.1:\d+ is sealed$/);
  vault.become('active');
  vault.dieAfter(0);
  await expect(scan()).rejects.toMatchObject({ kind: 'unreachable' });
});

test('skips a folder that does not respond, as one gap, and reads the others', async () => {
  for (let secret = 5; secret < 30; secret++)
    await vault.put(`secret/cf/folder-1/s${secret}`, { password: 'x' });
  vault.fail({ path: 'secret/data/cf/folder-1/', status: 500 });
  const { seen, gaps } = await scan({ concurrency: 1 });
  expect(seen).toHaveLength(15);
  expect(withoutPort(gaps)).toEqual([
    'vault:secret/cf/folder-1/: unreachable: 5 requests failed (HOST responded with an error (500)): the rest of secret/cf/folder-1/ was not checked',
  ]);
});

test('stops if Vault reports to be healthy but fails every other request', async () => {
  vault.fail({ path: 'secret/data/', status: 500 });
  const { seen, gaps } = await scan({ concurrency: 4 });
  expect(seen).toEqual([]);
  expect(withoutPort(gaps)).toEqual([
    'vault:secret/cf: unreachable: stopped after many consecutive failed requests (HOST responded with an error (500)): the rest of secret/cf was not checked',
  ]);
});

test('groups single failures by folder, and does not treat them as an outage', async () => {
  vault.fail({ path: 'secret/data/cf/folder-1/s1', status: 500 });
  vault.fail({ path: 'secret/data/cf/folder-1/s3', status: 500 });
  vault.fail({ path: 'secret/data/cf/folder-2/s0', half: true });
  vault.fail({ path: 'secret/metadata/cf/folder-3', body: '<html>' });
  const { seen, gaps } = await scan();
  expect(seen).toHaveLength(12);
  expect(withoutPort(gaps)).toEqual([
    'vault:secret/cf/folder-1/: unreachable: 2 requests in it failed: HOST responded with an error (500)',
    'vault:secret/cf/folder-2/s0: unreachable: HOST closed the connection before its response was complete',
    'vault:secret/cf/folder-3/: malformed: HOST responded with something other than JSON (200)',
  ]);
});

test('skips a slow path, and reads the others', async () => {
  vault.fail({ path: 'secret/data/cf/folder-1/s1', slowMs: 60_000 });
  // The slow path never responds. The others respond within this time even on a busy machine.
  const { seen, gaps } = await scan({ timeoutMs: 3_000 });
  expect(seen).toHaveLength(19);
  expect(withoutPort(gaps)).toEqual([
    "vault:secret/cf/folder-1/s1: unreachable: HOST didn't respond within 3 s",
  ]);
});

test('retries 412 and 429, which are not gaps', async () => {
  vault.fail({ path: 'secret/data/cf/folder-1/s1', status: 412 }, 1);
  vault.fail({ path: 'secret/data/cf/folder-2/s2', status: 429, headers: { 'retry-after': '0' } }, 2);
  expect(await scan()).toMatchObject({ gaps: [], seen: { length: 20 } });
});

test('logs in once more if the token expires during the scan, and misses nothing', async () => {
  const { roleId, secretId } = await vault.makeAppRole({ role: 'wrench', policies: ['reader'], ttl: '1h' });
  const source = open({ auth: { appRole: { roleId, secretId } }, concurrency: 4 });
  const places: string[] = [];
  for await (const { kind } of source.reads.certificates!.scan({ signal: new AbortController().signal })) {
    places.push(kind);
    if (places.length === 3) vault.advance(2 * HOUR_MS);
  }
  expect(places).toEqual(Array.from({ length: 20 }, () => 'seen'));
  expect(vault.requests.filter(({ path }) => path === 'auth/approle/login')).toHaveLength(2);
});

test('if the second login is rejected (a single-use secret_id), the rest is one gap that says so', async () => {
  const role = { role: 'wrench', policies: ['reader'], ttl: '1h', secretIdUses: 1 };
  const { roleId, secretId } = await vault.makeAppRole(role);
  const source = open({ auth: { appRole: { roleId, secretId } } });
  const results: ScanResult[] = [];
  for await (const result of source.reads.certificates!.scan({ signal: new AbortController().signal })) {
    results.push(result);
    if (results.length === 3) vault.advance(2 * HOUR_MS);
  }
  const gaps = results.filter((result) => result.kind === 'unseen');
  expect(gaps.map(({ place, error }) => `${place}: ${error.message}`)).toEqual([
    'vault:secret/cf: stopped because the login was lost (login rejected (400). AppRole login at approle: the role_id or secret_id is wrong, used up or expired): the rest of secret/cf was not checked',
  ]);
});

test('a token that is revoked during the scan is one gap, not one per secret', async () => {
  const token = await vault.issueToken({ policies: ['reader'], ttl: '1h' });
  const source = open({ auth: { token } });
  const results: ScanResult[] = [];
  for await (const result of source.reads.certificates!.scan({ signal: new AbortController().signal })) {
    results.push(result);
    if (results.length === 3) vault.revokeTokens();
  }
  expect(results.filter(({ kind }) => kind === 'unseen')).toMatchObject([
    {
      place: 'vault:secret/cf',
      error: {
        kind: 'refused',
        message: expect.stringMatching(/^stopped because the login was lost/) as string,
      },
    },
  ]);
});

test('with `only: named`, reads the secrets of a Vault before 1.10, which has no subkeys', async () => {
  vault.forgetSubkeys();
  expect(await scan({ only: 'named' })).toMatchObject({ gaps: [], seen: { length: 20 } });
});

test('reads secrets if the token has no permission for subkeys', async () => {
  await vault.allow('narrow', { 'secret/data/*': ['read'], 'secret/metadata/*': ['list'] });
  const token = await vault.issueToken({ policies: ['narrow'] });
  expect(await scan({ only: 'named', auth: { token } })).toMatchObject({ gaps: [], seen: { length: 20 } });
});

test('with `only: named`, reads no private key without need', async () => {
  await vault.put('secret/cf/ssh', { private: leaf.keyPem });
  vault.requests.length = 0;
  const { empty } = await scan({ only: 'named' });
  expect(empty).toBe(1);
  expect(vault.requests.filter(({ path }) => path === 'secret/data/cf/ssh')).toEqual([]);
});

test('a Vault that is too old to list its mounts has version 1 only', async () => {
  await vault.mount('old', '1');
  await vault.put('old/cf/x', { certificate: leaf.certificatePem });
  vault.fail({ path: 'sys/internal/ui/mounts', status: 404 });
  expect(await scan({ paths: ['old/cf'] })).toMatchObject({
    gaps: [],
    seen: [{ place: 'vault:old/cf/x:certificate' }],
  });
});

test('reads a mount of the old type `generic`, and a mount of another type is a gap', async () => {
  vault.mountType('generic', 'generic');
  vault.mountType('pki', 'pki');
  const { gaps } = await scan({ paths: ['generic', 'pki', 'secret/cf'] });
  expect(gaps).toEqual([
    'vault:generic: missing: generic is empty, or everything in it is hidden from this token',
    'vault:pki: missing: pki/ is a mount of another type (pki), which stores no secrets',
  ]);
});

test('a namespace is another Vault', async () => {
  const inside = vault.namespace('team/blue');
  await inside.mount('secret', '1');
  await inside.put('secret/cf/blue', { certificate: leaf.certificatePem });
  const { seen, gaps } = await scan({ namespace: 'team/blue' });
  expect(gaps).toEqual([]);
  expect(seen.map(({ place }) => place)).toEqual(['vault:secret/cf/blue:certificate']);
});

test('names that would change the path of a request are gaps, and are not requested', async () => {
  const keys = ['..', '../', '.', '', '/', '%2e%2e/', 'x', 'x'];
  vault.fail({ path: 'secret/metadata/odd', body: JSON.stringify({ data: { keys } }) });
  await vault.put('secret/odd/x', { certificate: leaf.certificatePem });
  const { seen, gaps } = await scan({ paths: ['secret/odd'] });
  expect(seen).toHaveLength(1);
  expect(gaps).toHaveLength(6);
  expect(gaps.every((gap) => gap.endsWith("its name can't be requested over HTTP"))).toBe(true);
});

test('does not follow endlessly nested folders', async () => {
  vault.fail({ path: 'secret/metadata/loop', body: '{"data":{"keys":["again/"]}}' });
  const { gaps } = await scan({ paths: ['secret/loop'] });
  expect(gaps).toEqual([expect.stringMatching(/malformed: folders are nested more than 64 deep$/)]);
});

test('removes control characters from names of keys and secrets', async () => {
  await vault.put('secret/odd/bell\u0007\u202E', { 'cert\u001B[31m': leaf.certificatePem });
  const { seen } = await scan({ paths: ['secret/odd'] });
  expect(seen.map(({ place }) => place)).toEqual(['vault:secret/odd/bell\uFFFD\uFFFD:cert\uFFFD[31m']);
});

test('an aborted check ends the scan with its reason', async () => {
  const stop = new AbortController();
  const reason = new Error('enough');
  const source = open();
  vault.fail({ path: 'secret/data', slowMs: 60_000 });
  const scan = scanCertificates(source, stop.signal);
  setTimeout(() => stop.abort(reason), 50);
  await expect(scan).rejects.toBe(reason);
});

test('at a deadline, keeps earlier results, and says how much is known to be missing', async () => {
  const deadline = new AbortController();
  const source = open({ paths: ['secret/cf/folder-0'], concurrency: 3 });
  const never = new Promise(() => {});
  for (const secret of ['s3', 's4']) vault.fail({ path: `secret/data/cf/folder-0/${secret}`, until: never });
  const seen: string[] = [];
  const scan = async () => {
    for await (const { place } of source.reads.certificates!.scan({ signal: deadline.signal }))
      if (seen.push(place) === 3)
        deadline.abort(new SourceError('deadline', 'unreachable', 'not finished within 60 s'));
  };
  await expect(scan()).rejects.toMatchObject({
    source: 'deadline',
    message: 'not finished within 60 s: at least 2 secrets and folders not read',
  });
  expect(seen).toHaveLength(3);
});

test('connects over TLS with a CA file, and reports a missing file', async () => {
  const { mkdtemp, rm, writeFile } = await import('node:fs/promises');
  const folder = await mkdtemp('/tmp/wrench-vault-');
  const safe = await startVault({ tls: authority });
  try {
    await safe.mount('secret', '2');
    await safe.put('secret/cf/x', { certificate: leaf.certificatePem });
    const more = { url: safe.address, auth: { token: safe.rootToken } };
    await writeFile(`${folder}/ca.pem`, authority.certificatePem);
    expect(await scan({ ...more, ca: `${folder}/ca.pem` })).toMatchObject({ gaps: [], seen: { length: 1 } });
    await expect(scan(more)).rejects.toThrow('is not trusted: set `ca` to the CA that signed it');
    await expect(scan({ ...more, ca: `${folder}/none.pem` })).rejects.toThrow('none.pem (ENOENT)');
  } finally {
    await safe.close();
    await rm(folder, { recursive: true });
  }
});
