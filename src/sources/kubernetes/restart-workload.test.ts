import { expect, onTestFinished, test } from 'vitest';
import { startCluster, type TestCluster, WRENCH } from '../../../test/world/kubernetes/api-server.ts';
import { startDeploymentController } from '../../../test/world/kubernetes/deployment-controller.ts';
import { openLab } from '../../../test/world/kubernetes/open-source.ts';
import type { ApiObject } from '../../../test/world/kubernetes/resources.ts';
import { type PodTemplate, workloadObject } from '../../../test/world/kubernetes/workloads.ts';
import type { Cluster, ClusterWriter } from '../../ports/clusters.ts';

const { signal } = new AbortController();
const approved = { idempotencyKey: 'm0123456789abcdef', signal };
const WEB = { kind: 'Deployment', namespace: 'shop', name: 'web', uid: 'uid-web' } as const;
const PATH = '/apis/apps/v1/namespaces/shop/deployments/web';

const web = (request: Parameters<typeof workloadObject>[1] = {}) =>
  workloadObject('web', { namespace: 'shop', uid: 'uid-web', ...request });

interface Opened {
  readonly server: TestCluster;
  readonly writer: ClusterWriter;
  readonly cluster: Cluster;
  readonly annotations: () => Readonly<Record<string, string>> | undefined;
}

async function open(
  object: ApiObject = web(),
  plural: 'deployments' | 'statefulsets' | 'daemonsets' = 'deployments',
): Promise<Opened> {
  const server = await startCluster({ [plural]: [object] });
  onTestFinished(server.close);
  const { writer, cluster } = await openLab(server.kubeconfig(), {
    timeoutMs: 2_000,
    allow: { restart: {} },
  });
  return {
    server,
    writer: writer!,
    cluster,
    annotations: () =>
      (server.find(plural, 'web', 'shop')!['spec'] as { readonly template: PodTemplate }).template.metadata
        ?.annotations,
  };
}

const patches = ({ asked }: TestCluster) => asked.filter(({ method }) => method === 'PATCH');

test('restarts as `kubectl rollout restart` does, once for a remediation', async () => {
  const { server, writer, annotations } = await open(web({ templateAnnotations: { team: 'shop' } }));

  await writer.restartWorkload(WEB, approved);
  await writer.restartWorkload(WEB, approved);

  expect(annotations()).toEqual({
    team: 'shop',
    'kubectl.kubernetes.io/restartedAt': expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
    'wrench/restarted-by': approved.idempotencyKey,
  });
  expect(patches(server)).toMatchObject([
    { path: `${PATH}?fieldManager=wrench`, contentType: 'application/strategic-merge-patch+json' },
  ]);
  expect(JSON.parse(patches(server)[0]!.body!)).toMatchObject({
    metadata: { uid: 'uid-web', resourceVersion: '1' },
  });
});

test('another remediation restarts it again', async () => {
  const { server, writer, annotations } = await open();

  await writer.restartWorkload(WEB, approved);
  await writer.restartWorkload(WEB, { idempotencyKey: 'mother', signal });

  expect(patches(server)).toHaveLength(2);
  expect(annotations()).toMatchObject({ 'wrench/restarted-by': 'mother' });
});

test('its pods are replaced', async () => {
  const { server, writer } = await open(web({ replicas: 2 }));
  startDeploymentController(server, { nodes: ['node-a'] });
  const podsOf = () => server.list('pods').map(({ metadata }) => metadata.name);
  const before = podsOf();

  await writer.restartWorkload(WEB, approved);

  expect(podsOf()).toHaveLength(2);
  expect(podsOf().filter((name) => before.includes(name))).toEqual([]);
});

test.each([
  ['StatefulSet', 'statefulsets'],
  ['DaemonSet', 'daemonsets'],
] as const)('a %s too', async (kind, plural) => {
  const { writer, annotations } = await open(web(), plural);

  await writer.restartWorkload({ ...WEB, kind }, approved);

  expect(annotations()).toHaveProperty('wrench/restarted-by');
});

