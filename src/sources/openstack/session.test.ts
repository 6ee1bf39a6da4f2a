import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { makeAuthority } from '../../../test/world/ca.ts';
import { networkObject, portObject, serverObject } from '../../../test/world/openstack/objects.ts';
import { neverAborts, openLabCloud } from '../../../test/world/openstack/open-source.ts';
import { readAll } from '../../../test/world/kubernetes/open-source.ts';
import type { CloudObject } from '../../../test/world/openstack/protocol.ts';

const LOGIN = 'keystone POST /v3/auth/tokens';
const loginsIn = (requests: readonly string[]) => requests.filter((one) => one === LOGIN).length;
const NETWORKS = [networkObject('blue')];
const MAC = 'fa:16:3e:5c:01:9a';

test('logs in once for requests at the same time', async () => {
  const { openStack, cloud } = await openLabCloud({ networks: NETWORKS, ports: [portObject(MAC)] });

  await Promise.all([
    readAll(cloud.networks(neverAborts())),
    cloud.ports({ ...neverAborts(), macs: [MAC] }),
    cloud.dhcpAgents(neverAborts()),
  ]);
  await cloud.dhcpAgents(neverAborts());

  expect(loginsIn(openStack.requests)).toBe(1);
});

test('logs in as a user', async () => {
  const { openStack, cloud } = await openLabCloud({
    networks: NETWORKS,
    config: (started) => ({ auth: { user: started.addUser() } }),
  });

  const { items } = await readAll(cloud.networks(neverAborts()));

  expect(items).toHaveLength(1);
  expect(loginsIn(openStack.requests)).toBe(1);
});

test('logs in again after 80 % of the lifetime of a token, before it is rejected', async () => {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now });
  onTestFinished(() => void vi.useRealTimers());
  const { openStack, cloud } = await openLabCloud({ tokenLifetimeMs: 100_000 });
  const logins: number[] = [];

  for (const afterMs of [0, 79_000, 81_000]) {
    vi.setSystemTime(now + afterMs);
    await cloud.dhcpAgents(neverAborts());
    logins.push(loginsIn(openStack.requests));
  }

  expect(logins).toEqual([1, 1, 2]);
  expect(openStack.requests).toHaveLength(5);
});

test.each([
  ['behind', -2 * 86_400_000],
  ['ahead', 2 * 86_400_000],
])('keeps a token of a Keystone whose clock is %s', async (_, ms) => {
  const { openStack, cloud } = await openLabCloud();
  openStack.advance(ms);

  await cloud.dhcpAgents(neverAborts());
  await cloud.dhcpAgents(neverAborts());

  expect(loginsIn(openStack.requests)).toBe(1);
});

test('logs in for each request if tokens have no lifetime left', async () => {
  const { openStack, cloud } = await openLabCloud({ tokenLifetimeMs: 0 });

  await expect(cloud.dhcpAgents(neverAborts())).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('does not accept a new token (401)'),
  });
  expect(loginsIn(openStack.requests)).toBeGreaterThan(1);
});

test('logs in again when a token was revoked between 2 pages', async () => {
  const networks = Array.from({ length: 5 }, (_, at) => networkObject(`n${at}`));
  const { openStack, cloud } = await openLabCloud({ networks, maxPageSize: 2 });
  const names: string[] = [];

  for await (const page of cloud.networks(neverAborts())) {
    names.push(...page.map(({ name }) => name));
    openStack.revokeTokens();
  }

  expect(names).toEqual(['n0', 'n1', 'n2', 'n3', 'n4']);
  expect(loginsIn(openStack.requests)).toBe(3);
});

test('says what to check if the login is rejected', async () => {
  const applicationCredential = { id: 'old', secret: 'CANARY-secret' };
  const { source, cloud } = await openLabCloud({ config: { auth: { applicationCredential } } });

  const error: unknown = await cloud.dhcpAgents(neverAborts()).catch((one: unknown) => one);

  expect(error).toMatchObject({
    kind: 'refused',
    message: expect.stringMatching(
      /^Keystone at 127\.0\.0\.1:\d+ rejected the login \(401\): the application credential is wrong, has expired or was deleted, or its user was disabled$/,
    ),
  });
  expect(String(error)).not.toContain('CANARY');
  expect(await source.healthCheck(neverAborts().signal)).toMatchObject({
    ok: false,
    hint: 'Correct `auth`, or create the application credential again: docs/sources.md#openstack',
  });
});

