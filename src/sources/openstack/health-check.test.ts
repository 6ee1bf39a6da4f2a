import { expect, test } from 'vitest';
import { neverAborts, openLabCloud } from '../../../test/world/openstack/open-source.ts';
import type { CloudObject } from '../../../test/world/openstack/protocol.ts';

test('reports versions, region and project', async () => {
  const { source } = await openLabCloud();

  expect(await source.healthCheck(neverAborts().signal)).toEqual({
    ok: true,
    summary: 'Keystone v3.14, Nova 2.93, Neutron v2.0, Glance v2.15; region RegionOne; project p-ops',
  });
});

test('reports a cloud without Glance, which only images need', async () => {
  const catalogue = (all: readonly CloudObject[]) => all.filter(({ type }) => type !== 'image');
  const { source } = await openLabCloud({ catalogue });

  expect(await source.healthCheck(neverAborts().signal)).toMatchObject({
    ok: true,
    summary: expect.not.stringContaining('Glance'),
  });
});

test('logs in with the credential for changes too', async () => {
  const { source, openStack } = await openLabCloud({
    config: {
      allow: { disable: { auth: { applicationCredential: { id: 'none', secret: 'wrong-secret' } } } },
    },
  });

  expect(await source.healthCheck(neverAborts().signal)).toMatchObject({
    ok: false,
    summary: expect.stringMatching(/^`allow\.disable`: Keystone at .* rejected the login \(401\)/),
    hint: expect.stringContaining('Correct `auth`'),
  });
  expect(openStack.requests.filter((one) => one.startsWith('keystone POST'))).toHaveLength(2);
});

test('reports a Nova without microversions', async () => {
  const { source } = await openLabCloud({ microversion: '' });

  expect(await source.healthCheck(neverAborts().signal)).toMatchObject({
    summary: expect.stringContaining('Nova without microversions'),
  });
});

test.each([
  [
    'keystone POST',
    { status: 500, text: '' },
    /^Keystone at .* responded with an error \(500\)$/,
    /^Check that http:.* is Keystone, and reachable from here$/,
  ],
  [
    'keystone POST',
    { status: 404, text: '<html>' },
    /has no `\/v3\/auth\/tokens` \(404\): `authUrl` must be the address of Keystone$/,
    /is Keystone/,
  ],
  [
    'keystone POST',
    { status: 200, text: '<html>' },
    /did not return a token: `authUrl` must be the address of Keystone$/,
    /is Keystone/,
  ],
  ['nova', 'reset', /The address of Nova is from the catalogue of Keystone/, /docs\/sources\.md#openstack$/],
  [
    'neutron',
    { status: 503, text: 'down' },
    /^Neutron at .* responded with an error \(503\)$/,
    /reachable from here$/,
  ],
] as const)('reports a fault of %s: %o', async (line, fault, summary, hint) => {
  const { source, openStack } = await openLabCloud();
  openStack.fail(line, fault);

  expect(await source.healthCheck(neverAborts().signal)).toEqual({
    ok: false,
    summary: expect.stringMatching(summary),
    hint: expect.stringMatching(hint),
  });
});

test('names the service whose configured address is wrong', async () => {
  const { source } = await openLabCloud({
    config: ({ endpoints }) => ({ endpoints: { ...endpoints, image: 'http://127.0.0.1:1' } }),
  });

  expect(await source.healthCheck(neverAborts().signal)).toEqual({
    ok: false,
    summary: expect.stringMatching(/^127\.0\.0\.1:1 .*\. The address of Glance is from `endpoints\.image`$/),
    hint: 'Correct `region`, `interface` or `endpoints`: docs/sources.md#openstack',
  });
});

test('reports that it timed out', async () => {
  const { source, openStack } = await openLabCloud();
  openStack.fail('nova', 'hang');
  const controller = new AbortController();
  const checking = source.healthCheck(controller.signal);
  await expect.poll(() => openStack.requests.some((one) => one.startsWith('nova'))).toBe(true);
  controller.abort();

  expect(await checking).toMatchObject({ ok: false, summary: 'timed out' });
});
