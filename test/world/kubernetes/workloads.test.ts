import { AppsV1Api, CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { expect, onTestFinished, test } from 'vitest';
import { type ClusterOptions, startCluster, type TestCluster } from './api-server.ts';
import { startDeploymentController } from './deployment-controller.ts';
import { failureOf } from './failure-of.ts';
import { ownedBy } from './managed-fields.ts';
import { nodeObject } from './objects.ts';
import { always, atFirst, inBursts, type ProbeBehavior, TIMES_OUT } from './probe-worker.ts';
import { type KubeletOptions, startKubelet } from './simulated-kubelet.ts';
import { type ContainerSpec, type ProbeSpec, workloadObject } from './workloads.ts';

const START = Date.parse('2026-11-26T10:00:00Z');
const STRATEGIC = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch);
const WEB = { name: 'web', namespace: 'shop' };

/** The probe of etcd in a cluster of kubeadm 1.12. */
const ETCD: ProbeSpec = {
  exec: { command: ['/bin/sh', '-ec', 'etcdctl get foo'] },
  initialDelaySeconds: 15,
  timeoutSeconds: 15,
  failureThreshold: 8,
};

function appWith(probes: Pick<ContainerSpec, 'livenessProbe' | 'startupProbe'>): ContainerSpec {
  return { name: 'app', image: 'registry.example/app:1', ...probes };
}

async function start(
  options: ClusterOptions,
): Promise<{ cluster: TestCluster; apps: AppsV1Api; core: CoreV1Api }> {
  const cluster = await startCluster(options);
  onTestFinished(cluster.close);
  const config = new KubeConfig();
  config.loadFromString(cluster.kubeconfig());
  return { cluster, apps: config.makeApiClient(AppsV1Api), core: config.makeApiClient(CoreV1Api) };
}

interface Running {
  readonly cluster: TestCluster;
  readonly apps: AppsV1Api;
  readonly core: CoreV1Api;
  /** Lets time pass. */
  readonly pass: (seconds: number) => void;
  readonly status: () => Status;
}

interface Status {
  readonly restartCount: number;
  readonly ready: boolean;
  readonly state: {
    readonly running?: object;
    readonly waiting?: { readonly reason: string; readonly message: string };
  };
  readonly lastState?: {
    readonly terminated: {
      readonly exitCode: number;
      readonly reason: string;
      readonly startedAt: string;
      readonly finishedAt: string;
    };
  };
}

/** A Deployment with one pod. */
async function run(
  container: ContainerSpec,
  behavior: ProbeBehavior,
  more: Partial<KubeletOptions> = {},
): Promise<Running> {
  const deployment = workloadObject('web', { namespace: 'shop', containers: [container] });
  const { cluster, apps, core } = await start({ nodes: [nodeObject('node-a')], deployments: [deployment] });
  let nowMs = START;
  const now = () => new Date(nowMs);
  const kubelet = startKubelet(cluster, { now, behaviorOf: () => behavior, ...more });
  startDeploymentController(cluster, { nodes: ['node-a'], now });
  return {
    cluster,
    apps,
    core,
    pass: (seconds) => {
      nowMs += seconds * 1_000;
      kubelet.advance();
    },
    status: () => {
      const [pod] = cluster.list('pods');
      return (pod!['status'] as { readonly containerStatuses: readonly [Status] }).containerStatuses[0];
    },
  };
}

const setThreshold = (to: number) => ({
  spec: { template: { spec: { containers: [{ name: 'app', livenessProbe: { failureThreshold: to } }] } } },
});

const eventsOf = (cluster: TestCluster) =>
  cluster
    .list('events')
    .map(({ reason, message, count }) => `${String(reason)} x${String(count)}: ${String(message)}`);

