import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import type { buildsConfig } from '../../src/sources/builds/config.ts';
import type { kubernetesConfig } from '../../src/sources/kubernetes/config.ts';
import { freePort } from './free-port.ts';
import { readRoles } from './kubernetes/access.ts';
import { startCluster, type TestCluster, WRENCH } from './kubernetes/api-server.ts';
import { startDeploymentController, timestamp } from './kubernetes/deployment-controller.ts';
import { kubelet } from './kubernetes/kubelets.ts';
import { configBody, nodeObject, statsBody } from './kubernetes/objects.ts';
import { startEndpointController } from './kubernetes/endpoint-controller.ts';
import { always, atFirst, type ProbeBehavior } from './kubernetes/probe-worker.ts';
import type { ApiObject } from './kubernetes/resources.ts';
import { serviceObject } from './kubernetes/services.ts';
import { startKubelet } from './kubernetes/simulated-kubelet.ts';
import { type ContainerSpec, workloadObject } from './kubernetes/workloads.ts';
import { startPodServers } from './pod-servers.ts';

/**
 * A cluster with a small shop. One of its Deployments restarts in a loop, pods of another one were evicted, and one of three replicas of api runs an old build.
 */
export interface ShopCluster {
  readonly cluster: TestCluster;
  /** As configured for one environment in `wrench.yaml`. Changing probes, pinning images and deleting evicted pods are allowed. */
  readonly sources: readonly [z.input<typeof kubernetesConfig>, z.input<typeof buildsConfig>];
  /** Resets the probe of checkout, as the next release of its chart would. Resolves once it restarts in a loop again. */
  readonly redeploy: () => Promise<void>;
  /** Sets the tag of api's image again, as the next release of its chart would. One node still has an old image with this tag. */
  readonly redeployApi: () => void;
  readonly close: () => Promise<void>;
}

/** In `deploy/kubernetes/rbac`: what the source needs, and nothing else. */
const ROLES = ['read', 'logs', 'kubelet-read', 'adjust', 'pin', 'remove'];

const NODES = ['shop-1', 'shop-2', 'shop-3'];
const NAMESPACE = 'shop';
const CHECKOUT = 'checkout';

const VERSION_LABEL = 'app.kubernetes.io/version';
const API = 'api';
const API_IMAGE = `registry.example/shop/${API}`;
const [OLD_BUILD, NEW_BUILD] = [209, 210];
/** It pulled the image of api when its tag still meant the old build, and `IfNotPresent` keeps that. */
const NODE_WITH_OLD_IMAGE = 'shop-2';
const BUILDS: ReadonlyMap<string, number> = new Map(
  [OLD_BUILD, NEW_BUILD].map((build) => [digestOf(build), build]),
);

/** How often the simulated kubelets look what is due. */
const TICK_MS = 200;
/** A real kubelet would wait for up to 5 minutes between restarts. */
const MAX_BACK_OFF_SECONDS = 2;

/**
 * After each start, checkout fills its cache. Until then, its health check takes longer than the timeout, once more often than the probe tolerates.
 * Twice the timeout is enough, and so is a higher threshold.
 */
const STARTING: ProbeBehavior = atFirst({ takesSeconds: 3 }, 4);
const PROBE = {
  httpGet: { path: '/healthz', port: 8_080 },
  periodSeconds: 1,
  timeoutSeconds: 2,
  failureThreshold: 3,
};

/** How long the loop has lasted when the cluster starts. */
const LOOPING_SINCE_MS = 5 * 60_000;
/** So many restarts within minutes are a loop. */
const LOOP_RESTARTS = 3;

/** When pods of thumbnails were evicted. Each was replaced. */
const EVICTED_HOURS_AGO = [30, 7, 2];
const HOUR_MS = 3_600_000;

