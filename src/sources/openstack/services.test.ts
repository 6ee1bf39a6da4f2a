import { expect, test } from 'vitest';
import { serviceObject } from '../../../test/world/openstack/objects.ts';
import { neverAborts, openLabCloud } from '../../../test/world/openstack/open-source.ts';

test('maps services, whose times are UTC without a zone', async () => {
  const { cloud } = await openLabCloud({
    services: [
      serviceObject('nova-conductor', 'ctl-1', { id: 7, updated_at: '2026-11-26T11:59:51.123456' }),
      serviceObject('nova-compute', 'cmp-1', {
        id: '1b9ad842-0000-4000-8000-000000000001',
        state: 'down',
        status: 'disabled',
        disabled_reason: 'ticket 4471',
        forced_down: true,
        updated_at: '2026-11-26 11:41:03',
      }),
      serviceObject('nova-compute', 'cmp-2', { updated_at: null }),
    ],
  });

  expect(await cloud.services(neverAborts())).toEqual([
    {
      id: '7',
      binary: 'nova-conductor',
      host: 'ctl-1',
      zone: 'internal',
      isEnabled: true,
      isUp: true,
      updatedAt: new Date('2026-11-26T11:59:51.123Z'),
      isForcedDown: false,
    },
    {
      id: '1b9ad842-0000-4000-8000-000000000001',
      binary: 'nova-compute',
      host: 'cmp-1',
      zone: 'nova',
      isEnabled: false,
      isUp: false,
      updatedAt: new Date('2026-11-26T11:41:03Z'),
      disabledReason: 'ticket 4471',
      isForcedDown: true,
    },
    {
      id: 'id-of-nova-compute-cmp-2',
      binary: 'nova-compute',
      host: 'cmp-2',
      zone: 'nova',
      isEnabled: true,
      isUp: true,
      isForcedDown: false,
    },
  ]);
});

test('of a service in a cell that is down, nothing is known', async () => {
  const { cloud } = await openLabCloud({
    services: [{ binary: 'nova-compute', host: 'cmp-9', status: 'UNKNOWN' }],
  });

  expect(await cloud.services(neverAborts())).toEqual([
    { binary: 'nova-compute', host: 'cmp-9', isForcedDown: false },
  ]);
});

test('a reader lacks the policy', async () => {
  const { cloud } = await openLabCloud({ login: { roles: ['reader'] } });

  await expect(cloud.services(neverAborts())).rejects.toMatchObject({
    kind: 'refused',
    message:
      'permission denied by Nova (403): needs the policy `os_compute_api:os-services:list`, by default the role `admin`',
  });
});

test.each([
  ['no list', {}],
  ['something else in the list', { services: ['nova-compute'] }],
  ['a service without a host', { services: [{ binary: 'nova-compute' }] }],
])('an answer with %s is malformed', async (_, json) => {
  const { cloud } = await openLabCloud({
    answer: (__, { path }) => (path === '/os-services' ? { status: 200, json } : undefined),
  });

  await expect(cloud.services(neverAborts())).rejects.toMatchObject({ kind: 'malformed' });
});
