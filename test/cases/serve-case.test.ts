import {
  AuthorizationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type V1ListMeta,
} from '@kubernetes/client-node';
import { afterEach, expect, test } from 'vitest';
import type { TestCluster } from '../world/kubernetes/api-server.ts';
import { failureOf } from '../world/kubernetes/failure-of.ts';
import { eventObject, nodeObject, podObject } from '../world/kubernetes/objects.ts';
import type { CaseAnswer, CaseFile } from './case-file.ts';
import { refusal } from './make-case.ts';
import { clustersOf, serveCase } from './serve-case.ts';

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const file = (answers: readonly CaseAnswer[]): CaseFile => ({
  case: 'made by a test',
  check: 'node/disk',
  now: '2026-11-26T12:00:00Z',
  answers: [...answers],
});

const answer = (request: string, body: unknown, status = 200, from = 'cluster:lab'): CaseAnswer => ({
  from,
  request,
  status,
  body,
});

const list = (items: readonly unknown[], token?: string) => ({
  kind: 'List',
  metadata: { resourceVersion: '1', ...(token !== undefined && { continue: token }) },
  items,
});

async function serve(answers: readonly CaseAnswer[]): Promise<{ core: CoreV1Api; config: KubeConfig }> {
  cluster = await serveCase(file(answers), 'lab');
  const config = new KubeConfig();
  config.loadFromString(cluster.kubeconfig());
  return { config, core: config.makeApiClient(CoreV1Api) };
}

/** The token for the next page. */
function tokenOf({ metadata }: { readonly metadata?: V1ListMeta }): string | undefined {
  const { _continue: token } = metadata ?? {};
  return token;
}

const pods = (...names: readonly string[]) =>
  names.map((name) => podObject(name, { namespace: name.startsWith('dns') ? 'kube-system' : 'shop' }));
const namesOf = ({
  items,
}: {
  readonly items: readonly { readonly metadata?: { readonly name?: string } }[];
}) => items.map(({ metadata }) => metadata?.name);

test('a whole list supports paging and selectors', async () => {
  const { core } = await serve([answer('GET /api/v1/pods', list(pods('a', 'b', 'dns', 'c'), ''))]);
  const first = await core.listPodForAllNamespaces({ limit: 3 });
  expect(namesOf(first)).toEqual(['a', 'b', 'dns']);
  const rest = await core.listPodForAllNamespaces({ limit: 3, _continue: tokenOf(first)! });
  expect(namesOf(rest)).toEqual(['c']);
  expect(tokenOf(rest) ?? '').toBe('');
  expect(namesOf(await core.listNamespacedPod({ namespace: 'kube-system' }))).toEqual(['dns']);
});

test('pages in the file are served unchanged, even in the list of a namespace', async () => {
  const expired = { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410, metadata: {} };
  const { core } = await serve([
    answer('GET /api/v1/pods?limit=2', list(pods('a', 'dns'), 'T1')),
    answer('GET /api/v1/pods?limit=2&continue=T1', expired, 410),
  ]);
  expect(tokenOf(await core.listPodForAllNamespaces({ limit: 500 }))).toBe('T1');
  expect((await failureOf(core.listPodForAllNamespaces({ limit: 500, _continue: 'T1' }))).code).toBe(410);
  const part = await core.listNamespacedPod({ namespace: 'kube-system' });
  expect([namesOf(part), tokenOf(part)]).toEqual([['dns'], 'T1']);
  await expect(core.listPodForAllNamespaces({ _continue: 'T2' })).rejects.toMatchObject({ code: 404 });
});

test('several responses to one request are sent in order, and the last one repeats', async () => {
  const { core } = await serve([
    answer('GET /api/v1/pods', { kind: 'Status', code: 500 }, 500),
    answer('GET /api/v1/pods', list(pods('a'))),
  ]);
  expect((await failureOf(core.listPodForAllNamespaces())).code).toBe(500);
  expect(namesOf(await core.listPodForAllNamespaces())).toEqual(['a']);
  expect(namesOf(await core.listPodForAllNamespaces())).toEqual(['a']);
});

