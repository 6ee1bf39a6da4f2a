import { expect, onTestFinished, test } from 'vitest';
import type { Rule } from '../../../test/world/kubernetes/access.ts';
import { startCluster, type TestCluster } from '../../../test/world/kubernetes/api-server.ts';
import { nodeObject, podObject } from '../../../test/world/kubernetes/objects.ts';
import { openLab, saveFile } from '../../../test/world/kubernetes/open-source.ts';
import type { ProbeChange } from '../../ports/clusters.ts';

const { signal } = new AbortController();
const approved = { idempotencyKey: 'm0123456789abcdef', signal };
const READER = 'system:serviceaccount:wrench:wrench-worker';
const ACTOR = 'system:serviceaccount:wrench:wrench-act';

const READ: readonly Rule[] = [{ apiGroups: [''], resources: ['nodes', 'pods'], verbs: ['list'] }];
const POD = { namespace: 'shop', name: 'api-1', uid: 'uid-1' };
const WORKLOADS = ['deployments', 'statefulsets', 'daemonsets'];
const CHANGE: ProbeChange = {
  workload: { kind: 'Deployment', namespace: 'shop', name: 'api', uid: 'uid-api' },
  container: 'app',
  probe: 'liveness',
  field: 'failureThreshold',
  from: 3,
  to: 6,
};

/** @param act the rules of the second account. */
async function start(
  act: readonly Rule[],
): Promise<{ readonly server: TestCluster; readonly acting: string }> {
  const server = await startCluster({
    nodes: [nodeObject('node-a', { uid: 'uid-a' })],
    pods: [
      podObject('api-1', {
        namespace: 'shop',
        uid: 'uid-1',
        phase: 'Failed',
        reason: 'Evicted',
        owner: { kind: 'ReplicaSet', name: 'api' },
      }),
    ],
    users: [
      { name: READER, rules: READ },
      { name: ACTOR, rules: act },
    ],
  });
  onTestFinished(server.close);
  return { server, acting: await saveFile('acting', server.kubeconfig({ user: ACTOR })) };
}

const reviewsBy = ({ asked }: TestCluster) =>
  asked.filter(({ path }) => path.endsWith('selfsubjectaccessreviews')).map(({ user }) => user);

test('without `allow`, nothing can be changed and each permission names its key', async () => {
  const { server } = await start([]);
  const { cluster, writer } = await openLab(server.kubeconfig());
  const because = (act: string) => ({
    allowed: false,
    because: `\`allow.${act}\` is not configured for the source lab`,
  });

  expect(writer).toBeUndefined();
  expect(await cluster.cordonPermission({ signal })).toEqual(because('cordon'));
  expect(await cluster.removePermission({ signal, namespace: 'shop' })).toEqual(because('remove'));
  expect(await cluster.adjustPermission({ signal, namespace: 'shop' })).toEqual(because('adjust'));
  expect(await cluster.pinPermission({ signal, namespace: 'shop' })).toEqual(because('pin'));
  await expect(cluster.tryProbeChange(CHANGE, { signal })).rejects.toMatchObject({
    kind: 'refused',
    message: because('adjust').because,
  });
  expect(server.asked).toEqual([]);
});