test.each([
  ['fails at once', always('fails'), 85, 95],
  ['times out', always(TIMES_OUT), 135, 145],
])('a liveness probe that %s: each life is within its kill window', async (_, behavior, from, to) => {
  const { pass, status } = await run(appWith({ livenessProbe: ETCD }), behavior);
  const lives = new Set<number>();
  for (let seconds = 0; seconds < 7_200; seconds += 30) {
    pass(30);
    const { startedAt, finishedAt } = status().lastState?.terminated ?? {};
    if (startedAt && finishedAt) lives.add((Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000);
  }

  expect(status().restartCount).toBeGreaterThan(10);
  expect([...lives].filter((life) => life < from || life > to)).toEqual([]);
  expect(status().lastState!.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
});

test('the same result, whether time passes in small or large steps', async () => {
  const small = await run(appWith({ livenessProbe: ETCD }), always('fails'));
  const large = await run(appWith({ livenessProbe: ETCD }), always('fails'));
  for (let step = 0; step < 200; step++) small.pass(3);
  large.pass(600);

  const withoutId = ({ status }: Running) =>
    JSON.stringify(status()).replaceAll(/containerd:\/\/\w+|web-\w+-\w+\(?[-\w]*/g, '');
  expect(withoutId(small)).toBe(withoutId(large));
});

test('events are aggregated, name their container, and are deleted after an hour', async () => {
  let isSlow = true;
  const { cluster, pass } = await run(appWith({ livenessProbe: ETCD }), () =>
    isSlow ? TIMES_OUT : 'succeeds',
  );
  pass(150);

  expect(eventsOf(cluster)).toEqual(
    expect.arrayContaining([
      'Unhealthy x8: Liveness probe failed: command "/bin/sh -ec etcdctl get foo" timed out',
      'Killing x1: Container app failed liveness probe, will be restarted',
      'Started x2: Started container app',
    ]),
  );
  const [pod] = cluster.list('pods');
  expect(cluster.list('events')[0]).toMatchObject({
    involvedObject: { kind: 'Pod', uid: pod!.metadata.uid, fieldPath: 'spec.containers{app}' },
  });

  isSlow = false;
  pass(3_800);
  expect(eventsOf(cluster)).toEqual([]);
});

test('waits longer after each restart, up to the maximum', async () => {
  const probe = { ...ETCD, initialDelaySeconds: 0, periodSeconds: 1, failureThreshold: 1 };
  const { cluster, pass, status } = await run(appWith({ livenessProbe: probe }), always('fails'));
  const waits = new Set<string>();
  for (let seconds = 0; seconds < 1_800; seconds++) {
    pass(1);
    const { waiting } = status().state;
    if (waiting) waits.add(/back-off (\w+) restarting/.exec(waiting.message)![1]!);
  }

  expect([...waits]).toEqual(['10s', '20s', '40s', '1m20s', '2m40s', '5m0s']);
  expect(status().state.waiting ?? { reason: 'CrashLoopBackOff' }).toMatchObject({
    reason: 'CrashLoopBackOff',
  });
  expect(eventsOf(cluster).find((one) => one.startsWith('BackOff'))).toMatch(
    /^BackOff x\d+: Back-off restarting failed container app in pod web-\w+-\w+_shop\([-\w]+\)$/,
  );
});

test('a container that ignores SIGTERM is killed after its grace period', async () => {
  const { pass, status } = await run(appWith({ livenessProbe: ETCD }), always('fails'), {
    ignoresSigterm: () => true,
  });
  pass(300);

  const { startedAt, finishedAt, ...how } = status().lastState!.terminated;
  expect(how).toMatchObject({ exitCode: 137, reason: 'Error' });
  const life = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000;
  expect(life).toBeGreaterThanOrEqual(115);
  expect(life).toBeLessThanOrEqual(125);
});

test('a probe that errors kills nothing', async () => {
  const { cluster, pass, status } = await run(appWith({ livenessProbe: ETCD }), always('errors'));
  pass(3_600);

  expect(status()).toMatchObject({ restartCount: 0, ready: true });
  expect(eventsOf(cluster).some((one) => one.includes('Liveness probe errored'))).toBe(true);
});

test('the liveness probe waits for the startup probe', async () => {
  const startupProbe = { ...ETCD, initialDelaySeconds: 0, failureThreshold: 30 };
  const { pass, status } = await run(
    appWith({ livenessProbe: { ...ETCD, initialDelaySeconds: 0, failureThreshold: 1 }, startupProbe }),
    always('succeeds'),
    { behaviorOf: ({ probe }) => (probe === 'startup' ? atFirst('fails', 20) : always('fails')) },
  );
  pass(150);
  expect(status()).toMatchObject({ restartCount: 0, ready: false });
  pass(100);
  expect(status()).toMatchObject({ restartCount: 1 });
});

test('the log of the previous instance', async () => {
  const { cluster, core, pass } = await run(appWith({ livenessProbe: ETCD }), always('fails'));
  const [pod] = cluster.list('pods');
  const log = () =>
    core.readNamespacedPodLog({
      name: pod!.metadata.name,
      namespace: 'shop',
      container: 'app',
      previous: true,
    });

  await expect(log()).rejects.toMatchObject({ code: 400 });
  pass(120);
  expect(await log()).toBe('app is ready\napp received SIGTERM, shutting down\n');
});

test('a higher threshold replaces the pod and ends the loop', async () => {
  const bursts = inBursts(TIMES_OUT, { times: 5, after: 3 });
  const livenessProbe = {
    ...ETCD,
    periodSeconds: 2,
    timeoutSeconds: 2,
    initialDelaySeconds: 1,
    failureThreshold: 3,
  };
  const { cluster, apps, pass, status } = await run(appWith({ livenessProbe }), bursts);
  pass(120);
  expect(status().restartCount).toBeGreaterThan(2);
  const [before] = cluster.list('pods');

  await apps.patchNamespacedDeployment({ ...WEB, body: setThreshold(9) }, STRATEGIC);

  const [after, ...others] = cluster.list('pods');
  expect(others).toEqual([]);
  expect(after!.metadata.uid).not.toBe(before!.metadata.uid);
  pass(3_600);
  expect(status()).toMatchObject({ restartCount: 0, ready: true });
});

test('a longer timeout ends the loop of a slow probe', async () => {
  const livenessProbe = { ...ETCD, periodSeconds: 2, timeoutSeconds: 1, failureThreshold: 3 };
  const { apps, pass, status } = await run(appWith({ livenessProbe }), always({ takesSeconds: 1.5 }));
  pass(120);
  expect(status().restartCount).toBeGreaterThan(1);

  await apps.patchNamespacedDeployment(
    {
      ...WEB,
      body: {
        spec: { template: { spec: { containers: [{ name: 'app', livenessProbe: { timeoutSeconds: 2 } }] } } },
      },
    },
    STRATEGIC,
  );

  pass(600);
  expect(status()).toMatchObject({ restartCount: 0 });
});

test('a rollout: a new ReplicaSet with the annotations of the template, and the old one without pods', async () => {
  const { cluster, apps } = await start({
    deployments: [workloadObject('web', { namespace: 'shop', replicas: 2 })],
  });
  startDeploymentController(cluster, { nodes: ['node-a', 'node-b'] });
  const [old] = cluster.list('replicasets');
  const body = { spec: { template: { metadata: { annotations: { 'wrench/adjusted-by': 'm1' } } } } };

  await apps.patchNamespacedDeployment({ ...WEB, body }, STRATEGIC);

  const [first, second, ...more] = cluster.list('replicasets');
  expect(more).toEqual([]);
  expect(first).toMatchObject({ metadata: { uid: old!.metadata.uid }, spec: { replicas: 0 } });
  expect(second).toMatchObject({
    metadata: { ownerReferences: [{ kind: 'Deployment', name: 'web', controller: true }] },
    spec: { replicas: 2 },
  });
  const pods = cluster.list('pods');
  expect(pods.map(({ spec }) => (spec as { nodeName: string }).nodeName).toSorted()).toEqual([
    'node-a',
    'node-b',
  ]);
  for (const { metadata } of pods) {
    expect(metadata).toMatchObject({
      annotations: { 'wrench/adjusted-by': 'm1' },
      ownerReferences: [{ kind: 'ReplicaSet', name: second!.metadata.name, uid: second!.metadata.uid }],
    });
    const hash = metadata.labels!['pod-template-hash']!;
    expect(metadata.name).toMatch(new RegExp(`^web-${hash}-\\w{5}$`));
  }
});

test('a paused Deployment is not rolled out, and a pod that is gone or has failed is replaced', async () => {
  const { cluster, apps, core } = await start({
    deployments: [workloadObject('web', { namespace: 'shop' })],
  });
  startDeploymentController(cluster, { nodes: ['node-a'] });
  const [first] = cluster.list('pods');
  await apps.patchNamespacedDeployment({ ...WEB, body: { spec: { paused: true } } }, STRATEGIC);
  await apps.patchNamespacedDeployment(
    { ...WEB, body: { spec: { template: { spec: { terminationGracePeriodSeconds: 5 } } } } },
    STRATEGIC,
  );
  expect(cluster.list('pods')).toEqual([first]);

  await core.deleteNamespacedPod({ name: first!.metadata.name, namespace: 'shop' });
  const [second] = cluster.list('pods');
  expect(second!.metadata.uid).not.toBe(first!.metadata.uid);

  cluster.save('pods', { ...second!, status: { phase: 'Failed', reason: 'Evicted' } });
  const [evicted, third] = cluster.list('pods');
  expect(evicted!['status']).toMatchObject({ reason: 'Evicted' });
  expect(third).toBeDefined();
});

test('a patch moves the ownership of what it changes, and counts generations', async () => {
  const deployment = workloadObject('web', {
    namespace: 'shop',
    containers: [appWith({ livenessProbe: ETCD })],
  });
  const { cluster, apps } = await start({ deployments: [ownedBy('helm', deployment)] });

  await apps.patchNamespacedDeployment({ ...WEB, body: setThreshold(9), fieldManager: 'wrench' }, STRATEGIC);
  const once = cluster.find('deployments', 'web', 'shop')!;
  await apps.patchNamespacedDeployment({ ...WEB, body: setThreshold(9), fieldManager: 'wrench' }, STRATEGIC);

  expect(cluster.find('deployments', 'web', 'shop')).toEqual(once);
  expect(once.metadata['generation']).toBe(2);
  const changed = { 'f:failureThreshold': {} };
  const [helm, wrench] = once.metadata['managedFields'] as readonly {
    readonly manager: string;
    readonly fieldsV1: object;
  }[];
  expect(wrench).toMatchObject({
    manager: 'wrench',
    operation: 'Update',
    fieldsV1: {
      'f:spec': {
        'f:template': {
          'f:spec': { 'f:containers': { 'k:{"name":"app"}': { 'f:livenessProbe': changed } } },
        },
      },
    },
  });
  expect(JSON.stringify(helm)).toContain('f:timeoutSeconds');
  expect(JSON.stringify(helm)).not.toContain('f:failureThreshold');
});

test('a dry run of a patch changes nothing, and rolls nothing out', async () => {
  const { cluster, apps } = await start({
    deployments: [
      workloadObject('web', { namespace: 'shop', containers: [appWith({ livenessProbe: ETCD })] }),
    ],
  });
  startDeploymentController(cluster, { nodes: ['node-a'] });
  const before = cluster.list('pods');

  const tried = await apps.patchNamespacedDeployment(
    { ...WEB, body: setThreshold(9), dryRun: 'All' },
    STRATEGIC,
  );

  expect(tried.spec?.template.spec?.containers[0]?.livenessProbe?.failureThreshold).toBe(9);
  expect(tried.metadata?.generation).toBe(2);
  expect(cluster.list('pods')).toEqual(before);
});

test.each([
  [{ failureThreshold: 0 }, /must be greater than or equal to 1/],
  [{ failureThreshold: 'many' }, /cannot unmarshal/],
])('an invalid probe is rejected: %j', async (livenessProbe, message) => {
  const { apps } = await start({ deployments: [workloadObject('web', { namespace: 'shop' })] });
  const body = { spec: { template: { spec: { containers: [{ name: 'app', livenessProbe }] } } } };

  const refused = await failureOf(apps.patchNamespacedDeployment({ ...WEB, body }, STRATEGIC));

  expect(refused.code).toBe(422);
  expect(refused.message).toMatch(message);
});
