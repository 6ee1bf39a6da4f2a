import { expect, onTestFinished, test } from 'vitest';
import type { Rule } from '../../../test/world/kubernetes/access.ts';
import {
  type ClusterOptions,
  startCluster,
  type TestCluster,
  WRENCH,
} from '../../../test/world/kubernetes/api-server.ts';
import { openLab, readAll } from '../../../test/world/kubernetes/open-source.ts';
import { workloadObject } from '../../../test/world/kubernetes/workloads.ts';
import type { Cluster } from '../../ports/clusters.ts';

const { signal } = new AbortController();
const SHOP = { signal, namespace: 'shop' };
const ARGO = '/apis/argoproj.io/v1alpha1';
const APPS: Rule = {
  apiGroups: ['apps'],
  resources: ['deployments', 'statefulsets', 'daemonsets', 'replicasets'],
  verbs: ['list'],
};

const one = (name: string, namespace = 'shop') => workloadObject(name, { namespace });
const ALL: ClusterOptions = {
  deployments: [one('api'), one('other', 'pay')],
  statefulsets: [one('db')],
  daemonsets: [one('agent')],
  replicasets: [one('api-7c9d')],
};

async function open(
  options: ClusterOptions,
  config: object = {},
): Promise<{ readonly server: TestCluster; readonly cluster: Cluster }> {
  const server = await startCluster(options);
  onTestFinished(server.close);
  return { server, cluster: (await openLab(server.kubeconfig(), config)).cluster };
}

async function read(
  cluster: Cluster,
): Promise<{ readonly names: readonly string[]; readonly error?: unknown }> {
  const { items, ...failed } = await readAll(cluster.rollouts(SHOP));
  return { names: items.map(({ kind, name }) => `${kind} ${name}`), ...failed };
}

const OF_APPS = ['Deployment api', 'StatefulSet db', 'DaemonSet agent', 'ReplicaSet api-7c9d'];

test('everything in one namespace that creates pods', async () => {
  const { server, cluster } = await open({ ...ALL, rollouts: [one('web')] });

  expect(await read(cluster)).toEqual({ names: [...OF_APPS, 'Rollout web'] });
  expect(server.asked).toHaveLength(5);
  expect(server.asked.every(({ path }) => path.includes('/namespaces/shop/'))).toBe(true);
});

test('a cluster without Argo Rollouts has none', async () => {
  const { cluster } = await open(ALL);

  expect(await read(cluster)).toEqual({ names: OF_APPS });
});

test('without Argo Rollouts, the missing permission for them does not matter', async () => {
  const { server, cluster } = await open(ALL);
  server.allow(WRENCH, [APPS]);

  expect(await read(cluster)).toEqual({ names: OF_APPS });
  // Argo CD and Argo Workflows have the same group.
  const resources = [{ name: 'applications', kind: 'Application', namespaced: true }];
  server.fail({ path: `${ARGO}/namespaces`, status: 403, body: { kind: 'Status', message: 'no' } });
  server.fail({ path: ARGO, status: 200, body: { kind: 'APIResourceList', resources } });
  expect(await read(cluster)).toEqual({ names: OF_APPS });
});

test('with Argo Rollouts, the missing permission is named after everything else', async () => {
  const { server, cluster } = await open({ ...ALL, rollouts: [one('web')] });
  server.allow(WRENCH, [APPS]);

  expect(await read(cluster)).toMatchObject({
    names: OF_APPS,
    error: { kind: 'refused', message: 'permission denied (403): needs `list rollouts.argoproj.io`' },
  });
});

test.each([
  ['a server that does not list its APIs', { status: 403, body: { kind: 'Status', message: 'no' } }],
  ['a list of APIs without resources', { status: 200, body: { kind: 'APIResourceList' } }],
])('%s may have Argo Rollouts', async (_, answer) => {
  const { server, cluster } = await open(ALL);
  server.allow(WRENCH, [APPS]);
  server.fail({ path: `${ARGO}/namespaces`, status: 403, body: { kind: 'Status', message: 'no' } });
  server.fail({ path: ARGO, ...answer });

  expect(await read(cluster)).toMatchObject({ names: OF_APPS, error: { kind: 'refused' } });
});

test('a list that is refused does not keep the others from being read', async () => {
  const { server, cluster } = await open(ALL);
  server.allow(WRENCH, [{ ...APPS, resources: ['deployments', 'replicasets'] }]);

  expect(await read(cluster)).toMatchObject({
    names: ['Deployment api', 'ReplicaSet api-7c9d'],
    error: { kind: 'refused', message: 'permission denied (403): needs `list statefulsets.apps`' },
  });
});

test('after a list that does not respond, the others are not tried', async () => {
  const { server, cluster } = await open(ALL, { timeoutMs: 500 });
  server.fail({ path: '/apis/apps/v1/namespaces/shop/statefulsets', until: 'closed' });

  expect(await read(cluster)).toMatchObject({ names: ['Deployment api'], error: { kind: 'unreachable' } });
  expect(server.asked.some(({ path }) => path.includes('daemonsets'))).toBe(false);
});

test('long lists come in pages, and a list of another kind is an error', async () => {
  const replicasets = { count: 1_100, make: (at: number) => one(`api-${at}`) };
  const { server, cluster } = await open({ replicasets });
  expect((await read(cluster)).names).toHaveLength(1_100);

  const body = { kind: 'Table', metadata: {}, rows: [] };
  server.fail({ path: '/apis/apps/v1/namespaces/shop/deployments', status: 200, body });
  expect(await read(cluster)).toMatchObject({ error: { kind: 'malformed' } });
});

test('a namespace that would change the request is refused before it is sent', async () => {
  const { server, cluster } = await open({});
  const { error } = await readAll(cluster.rollouts({ signal, namespace: '../kube-system' }));

  expect(error).toMatchObject({ kind: 'malformed' });
  expect(server.asked).toEqual([]);
});
