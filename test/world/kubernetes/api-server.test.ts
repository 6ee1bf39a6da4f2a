import {
  AuthorizationV1Api,
  CoreV1Api,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  type V1ListMeta,
} from '@kubernetes/client-node';
import { afterEach, expect, test } from 'vitest';
import { Agent, request } from 'undici';
import { type ClusterOptions, startCluster, type TestCluster, WRENCH } from './api-server.ts';
import { failureOf } from './failure-of.ts';
import { kubelet } from './kubelets.ts';
import { configBody, nodeObject, podObject, statsBody } from './objects.ts';

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

async function start(
  options: ClusterOptions = {},
): Promise<{ cluster: TestCluster; core: CoreV1Api; config: KubeConfig }> {
  cluster = await startCluster(options);
  const config = new KubeConfig();
  config.loadFromString(cluster.kubeconfig());
  return { cluster, config, core: config.makeApiClient(CoreV1Api) };
}

/** The token for the next page. */
function tokenOf({ metadata }: { readonly metadata?: V1ListMeta }): string {
  const { _continue: token } = metadata ?? {};
  return token ?? '';
}

const PODS = Array.from({ length: 7 }, (_, index) => podObject(`pod-${index}`));

test('a compaction invalidates a token, and the answer has one to continue with', async () => {
  const { cluster, core } = await start({ pods: PODS });
  const first = await core.listPodForAllNamespaces({ limit: 3 });
  cluster.compact();
  const goOn = (token: string) => core.listPodForAllNamespaces({ limit: 3, _continue: token });
  const { code, status } = await failureOf(goOn(tokenOf(first)));
  expect(code).toBe(410);
  const rest = await goOn((status['metadata'] as { continue: string }).continue);
  expect(rest.items[0]?.metadata?.name).toBe('pod-3');
});

test('a page can be empty with a token that has expired', async () => {
  const { cluster, core } = await start({ pods: PODS });
  cluster.fail({ path: '/api/v1/pods', continued: false, list: 'empty-page' });
  cluster.fail({ path: '/api/v1/pods', continued: true, list: 'expired' });
  const page = await core.listPodForAllNamespaces({ limit: 3 });
  expect(page.items).toEqual([]);
  const gone = await failureOf(core.listPodForAllNamespaces({ limit: 3, _continue: tokenOf(page) }));
  expect(gone).toMatchObject({ code: 410, status: { metadata: {} } });
});

test('objects that are created on demand are listed, and a large page is compressed', async () => {
  const make = (index: number) => podObject(`pod-${index}`, { annotations: { note: 'x'.repeat(1_000) } });
  const { cluster, core } = await start({ pods: { count: 1_200, make } });
  const first = await core.listPodForAllNamespaces({ limit: 500 });
  expect(first.items).toHaveLength(500);
  expect(first.metadata?.remainingItemCount).toBe(700);
  const response = await request(`${cluster.url}/api/v1/pods?limit=500`, {
    headers: { authorization: `Bearer ${cluster.tokenOf()}`, 'accept-encoding': 'gzip' },
    dispatcher: new Agent({ connect: { ca: cluster.ca } }),
  });
  expect(response.headers['content-encoding']).toBe('gzip');
  await response.body.dump();
});

test('the list of a namespace is a subset of the list of the cluster', async () => {
  const { core } = await start({
    pods: [podObject('api', { namespace: 'shop' }), podObject('dns', { namespace: 'kube-system' })],
  });
  const { items } = await core.listNamespacedPod({ namespace: 'shop' });
  expect(items.map(({ metadata }) => metadata?.name)).toEqual(['api']);
});

test('403 names the missing permission, and an access review agrees', async () => {
  const { config, core } = await start({
    nodes: [nodeObject('node-a')],
    users: [
      {
        name: WRENCH,
        rules: [{ apiGroups: [''], resources: ['nodes', 'nodes/stats'], verbs: ['list', 'get'] }],
      },
    ],
  });
  await core.listNode();
  const proxied = await failureOf(
    core.connectGetNodeProxyWithPath({ name: 'node-a', path: 'stats/summary' }),
  );
  expect(proxied.code).toBe(403);
  expect(proxied.message).toBe(
    `nodes "node-a" is forbidden: User "${WRENCH}" cannot get resource "nodes/proxy" in API group "" at the cluster scope`,
  );
  expect((await failureOf(core.listEventForAllNamespaces())).message).toBe(
    `events is forbidden: User "${WRENCH}" cannot list resource "events" in API group "" at the cluster scope`,
  );
  expect((await failureOf(core.listNamespacedPod({ namespace: 'shop' }))).message).toBe(
    `pods is forbidden: User "${WRENCH}" cannot list resource "pods" in API group "" in the namespace "shop"`,
  );
  const auth = config.makeApiClient(AuthorizationV1Api);
  const mayI = async (verb: string, resource: string, subresource = '') => {
    const resourceAttributes = { verb, resource, subresource };
    const review = await auth.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } });
    return review.status?.allowed;
  };
  expect(await mayI('list', 'nodes')).toBe(true);
  expect(await mayI('get', 'nodes', 'proxy')).toBe(false);
  expect(await mayI('patch', 'nodes')).toBe(false);
});

