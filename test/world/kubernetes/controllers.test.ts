import { AppsV1Api, CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { expect, onTestFinished, test } from 'vitest';
import { type ClusterOptions, startCluster, type TestCluster } from './api-server.ts';
import { startDaemonSetController } from './daemon-set-controller.ts';
import { startDeploymentController } from './deployment-controller.ts';
import { startEndpointController } from './endpoint-controller.ts';
import type { ApiObject } from './resources.ts';
import { serviceObject } from './services.ts';
import { startKubelet } from './simulated-kubelet.ts';
import { startStatefulSetController } from './stateful-set-controller.ts';
import { workloadObject } from './workloads.ts';

const STRATEGIC = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch);
const WEB = { name: 'web', namespace: 'shop' };
const NODES = ['node-a', 'node-b'];
const NEW_IMAGE = { spec: { template: { spec: { containers: [{ name: 'app', image: 'app:2' }] } } } };

interface Started {
  readonly cluster: TestCluster;
  readonly apps: AppsV1Api;
  readonly core: CoreV1Api;
  /** `web-0 app:1`, in order. */
  readonly pods: () => readonly string[];
}

async function start(options: ClusterOptions): Promise<Started> {
  const cluster = await startCluster(options);
  onTestFinished(cluster.close);
  startKubelet(cluster, {
    now: () => new Date(),
    addressOf: ({ name }) => `10.0.0.${name.length}`,
    imageIdOf: (image, { node }) => `${image}@${node}`,
  });
  startDeploymentController(cluster, { nodes: NODES });
  startStatefulSetController(cluster, { nodes: NODES });
  startDaemonSetController(cluster, { nodes: NODES });
  startEndpointController(cluster);
  const config = new KubeConfig();
  config.loadFromString(cluster.kubeconfig());
  const pods = () =>
    cluster
      .list('pods')
      .map(({ metadata, spec }) => `${metadata.name} ${(spec as Spec).containers[0].image}`)
      .toSorted();
  return { cluster, apps: config.makeApiClient(AppsV1Api), core: config.makeApiClient(CoreV1Api), pods };
}

interface Spec {
  readonly containers: readonly [{ readonly image: string }];
}

const web = (spec: object = {}): ApiObject => {
  const object = workloadObject('web', {
    namespace: 'shop',
    replicas: 3,
    containers: [{ name: 'app', image: 'app:1' }],
  });
  return { ...object, spec: { ...(object['spec'] as object), ...spec } };
};

test('a Deployment reports its revision, its ready pods and its progress', async () => {
  const { cluster, apps } = await start({ deployments: [web()] });
  const deployment = () => cluster.find('deployments', 'web', 'shop');
  expect(deployment()).toMatchObject({
    metadata: { annotations: { 'deployment.kubernetes.io/revision': '1' } },
    status: {
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      conditions: [{ type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' }],
    },
  });

  await apps.patchNamespacedDeployment({ ...WEB, body: NEW_IMAGE }, STRATEGIC);
  expect(deployment()?.metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '2' });
  const back = { spec: { template: { spec: { containers: [{ name: 'app', image: 'app:1' }] } } } };
  await apps.patchNamespacedDeployment({ ...WEB, body: back }, STRATEGIC);

  expect(deployment()?.metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '3' });
  expect(
    cluster
      .list('replicasets')
      .map(({ spec, status }) => [
        (spec as { readonly replicas: number }).replicas,
        (status as { readonly readyReplicas: number }).readyReplicas,
      ]),
  ).toEqual([
    [3, 3],
    [0, 0],
  ]);
});

