import { expect, onTestFinished, test } from 'vitest';
import { startCluster, type TestCluster } from '../../../test/world/kubernetes/api-server.ts';
import { nodeObject } from '../../../test/world/kubernetes/objects.ts';
import { openLab, readAll, saveFile } from '../../../test/world/kubernetes/open-source.ts';
import type { ClusterNode, ClusterWriter } from '../../ports/clusters.ts';

const { signal } = new AbortController();
const approved = { idempotencyKey: 'm0123456789abcdef', signal };
const NODE = { name: 'node-a', uid: 'uid-a' };
const READ = [{ apiGroups: [''], resources: ['nodes', 'pods', 'events'], verbs: ['list'] }];
const CORDON = [{ apiGroups: [''], resources: ['nodes'], verbs: ['get', 'patch'] }];

async function open(node: Parameters<typeof nodeObject>[1] = {}): Promise<{
  readonly server: TestCluster;
  readonly writer: ClusterWriter;
  readonly read: () => Promise<ClusterNode>;
}> {
  const server = await startCluster({ nodes: [nodeObject('node-a', { uid: 'uid-a', ...node })] });
  onTestFinished(server.close);
  const { cluster, writer } = await openLab(server.kubeconfig(), { allow: { cordon: {} } });
  const read = async () => (await readAll(cluster.nodes({ signal }))).items[0]!;
  return { server, writer: writer!, read };
}

const patches = ({ asked }: TestCluster) => asked.filter(({ method }) => method === 'PATCH');

test('cordons with the id of the remediation, and uncordons; each only once', async () => {
  const { server, writer, read } = await open();

  await writer.cordon(NODE, approved);
  await writer.cordon(NODE, approved);
  expect(await read()).toMatchObject({ unschedulable: true, cordonedBy: approved.idempotencyKey });
  expect(patches(server)).toHaveLength(1);
  expect(patches(server)[0]).toMatchObject({ contentType: 'application/merge-patch+json' });

  await writer.uncordon(NODE, approved);
  await writer.uncordon(NODE, approved);
  expect(await read()).toMatchObject({ unschedulable: false });
  expect(await read()).not.toHaveProperty('cordonedBy');
  expect(patches(server)).toHaveLength(2);
});

test('another node with the same name is not changed', async () => {
  const { server, writer } = await open();
  const before = { ...NODE, uid: 'uid-before' };

  await expect(writer.cordon(before, approved)).rejects.toMatchObject({ kind: 'missing' });
  await expect(writer.uncordon(before, approved)).rejects.toMatchObject({ kind: 'missing' });
  await expect(writer.cordon({ ...NODE, name: 'node-b' }, approved)).rejects.toMatchObject({
    kind: 'missing',
  });
  expect(patches(server)).toEqual([]);
});

test('a node that is replaced between the read and the patch is not changed', async () => {
  const { server, writer, read } = await open();
  let replaced: () => void = () => {};
  server.fail(
    {
      path: '/api/v1/nodes/node-a',
      method: 'PATCH',
      until: new Promise<void>((resolve) => (replaced = resolve)),
      onWait: () => {
        server.remove('nodes', 'node-a');
        server.put('nodes', nodeObject('node-a', { uid: 'uid-new' }));
        replaced();
      },
    },
    1,
  );

  await expect(writer.cordon(NODE, approved)).rejects.toMatchObject({ kind: 'missing' });
  expect(await read()).toMatchObject({ uid: 'uid-new', unschedulable: false });
});

test('a cordon by someone else is neither annotated nor removed', async () => {
  const { server, writer } = await open({ unschedulable: true });

  await expect(writer.cordon(NODE, approved)).rejects.toMatchObject({ kind: 'refused' });
  await expect(writer.uncordon(NODE, approved)).rejects.toMatchObject({ kind: 'refused' });
  expect(patches(server)).toEqual([]);
});

test('an annotation left behind after someone uncordoned the node is replaced', async () => {
  const { writer, read } = await open({ annotations: { 'wrench/cordoned-by': 'mold' } });
  expect(await read()).not.toHaveProperty('cordonedBy');

  await writer.cordon(NODE, approved);

  expect(await read()).toMatchObject({ cordonedBy: approved.idempotencyKey });
});

test('a node that changed in between is read again', async () => {
  const { server, writer, read } = await open();
  server.fail(
    {
      path: '/api/v1/nodes/node-a',
      method: 'PATCH',
      status: 409,
      body: { kind: 'Status', message: 'conflict' },
    },
    2,
  );

  await writer.cordon(NODE, approved);

  expect(await read()).toMatchObject({ unschedulable: true });
});

test('RBAC forbids it', async () => {
  const { server, writer } = await open();
  server.allow('system:serviceaccount:ops:wrench', [
    { apiGroups: [''], resources: ['nodes'], verbs: ['get'] },
  ]);

  await expect(writer.cordon(NODE, approved)).rejects.toMatchObject({
    kind: 'refused',
    message: 'permission denied (403): needs `patch nodes`',
  });
});

const PATCH = { path: '/api/v1/nodes/node-a', method: 'PATCH' };

test('if the response to the patch is lost, reading the node again shows the change', async () => {
  const { server, writer, read } = await open();
  server.fail({ ...PATCH, lose: 'answer' }, 1);

  await writer.cordon(NODE, approved);

  expect(await read()).toMatchObject({ cordonedBy: approved.idempotencyKey });
  expect(patches(server)).toHaveLength(1);
});