test('a list that is not in the file is empty, and anything else gets 404', async () => {
  const { core } = await serve([answer('GET /api/v1/nodes', list([nodeObject('node-a')]))]);
  expect(namesOf(await core.listEventForAllNamespaces())).toEqual([]);
  await expect(core.connectGetNodeProxyWithPath({ name: 'node-a', path: 'configz' })).rejects.toMatchObject({
    code: 404,
  });
  expect((await core.readNode({ name: 'node-a' })).metadata?.name).toBe('node-a');
  expect((await failureOf(core.readNode({ name: 'absent' }))).code).toBe(404);
});

test('the namespace lists in the file make up the list of the cluster', async () => {
  const { core } = await serve([answer('GET /api/v1/namespaces/kube-system/pods', list(pods('dns')))]);
  expect(namesOf(await core.listPodForAllNamespaces())).toEqual(['dns']);
  expect(namesOf(await core.listNamespacedPod({ namespace: 'kube-system' }))).toEqual(['dns']);
});

test('selectors are applied, and rejected if the API server would reject them', async () => {
  const events = [eventObject('node-a', { reason: 'X' }), eventObject('pod-a', { kind: 'Pod', reason: 'Y' })];
  const { core } = await serve([answer('GET /api/v1/events', list(events))]);
  const { items } = await core.listEventForAllNamespaces({ fieldSelector: 'involvedObject.kind=Node' });
  expect(items.map(({ reason }) => reason)).toEqual(['X']);
  expect((await failureOf(core.listEventForAllNamespaces({ fieldSelector: 'count=1' }))).code).toBe(400);
});

test('a request that gets 403 in the file is also denied in an access review', async () => {
  const { config, core } = await serve([
    answer('GET /api/v1/nodes', list([nodeObject('node-a')])),
    {
      from: 'cluster:lab',
      request: 'GET /api/v1/nodes/node-a/proxy/configz',
      ...refusal('nodes "node-a" is forbidden'),
    },
    {
      from: 'cluster:lab',
      request: 'GET /api/v1/pods',
      ...refusal(
        'pods is forbidden: User "u" cannot list resource "pods" in API group "" at the cluster scope',
      ),
    },
  ]);
  const auth = config.makeApiClient(AuthorizationV1Api);
  const mayI = async (verb: string, resource: string, subresource?: string) => {
    const resourceAttributes = { verb, resource, ...(subresource !== undefined && { subresource }) };
    const review = await auth.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } });
    return review.status?.allowed;
  };
  expect(await mayI('get', 'nodes', 'proxy')).toBe(false);
  expect(await mayI('list', 'pods')).toBe(false);
  expect(await mayI('list', 'nodes')).toBe(true);
  expect(await mayI('patch', 'nodes')).toBe(true);
  const { message } = await failureOf(core.listNamespacedPod({ namespace: 'shop' }));
  expect(message).toMatch(/in the namespace "shop"$/);
});

test('EndpointSlices are only served in the version that is in the file, and Rollouts if the file has any', async () => {
  const statusesWith = async (path: string): Promise<readonly unknown[]> => {
    const { config } = await serve([answer(`GET ${path}`, list([]))]);
    const api = config.makeApiClient(CustomObjectsApi);
    for (const [group, version, plural] of [
      ['discovery.k8s.io', 'v1', 'endpointslices'],
      ['discovery.k8s.io', 'v1beta1', 'endpointslices'],
      ['argoproj.io', 'v1alpha1', 'rollouts'],
    ] as const)
      await api.listNamespacedCustomObject({ group, version, plural, namespace: 'shop' }).catch(() => {});
    const statuses = cluster?.asked.map(({ status }) => status) ?? [];
    await cluster?.close();
    return statuses;
  };

  expect(await statusesWith('/apis/discovery.k8s.io/v1beta1/namespaces/shop/endpointslices')).toEqual([
    404, 200, 404,
  ]);
  expect(await statusesWith('/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices')).toEqual([
    200, 404, 404,
  ]);
  expect(await statusesWith('/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts')).toEqual([200, 200, 200]);
});

test('responses of engines are ignored', () => {
  expect(
    clustersOf(
      file([answer('GET /info', {}, 200, 'engine:ci'), answer('GET /version', {}, 200, 'cluster:a')]),
    ),
  ).toEqual(['a']);
});