test('a rule in a namespace allows nothing elsewhere', async () => {
  const rule = { apiGroups: ['apps'], resources: ['daemonsets'], verbs: ['list'], namespace: 'kube-system' };
  const { cluster } = await start({ users: [{ name: WRENCH, rules: [rule] }] });
  const statusOf = async (path: string) => {
    const { statusCode, body } = await request(cluster.url + path, {
      headers: { authorization: `Bearer ${cluster.tokenOf()}` },
      dispatcher: new Agent({ connect: { ca: cluster.ca } }),
    });
    await body.dump();
    return statusCode;
  };
  expect(await statusOf('/apis/apps/v1/namespaces/kube-system/daemonsets')).toBe(200);
  expect(await statusOf('/apis/apps/v1/namespaces/shop/daemonsets')).toBe(403);
  expect(await statusOf('/apis/apps/v1/daemonsets')).toBe(403);
});

test('an invalid token is 401, and no credentials are an anonymous user without permissions', async () => {
  const { cluster, core, config } = await start();
  cluster.renewToken();
  expect((await failureOf(core.listNode())).code).toBe(401);
  config.users[0] = { name: 'lab' };
  const { code, message } = await failureOf(config.makeApiClient(CoreV1Api).listNode());
  expect([code, message]).toEqual([
    403,
    'nodes is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "" at the cluster scope',
  ]);
});

test('a client certificate authenticates a user', async () => {
  const { cluster, config } = await start({ nodes: [nodeObject('node-a')] });
  const { certificatePem, keyPem } = await cluster.certificateOf();
  const data = (pem: string) => Buffer.from(pem).toString('base64');
  config.users[0] = { name: 'lab', certData: data(certificatePem), keyData: data(keyPem) };
  await config.makeApiClient(CoreV1Api).listNode();
  expect(cluster.asked.at(-1)).toMatchObject({ user: WRENCH, status: 200 });
});

const as = (type: string) => setHeaderOptions('Content-Type', type);

test('a patch cordons a node and changes nothing else', async () => {
  const taints = [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }];
  const { cluster, core } = await start({
    nodes: [nodeObject('node-a', { taints, labels: { pool: 'blue' } })],
  });
  const body = {
    metadata: { annotations: { 'wrench/cordoned-by': 'r1' } },
    spec: { unschedulable: true, taints: [{ key: 'other', effect: 'NoExecute' }] },
  };
  await core.patchNode({ name: 'node-a', body }, as(PatchStrategy.StrategicMergePatch));
  expect(cluster.find('nodes', 'node-a')).toMatchObject({
    spec: { unschedulable: true, taints: [...taints, { key: 'other', effect: 'NoExecute' }] },
    metadata: { annotations: { 'wrench/cordoned-by': 'r1' }, labels: { pool: 'blue' } },
  });
});

test('a value of the wrong type is rejected', async () => {
  const { core } = await start({ nodes: [nodeObject('node-a')] });
  const body = { spec: { unschedulable: 'yes' } };
  const refused = await failureOf(core.patchNode({ name: 'node-a', body }, as(PatchStrategy.MergePatch)));
  expect(refused.code).toBe(422);
});

test('the probe of a running pod cannot be changed', async () => {
  const { core } = await start({ pods: [podObject('etcd-node-a', { namespace: 'kube-system' })] });
  const body = { spec: { containers: [{ name: 'app', livenessProbe: { failureThreshold: 24 } }] } };
  const { code, message } = await failureOf(
    core.patchNamespacedPod(
      { name: 'etcd-node-a', namespace: 'kube-system', body },
      as(PatchStrategy.StrategicMergePatch),
    ),
  );
  expect(code).toBe(422);
  expect(message).toMatch(/^Pod "etcd-node-a" is invalid: spec: Forbidden: pod updates may not change/);
});

test('a kubelet that cannot be reached is 503 through the API server', async () => {
  const { core } = await start({
    nodes: [nodeObject('node-a'), nodeObject('node-b')],
    kubelets: { 'node-a': kubelet({ config: configBody() }) },
  });
  const ask = (name: string, path: string) => core.connectGetNodeProxyWithPath({ name, path });
  expect((await failureOf(ask('node-b', 'configz'))).code).toBe(503);
  expect((await failureOf(ask('absent', 'configz'))).message).toBe('nodes "absent" not found');
  await expect(ask('node-a', 'stats/summary')).rejects.toMatchObject({ code: 404 });
});