test.each([
  ['a patch without a response', { until: 'closed' }, { code: 'TIMEOUT' }],
  ['a lost connection', { lose: 'request' }, {}],
  ['a gateway timeout', { status: 504, body: '<html>Gateway Timeout</html>' }, {}],
  ['an API server without etcd', { status: 500, body: { kind: 'Status', message: 'etcd timed out' } }, {}],
] as const)('%s: the error says that the outcome is unknown', async (_, fault, also) => {
  const server = await startCluster({ nodes: [nodeObject('node-a', { uid: 'uid-a' })] });
  onTestFinished(server.close);
  const { writer } = await openLab(server.kubeconfig(), { allow: { cordon: {} }, timeoutMs: 2_000 });
  server.fail({ ...PATCH, ...fault });

  const error = await writer!.cordon(NODE, approved).catch((failure: unknown) => failure);

  expect(error).toMatchObject({ name: 'SourceError', kind: 'unreachable', ...also });
  expect(String(error)).toMatch(/; it is unknown whether node-a was changed$/);
  expect(patches(server).length).toBeLessThanOrEqual(1);
});

test.each([
  ['an unchanged node', nodeObject('node-a', { uid: 'uid-a' })],
  ['an empty object', {}],
  [
    'the cordon of another remediation',
    nodeObject('node-a', {
      uid: 'uid-a',
      unschedulable: true,
      annotations: { 'wrench/cordoned-by': 'mother' },
    }),
  ],
])('a 200 with %s is an error', async (_, body) => {
  const { server, writer } = await open();
  server.fail({ ...PATCH, status: 200, body });

  await expect(writer.cordon(NODE, approved)).rejects.toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining('accepted the patch of the node node-a but did not apply it') as string,
  });
});

test('endless conflicts are an error', async () => {
  const { server, writer, read } = await open();
  server.fail({ ...PATCH, status: 409, body: { kind: 'Status', message: 'conflict' } });

  await expect(writer.cordon(NODE, approved)).rejects.toMatchObject({ kind: 'refused' });
  expect(await read()).toMatchObject({ unschedulable: false });
  expect(patches(server)).toHaveLength(6);
});

test('of two concurrent remediations, one cordons and the other is refused', async () => {
  const { writer, read } = await open();
  const ids = ['m000000000000000a', 'm000000000000000b'];

  const results = await Promise.allSettled(
    ids.map((idempotencyKey) => writer.cordon(NODE, { idempotencyKey, signal })),
  );

  const won = results.findIndex(({ status }) => status === 'fulfilled');
  expect(results[1 - won]).toMatchObject({ status: 'rejected', reason: { kind: 'refused' } });
  expect(await read()).toMatchObject({ cordonedBy: ids[won] });
});

test('a node that is deleted between the read and the patch', async () => {
  const { server, writer } = await open();
  server.fail({ ...PATCH, status: 404, body: { kind: 'Status', message: 'nodes "node-a" not found' } });

  await expect(writer.cordon(NODE, approved)).rejects.toMatchObject({ kind: 'missing' });
});

test('a 404 from a proxy does not mean that the node no longer exists', async () => {
  const { server, writer } = await open();
  server.fail({ path: '/api/v1/nodes/node-a', status: 404, body: '<html>default backend</html>' });

  await expect(writer.cordon(NODE, approved)).rejects.toMatchObject({ kind: 'malformed' });
});

test('a separate credential is used only for changes', async () => {
  const server = await startCluster({
    nodes: [nodeObject('node-a', { uid: 'uid-a' })],
    users: [
      { name: 'reader', rules: READ },
      { name: 'actor', rules: CORDON },
    ],
  });
  onTestFinished(server.close);
  const kubeconfig = await saveFile('acting', server.kubeconfig({ user: 'actor' }));
  const { cluster, writer } = await openLab(server.kubeconfig({ user: 'reader' }), {
    allow: { cordon: { kubeconfig } },
  });

  expect(await cluster.cordonPermission({ signal })).toEqual({ allowed: true });
  await writer!.cordon(NODE, approved);
  expect((await readAll(cluster.nodes({ signal }))).items[0]).toMatchObject({ unschedulable: true });
  expect(server.asked.map(({ method, user }) => `${method} ${user}`)).toEqual([
    'POST actor',
    'POST actor',
    'GET actor',
    'PATCH actor',
    'GET reader',
  ]);
});

test('cordoning requires both the configuration and the permissions', async () => {
  const server = await startCluster({ users: [{ name: 'reader', rules: READ }] });
  onTestFinished(server.close);
  const none = await openLab(server.kubeconfig());
  const allowed = await openLab(server.kubeconfig(), { allow: { cordon: {} } });

  expect(none.writer).toBeUndefined();
  expect(await none.cluster.cordonPermission({ signal })).toEqual({
    allowed: false,
    because: '`allow.cordon` is not configured for the source lab',
  });
  expect(await allowed.cluster.cordonPermission({ signal })).toEqual({
    allowed: false,
    because: 'the credential for cordoning lacks `get nodes`',
  });
});

test('the doctor: version, nodes, and missing permissions', async () => {
  const server = await startCluster({
    nodes: [nodeObject('node-a'), nodeObject('node-b')],
    users: [{ name: 'reader', rules: READ }],
  });
  onTestFinished(server.close);
  const { source } = await openLab(server.kubeconfig(), { kubelets: 'proxy' });

  expect(await source.healthCheck(signal)).toEqual({ ok: true, summary: 'Kubernetes v1.33.5, 2 nodes' });
  expect(await source.permissions!(signal)).toContainEqual({
    method: 'kubeletStats',
    permission: 'get nodes/proxy',
    allowed: false,
    alsoAllows: 'run commands in every container',
    hint: expect.stringContaining('deploy/kubernetes/rbac/kubelet-proxy.yaml') as string,
  });

  server.allow('reader', []);
  expect(await source.healthCheck(signal)).toEqual({ ok: true, summary: 'Kubernetes v1.33.5' });
});
