import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Authority, issue, type Issued, makeAuthority } from '../../../test/world/ca.ts';
import { asSafe, asSafeAuthority } from '../../../test/world/safe-secrets.ts';
import { startVault, type Vault } from '../../../test/world/vault.ts';
import type { SignedRenewal } from '../../ports/renewals.ts';
import type { Source } from '../../ports/source.ts';
import { vaultConfig } from './config.ts';
import { openVault } from './open.ts';

const EXPIRED = { notBefore: new Date('2018-07-13T22:25:49Z'), notAfter: new Date('2019-07-12T22:25:49Z') };
const LEAF = 'secret/data/cf/tls';
const CA = 'secret/data/cf/ca';

let vault: Vault;
let source: Source;
let authority: Authority;
let locket: Issued;
beforeEach(async () => {
  vault = await startVault();
  authority = await makeAuthority({ name: 'ca' });
  locket = await issue(authority, { name: 'locket', ...EXPIRED });
  await vault.mount('secret', '2');
  await vault.put('secret/cf/ca', asSafeAuthority(authority, '1a'));
  await vault.put('secret/cf/tls', asSafe(locket));
  await vault.put('secret/cf/other', asSafe(await issue(authority, { name: 'other', ...EXPIRED })));
  source = openVault(
    vaultConfig.parse({
      kind: 'vault',
      url: vault.address,
      auth: { token: vault.rootToken },
      paths: ['secret/cf'],
      allow: { renew: {} },
    }),
  );
});
afterEach(async () => {
  await source.close();
  await vault.close();
});

async function plan(name = 'tls'): Promise<SignedRenewal> {
  const { signal } = new AbortController();
  const place = `vault:secret/cf/${name}:certificate`;
  const planned = await source.reads.certificates!.planRenewal!(place, { signal });
  if (planned.method !== 'sign') throw new TypeError(`planned to ${planned.method}`);
  return planned;
}

function renew(planned: SignedRenewal, signal = new AbortController().signal) {
  return source.writes!.certificates!.renew(planned, {
    idempotencyKey: 'm0123456789abcdef',
    signal,
  });
}

async function held(): Promise<{ serial: unknown; leaf: number; ca: number }> {
  const ca = await vault.get('secret/cf/ca');
  return { serial: ca.values['serial'], ca: ca.version, leaf: (await vault.get('secret/cf/tls')).version };
}

test('writes the serial of the CA before the certificate, each once, and reads both again', async () => {
  const planned = await plan();
  const before = vault.requests.length;
  await renew(planned);
  const asked = vault.requests.slice(before).map(({ method, path }) => `${method} ${path}`);
  const first = asked.findIndex((one) => one.startsWith('POST secret/'));
  expect(asked.slice(first).filter((one) => !one.includes('sys/'))).toEqual([
    `POST ${CA}`,
    `GET ${CA}`,
    `POST ${LEAF}`,
    `GET ${LEAF}`,
  ]);
});

test('of two concurrent renewals with one CA, one is refused, and no serial is used twice', async () => {
  const plans = await Promise.all([plan('tls'), plan('other')]);
  vault.fail({ path: CA, method: 'POST', slowMs: 300 });
  const ends = await Promise.allSettled(plans.map((planned) => renew(planned)));
  expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(ends.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: {
      kind: 'refused',
      message: expect.stringContaining('secret/cf/ca was changed after it was planned') as string,
    },
  });
  expect(await held()).toMatchObject({ serial: '1b', ca: 2 });
});

test('keeps a certificate that someone writes at the same moment; a serial is skipped, which does no harm', async () => {
  const planned = await plan();
  const written = Promise.withResolvers<void>();
  vault.fail({ path: LEAF, method: 'POST', until: written.promise });
  const renewing = renew(planned).catch((error: unknown) => error);
  await expect.poll(async () => (await held()).ca).toBe(2);
  await vault.put('secret/cf/tls', { ...asSafe(locket), password: 'new' });
  written.resolve();
  expect(await renewing).toMatchObject({
    kind: 'refused',
    message: 'secret/cf/tls was changed after it was planned: run the check again and request a new plan',
  });
  expect(await held()).toEqual({ serial: '1b', ca: 2, leaf: 2 });
  expect((await vault.get('secret/cf/tls')).values['password']).toBe('new');
});