const DIRECT = { apiGroups: [''], resources: ['nodes/stats', 'nodes/configz'], verbs: ['get'] };

/** Sends a request to a kubelet at its own port. */
async function askKubelet(
  { find, tokenOf, ca }: TestCluster,
  node: string,
  path: string,
  token = tokenOf(),
): Promise<{ readonly status: number; readonly text: string }> {
  const { daemonEndpoints } = find('nodes', node)!['status'] as {
    daemonEndpoints: { kubeletEndpoint: { Port: number } };
  };
  const { statusCode, body } = await request(
    `https://127.0.0.1:${daemonEndpoints.kubeletEndpoint.Port}${path}`,
    { headers: { authorization: `Bearer ${token}` }, dispatcher: new Agent({ connect: { ca } }) },
  );
  return { status: statusCode, text: await body.text() };
}

test('a kubelet that is asked directly checks other permissions', async () => {
  const { cluster } = await start({
    nodes: [nodeObject('node-a'), nodeObject('old', { kubeletVersion: 'v1.32.1' })],
    kubelets: (name) => kubelet({ stats: statsBody(name), config: configBody() }),
    kubeletsListen: true,
    users: [{ name: WRENCH, rules: [DIRECT] }],
  });
  const stats = await askKubelet(cluster, 'node-a', '/stats/summary');
  expect(JSON.parse(stats.text)).toMatchObject({ node: { nodeName: 'node-a' } });
  expect((await askKubelet(cluster, 'node-a', '/configz')).status).toBe(200);
  expect(await askKubelet(cluster, 'node-a', '/pods')).toEqual({
    status: 403,
    text: `Forbidden (user=${WRENCH}, verb=get, resource=nodes, subresource(s)=[pods proxy])\n`,
  });
  expect(await askKubelet(cluster, 'old', '/configz')).toEqual({
    status: 403,
    text: `Forbidden (user=${WRENCH}, verb=get, resource=nodes, subresource=proxy)\n`,
  });
  expect((await askKubelet(cluster, 'node-a', '/stats/summary', 'wrong')).status).toBe(401);
});

test('a kubelet with a self-signed certificate is not trusted, and one that is down refuses connections', async () => {
  const stats = statsBody('node');
  const { cluster } = await start({
    nodes: [nodeObject('own'), nodeObject('down')],
    kubelets: {
      own: kubelet({ stats }, { certificate: 'own' }),
      down: kubelet({ stats }, { unreachable: true }),
    },
    kubeletsListen: true,
  });
  await expect(askKubelet(cluster, 'own', '/stats/summary')).rejects.toThrow('self-signed certificate');
  await expect(askKubelet(cluster, 'down', '/stats/summary')).rejects.toThrow('ECONNREFUSED');
});

test('faults affect only matching requests, for the given number of times', async () => {
  const { cluster, core } = await start({ nodes: [nodeObject('node-a')], pods: PODS });
  cluster.fail({ path: '/api/v1/nodes', status: 429, headers: { 'retry-after': '1' }, body: 'slow down' }, 1);
  await expect(core.listNode()).rejects.toMatchObject({ code: 429, body: 'slow down' });
  await core.listNode();
  cluster.fail({ path: '/api/v1/pods', status: 200, body: '<html>Sign in</html>' });
  await core.listNode();
  // The client parses an HTML page as a list without items.
  expect((await core.listPodForAllNamespaces()).items).toBeUndefined();
  cluster.heal();
  cluster.fail({ path: '/api/v1/pods', lose: 'half' }, 1);
  await expect(core.listPodForAllNamespaces()).rejects.toThrow('terminated');
  cluster.fail({ path: '/api/v1/pods', lose: 'request' }, 1);
  await expect(core.listPodForAllNamespaces()).rejects.toThrow('fetch failed');
  expect((await core.listPodForAllNamespaces()).items).toHaveLength(7);
  expect(cluster.asked.map(({ status }) => status)).toEqual([429, 200, 200, 200, 0, 0, 200]);
});

test('a request can hang until the client gives up', async () => {
  const { cluster } = await start();
  const waiting = Promise.withResolvers<void>();
  cluster.fail({ path: '/version', until: 'closed', onWait: () => waiting.resolve() });
  const abort = new AbortController();
  const hanging = request(`${cluster.url}/version`, {
    signal: abort.signal,
    dispatcher: new Agent({ connect: { ca: cluster.ca } }),
  });
  await waiting.promise;
  abort.abort();
  await expect(hanging).rejects.toThrow('aborted');
});
