import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Authority, issue, makeAuthority } from '../../../test/world/ca.ts';
import { scanCertificates } from '../../../test/world/scan-certificates.ts';
import { startVault, type Vault } from '../../../test/world/vault.ts';
import type { PkiRequest } from '../../../test/world/vault/pki.ts';
import type { PkiIssuer } from '../../ports/managed-certificates.ts';
import type { Source } from '../../ports/source.ts';
import { readCertificate } from '../../wire/x509.ts';
import { vaultConfig } from './config.ts';
import { openVault } from './open.ts';

const { signal } = new AbortController();
const DAY_S = 86_400;
/** What docs/sources.md says. */
const READER = {
  'pki/issuers': ['list'],
  'pki/issuer/*': ['read'],
  'pki/roles': ['list'],
  'pki/roles/*': ['read'],
  'sys/mounts/pki/tune': ['read'],
} as const;

let vault: Vault;
let root: Authority;
let intermediate: Authority;
const opened: Source[] = [];
beforeEach(async () => {
  vault = await startVault();
  root = await makeAuthority({ name: 'root' });
  intermediate = await makeAuthority({ name: 'int 2022', issuer: root });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((source) => source.close()));
  await vault.close();
});

async function open(rules: Parameters<Vault['allow']>[1] = READER, more: object = {}): Promise<Source> {
  await vault.allow('reader', rules);
  const token = await vault.issueToken({ policies: ['reader'], ttl: '1h' });
  const config = {
    kind: 'vault',
    url: vault.address,
    auth: { token },
    ...('paths' in more ? {} : { pki: ['pki'] }),
    ...more,
  };
  opened.push(openVault(vaultConfig.parse(config)));
  return opened.at(-1)!;
}

async function issuers(
  source: Source,
): Promise<{ readonly seen: readonly PkiIssuer[]; readonly gaps: readonly string[] }> {
  const seen: PkiIssuer[] = [];
  const gaps: string[] = [];
  for await (const one of source.reads.certificates!.issuers!({ signal }))
    if (one.kind === 'issuer') seen.push(one);
    else gaps.push(`${one.place}: ${one.error.kind}: ${one.error.message}`);
  return { seen, gaps };
}

function pki(more: Partial<PkiRequest> = {}) {
  return vault.mountPki('pki', {
    issuers: [{ name: 'int-2022', authority: intermediate }],
    roles: { edge: { ttl: 90 * DAY_S, max_ttl: 90 * DAY_S } },
    ...more,
  });
}

test('reads the issuers of a PKI with their chains, their behavior and the roles that use them', async () => {
  const next = await makeAuthority({ name: 'int 2026', issuer: root });
  pki({
    issuers: [
      { name: 'int-2022', authority: intermediate, behavior: 'truncate' },
      { name: 'int-2026', authority: next, isDefault: false, usage: 'read-only,crl-signing' },
    ],
    roles: {
      edge: { ttl: 90 * DAY_S, max_ttl: 120 * DAY_S },
      next: { ttl: 3600, max_ttl: 7200, issuer_ref: 'int-2026' },
    },
  });
  const { seen, gaps } = await issuers(await open());
  expect(gaps).toEqual([]);
  expect(seen).toMatchObject([
    {
      place: 'vault:pki/issuer/int-2022',
      name: 'int-2022',
      chain: [{ name: 'int 2022' }],
      isDefault: true,
      issues: true,
      beyondEnd: 'truncate',
      roles: [{ name: 'edge', ttlSeconds: 90 * DAY_S, maxTtlSeconds: 120 * DAY_S }],
    },
    {
      place: 'vault:pki/issuer/int-2026',
      isDefault: false,
      issues: false,
      beyondEnd: 'err',
      roles: [{ name: 'next', ttlSeconds: 3600, maxTtlSeconds: 7200 }],
    },
  ]);
});

test('a role without lifetimes has those of its mount, or those of a new Vault, which is said', async () => {
  pki({
    roles: { edge: {}, short: { max_ttl: 3600 } },
    tune: { default_lease_ttl: DAY_S, max_lease_ttl: 9 * DAY_S },
  });
  const known = await issuers(await open());
  expect(known.seen[0]?.roles).toEqual([
    { name: 'edge', ttlSeconds: DAY_S, maxTtlSeconds: 9 * DAY_S },
    { name: 'short', ttlSeconds: 3600, maxTtlSeconds: 3600 },
  ]);

  const { 'sys/mounts/pki/tune': _, ...less } = READER;
  const assumed = await issuers(await open(less));
  expect(assumed.gaps).toEqual([]);
  expect(assumed.seen[0]?.roles).toEqual([
    { name: 'edge', ttlSeconds: 32 * DAY_S, maxTtlSeconds: 32 * DAY_S, isAssumed: true },
    { name: 'short', ttlSeconds: 3600, maxTtlSeconds: 3600, isAssumed: true },
  ]);
});

test('a PKI without a permission is unseen, and so is a list of roles or a role', async () => {
  pki({ roles: { edge: {}, closed: {} } });
  const none = await issuers(await open({ 'other/*': ['read'] }));
  expect(none.seen).toEqual([]);
  expect(none.gaps).toContain(
    'vault:pki/issuer/int-2022: refused: the token lacks `read` on pki/issuer/' + (await idOf()),
  );

  const { 'pki/roles': _, ...withoutRoles } = READER;
  const unlisted = await issuers(await open(withoutRoles));
  expect(unlisted.seen).toHaveLength(1);
  expect(unlisted.gaps).toEqual(['vault:pki/roles: refused: the token lacks `list` on pki/roles']);

  const closed = await issuers(await open({ ...READER, 'pki/roles/closed': ['deny'] }));
  expect(closed.seen[0]?.roles.map(({ name }) => name)).toEqual(['edge']);
  expect(closed.gaps).toEqual([
    'vault:pki/roles/closed: refused: the token lacks `read` on pki/roles/closed',
  ]);
});

