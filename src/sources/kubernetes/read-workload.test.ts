import { expect, onTestFinished, test } from 'vitest';
import { startCluster } from '../../../test/world/kubernetes/api-server.ts';
import type { Plural } from '../../../test/world/kubernetes/resources.ts';
import { openLab, readAll } from '../../../test/world/kubernetes/open-source.ts';
import type { Workload, WorkloadName } from '../../ports/clusters.ts';

const { signal } = new AbortController();
const READER = 'system:serviceaccount:wrench:reader';
const ALL = ['deployments', 'statefulsets', 'daemonsets', 'replicasets'];
const API = { namespace: 'shop', kind: 'Deployment', name: 'api' } as const;

const metadata = (name: string) => ({ name, namespace: 'shop', uid: `uid-of-${name}` });
const spec = {
  replicas: 2,
  template: { spec: { containers: [{ name: 'app', livenessProbe: { tcpSocket: { port: 80 } } }] } },
};

async function open(resources: readonly string[] = ALL) {
  const server = await startCluster({
    deployments: [{ metadata: metadata('api'), spec }],
    statefulsets: [{ metadata: metadata('zk'), spec }],
    daemonsets: [{ metadata: metadata('agent'), spec }],
    replicasets: [{ metadata: metadata('api-5f'), spec }],
    users: [{ name: READER, rules: [{ apiGroups: ['apps'], resources, verbs: ['get', 'list'] }] }],
  });
  onTestFinished(server.close);
  return { server, cluster: (await openLab(server.kubeconfig())).cluster };
}

test.each<readonly [Workload['kind'], string, Plural]>([
  ['Deployment', 'api', 'deployments'],
  ['StatefulSet', 'zk', 'statefulsets'],
  ['DaemonSet', 'agent', 'daemonsets'],
  ['ReplicaSet', 'api-5f', 'replicasets'],
])('reads one %s', async (kind, name, plural) => {
  const { server, cluster } = await open();

  expect(await cluster.workload({ kind, namespace: 'shop', name }, { signal })).toMatchObject({
    kind,
    namespace: 'shop',
    name,
    uid: `uid-of-${name}`,
    containers: [{ name: 'app', liveness: { action: 'tcp' } }],
  });
  expect(server.asked.map(({ path }) => path)).toEqual([`/apis/apps/v1/namespaces/shop/${plural}/${name}`]);
});

test('ReplicaSets are listed', async () => {
  const { cluster } = await open();

  expect((await readAll(cluster.replicaSets({ signal }))).items).toMatchObject([{ name: 'api-5f' }]);
});

test('a workload that no longer exists is missing', async () => {
  const { server, cluster } = await open();
  server.remove('deployments', 'api', 'shop');

  await expect(cluster.workload(API, { signal })).rejects.toMatchObject({
    kind: 'missing',
    message: 'the Deployment shop/api no longer exists',
  });
});

test('a missing permission is named', async () => {
  const { cluster } = await open(['replicasets']);

  await expect(cluster.workload(API, { signal })).rejects.toMatchObject({
    kind: 'refused',
    message: 'permission denied (403): needs `get deployments.apps`',
  });
});

test.each<readonly [string, unknown]>([
  ['another kind', { kind: 'List', items: [] }],
  ['another workload', { kind: 'Deployment', metadata: metadata('other'), spec }],
  [
    'one of another namespace',
    { kind: 'Deployment', metadata: { ...metadata('api'), namespace: 'x' }, spec },
  ],
  ['one without a uid', { kind: 'Deployment', metadata: { ...metadata('api'), uid: null }, spec }],
  ['a web page', '<html>'],
  ['nothing', null],
])('a response with %s is malformed', async (_, body) => {
  const { server, cluster } = await open();
  server.fail({ path: '/apis/apps/v1', status: 200, body });

  await expect(cluster.workload(API, { signal })).rejects.toMatchObject({ kind: 'malformed' });
});

test.each<Partial<WorkloadName>>([
  { name: '..' },
  { name: '../../pods' },
  { namespace: '' },
  { name: 'a%2fb' },
])('nothing is requested for an invalid name: %j', async (invalid) => {
  const { server, cluster } = await open();

  await expect(cluster.workload({ ...API, ...invalid }, { signal })).rejects.toMatchObject({
    kind: 'malformed',
  });
  expect(server.asked).toEqual([]);
});
