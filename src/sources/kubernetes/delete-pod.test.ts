import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type ClusterOptions,
  startCluster,
  type TestCluster,
} from '../../../test/world/kubernetes/api-server.ts';
import { podObject } from '../../../test/world/kubernetes/objects.ts';
import { saveFile } from '../../../test/world/kubernetes/open-source.ts';
import type { ClusterWriter } from '../../ports/clusters.ts';
import { kubernetesConfig } from './config.ts';
import { openConnection } from './connection.ts';
import { openPodWriter } from './delete-pod.ts';

const { signal } = new AbortController();
const approved = { idempotencyKey: 'm0123456789abcdef', signal };
const POD = { namespace: 'shop', name: 'web-1', uid: 'uid-1' };
const PATH = '/api/v1/namespaces/shop/pods/web-1';
const DELETE = { path: PATH, method: 'DELETE' };

type PodRequest = Parameters<typeof podObject>[1];

const evicted = (request: PodRequest = {}) =>
  podObject(POD.name, {
    namespace: POD.namespace,
    uid: POD.uid,
    phase: 'Failed',
    reason: 'Evicted',
    message: 'The node was low on resource: memory.',
    owner: { kind: 'ReplicaSet', name: 'web' },
    ...request,
  });

async function open(
  pod = evicted(),
  options: ClusterOptions = {},
): Promise<{
  readonly server: TestCluster;
  readonly writer: Pick<ClusterWriter, 'deletePod' | 'deleteRunningPod'>;
  readonly isThere: () => boolean;
}> {
  const server = await startCluster({ pods: [pod], ...options });
  onTestFinished(server.close);
  const kubeconfig = await saveFile('kubeconfig', server.kubeconfig());
  const config = kubernetesConfig.parse({ kind: 'kubernetes', name: 'lab', kubeconfig, timeoutMs: 2_000 });
  const connection = openConnection(config, config, undefined);
  onTestFinished(connection.close);
  return {
    server,
    writer: openPodWriter('lab', connection),
    isThere: () => server.find('pods', POD.name, POD.namespace) !== undefined,
  };
}

const deletions = ({ asked }: TestCluster) => asked.filter(({ method }) => method === 'DELETE');

test('deletes the version of an evicted pod that was read, at once; and only once', async () => {
  const { server, writer, isThere } = await open();

  await writer.deletePod(POD, approved);
  await writer.deletePod(POD, approved);

  expect(isThere()).toBe(false);
  expect(deletions(server)).toHaveLength(1);
  const { path, body } = deletions(server)[0]!;
  expect(path).toBe(`${PATH}?gracePeriodSeconds=0`);
  expect(JSON.parse(body!)).toMatchObject({ preconditions: { uid: POD.uid, resourceVersion: '1' } });
});

test.each([
  ['a running pod', { phase: 'Running', reason: '' }, 'has not failed'],
  ['a running pod with a stale reason', { phase: 'Running' }, 'has not failed'],
  ['a pod that failed by itself', { reason: '' }, 'was not evicted'],
  ['a pod of a node that was shut down', { reason: 'Terminated' }, 'was not evicted'],
  [
    'the mirror of a static pod',
    { annotations: { 'kubernetes.io/config.mirror': '9a1f' } },
    'is the mirror of a static pod',
  ],
  ['a pod of a node', { owner: { kind: 'Node', name: 'node-a' } }, 'is the mirror of a static pod'],
  ['a bare pod', { owner: undefined }, 'has no controller that replaces it'],
] as readonly (readonly [string, PodRequest, string])[])('%s is not deleted', async (_, request, because) => {
  const { server, writer, isThere } = await open(evicted(request));

  await expect(writer.deletePod(POD, approved)).rejects.toMatchObject({
    kind: 'refused',
    message: `the pod shop/web-1 ${because}, so it is not deleted`,
  });
  expect(isThere()).toBe(true);
  expect(deletions(server)).toEqual([]);
});

test('another pod with the same name is not deleted', async () => {
  const { server, writer, isThere } = await open(evicted({ uid: 'uid-2' }));

  await expect(writer.deletePod(POD, approved)).rejects.toMatchObject({ kind: 'missing' });
  expect(isThere()).toBe(true);
  expect(deletions(server)).toEqual([]);
});

