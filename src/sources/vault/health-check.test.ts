import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeAuthority } from '../../../test/world/ca.ts';
import { startVault, type Vault } from '../../../test/world/vault.ts';
import type { SourceHealth } from '../../ports/source.ts';
import { vaultConfig } from './config.ts';
import { openVault } from './open.ts';

let vault: Vault;
beforeEach(async () => {
  vault = await startVault();
  await vault.mount('secret', '2');
  await vault.put('secret/cf/x', { certificate: 'none' });
});
afterEach(() => vault.close());

async function reach(more: object = {}): Promise<SourceHealth> {
  const config = {
    kind: 'vault',
    url: vault.address,
    paths: ['secret/cf'],
    auth: { token: vault.rootToken },
    ...more,
  };
  const source = openVault(vaultConfig.parse(config));
  try {
    const reach = await source.healthCheck(new AbortController().signal);
    return { ...reach, summary: reach.summary.replaceAll(/127\.0\.0\.1:\d+/g, 'HOST') };
  } finally {
    await source.close();
  }
}

async function as(
  rules: Parameters<Vault['allow']>[1],
  wanted: object = {},
): Promise<{ auth: { token: string } }> {
  await vault.allow('some', rules);
  return { auth: { token: await vault.issueToken({ policies: ['some'], ttl: '3h', ...wanted }) } };
}

const ENOUGH = { 'secret/data/cf/*': ['read'], 'secret/metadata/cf/*': ['list'] } as const;

test('reports a healthy Vault', async () => {
  expect(await reach(await as(ENOUGH))).toEqual({
    ok: true,
    summary: 'Vault 1.18.5, 1 of 1 paths can be read; the token expires in 3 h and is renewed until then',
  });
});

test('warns about a token that is not renewable', async () => {
  expect(await reach(await as(ENOUGH, { renewable: false }))).toEqual({
    ok: true,
    summary: 'Vault 1.18.5, 1 of 1 paths can be read; the token expires in 3 h and is not renewable',
    hint: 'use a renewable (better: periodic) token, an AppRole or the Kubernetes login',
  });
});

test('warns about a root token', async () => {
  expect(await reach()).toMatchObject({
    ok: true,
    summary: expect.stringContaining('a root token') as string,
  });
});

test('reports a token without `list`', async () => {
  expect(await reach(await as({ 'secret/data/cf/*': ['read'] }))).toMatchObject({
    ok: false,
    summary: expect.stringContaining(
      '0 of 1 paths can be read; the token lacks `list` on secret/metadata/cf',
    ) as string,
    hint: 'add to its policy: path "secret/metadata/cf/*" { capabilities = ["list"] }',
  });
});

test('reports a token that can list but not read', async () => {
  expect(await reach(await as({ 'secret/metadata/cf/*': ['list'] }))).toMatchObject({
    ok: false,
    summary: expect.stringContaining('can list secret/cf, but lacks `read` on secret/data/cf') as string,
    hint: 'add to its policy: path "secret/data/cf/*" { capabilities = ["read"] }',
  });
});

test('accepts a single secret that can be read but not listed', async () => {
  const rules = { 'secret/data/cf/x': ['read'] } as const;
  expect(await reach({ ...(await as(rules)), paths: ['secret/cf/x'] })).toMatchObject({ ok: true });
});

test('reports an empty path', async () => {
  expect(await reach({ paths: ['secret/cf', 'secret/nothing'] })).toMatchObject({
    ok: false,
    summary: expect.stringContaining('1 of 2 paths can be read; nothing is at secret/nothing') as string,
    hint: 'correct the path: mount first, as for `vault kv list`, without `data/`',
  });
});

test.each([
  ['sealed', 'Vault at HOST is sealed', 'unseal it: `vault operator unseal`'],
  ['uninitialised', 'Vault at HOST is not initialized', 'initialize it: `vault operator init`'],
] as const)('reports a Vault that is %s', async (health, summary, hint) => {
  vault.become(health);
  expect(await reach()).toEqual({ ok: false, summary, hint });
});