test('a method that `allow` does not permit is refused, even if RBAC would allow it', async () => {
  const { server, acting } = await start([{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]);
  const { writer } = await openLab(server.kubeconfig(), { allow: { remove: { kubeconfig: acting } } });
  const node = { name: 'node-a', uid: 'uid-a' };

  await expect(writer!.cordon(node, approved)).rejects.toMatchObject({
    kind: 'refused',
    message: '`allow.cordon` is not configured for the source lab',
  });
  await expect(writer!.uncordon(node, approved)).rejects.toMatchObject({ kind: 'refused' });
  await expect(writer!.changeProbe(CHANGE, approved)).rejects.toMatchObject({
    kind: 'refused',
    message: '`allow.adjust` is not configured for the source lab',
  });
  expect(server.asked).toEqual([]);
  await writer!.deletePod(POD, approved);
  expect(server.asked.map(({ method, user }) => [method, user])).toEqual([
    ['GET', ACTOR],
    ['DELETE', ACTOR],
  ]);
});

test('a Role in one namespace is enough there, and the missing permission elsewhere is named', async () => {
  const rules = (namespace: string): readonly Rule[] => [
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'delete'], namespace },
    { apiGroups: ['apps'], resources: WORKLOADS, verbs: ['get', 'patch'], namespace },
  ];
  const { server, acting } = await start(rules('shop'));
  const { cluster } = await openLab(server.kubeconfig(), {
    allow: { remove: { kubeconfig: acting }, adjust: { kubeconfig: acting, managed: true } },
  });

  expect(await cluster.removePermission({ signal, namespace: 'shop' })).toEqual({
    allowed: true,
    running: false,
  });
  expect(await cluster.adjustPermission({ signal, namespace: 'shop' })).toEqual({
    allowed: true,
    managed: true,
  });
  expect(await cluster.removePermission({ signal, namespace: 'media' })).toEqual({
    allowed: false,
    because: 'the credential for deleting pods lacks `get pods` in the namespace media',
  });
  server.allow(ACTOR, [
    ...rules('shop'),
    { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
    { apiGroups: ['apps'], resources: WORKLOADS, verbs: ['get'] },
    { apiGroups: ['apps'], resources: ['deployments'], verbs: ['patch'] },
  ]);
  expect(await cluster.removePermission({ signal, namespace: 'media' })).toMatchObject({
    because: 'the credential for deleting pods lacks `delete pods` in the namespace media',
  });
  expect(await cluster.adjustPermission({ signal, namespace: 'media' })).toEqual({
    allowed: false,
    because: 'the credential for changing probes lacks `patch statefulsets.apps` in the namespace media',
  });
  expect(new Set(reviewsBy(server))).toEqual(new Set([ACTOR]));
});

test('workloads that a GitOps tool manages need an option of their own', async () => {
  const { server, acting } = await start([
    { apiGroups: ['apps'], resources: WORKLOADS, verbs: ['get', 'patch'] },
  ]);
  const { cluster } = await openLab(server.kubeconfig(), { allow: { adjust: { kubeconfig: acting } } });

  expect(await cluster.adjustPermission({ signal, namespace: 'shop' })).toEqual({
    allowed: true,
    managed: false,
  });
});

test('running pods need an option of their own', async () => {
  const { server, acting } = await start([{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]);
  const { writer } = await openLab(server.kubeconfig(), { allow: { remove: { kubeconfig: acting } } });
  await expect(writer!.deleteRunningPod(POD, approved)).rejects.toMatchObject({
    kind: 'refused',
    message: '`allow.remove.running` is not configured for the source lab',
  });
  expect(server.asked).toEqual([]);

  const remove = { kubeconfig: acting, running: true };
  const running = await openLab(server.kubeconfig(), { allow: { remove } });
  expect(await running.cluster.removePermission({ signal, namespace: 'shop' })).toEqual({
    allowed: true,
    running: true,
  });
  await expect(running.writer!.deleteRunningPod(POD, approved)).rejects.toThrow('has already ended');
});

test('`{}` uses the credential for reading', async () => {
  const { server } = await start([]);
  server.allow(READER, [...READ, { apiGroups: [''], resources: ['pods'], verbs: ['get', 'delete'] }]);
  const { cluster, writer } = await openLab(server.kubeconfig(), { allow: { remove: {} } });

  expect(await cluster.removePermission({ signal, namespace: 'shop' })).toEqual({
    allowed: true,
    running: false,
  });
  await writer!.deletePod(POD, approved);
  expect(new Set(server.asked.map(({ user }) => user))).toEqual(new Set([READER]));
});

test('the doctor reviews each credential with its own account', async () => {
  const { server, acting } = await start([
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'delete'] },
    { apiGroups: [''], resources: ['nodes'], verbs: ['patch'] },
  ]);
  const { source } = await openLab(server.kubeconfig(), { allow: { remove: { kubeconfig: acting } } });

  const permissions = (await source.permissions!(signal)).filter(
    ({ credential }) => credential !== undefined,
  );

  expect(permissions).toEqual([
    { credential: 'allow.remove', method: 'remove', permission: 'get pods', allowed: true },
    { credential: 'allow.remove', method: 'remove', permission: 'delete pods', allowed: true },
    {
      credential: 'allow.remove',
      permission: 'patch nodes',
      allowed: true,
      hint: 'use an account with only the roles in deploy/kubernetes/rbac that this source needs',
    },
  ]);
});
