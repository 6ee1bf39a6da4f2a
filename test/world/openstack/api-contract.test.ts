import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Cloud } from '../../../src/ports/cloud.ts';
import type { Source } from '../../../src/ports/source.ts';
import { openStackConfig } from '../../../src/sources/openstack/config.ts';
import { openOpenStack } from '../../../src/sources/openstack/open.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../../timeouts.ts';
import { readAll } from '../kubernetes/open-source.ts';
import { neverAborts } from './open-source.ts';
import { cloudsUnderTest } from './under-test.ts';

// A real cloud may be slow.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS });

describe.each(cloudsUnderTest())('%s', (_, start) => {
  let source: Source;
  let cloud: Cloud;
  let host: string;

  beforeEach(async () => {
    const { config, close, ...world } = await start();
    ({ host } = world);
    source = openOpenStack(openStackConfig.parse({ kind: 'openstack', ...config }));
    cloud = source.reads.cloud!;
    return async () => {
      await source.close();
      await close();
    };
  });

  test('reports the versions of its services', async () => {
    expect(await source.healthCheck(neverAborts().signal)).toEqual({
      ok: true,
      summary: expect.stringMatching(/^Keystone v3\S*, Nova 2\.\d+, Neutron v2\.0/),
    });
  });

  test('lets an administrator read everything', async () => {
    const permissions = await source.permissions!(neverAborts().signal);

    expect(permissions.filter(({ allowed }) => !allowed)).toEqual([]);
  });

  test('lists networks with their provider attributes', async () => {
    const { items, error } = await readAll(cloud.networks(neverAborts()));

    expect(error).toBeUndefined();
    expect(items).not.toEqual([]);
    for (const { id, mtu, type } of items) {
      expect(id).not.toBe('');
      expect(mtu).toBeGreaterThan(0);
      expect(type).toEqual(expect.any(String));
    }
  });

  test('lists DHCP agents, of which a cloud with OVN has none', async () => {
    for (const { host, isAlive } of await cloud.dhcpAgents(neverAborts())) {
      expect(host).not.toBe('');
      expect(isAlive).toEqual(expect.any(Boolean));
    }
  });

  test('knows no port with a MAC address that Neutron never gives out', async () => {
    expect(await cloud.ports({ ...neverAborts(), macs: ['02:00:00:00:00:01'] })).toEqual([]);
  });

  test('knows no instance with an id that was never given out', async () => {
    const id = '00000000-0000-0000-0000-000000000000';

    expect(await cloud.server({ ...neverAborts(), id })).toBeUndefined();
  });

  test('lists no instances on a host that does not exist', async () => {
    expect(await readAll(cloud.servers({ ...neverAborts(), host: 'no-such-host' }))).toEqual({ items: [] });
  });

  test('reads one instance as the list of its host has it', async () => {
    const { items } = await readAll(cloud.servers({ ...neverAborts(), host }));
    const [first] = items;

    expect(first).toBeDefined();
    expect(await cloud.server({ ...neverAborts(), id: first!.id })).toEqual(first);
  });

  test('lists the services of Nova, with a compute on that host', async () => {
    const services = await cloud.services(neverAborts());

    for (const { binary, host, isForcedDown } of services) {
      expect(binary).toMatch(/^nova-/);
      expect(host).not.toBe('');
      expect(isForcedDown).toEqual(expect.any(Boolean));
    }
    expect(services).toContainEqual(
      expect.objectContaining({
        binary: 'nova-compute',
        host,
        id: expect.any(String),
        isEnabled: expect.any(Boolean),
        isUp: expect.any(Boolean),
      }),
    );
  });

  test('knows no image with an id that was never given out', async () => {
    const id = '00000000-0000-0000-0000-000000000000';

    expect(await cloud.image({ ...neverAborts(), id })).toBeUndefined();
  });
});
