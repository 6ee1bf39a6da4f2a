import { expect, test } from 'vitest';
import { serviceObject } from '../../../test/world/openstack/objects.ts';
import {
  neverAborts,
  openLabCloud,
  type OpenCloudOptions,
} from '../../../test/world/openstack/open-source.ts';
import type { CloudObject } from '../../../test/world/openstack/protocol.ts';

const REASON = 'wrench m0123456789abcdef: nova-compute is down';
const SERVICE = {
  id: 'id-of-nova-compute-cmp-1',
  binary: 'nova-compute',
  host: 'cmp-1',
  reason: REASON,
};
const BY = { idempotencyKey: 'm0123456789abcdef', ...neverAborts() };

async function opened(fields: CloudObject = {}, options: OpenCloudOptions = {}) {
  const service = serviceObject('nova-compute', 'cmp-1', { state: 'down', ...fields });
  const services = [serviceObject('nova-conductor', 'ctl-1'), service];
  const lab = await openLabCloud({ services, config: { allow: { disable: {} } }, ...options });
  const puts = () => lab.openStack.requests.filter((one) => one.startsWith('nova PUT'));
  return { ...lab, service, puts, writer: lab.source.writes?.cloud };
}

test('without `allow.disable`, there is no writer', async () => {
  const { source, cloud } = await opened({}, { config: {} });

  expect(source.writes?.cloud).toBeUndefined();
  expect(cloud.serviceChanges).toEqual({
    allowed: false,
    because: '`allow.disable` is not configured for the source lab',
  });
});

test('disables a service with a reason, and enables it again', async () => {
  const { writer, service, puts, cloud } = await opened();
  expect(cloud.serviceChanges).toEqual({ allowed: true });

  await writer!.disableService(SERVICE, BY);
  expect(service).toMatchObject({ status: 'disabled', disabled_reason: REASON });
  await writer!.disableService(SERVICE, BY);
  await writer!.enableService(SERVICE, BY);
  expect(service).toMatchObject({ status: 'enabled', disabled_reason: null });
  await writer!.enableService(SERVICE, BY);

  expect(puts()).toEqual(Array(2).fill('nova PUT /os-services/id-of-nova-compute-cmp-1'));
});

test.each(['2.52', '2.1', ''])('uses the paths of Nova %s', async (microversion) => {
  const { writer, service, puts } = await opened({ id: 4 }, { microversion });
  const numbered = { ...SERVICE, id: '4' };

  await writer!.disableService(numbered, BY);
  expect(service).toMatchObject({ status: 'disabled', disabled_reason: REASON });
  await writer!.enableService(numbered, BY);

  expect(service).toMatchObject({ status: 'enabled' });
  expect(puts()).toEqual(['nova PUT /os-services/disable-log-reason', 'nova PUT /os-services/enable']);
});

test.each([
  ['was disabled by someone else', { status: 'disabled', disabled_reason: 'ticket 4471' }],
  ['was replaced', { id: 'another-id' }],
])('does not disable a service that %s', async (_, fields) => {
  const { writer, puts } = await opened(fields);

  await expect(writer!.disableService(SERVICE, BY)).rejects.toMatchObject({ kind: 'missing' });
  expect(puts()).toEqual([]);
});

test.each([null, 'ticket 4471', 'wrench m0000000000000000: nova-compute is down'])(
  'does not enable a service that was disabled for another reason: %s',
  async (reason) => {
    const { writer, puts } = await opened({ status: 'disabled', disabled_reason: reason });

    await expect(writer!.enableService(SERVICE, BY)).rejects.toMatchObject({ kind: 'missing' });
    expect(puts()).toEqual([]);
  },
);

test('changes nothing but compute services, and nothing in a cell that is down', async () => {
  const { writer, puts } = await opened({ status: 'UNKNOWN' });
  const conductor = { ...SERVICE, id: 'id-of-nova-conductor-ctl-1', binary: 'nova-conductor', host: 'ctl-1' };

  await expect(writer!.disableService(conductor, BY)).rejects.toMatchObject({ kind: 'refused' });
  await expect(writer!.disableService(SERVICE, BY)).rejects.toMatchObject({ kind: 'unreachable' });
  expect(puts()).toEqual([]);
});

test('a change without a response is read, not sent again', async () => {
  const { writer, openStack, puts } = await opened();
  openStack.fail('nova PUT', 'reset');

  await expect(writer!.disableService(SERVICE, BY)).rejects.toMatchObject({ kind: 'unreachable' });
  expect(puts()).toHaveLength(1);
});

test('a change that was made counts, although the response was an error', async () => {
  const service = serviceObject('nova-compute', 'cmp-1', { state: 'down' });
  const { writer, puts } = await opened(
    {},
    {
      services: [service],
      answer: (_, { method }) => {
        if (method !== 'PUT') return undefined;
        Object.assign(service, { status: 'disabled', disabled_reason: REASON });
        return { status: 504, text: 'gateway timeout' };
      },
    },
  );

  await writer!.disableService(SERVICE, BY);
  expect(puts()).toHaveLength(1);
});

test('a change that Nova accepts and does not make is an error', async () => {
  const { writer } = await opened(
    {},
    { answer: (_, { method }) => (method === 'PUT' ? { status: 200, json: {} } : undefined) },
  );

  await expect(writer!.disableService(SERVICE, BY)).rejects.toMatchObject({
    kind: 'malformed',
    message: 'Nova accepted the change, but nova-compute on cmp-1 is still enabled',
  });
});

test('uses a separate credential only for changes', async () => {
  const { writer, cloud, openStack, service } = await opened(
    {},
    {
      login: { accessRules: [{ service: 'compute', method: 'GET', path: '/v2.1/os-services' }] },
      config: (started) => ({ allow: { disable: { auth: { user: started.addUser() } } } }),
    },
  );
  const logins = () => openStack.requests.filter((one) => one.startsWith('keystone POST')).length;

  await cloud.services(neverAborts());
  expect(logins()).toBe(1);
  await writer!.disableService(SERVICE, BY);
  expect(logins()).toBe(2);
  expect(service).toMatchObject({ status: 'disabled' });
});

test('a token that expired is renewed once, and the change is sent again', async () => {
  const { writer, openStack, service, puts } = await opened();
  openStack.fail('nova PUT', { status: 401, json: {} }, 1);

  await writer!.disableService(SERVICE, BY);
  expect(service).toMatchObject({ status: 'disabled' });
  expect(puts()).toHaveLength(2);
});
