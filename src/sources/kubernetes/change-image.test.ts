import { expect, onTestFinished, test } from 'vitest';
import { startCluster, type TestCluster, WRENCH } from '../../../test/world/kubernetes/api-server.ts';
import { startDeploymentController } from '../../../test/world/kubernetes/deployment-controller.ts';
import { openLab } from '../../../test/world/kubernetes/open-source.ts';
import type { ApiObject } from '../../../test/world/kubernetes/resources.ts';
import { type PodTemplate, workloadObject } from '../../../test/world/kubernetes/workloads.ts';
import type { Cluster, ClusterWriter, ImageChange } from '../../ports/clusters.ts';

const { signal } = new AbortController();
const approved = { idempotencyKey: 'm0123456789abcdef', signal };
const PATH = '/apis/apps/v1/namespaces/shop/deployments/web';
const FROM = 'registry.example/harbour/web:latest';
const TO = `registry.example/harbour/web@sha256:${'a1'.repeat(32)}`;
const CHANGE: ImageChange = {
  workload: { kind: 'Deployment', namespace: 'shop', name: 'web', uid: 'uid-web' },
  container: 'app',
  from: FROM,
  to: TO,
};

const web = (request: Parameters<typeof workloadObject>[1] = {}) =>
  workloadObject('web', {
    namespace: 'shop',
    uid: 'uid-web',
    containers: [
      { name: 'proxy', image: 'registry.example/proxy:7' },
      { name: 'app', image: FROM },
    ],
    ...request,
  });

interface Opened {
  readonly server: TestCluster;
  readonly writer: ClusterWriter;
  readonly cluster: Cluster;
  readonly template: () => PodTemplate;
}

async function open(
  object: ApiObject = web(),
  plural: 'deployments' | 'statefulsets' | 'daemonsets' = 'deployments',
): Promise<Opened> {
  const server = await startCluster({ [plural]: [object] });
  onTestFinished(server.close);
  const { writer, cluster } = await openLab(server.kubeconfig(), { timeoutMs: 2_000, allow: { pin: {} } });
  return {
    server,
    writer: writer!,
    cluster,
    template: () => (server.find(plural, 'web', 'shop')!['spec'] as { template: PodTemplate }).template,
  };
}

const patches = ({ asked }: TestCluster) => asked.filter(({ method }) => method === 'PATCH');
const images = ({ spec }: PodTemplate) => spec.containers.map(({ image }) => image);

test('replaces the image of one container, once for a remediation', async () => {
  const { server, writer, template } = await open();

  await writer.changeImage(CHANGE, approved);
  await writer.changeImage(CHANGE, approved);

  expect(images(template())).toEqual(['registry.example/proxy:7', TO]);
  expect(template().metadata?.annotations).toEqual({ 'wrench/pinned-by': approved.idempotencyKey });
  expect(patches(server)).toMatchObject([
    { path: `${PATH}?fieldManager=wrench`, contentType: 'application/strategic-merge-patch+json' },
  ]);
  expect(JSON.parse(patches(server)[0]!.body!)).toMatchObject({
    metadata: { uid: 'uid-web', resourceVersion: '1' },
  });
});

test('its pods are replaced', async () => {
  const { server, writer } = await open(web({ replicas: 2 }));
  startDeploymentController(server, { nodes: ['node-a', 'node-b'] });
  const before = server.list('pods').map(({ metadata }) => metadata.name);

  await writer.changeImage(CHANGE, approved);

  const after = server.list('pods');
  expect(after.map(({ spec }) => images({ spec } as unknown as PodTemplate)[1])).toEqual([TO, TO]);
  expect(after.filter(({ metadata }) => before.includes(metadata.name))).toEqual([]);
});

test.each([
  ['StatefulSet', 'statefulsets'],
  ['DaemonSet', 'daemonsets'],
] as const)('a %s too, and an init container', async (kind, plural) => {
  const initContainers = [{ name: 'app', image: FROM }];
  const containers = [{ name: 'main', image: 'registry.example/main:1' }];
  const { writer, template } = await open(web({ initContainers, containers }), plural);

  await writer.changeImage({ ...CHANGE, workload: { ...CHANGE.workload, kind } }, approved);

  expect(template().spec['initContainers']).toMatchObject([{ name: 'app', image: TO }]);
});

test.each([
  ['registry.example:5000/web:latest', 'registry.example:5000/web@'],
  ['registry.example:5000/web', 'registry.example:5000/web:213@'],
  ['web', 'web@'],
  [`web:7@sha256:${'b2'.repeat(32)}`, 'web@'],
])('the repository of %s is that of %s', async (from, name) => {
  const { writer, template } = await open(web({ containers: [{ name: 'app', image: from }] }));
  const to = TO.replace(/^.*@/, name);

  await writer.changeImage({ ...CHANGE, from, to }, approved);

  expect(images(template())).toEqual([to]);
});

