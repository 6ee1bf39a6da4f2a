import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { z } from 'zod';
import type { kubernetesConfig } from '../../src/sources/kubernetes/config.ts';
import type { Rule } from './kubernetes/access.ts';
import { startCluster, type TestCluster, WRENCH } from './kubernetes/api-server.ts';
import { startDeploymentController, timestamp } from './kubernetes/deployment-controller.ts';
import { kubelet } from './kubernetes/kubelets.ts';
import { configBody, nodeObject, statsBody } from './kubernetes/objects.ts';
import { always, atFirst, type ProbeBehavior } from './kubernetes/probe-worker.ts';
import type { ApiObject } from './kubernetes/resources.ts';
import { startKubelet } from './kubernetes/simulated-kubelet.ts';
import { type ContainerSpec, workloadObject } from './kubernetes/workloads.ts';

/** A cluster with a small shop. One of its Deployments restarts in a loop, and pods of another one were evicted. */
export interface ShopCluster {
  readonly cluster: TestCluster;
  /** As configured for one environment in `wrench.yaml`. Changing probes and deleting evicted pods are allowed. */
  readonly sources: readonly [z.input<typeof kubernetesConfig>];
  /** Resets the probe of checkout, as the next release of its chart would. Resolves once it restarts in a loop again. */
  readonly redeploy: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** In `deploy/kubernetes/rbac`: what the source needs, and nothing else. */
const ROLES = ['read', 'logs', 'kubelet-read', 'adjust', 'remove'];

const NODES = ['shop-1', 'shop-2'];
const NAMESPACE = 'shop';
const CHECKOUT = 'checkout';

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
  const cluster = await startCluster({
    nodes: NODES.map((name) => nodeObject(name, { at: timestamp(new Date()) })),
    kubelets: (node) =>
      kubelet({ stats: statsBody(node, { time: new Date().toISOString() }), config: configBody() }),
    kubeletsListen: true,
    deployments: [deployment('web', 2), deployment('thumbnails', 1)],
    users: [{ name: WRENCH, rules: await rulesOf(ROLES) }],
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
  const kubelets = startKubelet(cluster, {
    now,
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
      { kind: 'kubernetes', name: 'apps', kubeconfig, kubelets: 'direct', allow: { adjust: {}, remove: {} } },
    ],
    redeploy: async () => {
      cluster.save('deployments', checkout);
      await untilLooping(cluster);
    },
    close: async () => {
      running.stop();
      await cluster.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function rulesOf(roles: readonly string[]): Promise<readonly Rule[]> {
  const folder = join(import.meta.dirname, '../../deploy/kubernetes/rbac');
  const files = await Promise.all(roles.map((role) => readFile(join(folder, `${role}.yaml`), 'utf8')));
  return files
    .flatMap((text) => parseAllDocuments(text))
    .flatMap((document) => (document.toJS() as { readonly rules?: readonly Rule[] } | null)?.rules ?? []);
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

interface PodStatus {
  readonly phase: string;
  readonly containerStatuses?: readonly { readonly restartCount: number }[];
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