async function idOf(): Promise<string> {
  const answer = await fetch(`${vault.address}/v1/pki/issuers?list=true`);
  const { data } = (await answer.json()) as { data: { keys: readonly string[] } };
  return data.keys[0]!;
}

test('a mount that does not exist, or has no issuer, is unseen and not an empty PKI', async () => {
  vault.mountPki('pki', { issuers: [] });
  const source = await open(READER, { pki: ['pki', 'nothing'] });
  const { seen, gaps } = await issuers(source);
  expect(seen).toEqual([]);
  expect(gaps).toEqual([
    'vault:pki: missing: pki has no issuers, is not a PKI, or is hidden from this token',
    expect.stringMatching(/^vault:nothing: (missing|refused): /),
    expect.stringMatching(/^vault:nothing\/roles: refused: /),
  ]);
  expect((await scanCertificates(source)).gaps).toHaveLength(2);
});

test('a role whose issuer is gone or unreadable is unseen', async () => {
  pki({ roles: { edge: { ttl: 1, max_ttl: 1 }, lost: { ttl: 1, max_ttl: 1, issuer_ref: 'int-2019' } } });
  const { seen, gaps } = await issuers(await open());
  expect(seen[0]?.roles.map(({ name }) => name)).toEqual(['edge']);
  expect(gaps).toEqual([
    "vault:pki/roles/lost: missing: its issuer int-2019 doesn't exist or couldn't be read",
  ]);
});

test('a role whose lifetime is not readable is unseen', async () => {
  pki({ roles: { odd: { ttl: 'forever' }, words: { ttl: '1h30m', max_ttl: '2160h0m0s' } } });
  const { seen, gaps } = await issuers(await open());
  expect(seen[0]?.roles).toEqual([{ name: 'words', ttlSeconds: 5400, maxTtlSeconds: 90 * DAY_S }]);
  expect(gaps).toEqual(['vault:pki/roles/odd: malformed: the lifetimes of the role odd are not readable']);
});

test('names of roles that would change the path are gaps, and nothing else is requested', async () => {
  pki({ roles: { edge: { ttl: 3600, max_ttl: 7200 } } });
  const names = ['..', '../../secret/data/x', 'a\ud800', 'edge'];
  vault.fail({ path: 'pki/roles', body: JSON.stringify({ data: { keys: names } }) }, 1);

  const { gaps } = await issuers(await open());

  expect(gaps.map((gap) => gap.split(': ')[0])).toEqual(
    expect.arrayContaining([
      'vault:pki/roles/..',
      'vault:pki/roles/../../secret/data/x',
      'vault:pki/roles/a\uFFFD',
    ]),
  );
});

test('a Vault before 1.11 has one issuer', async () => {
  pki({ isOld: true });
  const { seen, gaps } = await issuers(await open());
  expect(gaps).toEqual([]);
  expect(seen).toMatchObject([
    {
      place: 'vault:pki/issuer/default',
      chain: [{ name: 'int 2022' }],
      isDefault: true,
      beyondEnd: 'err',
      roles: [{ name: 'edge' }],
    },
  ]);
});

test('works if only the default issuer can be read, and if the list does not say which one is the default', async () => {
  const state = pki();
  const { id } = state.issuers[0]!;
  vault.fail({ path: `pki/issuer/${id}`, status: 404 });
  vault.fail({ path: 'pki/issuers', body: JSON.stringify({ data: { keys: [id] } }) });
  const { seen, gaps } = await issuers(await open());
  expect(gaps).toEqual([]);
  expect(seen).toMatchObject([
    { place: 'vault:pki/issuer/int-2022', isDefault: true, roles: [{ name: 'edge' }] },
  ]);
});

test('a scan has the certificates of the issuers as places, beside those in secrets', async () => {
  pki();
  await vault.mount('secret', '2');
  const leaf = await issue(intermediate, { name: 'leaf' });
  await vault.put('secret/cf/tls', { certificate: leaf.certificatePem });
  const rules = { ...READER, 'secret/*': ['read', 'list'] } as const;
  const { seen, gaps } = await scanCertificates(await open(rules, { paths: ['secret/cf'], pki: ['pki'] }));
  expect(gaps).toEqual([]);
  expect(seen).toEqual([
    { place: 'vault:pki/issuer/int-2022', names: ['int 2022'] },
    { place: 'vault:secret/cf/tls:certificate', names: ['leaf'] },
  ]);
});

test('finds the PKI that has stored a certificate, by its serial number', async () => {
  const state = pki();
  const stored = await issue(intermediate, { name: 'stored', serial: '0a1b2c' });
  const other = await issue(intermediate, { name: 'other', serial: '0a1b2c' });
  const unknown = await issue(intermediate, { name: 'unknown' });
  state.issued.set('0a:1b:2c', stored.certificatePem);
  const source = await open();
  const find = (der: Buffer) => source.reads.certificates!.findIssued!(readCertificate(der), { signal });
  expect(await find(stored.der)).toBe('vault:pki');
  expect(await find(other.der)).toBeUndefined();
  expect(await find(unknown.der)).toBeUndefined();
  vault.fail({ path: 'pki/cert/', status: 403 });
  await expect(find(unknown.der)).rejects.toMatchObject({ kind: 'refused' });
});

test('an environment without `pki` has no issuers to read', async () => {
  await vault.mount('secret', '2');
  const source = await open(READER, { paths: ['secret'] });
  expect(source.reads.certificates).not.toHaveProperty('issuers');
  expect(source.reads.certificates).not.toHaveProperty('findIssued');
});