test.each([
  'registry.example/harbour/web:213',
  'registry.example/harbour/web@sha256:a1',
  `registry.example/harbour/web@md5:${'a1'.repeat(32)}`,
  `@sha256:${'a1'.repeat(32)}`,
  `${TO}\n`,
  TO.replace('web', 'webs'),
  TO.replace('registry.example', 'registry.example:5000'),
  TO.replace('harbour/', ''),
  `a b@sha256:${'a1'.repeat(32)}`,
])(
  'an image without a digest, or of another repository, is refused before anything is sent: %j',
  async (to) => {
    const { server, writer, cluster } = await open();

    await expect(writer.changeImage({ ...CHANGE, to }, approved)).rejects.toMatchObject({ kind: 'refused' });
    await expect(cluster.tryImageChange({ ...CHANGE, to }, { signal })).rejects.toMatchObject({
      kind: 'refused',
    });
    expect(server.asked).toEqual([]);
  },
);

test.each<[string, Partial<ImageChange>, RegExp]>([
  [
    'another image by now',
    { from: 'registry.example/harbour/web:stable' },
    /is now .*:latest, not .*:stable/,
  ],
  ['no such container', { container: 'gone' }, /no longer has the container gone/],
  ['another workload', { workload: { ...CHANGE.workload, uid: 'uid-2' } }, /replaced by another one/],
  ['no workload', { workload: { ...CHANGE.workload, name: 'gone' } }, /no longer exists/],
])('with %s, nothing is changed', async (_, known, message) => {
  const { server, writer } = await open();

  await expect(writer.changeImage({ ...CHANGE, ...known }, approved)).rejects.toMatchObject({
    kind: 'missing',
    message: expect.stringMatching(message) as string,
  });
  expect(patches(server)).toEqual([]);
});

test('one that is paused is refused, and so is a ReplicaSet', async () => {
  const { server, writer } = await open(web({ paused: true }));
  const ofReplicaSet: ImageChange = { ...CHANGE, workload: { ...CHANGE.workload, kind: 'ReplicaSet' } };

  for (const change of [CHANGE, ofReplicaSet])
    await expect(writer.changeImage(change, approved)).rejects.toMatchObject({ kind: 'refused' });
  expect(patches(server)).toEqual([]);
});

test('one that changes between the read and the patch is read again, and its new image is respected', async () => {
  const { server, writer, template } = await open();
  let done: () => void = () => {};
  const onWait = () => {
    const other = web({ containers: [{ name: 'app', image: 'registry.example/harbour/web:213' }] });
    server.save('deployments', other);
    done();
  };
  const until = new Promise<void>((resolve) => (done = resolve));
  server.fail({ path: PATH, method: 'PATCH', until, onWait }, 1);

  await expect(writer.changeImage(CHANGE, approved)).rejects.toMatchObject({
    kind: 'missing',
    message: expect.stringContaining('is now registry.example/harbour/web:213') as string,
  });
  expect(images(template())).toEqual(['registry.example/harbour/web:213']);
});

test('a conflict is tried again, and a lost response is read back instead of sent again', async () => {
  const { server, writer, template } = await open();
  server.fail({ path: PATH, method: 'PATCH', status: 409, body: { kind: 'Status' } }, 1);
  server.fail({ path: PATH, method: 'PATCH', lose: 'answer' }, 1);

  await writer.changeImage(CHANGE, approved);

  expect(patches(server)).toHaveLength(2);
  expect(images(template())).toContain(TO);
});

test('an outcome that is unknown says so', async () => {
  const { server, writer } = await open();
  server.fail({ path: PATH, method: 'PATCH', lose: 'request' });

  await expect(writer.changeImage(CHANGE, approved)).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('it is unknown whether the Deployment shop/web was changed') as string,
  });
});

test('a dry run changes nothing, and shows what admission makes of it', async () => {
  const { server, cluster, template } = await open();

  await cluster.tryImageChange(CHANGE, { signal });
  expect(images(template())).toContain(FROM);
  expect(patches(server)[0]?.path).toBe(`${PATH}?dryRun=All&fieldManager=wrench`);

  const message = 'admission webhook "policy.example" denied the request: only signed images';
  server.fail({ path: PATH, method: 'PATCH', status: 403, body: { kind: 'Status', message } }, 1);
  await expect(cluster.tryImageChange(CHANGE, { signal })).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('only signed images') as string,
  });
  server.fail({ path: PATH, method: 'PATCH', status: 200, body: { kind: 'Deployment', ...web() } }, 1);
  await expect(cluster.tryImageChange(CHANGE, { signal })).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining(`is ${FROM}, not ${TO}`) as string,
  });
});

test('whether it is allowed depends on the configuration and on RBAC in its namespace', async () => {
  const { server, cluster } = await open();
  const ask = (one: Cluster) => one.pinPermission({ signal, namespace: 'shop' });
  expect(await ask(cluster)).toEqual({ allowed: true, managed: false });
  const managing = await openLab(server.kubeconfig(), { allow: { pin: { managed: true } } });
  expect(await ask(managing.cluster)).toEqual({ allowed: true, managed: true });

  server.allow(WRENCH, [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'patch'] }]);
  expect(await ask(cluster)).toEqual({
    allowed: false,
    because: 'the credential for changing images lacks `get statefulsets.apps` in the namespace shop',
  });
  const { cluster: other, writer } = await openLab(server.kubeconfig(), { allow: { restart: {} } });
  const because = '`allow.pin` is not configured for the source lab';
  expect(await ask(other)).toEqual({ allowed: false, because });
  await expect(writer!.changeImage(CHANGE, approved)).rejects.toMatchObject({ message: because });
  await expect(other.tryImageChange(CHANGE, { signal })).rejects.toMatchObject({ message: because });
});
