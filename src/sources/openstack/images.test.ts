import { expect, test } from 'vitest';
import { imageObject } from '../../../test/world/openstack/objects.ts';
import { neverAborts, openLabCloud } from '../../../test/world/openstack/open-source.ts';
import type { CloudObject } from '../../../test/world/openstack/protocol.ts';

const ID = '6f2d1a34-88c1-4c6e-9d0e-0f3b5e7a9c11';
const PATH = `glance GET /v2/images/${ID}`;

test('maps an image and a snapshot', async () => {
  const { cloud } = await openLabCloud({
    images: [
      imageObject(ID),
      imageObject('snap', { name: null, image_type: 'snapshot', status: 'queued', size: null }),
    ],
  });

  expect(await cloud.image({ ...neverAborts(), id: ID })).toEqual({
    id: ID,
    name: 'debian-12',
    status: 'active',
    isSnapshot: false,
    bytes: 338_690_048,
  });
  expect(await cloud.image({ ...neverAborts(), id: 'snap' })).toEqual({
    id: 'snap',
    status: 'queued',
    isSnapshot: true,
  });
});

test('an image that was deleted is undefined', async () => {
  const { cloud, openStack } = await openLabCloud({ images: [imageObject('old', { status: 'deleted' })] });

  expect(await cloud.image({ ...neverAborts(), id: ID })).toBeUndefined();
  expect(await cloud.image({ ...neverAborts(), id: 'old' })).toBeUndefined();
  openStack.fail(PATH, {
    status: 404,
    text: `<html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1>Failed to find image ${ID}</body></html>`,
  });
  expect(await cloud.image({ ...neverAborts(), id: ID })).toBeUndefined();
});

test('an image that a reader does not see may exist', async () => {
  const images = [imageObject(ID)];
  const { cloud } = await openLabCloud({ images, login: { roles: ['reader'], project: 'p-lab' } });

  await expect(cloud.image({ ...neverAborts(), id: ID })).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining(`the image ${ID} may belong to another one`),
  });
});

test.each([
  [
    'a 404 of a proxy',
    { status: 404, text: '<html><h1>Not Found</h1></html>' },
    'malformed',
    /does not say that/,
  ],
  [
    'a 404 with JSON of its own',
    { status: 404, json: { error: 'no route' } },
    'malformed',
    /does not say that/,
  ],
  ['a 403', { status: 403, json: { message: 'You are not authorized' } }, 'refused', /permission denied/],
  ['a web page', { status: 200, text: '<html>' }, 'malformed', /a web page/],
  ['another image', { status: 200, json: { id: 'other', status: 'active' } }, 'malformed', /did not return/],
  [
    'a 413 with a time',
    { status: 413, text: '', headers: { 'retry-after': '3600' } },
    'unreachable',
    /in 3600 s$/,
  ],
] as const)('does not take %s for an answer', async (_, fault, kind, message) => {
  const { cloud, openStack } = await openLabCloud({ images: [imageObject(ID)] });
  openStack.fail(PATH, fault);

  await expect(cloud.image({ ...neverAborts(), id: ID })).rejects.toMatchObject({
    kind,
    message: expect.stringMatching(message),
  });
});

test('waits as long as a rate limit asks', async () => {
  const { cloud, openStack } = await openLabCloud({ images: [imageObject(ID)] });
  openStack.fail(PATH, { status: 413, json: { overLimit: {} }, headers: { 'retry-after': '0' } }, 1);

  expect(await cloud.image({ ...neverAborts(), id: ID })).toMatchObject({ id: ID });
});

test('an id that would change the address is rejected', async () => {
  const { cloud, openStack } = await openLabCloud();

  await expect(cloud.image({ ...neverAborts(), id: '../tasks' })).rejects.toMatchObject({
    kind: 'malformed',
  });
  expect(openStack.requests.filter((one) => one.startsWith('glance'))).toEqual([]);
});

test.each(['', '/', '/v2', '/v2/'])('accepts an address of Glance that ends with "%s"', async (end) => {
  const catalogue = (all: readonly CloudObject[]) =>
    all.map((one) =>
      one['type'] === 'image'
        ? {
            ...one,
            endpoints: (one['endpoints'] as readonly CloudObject[]).map((at) => ({
              ...at,
              url: `${String(at['url'])}${end}`,
            })),
          }
        : one,
    );
  const { cloud } = await openLabCloud({ images: [imageObject(ID)], catalogue });

  expect(await cloud.image({ ...neverAborts(), id: ID })).toMatchObject({ id: ID });
});
