import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startVault, type Vault } from '../../../test/world/vault.ts';
import { openHttp } from '../../wire/http.ts';
import { vaultConfig } from './config.ts';
import { openVaultSession, type Schedule, type VaultSession } from './session.ts';

const HOUR_MS = 3_600_000;
const { signal } = new AbortController();

let vault: Vault;
let closers: (() => unknown)[];
beforeEach(async () => {
  closers = [];
  vault = await startVault();
  await vault.mount('secret', '1');
  await vault.put('secret/x', { password: 'x' });
  await vault.allow('reader', { 'secret/*': ['read', 'list'] });
});
afterEach(async () => {
  for (const close of closers) await close();
  await vault.close();
});

/** A clock that only the test advances. `next` runs the next timer, and returns its delay. */
function windUp(): { readonly schedule: Schedule; readonly next: () => number | undefined } {
  let planned: { readonly run: () => void; readonly afterMs: number } | undefined;
  return {
    schedule: (run, afterMs) => {
      const mine = (planned = { run, afterMs });
      return () => {
        if (planned === mine) planned = undefined;
      };
    },
    next: () => {
      const due = planned;
      planned = undefined;
      due?.run();
      return due?.afterMs;
    },
  };
}

function open(auth: object, schedule?: Schedule): VaultSession {
  const http = openHttp({ source: 'vault' });
  const config = vaultConfig.parse({ kind: 'vault', url: vault.address, paths: ['secret'], auth });
  const session = openVaultSession(config, http, schedule);
  closers.push(session.close, http.close);
  return session;
}

const ask = (session: VaultSession) => session.request({ path: 'secret/x', signal });
const asked = (path: string): number => vault.requests.filter((request) => request.path === path).length;