/** Does something after the pod was read and before the deletion is processed. */
function before(server: TestCluster, happens: () => void): void {
  let done: () => void = () => {};
  server.fail(
    {
      ...DELETE,
      until: new Promise<void>((resolve) => (done = resolve)),
      onWait: () => {
        happens();
        done();
      },
    },
    1,
  );
}

test('a pod that is replaced between the read and the deletion is not deleted', async () => {
  const { server, writer, isThere } = await open();
  before(server, () => {
    server.remove('pods', POD.name, POD.namespace);
    server.put('pods', evicted({ uid: 'uid-2' }));
  });

  await expect(writer.deletePod(POD, approved)).rejects.toMatchObject({
    kind: 'missing',
    message: 'the pod shop/web-1 was replaced by another one with the same name',
  });
  expect(isThere()).toBe(true);
});

test('a pod that changes between the read and the deletion is read again', async () => {
  const { server, writer, isThere } = await open();
  before(server, () => {
    const pod = server.find('pods', POD.name, POD.namespace)!;
    server.put('pods', { ...pod, metadata: { ...pod.metadata, resourceVersion: '2' } });
  });

  await writer.deletePod(POD, approved);

  expect(isThere()).toBe(false);
  expect(deletions(server).map(({ status }) => status)).toEqual([409, 200]);
});

test('a pod that someone else deletes in between is gone', async () => {
  const { server, writer, isThere } = await open();
  before(server, () => server.remove('pods', POD.name, POD.namespace));

  await writer.deletePod(POD, approved);

  expect(isThere()).toBe(false);
  expect(deletions(server)).toHaveLength(1);
});

test('of two concurrent deletions, both succeed', async () => {
  const { writer, isThere } = await open();
  const ids = ['m000000000000000a', 'm000000000000000b'];

  await Promise.all(ids.map((idempotencyKey) => writer.deletePod(POD, { idempotencyKey, signal })));

  expect(isThere()).toBe(false);
});

test('endless conflicts are an error', async () => {
  const { server, writer, isThere } = await open();
  server.fail({ ...DELETE, status: 409, body: { kind: 'Status', message: 'conflict' } });

  await expect(writer.deletePod(POD, approved)).rejects.toMatchObject({ kind: 'refused' });
  expect(isThere()).toBe(true);
  expect(deletions(server)).toHaveLength(6);
});

test.each([
  ['lost', { lose: 'answer' }],
  ['cut off', { lose: 'half' }],
] as const)('if the response is %s, reading again shows that the pod is gone', async (_, fault) => {
  const { server, writer } = await open();
  server.fail({ ...DELETE, ...fault }, 1);

  await writer.deletePod(POD, approved);

  expect(deletions(server)).toHaveLength(1);
});

test('if the response is lost and a new pod has the name, the old one is gone', async () => {
  const { server, writer, isThere } = await open();
  server.fail({ path: PATH, method: 'GET', until: Promise.resolve() }, 1);
  server.fail(
    {
      path: PATH,
      method: 'GET',
      until: Promise.resolve(),
      onWait: () => server.put('pods', evicted({ uid: 'uid-2' })),
    },
    1,
  );
  server.fail({ ...DELETE, lose: 'answer' }, 1);

  await writer.deletePod(POD, approved);

  expect(isThere()).toBe(true);
  expect(deletions(server)).toHaveLength(1);
});

test.each([
  ['a lost connection', { lose: 'request' }],
  ['no response', { until: 'closed' }],
  ['an API server without etcd', { status: 500, body: { kind: 'Status', message: 'etcd timed out' } }],
] as const)('%s: the error says that the outcome is unknown', async (_, fault) => {
  const { server, writer, isThere } = await open();
  server.fail({ ...DELETE, ...fault });

  const error = await writer.deletePod(POD, approved).catch((failure: unknown) => failure);

  expect(error).toMatchObject({ name: 'SourceError', kind: 'unreachable' });
  expect(String(error)).toMatch(/; it is unknown whether shop\/web-1 was deleted$/);
  expect(isThere()).toBe(true);
});

test('the response may be a status', async () => {
  const { server, writer } = await open();
  server.fail({ ...DELETE, status: 200, body: { kind: 'Status', status: 'Success' } }, 1);

  await writer.deletePod(POD, approved);

  expect(deletions(server)).toHaveLength(1);
});

