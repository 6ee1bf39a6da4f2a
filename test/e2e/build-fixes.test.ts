import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { buildsConfig } from '../../src/sources/builds/config.ts';
import { kubernetesConfig } from '../../src/sources/kubernetes/config.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { freePort } from '../world/free-port.ts';
import { readRoles } from '../world/kubernetes/access.ts';
import { startCluster, type TestCluster, WRENCH } from '../world/kubernetes/api-server.ts';
import { startDaemonSetController } from '../world/kubernetes/daemon-set-controller.ts';
import { startDeploymentController } from '../world/kubernetes/deployment-controller.ts';
import { startEndpointController } from '../world/kubernetes/endpoint-controller.ts';
import { nodeObject } from '../world/kubernetes/objects.ts';
import type { ApiObject } from '../world/kubernetes/resources.ts';
import { serviceObject } from '../world/kubernetes/services.ts';
import { startKubelet } from '../world/kubernetes/simulated-kubelet.ts';
import { type PodTemplate, workloadObject } from '../world/kubernetes/workloads.ts';
import { startPodServers } from '../world/pod-servers.ts';
import { startShopCluster } from '../world/shop-cluster.ts';
import { ADA, GRACE, setStage, type Stage } from './harness.ts';
import { ask, type AskedCheck, withSources } from './incident.ts';

// A cluster with its controllers and replicas, and both roles.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const NODES = ['node-a', 'node-b', 'node-c'];
const NAMESPACE = 'shop';
const APP = 'api';
const DELETE = 'builds/drift:delete-stale-pod';
const DRIFT = ['/builds', 'drift'] as const;

type Sources = Parameters<typeof withSources>[0];

async function openStage(sources: Sources): Promise<Stage> {
  const stage = await setStage({
    delivery: 'http',
    catalogue: await loadCatalogue(),
    config: withSources(sources, DELETE),
  });
  onTestFinished(() => stage.close());
  await Promise.all([stage.startWorker(), stage.startBot()]);
  return stage;
}

interface Workload {
  readonly cluster: TestCluster;
  readonly stage: Stage;
}

interface WorkloadOptions {
  readonly kind: 'deployments' | 'daemonsets';
  readonly image: string;
  readonly updateStrategy?: object;
  /** The build that a pod says, from its start to its end. */
  readonly buildOf: (pod: ApiObject) => number;
  /** What has happened before anyone looks. */
  readonly before?: (cluster: TestCluster) => void;
}

