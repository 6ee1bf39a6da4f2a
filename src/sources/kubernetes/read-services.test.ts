import { expect, onTestFinished, test } from 'vitest';
import {
  type ClusterOptions,
  startCluster,
  type TestCluster,
  WRENCH,
} from '../../../test/world/kubernetes/api-server.ts';
import { openLab, readAll } from '../../../test/world/kubernetes/open-source.ts';
import { endpointOf, endpointSliceObject, serviceObject } from '../../../test/world/kubernetes/services.ts';
import type { Cluster } from '../../ports/clusters.ts';

const { signal } = new AbortController();
const API = { signal, namespace: 'shop', service: 'api' };
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices';
const OLD_SLICES = '/apis/discovery.k8s.io/v1beta1/namespaces/shop/endpointslices';

async function open(
  options: ClusterOptions,
): Promise<{ readonly server: TestCluster; readonly cluster: Cluster }> {
  const server = await startCluster(options);
  onTestFinished(server.close);
  return { server, cluster: (await openLab(server.kubeconfig())).cluster };
}

const slice = (name: string, service: string, addresses: readonly string[], namespace = 'shop') =>
  endpointSliceObject(name, {
    namespace,
    service,
    endpoints: addresses.map((address, at) => endpointOf(`${name}-${at}`, address)),
  });

test('the Services of one namespace', async () => {
  const services = [
    serviceObject('api', { namespace: 'shop' }),
    serviceObject('api', { namespace: 'pay' }),
    serviceObject('db', { namespace: 'shop', type: 'ExternalName', selector: null, ports: [] }),
  ];
  const { cluster } = await open({ services });

  const { items } = await readAll(cluster.services({ signal, namespace: 'shop' }));

  expect(items.map(({ name, type, namespace }) => `${type} ${namespace}/${name}`)).toEqual([
    'ClusterIP shop/api',
    'ExternalName shop/db',
  ]);
});

test('the endpoints of one Service, from all of its slices', async () => {
  const { server, cluster } = await open({
    endpointslices: [
      slice('api-a', 'api', ['10.0.0.1', '10.0.0.2']),
      slice('web-a', 'web', ['10.0.0.9']),
      slice('api-b', 'api', ['10.0.0.3']),
      slice('api-c', 'api', ['10.9.0.1'], 'pay'),
    ],
  });

  const { items, error } = await readAll(cluster.endpoints(API));

  expect(error).toBeUndefined();
  expect(items.flatMap(({ addresses }) => addresses)).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  expect(server.asked.map(({ path }) => decodeURIComponent(path))).toEqual([
    `${SLICES}?labelSelector=kubernetes.io/service-name=api&limit=100`,
  ]);
});

test('a list of slices that expires is continued, and nothing is yielded twice', async () => {
  const endpointslices = {
    count: 250,
    make: (at: number) => slice(`api-${at}`, 'api', [`10.0.${at >> 8}.${at & 255}`]),
  };
  const { server, cluster } = await open({ endpointslices });
  server.fail({ path: SLICES, continued: true, list: 'expired' }, 1);
  server.fail({ path: SLICES, continued: true, list: 'expired-with-token' }, 1);

  const { items, error } = await readAll(cluster.endpoints(API));

  expect(error).toBeUndefined();
  expect(new Set(items.map(({ addresses }) => addresses[0])).size).toBe(250);
  expect(items).toHaveLength(250);
});

test('a cluster without v1 is read as v1beta1', async () => {
  const endpoint = {
    addresses: ['10.0.0.1'],
    conditions: { ready: false },
    topology: { 'kubernetes.io/hostname': 'node-b' },
    targetRef: { kind: 'Pod', namespace: 'shop', name: 'api-1', uid: 'uid-1' },
  };
  const { server, cluster } = await open({
    version: 'v1.20.2',
    endpointSliceVersion: 'v1beta1',
    endpointslices: [
      endpointSliceObject('api', { namespace: 'shop', service: 'api', endpoints: [endpoint] }),
    ],
  });

  expect((await readAll(cluster.endpoints(API))).items).toMatchObject([
    { addresses: ['10.0.0.1'], isReady: false, isServing: false, isTerminating: false, node: 'node-b' },
  ]);
  expect(server.asked.map(({ path, status }) => [path.split('?')[0], status])).toEqual([
    [SLICES, 404],
    [OLD_SLICES, 200],
  ]);
});

test('a cluster without EndpointSlices is an error, not a Service without endpoints', async () => {
  const { server, cluster } = await open({});
  server.fail({ path: '/apis/discovery.k8s.io', status: 404, body: '404 page not found\n' });

  expect(await readAll(cluster.endpoints(API))).toMatchObject({ items: [], error: { kind: 'missing' } });
});

test.each([
  ['refused', 403, { kind: 'Status', message: 'endpointslices is forbidden: User "x" cannot list' }],
  ['malformed', 404, '<html>default backend</html>'],
  ['unreachable', 503, { kind: 'Status', message: 'no etcd' }],
])('a response that is %s is not taken for an old cluster', async (kind, status, body) => {
  const { server, cluster } = await open({ endpointslices: [slice('api-a', 'api', ['10.0.0.1'])] });
  server.fail({ path: SLICES, status, body });

  expect(await readAll(cluster.endpoints(API))).toMatchObject({ items: [], error: { kind } });
  expect(server.asked.some(({ path }) => path.startsWith(OLD_SLICES))).toBe(false);
});

test('a slice that has no list of endpoints makes the answer incomplete', async () => {
  const broken = { ...slice('api-b', 'api', []), endpoints: 'many' };
  const { cluster } = await open({ endpointslices: [slice('api-a', 'api', ['10.0.0.1']), broken] });

  const { items, error } = await readAll(cluster.endpoints(API));

  expect(items).toHaveLength(1);
  expect(error).toMatchObject({ kind: 'malformed' });
});

test('a name that would change the request is refused before it is sent', async () => {
  const { server, cluster } = await open({});

  for (const service of ['api,other=x', 'api/../x', ''])
    expect((await readAll(cluster.endpoints({ ...API, service }))).error).toMatchObject({
      kind: 'malformed',
    });
  expect((await readAll(cluster.endpoints({ ...API, namespace: '../x' }))).error).toMatchObject({
    kind: 'malformed',
  });
  expect(server.asked).toEqual([]);
});

test('missing permissions are named', async () => {
  const { server, cluster } = await open({});
  server.allow(WRENCH, []);

  expect((await readAll(cluster.services({ signal, namespace: 'shop' }))).error).toMatchObject({
    kind: 'refused',
    message: 'permission denied (403): needs `list services`',
  });
  expect((await readAll(cluster.endpoints(API))).error).toMatchObject({
    kind: 'refused',
    message: 'permission denied (403): needs `list endpointslices.discovery.k8s.io`',
  });
});
