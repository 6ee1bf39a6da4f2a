import { expect, onTestFinished, test } from 'vitest';
import { startCluster, type TestCluster } from './api-server.ts';
import { clusterOfResponses } from './cluster-of-responses.ts';
import { startDeploymentController } from './deployment-controller.ts';
import { podObject } from './objects.ts';
import { openLab, readAll } from './open-source.ts';
import type { ApiObject } from './resources.ts';
import { endpointOf, endpointSliceObject, serviceObject } from './services.ts';
import { workloadObject } from './workloads.ts';

const { signal } = new AbortController();
const SHOP = { signal, namespace: 'shop' };

const listOf = (kind: string, items: readonly ApiObject[]) => ({
  apiVersion: 'v1',
  kind: `${kind}List`,
  metadata: { resourceVersion: '81234' },
  items,
});
const api = workloadObject('api', { namespace: 'shop', uid: 'uid-api' });
const slice = endpointSliceObject('api-x', {
  namespace: 'shop',
  service: 'api',
  endpoints: [endpointOf('a', '10.0.0.1')],
});
const RESPONSES: Readonly<Record<string, unknown>> = {
  'GET /api/v1/namespaces/shop/services': listOf('Service', [serviceObject('api', { namespace: 'shop' })]),
  'GET /apis/discovery.k8s.io/v1/namespaces/shop/endpointslices': listOf('EndpointSlice', [slice]),
  'GET /apis/apps/v1/namespaces/shop/deployments': listOf('Deployment', [api]),
  'GET /apis/apps/v1/namespaces/shop/statefulsets': listOf('StatefulSet', []),
  'GET /api/v1/namespaces/shop/pods': {
    status: 200,
    body: listOf('Pod', [podObject('a', { namespace: 'shop' })]),
  },
};

async function serve(responses: Readonly<Record<string, unknown>>): Promise<TestCluster> {
  const server = await startCluster(clusterOfResponses(responses));
  onTestFinished(server.close);
  return server;
}

test('lists, selectors and single objects are answered from the lists of a namespace', async () => {
  const server = await serve(RESPONSES);
  const { cluster } = await openLab(server.kubeconfig());
  const endpoints = (service: string) => readAll(cluster.endpoints({ ...SHOP, service }));

  expect((await readAll(cluster.services(SHOP))).items).toHaveLength(1);
  expect((await endpoints('api')).items).toMatchObject([{ addresses: ['10.0.0.1'] }]);
  expect(await endpoints('web')).toEqual({ items: [] });
  expect((await readAll(cluster.pods({ signal }))).items).toHaveLength(1);
  expect(
    await cluster.workload({ kind: 'Deployment', namespace: 'shop', name: 'api' }, { signal }),
  ).toMatchObject({
    uid: 'uid-api',
  });
  const rollouts = await readAll(cluster.rollouts(SHOP));
  expect(rollouts).toMatchObject({ items: [{ kind: 'Deployment', name: 'api' }] });
  expect(rollouts.error).toBeUndefined();
  expect(server.asked.find(({ path }) => path.includes('argoproj.io'))?.status).toBe(404);
});

test('its objects can be changed, and a controller rolls them out', async () => {
  const server = await serve(RESPONSES);
  const { writer } = await openLab(server.kubeconfig(), { allow: { restart: {} } });
  startDeploymentController(server, { nodes: ['node-a'] });
  const before = server.list('replicasets').length;

  const workload = { kind: 'Deployment', namespace: 'shop', name: 'api', uid: 'uid-api' } as const;
  await writer!.restartWorkload(workload, { idempotencyKey: 'm1', signal });

  expect(server.list('replicasets')).toHaveLength(before + 1);
});

test('a namespace that only the request names, and a single object', async () => {
  const { namespace: _namespace, ...metadata } = api.metadata;
  const server = await serve({
    'GET /apis/apps/v1/namespaces/shop/deployments': listOf('Deployment', [{ ...api, metadata }]),
    'GET /apis/apps/v1/namespaces/shop/statefulsets/db': workloadObject('db', { namespace: 'shop' }),
  });

  expect(server.find('deployments', 'api', 'shop')).toBeDefined();
  expect(server.find('statefulsets', 'db', 'shop')).toBeDefined();
});

test('a failure is answered again, and EndpointSlices only in the version of the responses', async () => {
  const message = 'services is forbidden: User "x" cannot list resource "services"';
  const server = await serve({
    'GET /api/v1/namespaces/shop/services': { status: 403, body: { kind: 'Status', message } },
    'GET /apis/discovery.k8s.io/v1beta1/namespaces/shop/endpointslices': listOf('EndpointSlice', [slice]),
    'GET /apis/argoproj.io/v1alpha1/namespaces/shop/rollouts': listOf('Rollout', [api]),
  });
  const { cluster } = await openLab(server.kubeconfig());

  expect(await readAll(cluster.services(SHOP))).toMatchObject({ error: { kind: 'refused' } });
  expect((await readAll(cluster.endpoints({ ...SHOP, service: 'api' }))).items).toHaveLength(1);
  expect((await readAll(cluster.rollouts(SHOP))).items).toMatchObject([{ kind: 'Rollout' }]);
  expect(server.asked.map(({ status }) => status)).toContain(404);
});
