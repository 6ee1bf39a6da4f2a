import { expect, onTestFinished, test } from 'vitest';
import {
  type ClusterOptions,
  startCluster,
  type TestCluster,
} from '../../../test/world/kubernetes/api-server.ts';
import {
  daemonSetObject,
  eventObject,
  nodeObject,
  podObject,
} from '../../../test/world/kubernetes/objects.ts';
import { openLab, readAll } from '../../../test/world/kubernetes/open-source.ts';
import type { Cluster } from '../../ports/clusters.ts';
import type { ReadProgress } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';

const { signal } = new AbortController();

async function openCluster(
  options: ClusterOptions,
  config: object = {},
): Promise<{ readonly server: TestCluster; readonly cluster: Cluster }> {
  const server = await startCluster(options);
  onTestFinished(server.close);
  const { cluster } = await openLab(server.kubeconfig(), config);
  return { server, cluster };
}

const pods = { count: 1_200, make: (index: number) => podObject(`pod-${index}`, { namespace: 'shop' }) };
const names = (items: readonly { readonly name: string }[]) => items.map(({ name }) => name);
const all = Array.from({ length: pods.count }, (_, index) => `pod-${index}`);

const page = (body: unknown) => ({ status: 200, body });

test('lists come in pages of 500', async () => {
  const { server, cluster } = await openCluster({ pods });

  expect(names((await readAll(cluster.pods({ signal }))).items)).toEqual(all);
  expect(server.asked.map(({ path }) => new URL(path, server.url).searchParams.get('limit'))).toEqual([
    '500',
    '500',
    '500',
  ]);
});

test('nodes come in pages of 100, because each is large', async () => {
  const nodes = { count: 150, make: (index: number) => nodeObject(`node-${index}`) };
  const { server, cluster } = await openCluster({ nodes });

  expect((await readAll(cluster.nodes({ signal }))).items).toHaveLength(150);
  expect(server.asked.map(({ path }) => new URL(path, server.url).searchParams.get('limit'))).toEqual([
    '100',
    '100',
  ]);
});

test('reports how many of a list were read, and how many remain', async () => {
  const nodes = { count: 250, make: (index: number) => nodeObject(`node-${index}`) };
  const { cluster } = await openCluster({ nodes });
  const reported: ReadProgress[] = [];

  await readAll(cluster.nodes({ signal, onProgress: (progress) => reported.push(progress) }));

  expect(reported).toEqual([
    { read: 100, of: 250, unit: 'nodes' },
    { read: 200, of: 250, unit: 'nodes' },
    { read: 250, unit: 'nodes' },
  ]);
});

test('an empty list is one empty page', async () => {
  const { cluster } = await openCluster({});

  const pages: number[] = [];
  for await (const page of cluster.nodes({ signal })) pages.push(page.length);

  expect(pages).toEqual([0]);
});

test('a namespace, events about one kind and the DaemonSets of a namespace', async () => {
  const { cluster } = await openCluster({
    pods: [podObject('a', { namespace: 'x' }), podObject('b', { namespace: 'y' })],
    events: [
      eventObject('node-a', { reason: 'FreeDiskSpaceFailed', count: 7 }),
      eventObject('pod-a', { kind: 'Pod', reason: 'Evicted' }),
    ],
    daemonsets: [daemonSetObject('kube-proxy', { image: 'registry.k8s.io/kube-proxy:v1.33.5' })],
  });

  expect(names((await readAll(cluster.pods({ signal, namespace: 'y' }))).items)).toEqual(['b']);
  expect((await readAll(cluster.events({ signal, about: 'Node' }))).items).toEqual([
    expect.objectContaining({
      reason: 'FreeDiskSpaceFailed',
      count: 7,
      about: { kind: 'Node', name: 'node-a', uid: 'node-a' },
    }),
  ]);
  expect((await readAll(cluster.daemonSets({ signal }))).items).toEqual([
    {
      namespace: 'kube-system',
      name: 'kube-proxy',
      desired: 1,
      containers: [{ name: 'kube-proxy', image: 'registry.k8s.io/kube-proxy:v1.33.5' }],
    },
  ]);
});

test('continues with the token in a 410, and restarts without one; no item is yielded twice', async () => {
  const { server, cluster } = await openCluster({ pods });
  server.fail({ path: '/api/v1/pods', continued: true, list: 'expired-with-token' }, 1);
  server.fail({ path: '/api/v1/pods', continued: true, list: 'expired' }, 1);

  const { items, error } = await readAll(cluster.pods({ signal }));

  expect(error).toBeUndefined();
  expect(names(items)).toEqual(all);
});