test('one that a GitOps tool manages is restarted if it is asked for', async () => {
  const { writer, annotations } = await open(
    web({ annotations: { 'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:shop/web' } }),
  );

  await writer.restartWorkload(WEB, approved);

  expect(annotations()).toHaveProperty('wrench/restarted-by');
});

const withSpec = (spec: object) => {
  const object = web();
  return { ...object, spec: { ...(object['spec'] as object), ...spec } };
};
const refused: readonly (readonly [string, ApiObject, 'deployments' | 'statefulsets', string])[] = [
  ['is paused', web({ paused: true }), 'deployments', 'is paused'],
  [
    'replaces its pods only when they are deleted',
    withSpec({ updateStrategy: { type: 'OnDelete' } }),
    'statefulsets',
    'delete them one by one',
  ],
  [
    'would replace only some of its pods',
    withSpec({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } }),
    'statefulsets',
    'only pods from number 2 on',
  ],
];
test.each(refused)('one that %s is refused', async (_, object, plural, because) => {
  const { server, writer } = await open(object, plural);
  const kind = plural === 'deployments' ? 'Deployment' : 'StatefulSet';

  await expect(writer.restartWorkload({ ...WEB, kind }, approved)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining(because) as string,
  });
  expect(patches(server)).toEqual([]);
});

test('a ReplicaSet is refused, because its pods would stay', async () => {
  const { server, writer } = await open();

  await expect(writer.restartWorkload({ ...WEB, kind: 'ReplicaSet' }, approved)).rejects.toMatchObject({
    kind: 'refused',
  });
  expect(server.asked).toEqual([]);
});

test('one that was created again, deleted, or is being deleted is missing', async () => {
  const { server, writer } = await open();
  const missing = { kind: 'missing' };

  await expect(writer.restartWorkload({ ...WEB, uid: 'uid-2' }, approved)).rejects.toMatchObject(missing);
  const object = server.find('deployments', 'web', 'shop')!;
  const metadata = { ...object.metadata, deletionTimestamp: '2026-11-26T12:00:00Z' };
  server.save('deployments', { ...object, metadata });
  await expect(writer.restartWorkload(WEB, approved)).rejects.toMatchObject(missing);
  server.remove('deployments', 'web', 'shop');
  await expect(writer.restartWorkload(WEB, approved)).rejects.toMatchObject(missing);
  expect(patches(server)).toEqual([]);
});

test('a conflict is tried again, and a lost response is read back instead of sent again', async () => {
  const { server, writer } = await open();
  server.fail({ path: PATH, method: 'PATCH', status: 409, body: { kind: 'Status' } }, 1);
  server.fail({ path: PATH, method: 'PATCH', lose: 'answer' }, 1);

  await writer.restartWorkload(WEB, approved);

  expect(patches(server)).toHaveLength(2);
});

test('an outcome that is unknown says so', async () => {
  const { server, writer } = await open();
  server.fail({ path: PATH, method: 'PATCH', lose: 'request' });

  await expect(writer.restartWorkload(WEB, approved)).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('it is unknown whether the Deployment shop/web was restarted') as string,
  });
});

test('whether it is allowed depends on the configuration and on RBAC in its namespace', async () => {
  const { server, cluster } = await open();
  const ask = () => cluster.restartPermission({ signal, namespace: 'shop' });
  expect(await ask()).toEqual({ allowed: true, managed: false });

  server.allow(WRENCH, [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'patch'] }]);
  expect(await ask()).toEqual({
    allowed: false,
    because: 'the credential for restarting workloads lacks `get statefulsets.apps` in the namespace shop',
  });
  const { cluster: other, writer } = await openLab(server.kubeconfig(), { allow: { cordon: {} } });
  const because = '`allow.restart` is not configured for the source lab';
  expect(await other.restartPermission({ signal, namespace: 'shop' })).toEqual({ allowed: false, because });
  await expect(writer!.restartWorkload(WEB, approved)).rejects.toMatchObject({ message: because });
});