test.each([
  ['secret/cf/ca', CA, { leaf: 1, ca: 2, serial: '1b' }],
  ['secret/cf/tls', LEAF, { leaf: 2, ca: 2, serial: '1b' }],
])(
  'does not repeat a write of %s without a response, and reports it as unknown',
  async (name, path, left) => {
    const planned = await plan();
    vault.fail({ path, method: 'POST', doneWithoutAnswer: true });
    await expect(renew(planned)).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining(`it is unknown whether ${name} was written`) as string,
    });
    expect(await held()).toEqual(left);
    vault.heal();
    await expect(renew(planned)).rejects.toMatchObject({ kind: 'refused' });
  },
);

test('reports what differs after writing, with the command to roll back', async () => {
  const planned = await plan();
  const data = { data: { data: asSafe(locket), metadata: { version: 2 } } };
  vault.fail({ path: LEAF, method: 'GET', query: 'version=2', body: JSON.stringify(data) });
  await expect(renew(planned)).rejects.toMatchObject({
    kind: 'malformed',
    message:
      'secret/cf/tls was written, but the result is wrong: it is not the certificate that was written, other keys in the secret differ. ' +
      'To roll back: vault kv rollback -version=1 secret/cf/tls',
  });
});

test('a CA that differs after writing stops the renewal before the certificate is written', async () => {
  const planned = await plan();
  const data = { data: { data: { serial: '1a' }, metadata: { version: 2 } } };
  vault.fail({ path: CA, method: 'GET', query: 'version=2', body: JSON.stringify(data) });
  await expect(renew(planned)).rejects.toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining('vault kv rollback -version=1 secret/cf/ca') as string,
  });
  expect((await held()).leaf).toBe(1);
});

test('reads again if a replica does not have the written version yet', async () => {
  const planned = await plan();
  vault.fail({ path: LEAF, method: 'GET', query: 'version=2', status: 404 }, 2);
  expect((await renew(planned)).serial).toBe('1a');
});

test('if the renewal is aborted between the two writes, the certificate is not written', async () => {
  const planned = await plan();
  const leave = new AbortController();
  vault.fail({ path: LEAF, method: 'POST', slowMs: 60_000 });
  const renewing = renew(planned, leave.signal).catch((error: unknown) => error);
  await expect.poll(async () => (await held()).ca).toBe(2);
  leave.abort(new Error('frozen'));
  expect(await renewing).toMatchObject({ message: 'frozen' });
  expect((await held()).leaf).toBe(1);
});

test('if Vault does not report capabilities, planning continues, and the write fails with the missing capability', async () => {
  const planned = await plan();
  vault.fail({ path: 'sys/capabilities-self', status: 403 });
  vault.fail({ path: CA, method: 'POST', status: 403 });
  await expect(renew(planned)).rejects.toMatchObject({
    kind: 'refused',
    message: `the token lacks \`update\` on ${CA}`,
  });
  expect(await held()).toEqual({ serial: '1a', ca: 1, leaf: 1 });
});

test('reports a sealed Vault when planning', async () => {
  vault.become('sealed');
  await expect(plan()).rejects.toMatchObject({ name: 'SourceError', kind: 'unreachable' });
});

test('the health check says whether renewals can log in, and which mounts they cannot write', async () => {
  const reach = async (more: object) => {
    const config = {
      kind: 'vault',
      url: vault.address,
      auth: { token: vault.rootToken },
      paths: ['secret/cf'],
    };
    const asked = openVault(vaultConfig.parse({ ...config, ...more }));
    try {
      return await asked.healthCheck(new AbortController().signal);
    } finally {
      await asked.close();
    }
  };
  await vault.mount('old', '1');
  expect(await reach({ allow: { renew: {} } })).toMatchObject({
    ok: true,
    summary: expect.stringContaining('; renewals can log in') as string,
  });
  expect(await reach({ allow: { renew: { paths: ['old'] } } })).toMatchObject({
    ok: true,
    summary: expect.stringContaining('; no renewals in old, which is KV version 1') as string,
  });
  expect(await reach({ allow: { renew: { auth: { token: 'hvs.nobody' } } } })).toMatchObject({
    ok: false,
    summary: expect.stringContaining("; renewals won't work: the token was rejected (403)") as string,
  });
  expect((await reach({})).summary).not.toContain('renewals');
});