test('a StatefulSet replaces its pods under the same names, from the partition on', async () => {
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } };
  const { cluster, apps, pods } = await start({ statefulsets: [web({ updateStrategy })] });
  expect(pods()).toEqual(['web-0 app:1', 'web-1 app:1', 'web-2 app:1']);

  await apps.patchNamespacedStatefulSet({ ...WEB, body: NEW_IMAGE }, STRATEGIC);
  expect(pods()).toEqual(['web-0 app:1', 'web-1 app:1', 'web-2 app:2']);
  expect(cluster.find('statefulsets', 'web', 'shop')?.['status']).toMatchObject({
    observedGeneration: 2,
    replicas: 3,
    updatedReplicas: 1,
    readyReplicas: 3,
  });
  // Below the partition, a pod comes back as it was.
  cluster.remove('pods', 'web-0', 'shop');
  expect(pods()[0]).toBe('web-0 app:1');

  const body = { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } };
  await apps.patchNamespacedStatefulSet({ ...WEB, body }, STRATEGIC);
  expect(pods()).toEqual(['web-0 app:2', 'web-1 app:2', 'web-2 app:2']);
  const { currentRevision, updateRevision } = cluster.find('statefulsets', 'web', 'shop')![
    'status'
  ] as Record<string, unknown>;
  expect(currentRevision).toBe(updateRevision);
  expect(cluster.list('controllerrevisions')).toHaveLength(2);
});

test.each(['statefulsets', 'daemonsets'] as const)(
  'with OnDelete, %s replace only pods that are deleted',
  async (plural) => {
    const { cluster, apps, core, pods } = await start({
      [plural]: [web({ replicas: 2, updateStrategy: { type: 'OnDelete' } })],
    });
    if (plural === 'statefulsets')
      await apps.patchNamespacedStatefulSet({ ...WEB, body: NEW_IMAGE }, STRATEGIC);
    else await apps.patchNamespacedDaemonSet({ ...WEB, body: NEW_IMAGE }, STRATEGIC);
    expect(pods().map((one) => one.slice(-1))).toEqual(['1', '1']);

    const [first] = cluster.list('pods');
    await core.deleteNamespacedPod({ name: first!.metadata.name, namespace: 'shop' });
    expect(
      pods()
        .map((one) => one.slice(-1))
        .toSorted(),
    ).toEqual(['1', '2']);
  },
);

test('a DaemonSet has one pod on each node, and replaces all of them', async () => {
  const { cluster, apps } = await start({ daemonsets: [web()] });
  const onNodes = () =>
    cluster
      .list('pods')
      .map(({ spec }) => (spec as Spec & { readonly nodeName: string }).nodeName)
      .toSorted();
  const before = cluster.list('pods').map(({ metadata }) => metadata.uid);
  expect(onNodes()).toEqual(NODES);

  await apps.patchNamespacedDaemonSet({ ...WEB, body: NEW_IMAGE }, STRATEGIC);

  expect(onNodes()).toEqual(NODES);
  expect(cluster.list('pods').filter(({ metadata }) => before.includes(metadata.uid))).toEqual([]);
  expect(cluster.find('daemonsets', 'web', 'shop')?.['status']).toMatchObject({
    desiredNumberScheduled: 2,
    updatedNumberScheduled: 2,
    numberReady: 2,
  });
});

test('the endpoints of a Service follow its pods, and one that is being deleted still serves', async () => {
  const { cluster, core } = await start({
    services: [serviceObject('web', { namespace: 'shop' })],
    statefulsets: [web({ replicas: 2 })],
    stopsGracefully: true,
  });
  const endpoints = () =>
    cluster.find('endpointslices', 'web-slice', 'shop')?.['endpoints'] as readonly {
      readonly conditions: object;
      readonly targetRef: { readonly name: string };
    }[];
  const READY = { ready: true, serving: true, terminating: false };
  expect(endpoints().map(({ conditions, targetRef }) => [targetRef.name, conditions])).toEqual([
    ['web-0', READY],
    ['web-1', READY],
  ]);

  await core.deleteNamespacedPod({ name: 'web-1', namespace: 'shop' });
  expect(endpoints()[1]?.conditions).toEqual({ ready: false, serving: true, terminating: true });
  cluster.remove('pods', 'web-1', 'shop');
  expect(endpoints().map(({ conditions }) => conditions)).toEqual([READY, READY]);
});

test('a kubelet reports the address of a pod and the image that its node runs', async () => {
  const { cluster } = await start({ statefulsets: [web({ replicas: 1 })] });

  expect(cluster.find('pods', 'web-0', 'shop')?.['status']).toMatchObject({
    podIP: '10.0.0.5',
    containerStatuses: [{ imageID: 'app:1@node-a' }],
  });
});
