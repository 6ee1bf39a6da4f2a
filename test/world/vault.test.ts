import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startVault } from './vault.ts';
import { type OpenedVault, vaultsUnderTest } from './vault/under-test.ts';

/**
 * The behaviour of Vault that the source relies on. If a real one is configured, the fake is compared with
 * it.
 */
describe.each(vaultsUnderTest())('%s', (_, open) => {
  let vault: OpenedVault;
  let narrow: string;

  beforeAll(async () => {
    vault = await open();
    await vault.mount('wrench-test-kv1', '1');
    await vault.mount('wrench-test-kv2', '2');
    for (const mount of ['wrench-test-kv1', 'wrench-test-kv2']) {
      await vault.put(`${mount}/foo`, { a: '1' });
      await vault.put(`${mount}/foo/bar`, { a: '1', b: { c: '2' } });
    }
    await vault.put('wrench-test-kv2/deleted', { a: '1' });
    await vault.softDelete('wrench-test-kv2/deleted');
    await vault.put('wrench-test-kv2/destroyed', { a: '1' });
    await vault.destroy('wrench-test-kv2/destroyed');
    await vault.allow('wrench-test-narrow', {
      'wrench-test-kv2/metadata/*': ['list'],
      'wrench-test-kv2/data/foo': ['read'],
    });
    narrow = await vault.issueToken({ policies: ['wrench-test-narrow'], ttl: '1h' });
  });
  afterAll(() => vault.close());

  const ask = async (path: string, token = vault.rootToken, body?: unknown) => {
    const response = await fetch(`${vault.address}/v1/${path}`, {
      headers: { 'x-vault-token': token },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };

  test.each(['wrench-test-kv1/', 'wrench-test-kv2/metadata/'])(
    '%s lists `foo` and `foo/`',
    async (folder) => {
      expect(await ask(`${folder}?list=true`)).toMatchObject({
        status: 200,
        body: { data: { keys: expect.arrayContaining(['foo', 'foo/']) as string[] } },
      });
    },
  );

  test('an empty folder is a 404 without a message', async () => {
    expect(await ask('wrench-test-kv2/metadata/none?list=true')).toEqual({
      status: 404,
      body: { errors: [] },
    });
  });

  test('a deleted or destroyed version is a 404 with a body', async () => {
    expect(await ask('wrench-test-kv2/data/deleted')).toMatchObject({
      status: 404,
      body: {
        data: {
          data: null,
          metadata: { destroyed: false, deletion_time: expect.stringMatching(/^20/) as string },
        },
      },
    });
    expect(await ask('wrench-test-kv2/data/destroyed')).toMatchObject({
      status: 404,
      body: { data: { data: null, metadata: { destroyed: true } } },
    });
    expect(await ask('wrench-test-kv2/data/none')).toEqual({ status: 404, body: { errors: [] } });
  });

  test('subkeys are returned without their values', async () => {
    expect(await ask('wrench-test-kv2/subkeys/foo/bar')).toMatchObject({
      status: 200,
      body: { data: { subkeys: { a: null, b: { c: null } } } },
    });
  });

  test('the version of a mount is a string, and the response is wrapped in `data`', async () => {
    expect(await ask('sys/internal/ui/mounts/wrench-test-kv2/foo/bar', narrow)).toMatchObject({
      body: { data: { path: 'wrench-test-kv2/', type: 'kv', options: { version: '2' } } },
    });
    expect((await ask('sys/internal/ui/mounts/wrench-test-kv1/foo', narrow)).status).toBe(403);
  });

  test('a policy can allow list without read, and listing shows unreadable secrets', async () => {
    expect((await ask('wrench-test-kv2/metadata?list=true', narrow)).status).toBe(200);
    expect((await ask('wrench-test-kv2/data/foo', narrow)).status).toBe(200);
    expect((await ask('wrench-test-kv2/data/foo/bar', narrow)).status).toBe(403);
    expect((await ask('wrench-test-kv2/subkeys/foo', narrow)).status).toBe(403);
    const paths = ['wrench-test-kv2/data/foo', 'wrench-test-kv2/data/foo/bar'];
    expect(await ask('sys/capabilities-self', narrow, { paths })).toMatchObject({
      body: { data: { [paths[0]!]: ['read'], [paths[1]!]: ['deny'] } },
    });
  });

  test('a token reports its expiry, and the root token reports none', async () => {
    expect(await ask('auth/token/lookup-self', narrow)).toMatchObject({
      body: { data: { renewable: true, num_uses: 0, expire_time: expect.any(String) as string } },
    });
    expect(await ask('auth/token/lookup-self')).toMatchObject({
      body: { data: { expire_time: null, ttl: 0 } },
    });
    expect((await ask('auth/token/lookup-self', 'hvs.nobody')).status).toBe(403);
  });

  test('a write with a version other than the latest is refused', async () => {
    await vault.put('wrench-test-kv2/cas', { a: '1' });
    const write = (cas: number) =>
      ask('wrench-test-kv2/data/cas', vault.rootToken, { options: { cas }, data: { a: '2' } });
    expect((await write(0)).status).toBe(400);
    expect((await write(1)).status).toBe(200);
  });
});

test('it finds its own canaries', async () => {
  const vault = await startVault();
  await vault.mount('secret', '1');
  const line = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7';
  await vault.put('secret/x', {
    key: `-----BEGIN PRIVATE KEY-----\nfirst\n${line}\n-----END PRIVATE KEY-----\n`,
  });
  expect(vault.canaries()).toEqual([vault.rootToken, line]);
  await vault.close();
});

test('it can be killed and restarted on the same port with its data', async () => {
  const vault = await startVault();
  await vault.mount('secret', '1');
  await vault.put('secret/x', { a: '1' });
  const ask = () => fetch(`${vault.address}/v1/secret/x`, { headers: { 'x-vault-token': vault.rootToken } });
  vault.dieAfter(1);
  expect((await ask()).status).toBe(200);
  await expect(ask()).rejects.toThrow('fetch failed');
  await expect(ask()).rejects.toThrow('fetch failed');
  await vault.revive();
  expect((await ask()).status).toBe(200);
  await vault.close();
});
