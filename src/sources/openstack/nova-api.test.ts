import { expect, test } from 'vitest';
import { readAll } from '../../../test/world/kubernetes/open-source.ts';
import { serverObject } from '../../../test/world/openstack/objects.ts';
import { neverAborts, openLabCloud } from '../../../test/world/openstack/open-source.ts';
import type { CloudResponse } from '../../../test/world/openstack/protocol.ts';

const servers = [serverObject('web-1')];
const HOST = { ...neverAborts(), host: 'cmp-1' };

test.each([
  ['2.93', '2.93'],
  ['2.95', '2.93'],
  ['2.60', '2.60'],
  ['2.1', '2.1'],
])('uses, of a Nova with up to %s, the microversion %s', async (microversion, used) => {
  const { cloud, openStack } = await openLabCloud({ servers, microversion });

  expect((await readAll(cloud.servers(HOST))).items).toHaveLength(1);
  expect(openStack.microversions).toEqual([`compute ${used}`]);
});

test('names no microversion to a Nova without them', async () => {
  const { cloud, openStack } = await openLabCloud({ servers, microversion: '' });

  expect((await readAll(cloud.servers(HOST))).items).toHaveLength(1);
  expect(openStack.microversions).toEqual([]);
});

test('reads the list of versions once', async () => {
  const { cloud, openStack } = await openLabCloud({ servers });

  await Promise.all([readAll(cloud.servers(HOST)), readAll(cloud.servers(HOST))]);
  await readAll(cloud.servers(HOST));

  expect(openStack.requests.filter((one) => one === 'nova GET /')).toHaveLength(1);
});

test.each<[string, CloudResponse]>([
  ['is denied', { status: 401, json: {} }],
  ['is missing', { status: 404, text: 'no' }],
  ['is a web page', { status: 200, text: '<html>' }],
  ['lists other versions', { status: 300, json: { versions: [{ id: 'v9' }] } }],
])('lowers the microversion after a 406 if the list of versions %s', async (_, versions) => {
  const { cloud, openStack } = await openLabCloud({ servers, microversion: '2.53' });
  openStack.fail('nova GET /', versions, 1);

  expect((await readAll(cloud.servers(HOST))).items).toHaveLength(1);
  expect((await readAll(cloud.servers(HOST))).items).toHaveLength(1);
  expect(openStack.microversions).toEqual(['compute 2.93', 'compute 2.53', 'compute 2.53']);
});

test('lowers the microversion when an older server behind the same address rejects it', async () => {
  const { cloud, openStack } = await openLabCloud({ servers });
  const errors = [
    { status: 406, title: 'Requested microversion is unsupported', max_version: '2.72', min_version: '2.1' },
  ];
  openStack.fail('nova GET /servers', { status: 406, json: { errors } }, 1);

  expect((await readAll(cloud.servers(HOST))).items).toHaveLength(1);
  expect(openStack.microversions).toEqual(['compute 2.93', 'compute 2.72']);
});

test.each<[string, CloudResponse]>([
  ['names no version', { status: 406, text: '' }],
  [
    'names a newer one',
    { status: 406, json: { computeFault: { code: 406, message: 'Minimum is 2.100 and maximum is 2.110.' } } },
  ],
])('gives up after a 406 that %s', async (_, answer) => {
  const { cloud, openStack } = await openLabCloud({ servers });
  openStack.fail('nova GET /servers', answer);

  expect(await readAll(cloud.servers(HOST))).toMatchObject({
    error: {
      kind: 'malformed',
      message: expect.stringContaining('Nova supports none of the versions that Wrench knows (406)'),
    },
  });
});