test('a standby forwards requests', async () => {
  vault.become('standby');
  expect(await reach()).toMatchObject({ ok: true });
});

test('reports an invalid token', async () => {
  expect(await reach({ auth: { token: 'hvs.nobody' } })).toEqual({
    ok: false,
    summary:
      'the token was rejected (403): it has expired, was revoked, or is not from this Vault or namespace',
    hint: 'set a new token',
  });
});

test('reports an unreachable Vault', async () => {
  vault.dieAfter(0);
  expect(await reach()).toMatchObject({
    ok: false,
    hint: `check that ${vault.address} is correct and reachable from here`,
  });
});

const PKI = {
  'pki/issuers': ['list'],
  'pki/issuer/*': ['read'],
  'pki/roles': ['list'],
  'pki/roles/*': ['read'],
} as const;

async function mountPki(): Promise<void> {
  const authority = await makeAuthority({ name: 'int' });
  vault.mountPki('pki', {
    issuers: [{ name: 'int-2022', authority }],
    roles: { edge: { ttl: 60, max_ttl: 60 } },
  });
}

test('reports the issuers of PKIs, and what a token lacks there', async () => {
  await mountPki();
  expect(await reach({ ...(await as({ ...ENOUGH, ...PKI })), pki: ['pki'] })).toMatchObject({
    ok: true,
    summary: expect.stringContaining('; 1 issuer in pki') as string,
  });
  const { 'pki/roles': _, ...less } = PKI;
  expect(await reach({ ...(await as({ ...ENOUGH, ...less })), pki: ['pki'] })).toMatchObject({
    ok: false,
    summary: expect.stringContaining('vault:pki/roles: the token lacks `list` on pki/roles') as string,
    hint: 'add to its policy: path "pki/roles" { capabilities = ["list"] }',
  });
  expect(await reach({ ...(await as(ENOUGH)), pki: ['pki'] })).toMatchObject({
    ok: false,
    hint: expect.stringMatching(
      /^add to its policy: path "pki\/issuer\/\S+" .* path "pki\/roles" \{ capabilities = \["list"\] \}$/,
    ) as string,
  });
  expect(await reach({ ...(await as(ENOUGH)), pki: ['secret'] })).toMatchObject({ ok: false });
  // That the token may do too much matters less.
  expect(await reach({ pki: ['secret'] })).toMatchObject({
    ok: false,
    hint: 'correct `pki`: the paths where PKI engines are mounted',
  });
});

test('a Vault with nothing but a PKI is healthy', async () => {
  await mountPki();
  expect(await reach({ ...(await as(PKI)), paths: undefined, pki: ['pki'] })).toMatchObject({
    ok: true,
    summary: expect.stringMatching(/^Vault 1\.18\.5; the token .*; 1 issuer in pki$/) as string,
  });
});

test.each([
  ['pki/roles/edge', 'the token lacks `read` on pki/roles/edge'],
  ['pki/issue/edge', 'the token lacks `update` on pki/issue/edge'],
  ['secret/data/cf/*', 'the token lacks `update` on secret/data/cf'],
] as const)('reports that renewals by issuing lack a permission on %s', async (path, because) => {
  await mountPki();
  const rules = {
    ...ENOUGH,
    'secret/data/cf/*': ['read', 'update'],
    'pki/roles/edge': ['read'],
    'pki/issue/edge': ['update'],
  } as const;
  const allow = { renew: { issue: [{ paths: ['secret/cf'], role: 'pki/edge' }] } };
  expect(await reach({ ...(await as(rules)), allow })).toMatchObject({
    ok: true,
    summary: expect.stringContaining('renewals can log in and issue with pki/edge') as string,
  });
  const reading = path === 'secret/data/cf/*' ? ['read' as const] : [];
  expect(await reach({ ...(await as({ ...rules, [path]: reading })), allow })).toMatchObject({
    ok: false,
    summary: expect.stringContaining(because) as string,
  });
});