test('a list that keeps expiring ends with an error that has the number of items read', async () => {
  const { server, cluster } = await openCluster({ pods });
  server.fail({ path: '/api/v1/pods', continued: true, list: 'expired' });

  const { items, error } = await readAll(cluster.pods({ signal }));

  expect(names(items)).toEqual(all.slice(0, 500));
  expect(error).toBeInstanceOf(SourceError);
  expect(error).toMatchObject({ kind: 'unreachable' });
  expect((error as Error).message).toMatch(/^only 500 pods were read: .*\(410\)$/);
  expect(server.asked).toHaveLength(6);
});

test('an empty page with an expired token, or 410 from the start, is an error, not an empty list', async () => {
  const { server, cluster } = await openCluster({ pods });
  server.fail({ path: '/api/v1/pods', list: 'empty-page' }, 1);
  server.fail({ path: '/api/v1/pods', list: 'expired' });

  const { items, error } = await readAll(cluster.pods({ signal }));

  expect(items).toEqual([]);
  expect(error).toMatchObject({ kind: 'unreachable' });
  expect(server.asked).toHaveLength(4);
});

test('a long list that restarts near its end is read completely', async () => {
  const many = { count: 125 * 500, make: (index: number) => podObject(`pod-${index}`) };
  const { server, cluster } = await openCluster({ pods: many });
  let [pages, items] = [0, 0];

  for await (const page of cluster.pods({ signal })) {
    items += page.length;
    if (++pages === 120) server.fail({ path: '/api/v1/pods', list: 'expired' }, 1);
  }

  expect(items).toBe(many.count);
});

test('a list with remaining items but no token is incomplete', async () => {
  const server = await startCluster({
    answer: ({ path }) =>
      path === '/api/v1/pods'
        ? page({ kind: 'PodList', metadata: { remainingItemCount: 7 }, items: [podObject('pod-1')] })
        : undefined,
  });
  onTestFinished(server.close);
  const { cluster } = await openLab(server.kubeconfig());

  const { items, error } = await readAll(cluster.pods({ signal }));

  expect(names(items)).toEqual(['pod-1']);
  expect(error).toMatchObject({ kind: 'malformed' });
  expect((error as Error).message).toMatch(
    /^only 1 pod was read: .* returned part of the list of pods, without a token for the rest$/,
  );
});

test('a server that keeps sending empty pages is an error', async () => {
  const { server, cluster } = await openCluster({ pods });
  let token = 0;
  server.heal();
  const endless = await startCluster({
    answer: ({ path }) =>
      path === '/api/v1/pods'
        ? { status: 200, body: { kind: 'PodList', metadata: { continue: `t${++token}` }, items: [] } }
        : undefined,
  });
  onTestFinished(endless.close);
  const lab = await openLab(endless.kubeconfig());

  expect((await readAll(lab.cluster.pods({ signal }))).error).toMatchObject({ kind: 'malformed' });
  expect((await readAll(cluster.pods({ signal }))).items).toHaveLength(pods.count);
});

test.each([
  ['a web page', page('<html><title>Sign in</title></html>'), 'malformed', /returned a web page/],
  ['a list of another kind', page({ kind: 'Status', status: 'Success' }), 'malformed', /another kind/],
  ['no items', page({ kind: 'NodeList', metadata: {} }), 'malformed', /no `items`/],
  [
    'a list of other objects',
    page({ kind: 'PodList', metadata: {}, items: [] }),
    'malformed',
    /another kind/,
  ],
  ['a list without a kind', page({ metadata: {}, items: [] }), 'malformed', /another kind/],
  ['a table', page({ kind: 'Table', metadata: {}, rows: [] }), 'malformed', /another kind/],
  ['an empty body', page(''), 'malformed', /an empty body/],
  ['no metadata', page({ kind: 'NodeList', items: [] }), 'malformed', /no `metadata`/],
  [
    'an item without a name',
    page({ kind: 'NodeList', metadata: {}, items: [{ metadata: {} }] }),
    'malformed',
    /no name/,
  ],
  ['an item that is null', page({ kind: 'NodeList', metadata: {}, items: [null] }), 'malformed', /no name/],
  [
    'a token that is a number',
    page({ kind: 'NodeList', metadata: { continue: 7 }, items: [] }),
    'malformed',
    /token/,
  ],
  ['JSON that ends early', page('{"kind":"NodeList","items":[{"meta'), 'malformed', /not JSON/],
  ['an array', page('[]'), 'malformed', /unexpected JSON/],
  [
    '401',
    { status: 401, body: { kind: 'Status', message: 'Unauthorized' } },
    'refused',
    /does not accept the token/,
  ],
  ['403 from a proxy', { status: 403, body: '<html>blocked</html>' }, 'refused', /403 with a web page/],
  [
    '404 from a proxy',
    { status: 404, body: '<html>default backend</html>' },
    'malformed',
    /returned 404 with a web page/,
  ],
  [
    '500',
    { status: 500, body: { kind: 'Status', message: 'etcdserver: request timed out' } },
    'unreachable',
    /etcdserver/,
  ],
] as const)('%s instead of a list is an error', async (_, answer, kind, message) => {
  const server = await startCluster({
    nodes: [nodeObject('node-a')],
    answer: ({ path }) => (path === '/api/v1/nodes' ? answer : undefined),
  });
  onTestFinished(server.close);
  const { cluster } = await openLab(server.kubeconfig());

  const { items, error } = await readAll(cluster.nodes({ signal }));

  expect(items).toEqual([]);
  expect(error).toBeInstanceOf(SourceError);
  expect(error).toMatchObject({ kind });
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).not.toContain('CANARY');
});