test('does not repeat a rejected login at once, because Keystone may lock the user', async () => {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now });
  onTestFinished(() => void vi.useRealTimers());
  const { cloud, openStack } = await openLabCloud({
    config: (started) => ({ auth: { user: { ...started.addUser(), password: 'wrong' } } }),
  });
  const logins: number[] = [];

  for (const afterMs of [0, 29_000, 31_000]) {
    vi.setSystemTime(now + afterMs);
    await expect(cloud.dhcpAgents(neverAborts())).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('check the user, the password, the project and both domains'),
    });
    logins.push(loginsIn(openStack.requests));
  }

  expect(logins).toEqual([1, 1, 2]);
});

test('does not log in for every request that access rules deny', async () => {
  const { cloud, openStack } = await openLabCloud({ networks: NETWORKS, login: { accessRules: [] } });

  for (let request = 0; request < 3; request += 1)
    await expect(cloud.dhcpAgents(neverAborts())).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(
        "does not accept a new token (401): the access rules of the application credential don't permit this request",
      ),
    });

  expect(loginsIn(openStack.requests)).toBe(2);
});

test('quotes nothing of a login that Keystone quotes', async () => {
  const { openStack, cloud } = await openLabCloud();
  const message = "Invalid input for field 'password': CANARY is too short";
  openStack.fail(LOGIN, { status: 400, json: { error: { code: 400, message } } });

  await expect(cloud.dhcpAgents(neverAborts())).rejects.toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('CANARY') as string }) as Error,
  );
});

test('a failed login is not kept', async () => {
  const { openStack, cloud } = await openLabCloud();
  openStack.fail(LOGIN, { status: 503, text: 'down' }, 1);

  await expect(cloud.dhcpAgents(neverAborts())).rejects.toMatchObject({ kind: 'unreachable' });
  expect(await cloud.dhcpAgents(neverAborts())).toEqual([]);
});

test('one caller that gives up does not stop the login that another waits for', async () => {
  const { openStack, cloud } = await openLabCloud();
  const controller = new AbortController();
  const first = cloud.dhcpAgents({ signal: controller.signal });
  const second = cloud.dhcpAgents(neverAborts());
  controller.abort(new Error('enough'));

  await expect(first).rejects.toThrow('enough');
  expect(await second).toEqual([]);
  expect(loginsIn(openStack.requests)).toBe(1);
});

test('connects over TLS only with the CA', async () => {
  const authority = await makeAuthority({ name: 'cloud-ca' });
  const folder = await mkdtemp(join(tmpdir(), 'wrench-openstack-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const ca = join(folder, 'ca.pem');
  await writeFile(ca, authority.certificatePem);

  const trusting = await openLabCloud({ tls: authority, config: { ca } });
  const strict = await openLabCloud({ tls: authority });

  expect(await trusting.cloud.dhcpAgents(neverAborts())).toEqual([]);
  await expect(strict.cloud.dhcpAgents(neverAborts())).rejects.toThrow('set `ca` to the CA that signed it');
});

test('a CA file that cannot be read fails only at a request', async () => {
  const { cloud } = await openLabCloud({ config: { ca: '/nowhere/ca.pem' } });

  await expect(cloud.dhcpAgents(neverAborts())).rejects.toMatchObject({
    kind: 'missing',
    message: "couldn't read the file /nowhere/ca.pem (ENOENT)",
  });
});

/** The catalogue with other addresses of one service. */
function withAddress(type: string, change: (url: string) => string) {
  return (services: readonly CloudObject[]): readonly CloudObject[] =>
    services.map((service) =>
      service['type'] === type
        ? {
            ...service,
            endpoints: (service['endpoints'] as readonly CloudObject[]).map((one) => ({
              ...one,
              url: change(String(one['url'])),
            })),
          }
        : service,
    );
}

test.each([
  ['compute', '/v2.1', ''],
  ['compute', '/v2.1', '/'],
  ['compute', '/v2.1', '/v2.1/'],
  ['network', /$/, '/'],
  ['network', /$/, '/v2.0'],
  ['network', /$/, '/v2.0/'],
])('accepts an address of %s that ends differently: %s becomes "%s"', async (type, end, ends) => {
  const { cloud } = await openLabCloud({
    networks: NETWORKS,
    servers: [serverObject('web-1')],
    catalogue: withAddress(type, (url) => url.replace(end, ends)),
  });

  expect((await readAll(cloud.networks(neverAborts()))).items).toHaveLength(1);
  expect((await readAll(cloud.servers({ ...neverAborts(), host: 'cmp-1' }))).items).toHaveLength(1);
});

test('an address of the catalogue that cannot be reached is reported with the way to replace it', async () => {
  const catalogue = withAddress('network', () => 'http://neutron.internal.invalid:9696');
  const { cloud } = await openLabCloud({ catalogue });

  await expect(cloud.dhcpAgents(neverAborts())).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringMatching(
      /^neutron\.internal\.invalid:9696 .*\. The address of Neutron is from the catalogue of Keystone: if it is wrong from here, set `endpoints\.network` or `interface`$/,
    ),
  });
});