test.each([
  ['an empty object', {}],
  ['another pod', evicted({ uid: 'uid-2' })],
  ['a failure', { kind: 'Status', status: 'Failure' }],
])('a 200 with %s is an error', async (_, body) => {
  const { server, writer } = await open();
  server.fail({ ...DELETE, status: 200, body });

  await expect(writer.deletePod(POD, approved)).rejects.toMatchObject({ kind: 'malformed' });
});

test('a 404 from a proxy does not mean that the pod is gone', async () => {
  const { server, writer } = await open();
  server.fail({ path: PATH, status: 404, body: '<html>default backend</html>' });

  await expect(writer.deletePod(POD, approved)).rejects.toMatchObject({ kind: 'malformed' });
});

test('RBAC forbids it', async () => {
  const { server, writer } = await open();
  server.allow('system:serviceaccount:ops:wrench', [
    { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
  ]);

  await expect(writer.deletePod(POD, approved)).rejects.toMatchObject({
    kind: 'refused',
    message: 'permission denied (403): needs `delete pods`',
  });
});

test('an admission webhook denies it', async () => {
  const { server, writer } = await open();
  const message = 'admission webhook "keep.example" denied the request: you cannot delete evidence';
  server.fail({ ...DELETE, status: 403, body: { kind: 'Status', reason: 'Forbidden', message } });

  const error = await writer.deletePod(POD, approved).catch((failure: unknown) => failure);

  expect(error).toMatchObject({ kind: 'refused' });
  expect(String(error)).toContain(
    `rejected the request for the deletion of the pod shop/web-1 (403): ${message}`,
  );
});

describe('a running pod', () => {
  const running = (request: PodRequest = {}) =>
    podObject(POD.name, {
      namespace: POD.namespace,
      uid: POD.uid,
      owner: { kind: 'ReplicaSet', name: 'web' },
      ...request,
    });

  test('is deleted with its own grace period, and only once', async () => {
    const { server, writer } = await open(running(), { stopsGracefully: true });

    await writer.deleteRunningPod(POD, approved);
    await writer.deleteRunningPod(POD, approved);

    expect(server.find('pods', POD.name, POD.namespace)?.metadata).toMatchObject({
      uid: POD.uid,
      deletionGracePeriodSeconds: 30,
    });
    expect(deletions(server).map(({ path }) => path)).toEqual([PATH]);
    expect(JSON.parse(deletions(server)[0]!.body!)).toMatchObject({
      preconditions: { uid: POD.uid, resourceVersion: '1' },
    });
  });

  test('that waits for its image is deleted too; one that is gone is nothing to do', async () => {
    const { writer, isThere } = await open(running({ phase: 'Pending' }));

    await writer.deleteRunningPod(POD, approved);
    expect(isThere()).toBe(false);
    await writer.deleteRunningPod(POD, approved);
  });

  test.each([
    [{ owner: undefined }, 'has no controller that replaces it'],
    [{ owner: { kind: 'Node', name: 'node-a' } }, 'is the mirror of a static pod'],
    [{ annotations: { 'kubernetes.io/config.mirror': '9a1f' } }, 'is the mirror of a static pod'],
    [{ phase: 'Succeeded' }, 'has already ended'],
    [{ phase: 'Failed', reason: 'Evicted' }, 'has already ended'],
  ] as readonly (readonly [PodRequest, string])[])('is not deleted: %j', async (request, because) => {
    const { server, writer } = await open(running(request));

    await expect(writer.deleteRunningPod(POD, approved)).rejects.toMatchObject({
      kind: 'refused',
      message: `the pod shop/web-1 ${because}, so it is not deleted`,
    });
    expect(deletions(server)).toEqual([]);
  });

  test('with the same name as the planned one is not deleted, also if it appears in between', async () => {
    const { server, writer, isThere } = await open(running({ uid: 'uid-2' }));
    await expect(writer.deleteRunningPod(POD, approved)).rejects.toMatchObject({ kind: 'missing' });

    server.put('pods', running());
    before(server, () => server.put('pods', running({ uid: 'uid-3' })));
    await expect(writer.deleteRunningPod(POD, approved)).rejects.toMatchObject({ kind: 'missing' });
    expect(isThere()).toBe(true);
  });

  test('is deleted once if the response is lost: it is then being deleted', async () => {
    const { server, writer } = await open(running(), { stopsGracefully: true });
    server.fail({ ...DELETE, lose: 'answer' }, 1);

    await writer.deleteRunningPod(POD, approved);

    expect(deletions(server)).toHaveLength(1);
  });
});