/** Waits for the response to the request that the timer sent. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 2));
}

test('renews a token at half of its lifetime, repeatedly', async () => {
  const clock = windUp();
  const token = await vault.issueToken({ policies: ['reader'], ttl: '2h', maxTtl: '720h' });
  const session = open({ token }, clock.schedule);
  await session.start(signal);
  for (let renewal = 1; renewal <= 5; renewal++) {
    vault.advance(HOUR_MS);
    expect(clock.next()).toBeLessThanOrEqual(HOUR_MS);
    await until(() => asked('auth/token/renew-self') === renewal);
    await ask(session);
  }
  expect(asked('auth/token/lookup-self')).toBe(1);
});

test('a token with a lifetime of ten years does not overflow the timer, which would then fire immediately', async () => {
  const clock = windUp();
  const token = await vault.issueToken({ policies: ['reader'], ttl: '87600h', maxTtl: '87600h' });
  await open({ token }, clock.schedule).start(signal);
  expect(clock.next()).toBe(24 * HOUR_MS);
});

test('does not renew a token that never expires or is not renewable', async () => {
  const clock = windUp();
  await open({ token: vault.rootToken }, clock.schedule).start(signal);
  expect(clock.next()).toBeUndefined();
  const token = await vault.issueToken({ policies: ['reader'], ttl: '2h', renewable: false });
  await open({ token }, clock.schedule).start(signal);
  expect(clock.next()).toBeUndefined();
});

test('looks up a token with a limited number of uses only once', async () => {
  const token = await vault.issueToken({ policies: ['reader'], ttl: '2h', uses: 3 });
  const session = open({ token });
  await session.start(signal);
  expect(await session.describe(signal)).toBeUndefined();
  await session.start(signal);
  await ask(session);
  await ask(session);
  await expect(ask(session)).rejects.toMatchObject({ kind: 'refused' });
  expect(asked('auth/token/lookup-self')).toBe(1);
});

test('logs in again with the AppRole near the end of max_ttl, when a renewal adds little', async () => {
  const clock = windUp();
  const role = { role: 'wrench', policies: ['reader'], ttl: '2h', maxTtl: '3h' };
  const { roleId, secretId } = await vault.makeAppRole(role);
  const session = open({ appRole: { roleId, secretId } }, clock.schedule);
  await session.start(signal);
  vault.advance(HOUR_MS);
  clock.next();
  await until(() => asked('auth/token/renew-self') === 1);
  vault.advance(1.5 * HOUR_MS);
  await until(() => clock.next() !== undefined);
  await until(() => asked('auth/approle/login') === 2);
  vault.advance(HOUR_MS);
  await ask(session);
  expect(asked('auth/token/lookup-self')).toBe(0);
});

test('retries the renewal if Vault is down', async () => {
  const clock = windUp();
  const token = await vault.issueToken({ policies: ['reader'], ttl: '2h', maxTtl: '720h' });
  const session = open({ token }, clock.schedule);
  await session.start(signal);
  vault.fail({ path: 'auth/token/renew-self', status: 500 }, 1);
  clock.next();
  await until(() => clock.next() !== undefined);
  await until(() => asked('auth/token/renew-self') === 2);
  expect(await ask(session)).toMatchObject({ status: 200 });
});

test('logs in only once more if many requests meet an expired token', async () => {
  const { roleId, secretId } = await vault.makeAppRole({ role: 'wrench', policies: ['reader'], ttl: '1h' });
  const session = open({ appRole: { roleId, secretId } });
  await session.start(signal);
  vault.advance(2 * HOUR_MS);
  await Promise.all(Array.from({ length: 20 }, () => ask(session)));
  expect(asked('auth/approle/login')).toBe(2);
});

test('trusts a 403 with a valid token, and does not log in again', async () => {
  const { roleId, secretId } = await vault.makeAppRole({ role: 'wrench', policies: ['reader'], ttl: '1h' });
  const session = open({ appRole: { roleId, secretId } });
  await expect(session.request({ path: 'other/x', signal })).rejects.toMatchObject({ kind: 'refused' });
  expect(session.lost()).toBeUndefined();
  expect(asked('auth/approle/login')).toBe(1);
});

test('reads the service account token again at each login, because it is rotated', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-jwt-'));
  closers.push(() => rm(folder, { recursive: true }));
  const jwtFile = join(folder, 'token');
  await writeFile(jwtFile, 'eyJfirst.eyJa.sig\n');
  vault.makeKubernetesRole({
    role: 'wrench',
    jwts: ['eyJfirst.eyJa.sig'],
    policies: ['reader'],
    ttlMs: HOUR_MS,
  });
  const session = open({ kubernetes: { role: 'wrench', jwtFile } });
  await ask(session);
  vault.makeKubernetesRole({
    role: 'wrench',
    jwts: ['eyJsecond.eyJb.sig'],
    policies: ['reader'],
    ttlMs: HOUR_MS,
  });
  await writeFile(jwtFile, 'eyJsecond.eyJb.sig\n');
  vault.advance(2 * HOUR_MS);
  await ask(session);
  expect(asked('auth/kubernetes/login')).toBe(2);
});

test('a rejected login says which and why, without secrets', async () => {
  const kubernetes = { role: 'wrench', jwtFile: '/nowhere/token' };
  await expect(open({ kubernetes }).start(signal)).rejects.toThrow(
    "couldn't read the service account token /nowhere/token (ENOENT)",
  );
  await expect(open({ appRole: { roleId: 'r', secretId: 'hvs.CANARY' } }).start(signal)).rejects.toThrow(
    'login rejected (403). AppRole login at approle: the role_id or secret_id is wrong, used up or expired',
  );
});

test('reports an expired secret_id', async () => {
  const role = { role: 'wrench', policies: ['reader'], secretIdTtl: '10m' };
  const { roleId, secretId } = await vault.makeAppRole(role);
  vault.advance(HOUR_MS);
  await expect(open({ appRole: { roleId, secretId } }).start(signal)).rejects.toMatchObject({
    kind: 'refused',
  });
});

test('every request has the X-Vault-Request header, which a Vault Agent may require', async () => {
  const session = open({ token: vault.rootToken });
  await ask(session);
  expect(vault.requests.at(-1)).toMatchObject({ path: 'secret/x', vaultRequest: 'true' });
});

test('an aborted caller stops waiting for a login that others still need', async () => {
  const { roleId, secretId } = await vault.makeAppRole({ role: 'wrench', policies: ['reader'] });
  const session = open({ appRole: { roleId, secretId } });
  const login = Promise.withResolvers<void>();
  vault.fail({ path: 'auth/approle/login', until: login.promise });
  const stop = new AbortController();
  const stopped = session.start(stop.signal);
  const waiting = session.start(signal);
  stop.abort(new Error('enough'));
  await expect(stopped).rejects.toThrow('enough');
  login.resolve();
  await waiting;
  await expect(session.request({ path: 'secret/x', signal: stop.signal })).rejects.toThrow('enough');
  expect(asked('auth/approle/login')).toBe(1);
});

test('closing a session also ends its login', async () => {
  const session = open({ token: vault.rootToken });
  vault.fail({ path: 'auth/token/lookup-self', slowMs: 60_000 });
  const starting = session.start(signal);
  session.close();
  await expect(starting).rejects.toThrow('the source is closed');
});