test('items before a malformed one are yielded, and counted in the error', async () => {
  const items = [podObject('pod-1'), podObject('pod-2'), { metadata: {} }, podObject('pod-4')];
  const server = await startCluster({
    answer: ({ path }) =>
      path === '/api/v1/pods' ? page({ kind: 'PodList', metadata: {}, items }) : undefined,
  });
  onTestFinished(server.close);
  const { cluster } = await openLab(server.kubeconfig());

  const read = await readAll(cluster.pods({ signal }));

  expect(names(read.items)).toEqual(['pod-1', 'pod-2']);
  expect((read.error as Error).message).toMatch(/^only 2 pods were read: .* an item has no name$/);
});

test('a missing permission is named, and the response is not quoted', async () => {
  const server = await startCluster({ users: [{ name: 'jane', rules: [] }] });
  onTestFinished(server.close);
  const { cluster } = await openLab(server.kubeconfig());

  const errors = await Promise.all(
    [
      cluster.nodes({ signal }),
      cluster.events({ signal, about: 'Node' }),
      cluster.daemonSets({ signal }),
    ].map(async (pages) => ((await readAll<unknown>(pages)).error as Error).message),
  );

  expect(errors).toEqual([
    'permission denied (403): needs `list nodes`',
    'permission denied (403): needs `list events`',
    'permission denied (403): needs `list daemonsets.apps`',
  ]);
});

test('retries a truncated response and a lost connection', async () => {
  const { server, cluster } = await openCluster({ nodes: [nodeObject('node-a')] });
  server.fail({ path: '/api/v1/nodes', lose: 'half' }, 1);
  server.fail({ path: '/api/v1/nodes', lose: 'request' }, 1);

  expect(names((await readAll(cluster.nodes({ signal }))).items)).toEqual(['node-a']);
});

test('a response that is always truncated is an error', async () => {
  const { server, cluster } = await openCluster({ nodes: [nodeObject('node-a')] });
  server.fail({ path: '/api/v1/nodes', lose: 'half' });

  expect((await readAll(cluster.nodes({ signal }))).error).toMatchObject({ kind: 'unreachable' });
});

test('429 is retried when the server allows it', async () => {
  const { server, cluster } = await openCluster({ nodes: [nodeObject('node-a')] });
  server.fail({ path: '/api/v1/nodes', status: 429, headers: { 'retry-after': '0' } }, 1);

  expect((await readAll(cluster.nodes({ signal }))).items).toHaveLength(1);
});

test('a request that hangs ends at its timeout', async () => {
  const { server, cluster } = await openCluster({}, { timeoutMs: 500 });
  server.fail({ path: '/api/v1/nodes', until: 'closed' });

  expect((await readAll(cluster.nodes({ signal }))).error).toMatchObject({
    kind: 'unreachable',
    code: 'TIMEOUT',
  });
});

test('the signal of the caller ends a request', async () => {
  const { server, cluster } = await openCluster({});
  const controller = new AbortController();
  const reason = new Error('the check is over');
  server.fail({ path: '/api/v1/nodes', until: 'closed', onWait: () => controller.abort(reason) });

  expect((await readAll(cluster.nodes({ signal: controller.signal }))).error).toBe(reason);
});

test('the version of the API server', async () => {
  const { cluster } = await openCluster({ version: 'v1.30.8-eks-2d5f260' });

  expect(await cluster.version({ signal })).toBe('v1.30.8-eks-2d5f260');
});