test('uses the addresses in `endpoints` instead of those in the catalogue', async () => {
  const { cloud } = await openLabCloud({
    networks: NETWORKS,
    catalogue: withAddress('network', () => 'http://neutron.internal.invalid:9696'),
    config: ({ endpoints }) => ({ endpoints: { network: endpoints.network } }),
  });

  expect((await readAll(cloud.networks(neverAborts()))).items).toHaveLength(1);
});

test('does not send a token that it received encrypted to an unencrypted address of the catalogue', async () => {
  const authority = await makeAuthority({ name: 'cloud-ca' });
  const folder = await mkdtemp(join(tmpdir(), 'wrench-openstack-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const ca = join(folder, 'ca.pem');
  await writeFile(ca, authority.certificatePem);
  const { cloud, openStack } = await openLabCloud({
    tls: authority,
    config: { ca },
    catalogue: withAddress('network', (url) => url.replace('https:', 'http:')),
  });

  await expect(cloud.dhcpAgents(neverAborts())).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('is not encrypted (http): set `endpoints.network` to use it anyway'),
  });
  expect(openStack.requests).toEqual([LOGIN]);
});

/** A second region in the catalogue. */
function withSecondRegion(services: readonly CloudObject[]): readonly CloudObject[] {
  return services.map((service) => ({
    ...service,
    endpoints: (service['endpoints'] as readonly CloudObject[]).flatMap((one) => [
      { ...one, region: 'Elsewhere', region_id: 'Elsewhere', url: 'http://elsewhere.invalid' },
      one,
    ]),
  }));
}

test('uses the configured region', async () => {
  const config = { region: 'RegionOne' };
  const { cloud } = await openLabCloud({ networks: NETWORKS, catalogue: withSecondRegion, config });

  expect((await readAll(cloud.networks(neverAborts()))).items).toHaveLength(1);
});

test.each([
  [
    'several regions and none configured',
    { catalogue: withSecondRegion },
    'refused',
    'the catalogue of Keystone has several regions: set `region` to Elsewhere or RegionOne',
  ],
  [
    'a region that does not exist',
    { config: { region: 'RegionTwo' } },
    'missing',
    'the catalogue of Keystone has no network service (Neutron) in the region RegionTwo: `region` can be RegionOne',
  ],
  [
    'a cloud without Neutron',
    { catalogue: (all: readonly CloudObject[]) => all.filter(({ type }) => type !== 'network') },
    'missing',
    'the catalogue of Keystone has no network service (Neutron)',
  ],
  [
    'an address that is none',
    { catalogue: withAddress('network', () => 'file:///etc/passwd') },
    'malformed',
    'the catalogue of Keystone has no http or https address of Neutron: set `endpoints.network`',
  ],
] as const)('reports %s', async (_, options, kind, message) => {
  const { cloud } = await openLabCloud(options);

  await expect(cloud.dhcpAgents(neverAborts())).rejects.toMatchObject({ kind, message });
});
