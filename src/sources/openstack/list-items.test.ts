import { expect, test } from 'vitest';
import { readAll } from '../../../test/world/kubernetes/open-source.ts';
import { networkObject, serverObject } from '../../../test/world/openstack/objects.ts';
import { neverAborts, openLabCloud } from '../../../test/world/openstack/open-source.ts';
import type { CloudObject } from '../../../test/world/openstack/protocol.ts';

const networks = (count: number) => Array.from({ length: count }, (_, at) => networkObject(`n${at}`));

/** A page with a link to the next one. */
function pageOf(items: readonly CloudObject[], href?: string): CloudObject {
  return { networks: items, ...(href !== undefined && { networks_links: [{ rel: 'next', href }] }) };
}

test.each([0, 1, 2, 3, 4, 5])('reads %i networks in pages of 2', async (count) => {
  const { cloud } = await openLabCloud({ networks: networks(count), maxPageSize: 2 });

  const { items, error } = await readAll(cloud.networks(neverAborts()));

  expect(error).toBeUndefined();
  expect(items.map(({ name }) => name)).toEqual(networks(count).map(({ name }) => name));
});

test('reads the pages of Nova, and reports progress', async () => {
  const servers = ['a', 'b', 'c'].map((name) => serverObject(name));
  const { cloud } = await openLabCloud({ servers, maxPageSize: 2 });
  const progress: unknown[] = [];
  const onProgress = (one: unknown) => void progress.push(one);

  const { items } = await readAll(cloud.servers({ ...neverAborts(), host: 'cmp-1', onProgress }));

  expect(items).toHaveLength(3);
  expect(progress).toEqual([
    { read: 2, unit: 'instances' },
    { read: 3, unit: 'instances' },
  ]);
});

test('takes only the marker from a link, because its address would receive the token', async () => {
  const { cloud, openStack } = await openLabCloud({
    answer: (_, { path, query }) => {
      if (path !== '/v2.0/networks') return undefined;
      const isFirst = query.get('marker') === null;
      const href = 'http://10.0.0.1:9696/v2.0/networks?limit=1&marker=network-n0';
      return {
        status: 200,
        json: isFirst ? pageOf([networkObject('n0')], href) : pageOf([networkObject('n1')]),
      };
    },
  });

  expect(await readAll(cloud.networks(neverAborts()))).toMatchObject({
    items: [{ name: 'n0' }, { name: 'n1' }],
  });
  expect(openStack.requests.at(-1)).toContain('neutron GET /v2.0/networks?');
  expect(openStack.requests.at(-1)).toContain('marker=network-n0');
});

test.each([
  [
    'repeats a page',
    () => pageOf([networkObject('n0')], '?marker=m1'),
    'the list of networks repeats a page',
  ],
  [
    'repeats a marker',
    (requests: number) => pageOf([networkObject(`n${requests}`)], '?marker=m1'),
    'the list of networks repeats a marker',
  ],
  ['sends empty pages in a circle', () => pageOf([], '?marker=m1'), 'the list of networks repeats a marker'],
  [
    'links to nothing',
    () => pageOf([networkObject('n0')], 'about:blank'),
    'a page of the list of networks has no marker of the next one',
  ],
])('gives up when Neutron %s', async (_, page, message) => {
  let requests = 0;
  const { cloud } = await openLabCloud({
    answer: (__, { path }) =>
      path === '/v2.0/networks' ? { status: 200, json: page(++requests) } : undefined,
  });

  const { error } = await readAll(cloud.networks(neverAborts()));

  expect(error).toMatchObject({ kind: 'malformed', message: expect.stringContaining(message) });
  expect(requests).toBeLessThan(4);
});

test('an item that moved to the next page is read once', async () => {
  const { cloud } = await openLabCloud({
    answer: (_, { path, query }) => {
      if (path !== '/v2.0/networks') return undefined;
      const isFirst = query.get('marker') === null;
      const [n0, n1, n2] = networks(3);
      return { status: 200, json: isFirst ? pageOf([n0!, n1!], '?marker=n1') : pageOf([n1!, n2!]) };
    },
  });

  expect((await readAll(cloud.networks(neverAborts()))).items.map(({ name }) => name)).toEqual([
    'n0',
    'n1',
    'n2',
  ]);
});

test('keeps what was read before an error, and counts it', async () => {
  const { cloud, openStack } = await openLabCloud({ networks: networks(5), maxPageSize: 2 });
  openStack.fail(
    'neutron GET /v2.0/networks?fields=id',
    {
      status: 200,
      json: { networks: networks(1), networks_links: [{ rel: 'next', href: '?marker=network-n0' }] },
    },
    1,
  );
  openStack.fail('neutron GET /v2.0/networks?fields=id', { status: 500, text: 'down' });

  expect(await readAll(cloud.networks(neverAborts()))).toMatchObject({
    items: [{ name: 'n0' }],
    error: {
      kind: 'unreachable',
      message: expect.stringMatching(/^only 1 of the networks was read: Neutron at /),
    },
  });
});

test('a marker that was deleted in between is an error, not the end', async () => {
  let requests = 0;
  const { cloud } = await openLabCloud({
    answer: (_, { path }) => {
      if (path !== '/servers/detail' || ++requests === 1) return undefined;
      return { status: 400, json: { badRequest: { code: 400, message: 'marker [server-a] not found' } } };
    },
    servers: ['a', 'b'].map((name) => serverObject(name)),
    maxPageSize: 1,
  });

  expect(await readAll(cloud.servers({ ...neverAborts(), host: 'cmp-1' }))).toMatchObject({
    items: [{ name: 'a' }],
    error: { kind: 'refused', message: expect.stringContaining('marker [server-a] not found') },
  });
});