export async function startShopCluster(): Promise<ShopCluster> {
  const port = await freePort();
  const api = apiDeployment(port);
  const cluster = await startCluster({
    nodes: NODES.map((name) => nodeObject(name, { at: timestamp(new Date()) })),
    kubelets: (node) =>
      kubelet({ stats: statsBody(node, { time: new Date().toISOString() }), config: configBody() }),
    kubeletsListen: true,
    deployments: [deployment('web', 2), deployment('thumbnails', 1), api],
    services: [
      serviceObject(API, {
        namespace: NAMESPACE,
        ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: port }],
      }),
    ],
    users: [{ name: WRENCH, rules: await readRoles(ROLES) }],
  });
  // The last hours pass at once; from then on, it is the time of this machine.
  const startedMs = Date.now();
  let msAgo: number | undefined = (Math.max(...EVICTED_HOURS_AGO) + 1) * HOUR_MS;
  const now = () => new Date(msAgo === undefined ? Date.now() : startedMs - msAgo);
  startDeploymentController(cluster, { nodes: NODES, now });
  for (const hours of EVICTED_HOURS_AGO) {
    msAgo = hours * HOUR_MS;
    evictThumbnails(cluster);
  }
  msAgo = LOOPING_SINCE_MS;
  const servers = startPodServers(cluster, {
    app: API,
    port,
    contentOf: (pod) => ({ buildNumber: BUILDS.get(imageIdOf(pod).split('@')[1] ?? '') }),
  });
  startEndpointController(cluster);
  const kubelets = startKubelet(cluster, {
    now,
    addressOf: servers.addressOf,
    imageIdOf: runningImage,
    behaviorOf: ({ pod }) => (pod.startsWith(`${CHECKOUT}-`) ? STARTING : always('succeeds')),
    maxBackOffSeconds: MAX_BACK_OFF_SECONDS,
  });
  const checkout = deployment(CHECKOUT, 2, { livenessProbe: PROBE, graceSeconds: 2 });
  cluster.save('deployments', checkout);
  msAgo = undefined;
  kubelets.advance();
  const running = kubelets.run(TICK_MS);

  const folder = await mkdtemp(join(tmpdir(), 'wrench-shop-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, cluster.kubeconfig(), { mode: 0o600 });
  return {
    cluster,
    sources: [
      {
        kind: 'kubernetes',
        name: 'apps',
        kubeconfig,
        kubelets: 'direct',
        allow: { adjust: {}, pin: {}, remove: {} },
      },
      {
        kind: 'builds',
        name: 'builds',
        hosts: [servers.network],
        services: [
          {
            name: `${NAMESPACE}/${API}`,
            replicas: { kubernetes: { cluster: 'apps', namespace: NAMESPACE, service: API } },
            path: '/diagnostics',
            expected: { label: VERSION_LABEL },
          },
        ],
      },
    ],
    redeploy: async () => {
      cluster.save('deployments', checkout);
      await untilLooping(cluster);
    },
    redeployApi: () => {
      cluster.save('deployments', api);
    },
    close: async () => {
      running.stop();
      await cluster.close();
      await rm(folder, { recursive: true, force: true });
      await servers.close();
    },
  };
}

function deployment(
  name: string,
  replicas: number,
  {
    livenessProbe,
    graceSeconds,
  }: Pick<ContainerSpec, 'livenessProbe'> & { readonly graceSeconds?: number } = {},
): ApiObject {
  const container = {
    name,
    image: `registry.example/shop/${name}:41`,
    ...(livenessProbe && { livenessProbe }),
  };
  return workloadObject(name, {
    namespace: NAMESPACE,
    replicas,
    containers: [container],
    ...(graceSeconds !== undefined && { graceSeconds }),
  });
}

function digestOf(build: number): string {
  return `sha256:${createHash('sha256').update(`${API} ${build}`).digest('hex')}`;
}

/** Its tag moves to each new build. */
function apiDeployment(port: number): ApiObject {
  return workloadObject(API, {
    namespace: NAMESPACE,
    replicas: 3,
    labels: { [VERSION_LABEL]: String(NEW_BUILD) },
    containers: [
      {
        name: API,
        image: `${API_IMAGE}:stable`,
        imagePullPolicy: 'IfNotPresent',
        ports: [{ name: 'http', containerPort: port }],
      },
    ],
  });
}

/** What a node runs for an image, as its runtime names it. Unknown for everything but api. */
function runningImage(image: string, { node }: { readonly node: string }): string {
  if (!image.startsWith(API_IMAGE)) return '';
  const [, digest = digestOf(node === NODE_WITH_OLD_IMAGE ? OLD_BUILD : NEW_BUILD)] = image.split('@');
  return `${API_IMAGE}@${digest}`;
}

interface PodStatus {
  readonly phase: string;
  readonly containerStatuses?: readonly { readonly restartCount: number; readonly imageID?: string }[];
}

function imageIdOf({ status }: ApiObject): string {
  return (status as PodStatus).containerStatuses?.[0]?.imageID ?? '';
}

function podsOf(cluster: TestCluster, name: string): readonly (ApiObject & { readonly status: PodStatus })[] {
  const pods = cluster.list('pods') as readonly (ApiObject & { readonly status: PodStatus })[];
  return pods.filter(
    ({ metadata, status }) => metadata.name.startsWith(`${name}-`) && status.phase !== 'Failed',
  );
}

/** The controller replaces it. */
function evictThumbnails(cluster: TestCluster): void {
  for (const pod of podsOf(cluster, 'thumbnails'))
    cluster.save('pods', {
      ...pod,
      status: {
        phase: 'Failed',
        reason: 'Evicted',
        message: 'Usage of EmptyDir volume "scratch" exceeds the limit "1Gi". ',
        startTime: pod.metadata['creationTimestamp'],
      },
    });
}

async function untilLooping(cluster: TestCluster): Promise<void> {
  await new Promise<void>((resolve) =>
    cluster.onChange(() => {
      const counts = podsOf(cluster, CHECKOUT).map(
        ({ status }) => status.containerStatuses?.[0]?.restartCount ?? 0,
      );
      if (counts.length > 0 && counts.every((count) => count >= LOOP_RESTARTS)) resolve();
    }),
  );
}