/** A cluster in which one workload with three replicas runs behind a Service, and a Wrench that may change it. */
async function openWorkload({
  kind,
  image,
  updateStrategy,
  buildOf,
  before,
}: WorkloadOptions): Promise<Workload> {
  const port = await freePort();
  const container = { name: APP, image, ports: [{ name: 'http', containerPort: port }] };
  const workload = workloadObject(APP, { namespace: NAMESPACE, replicas: 3, containers: [container] });
  const spec = workload['spec'] as object;
  const cluster = await startCluster({
    nodes: NODES.map((name) => nodeObject(name)),
    [kind]: [{ ...workload, spec: { ...spec, ...(updateStrategy && { updateStrategy }) } }],
    services: [serviceObject(APP, { namespace: NAMESPACE, ports: [{ port: 80, targetPort: port }] })],
    users: [{ name: WRENCH, rules: await readRoles(['read', 'restart', 'remove']) }],
  });
  onTestFinished(() => cluster.close());
  const servers = startPodServers(cluster, {
    app: APP,
    port,
    contentOf: (pod) => ({ buildNumber: buildOf(pod) }),
  });
  onTestFinished(() => servers.close());
  startEndpointController(cluster);
  startKubelet(cluster, {
    now: () => new Date(),
    addressOf: servers.addressOf,
    imageIdOf: (name) => `registry.example/api@sha256:${createHash('sha256').update(name).digest('hex')}`,
  });
  if (kind === 'deployments') startDeploymentController(cluster, { nodes: NODES });
  else startDaemonSetController(cluster, { nodes: NODES });
  before?.(cluster);
  const folder = await mkdtemp(join(tmpdir(), 'wrench-build-fixes-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, cluster.kubeconfig());
  const stage = await openStage([
    kubernetesConfig.parse({
      kind: 'kubernetes',
      name: 'lab',
      kubeconfig,
      kubelets: 'none',
      allow: { restart: {}, remove: { running: true } },
    }),
    buildsConfig.parse({
      kind: 'builds',
      hosts: [servers.network],
      services: [
        {
          name: `${NAMESPACE}/${APP}`,
          replicas: { kubernetes: { namespace: NAMESPACE, service: APP } },
          path: '/diagnostics',
        },
      ],
    }),
  ]);
  return { cluster, stage };
}

/** Every request that has changed something: `PATCH /apis/apps/v1/…`. */
function changesIn({ asked }: TestCluster): readonly string[] {
  return asked
    .filter(
      ({ method, path, status }) =>
        /^(PATCH|PUT|DELETE)$/.test(method) && !path.includes('dryRun') && status < 300,
    )
    .map(({ method, path }) => `${method} ${path.split('?')[0]}`);
}

const podsIn = (cluster: TestCluster) =>
  cluster.list('pods').filter(({ metadata }) => metadata.labels?.['app'] === APP);
const uidsOf = (pods: readonly ApiObject[]) => pods.map(({ metadata }) => metadata.uid);
const imageOf = ({ spec }: ApiObject) => (spec as PodTemplate['spec']).containers[0]!.image ?? '';
const numberIn = (image: string) => Number(/:(\d+)$/.exec(image)?.[1]);

/** Ada requests the plan, and Grace approves it. Nothing changes before. */
async function approve(asked: AskedCheck, cluster: TestCluster, plan: string): Promise<void> {
  await asked.press(ADA, 'request');
  await asked.posted(plan);
  expect(changesIn(cluster)).toEqual([]);
  await asked.press(GRACE, 'approve');
  await asked.posted('FIXED');
}

test('a pinned image replaces the replica of the node that kept an old image', async () => {
  const shop = await startShopCluster();
  onTestFinished(() => shop.close());
  const { cluster } = shop;
  const [clusterSource, builds] = shop.sources;
  const stage = await openStage([kubernetesConfig.parse(clusterSource), buildsConfig.parse(builds)]);
  const before = uidsOf(podsIn(cluster));

  const asked = await ask(stage, DRIFT, 'shop/api: 1 of 3 replicas runs 209, not the expected 210');
  await approve(asked, cluster, 'PLAN · Pin shop/api to build 210');

  expect(changesIn(cluster)).toEqual(['PATCH /apis/apps/v1/namespaces/shop/deployments/api']);
  const pods = podsIn(cluster);
  expect(pods.map(imageOf)).toEqual(
    Array.from({ length: 3 }, () =>
      expect.stringMatching(/^registry\.example\/shop\/api@sha256:[\da-f]{64}$/),
    ),
  );
  expect(uidsOf(pods).filter((uid) => before.includes(uid))).toEqual([]);
  await ask(stage, DRIFT, 'All 3 replicas of shop/api run 210, as expected');

  // The chart still has the tag.
  shop.redeployApi();
  await ask(stage, DRIFT, 'shop/api: 1 of 3 replicas runs 209, not the expected 210');
});

test('a restart replaces the replica that was started before its configuration changed', async () => {
  let started = 0;
  const { cluster, stage } = await openWorkload({
    kind: 'deployments',
    image: 'registry.example/api:stable',
    buildOf: () => (started++ === 0 ? 209 : 210),
  });
  const before = uidsOf(podsIn(cluster));

  const asked = await ask(
    stage,
    DRIFT,
    'shop/api says 210 (2 replicas) and 209 (1 replica), but all run the same image',
  );
  await approve(asked, cluster, 'PLAN · Restart Deployment shop/api');

  expect(changesIn(cluster)).toEqual(['PATCH /apis/apps/v1/namespaces/shop/deployments/api']);
  expect(uidsOf(podsIn(cluster)).filter((uid) => before.includes(uid))).toEqual([]);
  await ask(stage, DRIFT, 'All 3 replicas of shop/api run 210');
});

test('a stale pod of a DaemonSet that is updated on delete is deleted, and its controller replaces it', async () => {
  const { cluster, stage } = await openWorkload({
    kind: 'daemonsets',
    image: 'registry.example/api:209',
    updateStrategy: { type: 'OnDelete' },
    buildOf: (pod) => numberIn(imageOf(pod)),
    before: (lab) => {
      const daemonSet = lab.find('daemonsets', APP, NAMESPACE)!;
      const spec = JSON.parse(JSON.stringify(daemonSet['spec']).replace('api:209', 'api:210')) as object;
      lab.save('daemonsets', { ...daemonSet, spec });
      for (const { metadata } of podsIn(lab).slice(1)) lab.remove('pods', metadata.name, NAMESPACE);
    },
  });
  const [stale] = podsIn(cluster).filter((pod) => imageOf(pod).endsWith(':209'));
  const kept = uidsOf(podsIn(cluster)).filter((uid) => uid !== stale!.metadata.uid);

  const asked = await ask(
    stage,
    DRIFT,
    'shop/api: its DaemonSet replaces its pods only when someone deletes them',
  );
  await approve(asked, cluster, `PLAN · Delete pod shop/${stale!.metadata.name}`);

  expect(changesIn(cluster)).toEqual([`DELETE /api/v1/namespaces/shop/pods/${stale!.metadata.name}`]);
  const pods = podsIn(cluster);
  expect(pods.map(imageOf)).toEqual(NODES.map(() => 'registry.example/api:210'));
  expect(uidsOf(pods)).toEqual(expect.arrayContaining([...kept]));
  await ask(stage, DRIFT, 'All 3 replicas of shop/api run 210');
});
