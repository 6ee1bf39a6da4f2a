import type { Story } from '../../kit.ts';
import { ago, counted, factsOf, NO_EVENTS, probe, restarted, runningFor } from './builders.ts';
import type { Facts, RestartedContainer } from './facts.ts';

const NRE_LABS = 'https://oswalt.dev/2018/12/december-4-nre-labs-outage-post-mortem/';

/** When the second of the containers in the post-mortem has run for 51 s. */
const decemberFourth = new Date('2018-12-04T22:49:37Z');
const before = (seconds: number) => new Date(decemberFourth.getTime() - seconds * 1_000);

const CONTROLLER = 'antidote-controller-4m3j';

/** A static pod of kubeadm 1.12. */
function controlPlaneOf2018(name: string, known: Partial<RestartedContainer>): RestartedContainer {
  return restarted({
    cluster: 'antidote',
    namespace: 'kube-system',
    pod: `${name}-${CONTROLLER}`,
    container: name,
    owner: { kind: 'Static', name },
    node: {
      name: CONTROLLER,
      kubeletVersion: 'v1.12.1',
      containerRuntime: 'docker://1.13.1',
      osImage: 'CentOS Linux 7 (Core)',
    },
    podCreatedAt: before(58 * 86_400),
    ...known,
  });
}

/** `serving client requests` at 22:47:14.7, `received terminated signal` at 22:48:46.05. */
const etcdOf2018 = controlPlaneOf2018('etcd', {
  liveness: probe(),
  status: {
    restarts: 183,
    isReady: true,
    state: { kind: 'running', startedAt: before(51) },
    last: {
      exitCode: 0,
      reason: 'Completed',
      startedAt: new Date('2018-12-04T22:47:14.700Z'),
      finishedAt: new Date('2018-12-04T22:48:46.050Z'),
    },
  },
  log: [
    '2018-12-04 22:47:14.729606 I | embed: serving client requests on 127.0.0.1:2379',
    '2018-12-04 22:48:46.050580 N | pkg/osutil: received terminated signal, shutting down...',
  ],
});

/** The post-mortem shows their counters, but not how they ended: an API server exits without etcd, and a controller manager without its lease. */
const others2018 = [
  controlPlaneOf2018('kube-apiserver', {
    status: {
      restarts: 183,
      isReady: true,
      state: { kind: 'running', startedAt: before(45) },
      last: { exitCode: 255, reason: 'Error', startedAt: before(137), finishedAt: before(46) },
    },
  }),
  controlPlaneOf2018('kube-controller-manager', {
    status: {
      restarts: 91,
      isReady: true,
      state: { kind: 'running', startedAt: before(30) },
      last: { exitCode: 255, reason: 'Error', startedAt: before(300), finishedAt: before(110) },
    },
    log: [
      'leaderelection.go:252] failed to renew lease kube-system/kube-controller-manager',
      'leaderelection lost',
    ],
  }),
];

/** All three were seen 15 minutes earlier, as often as their last run suggests. */
const earlier2018 = [etcdOf2018, ...others2018].map(({ uid, container, status: { restarts = 0 } }) => ({
  at: before(15 * 60),
  uid,
  container,
  restartCount: restarts - (container === 'etcd' ? 9 : container === 'kube-apiserver' ? 8 : 4),
}));

/** December 2018. The author computes 8 × 15 s = 2 minutes, runs the command by hand without an error, and removes the probe. */
export const deadlyProbe: Story<Facts> = {
  title: 'etcd and the API server restart 183 times, and every pod is Running',
  source: `${NRE_LABS}, with the event that https://github.com/kubernetes/kubeadm/issues/1299 shows of the same day`,
  now: decemberFourth,
  facts: factsOf(
    [
      {
        ...etcdOf2018,
        events: {
          ...NO_EVENTS,
          kills: { probe: 'liveness', count: 9, firstAt: before(900), lastAt: before(51) },
          failures: [
            {
              probe: 'liveness',
              message:
                'rpc error: code = 2 desc = oci runtime error: exec failed: container_linux.go:247: starting container process caused "process_linux.go:110: decoding init error from pipe caused \\"read parent: connection reset by peer\\""',
              count: 64,
              firstAt: before(900),
              lastAt: before(52),
            },
          ],
        },
      },
      ...others2018,
    ],
    { containers: 12, earlier: earlier2018 },
  ),
};

/** The same on the next day: Kubernetes deletes events after an hour, and nothing is remembered. */
export const deadlyProbeWithoutEvents: Story<Facts> = {
  title: 'The same etcd, after its events were deleted',
  source: `${NRE_LABS}: it was running for 91.3 s, and its delay, timeout and threshold are those of the manifest`,
  now: decemberFourth,
  facts: factsOf([etcdOf2018], { containers: 12 }),
};

const scheduler = restarted({
  namespace: 'airflow',
  pod: 'scheduler-6b9d8-kq7ts',
  container: 'scheduler',
  owner: { kind: 'ReplicaSet', name: 'scheduler-6b9d8' },
  node: { name: 'w-1', kubeletVersion: 'v1.20.15', containerRuntime: 'containerd://1.4.13' },
  liveness: probe({
    text: 'exec /entrypoint',
    initialDelaySeconds: 10,
    periodSeconds: 30,
    timeoutSeconds: 10,
    failureThreshold: 5,
  }),
  status: runningFor(
    { seconds: 139 },
    {
      restarts: 11,
      last: {
        exitCode: 0,
        reason: 'Completed',
        startedAt: ago({ minutes: 9, seconds: 48 }),
        finishedAt: ago({ minutes: 7, seconds: 19 }),
      },
    },
  ),
  events: {
    ...NO_EVENTS,
    kills: {
      probe: 'liveness',
      count: 9,
      firstAt: ago({ minutes: 56 }),
      lastAt: ago({ minutes: 7, seconds: 21 }),
    },
    failures: [
      {
        probe: 'liveness',
        message: 'command "/entrypoint python /opt/check_scheduler.py" timed out',
        count: 44,
        firstAt: ago({ minutes: 58 }),
        lastAt: ago({ minutes: 7, seconds: 21 }),
      },
    ],
  },
});

/** How long the container ran fits both windows of the probe. */
export const slowCommand: Story<Facts> = {
  title: 'A liveness command that takes longer than its timeout, which Kubernetes 1.20 began to enforce',
  source: 'https://github.com/airflow-helm/charts/issues/484 and https://github.com/Azure/AKS/issues/2256',
  now: ago({}),
  facts: factsOf([scheduler], {
    earlier: counted(scheduler, [
      [{ minutes: 60 }, 3],
      [{ minutes: 30 }, 7],
    ]),
  }),
};

const zookeeper = restarted({
  namespace: 'zk',
  pod: 'cluster-2',
  container: 'zookeeper',
  owner: { kind: 'StatefulSet', name: 'cluster' },
  node: { name: 'w-2', kubeletVersion: 'v1.32.10', containerRuntime: 'containerd://1.7.28' },
  liveness: probe({
    action: 'http',
    text: 'GET http://:8080/ready',
    initialDelaySeconds: 30,
    periodSeconds: 10,
    timeoutSeconds: 5,
    failureThreshold: 3,
  }),
  status: runningFor(
    { seconds: 14 },
    {
      restarts: 9,
      last: {
        exitCode: 143,
        reason: 'OOMKilled',
        startedAt: ago({ minutes: 6, seconds: 10 }),
        finishedAt: ago({ minutes: 5, seconds: 14 }),
      },
    },
  ),
  events: {
    ...NO_EVENTS,
    kills: {
      probe: 'liveness',
      count: 7,
      firstAt: ago({ minutes: 51 }),
      lastAt: ago({ minutes: 5, seconds: 16 }),
    },
    failures: [
      {
        probe: 'liveness',
        message: 'Get "http://10.42.3.17:8080/ready": dial tcp 10.42.3.17:8080: connect: connection refused',
        count: 21,
        firstAt: ago({ minutes: 52 }),
        lastAt: ago({ minutes: 5, seconds: 16 }),
      },
    ],
  },
});

export const notOutOfMemory: Story<Facts> = {
  title: 'OOMKilled with exit code 143 and without a memory limit',
  source:
    'https://github.com/kubernetes/kubernetes/issues/140716 and https://github.com/kubernetes/kops/issues/18040',
  now: ago({}),
  facts: factsOf([zookeeper], {
    earlier: counted(zookeeper, [
      [{ minutes: 60 }, 2],
      [{ minutes: 30 }, 5],
    ]),
  }),
};

const controllerManagers = [
  { node: 'cp-1', restarts: 248, yesterday: 235, lifeMinutes: 118, runningMinutes: 49 },
  { node: 'cp-2', restarts: 272, yesterday: 258, lifeMinutes: 76, runningMinutes: 21 },
  { node: 'cp-3', restarts: 250, yesterday: 237, lifeMinutes: 97, runningMinutes: 81 },
].map(({ node, restarts, yesterday, lifeMinutes, runningMinutes }) => ({
  yesterday,
  container: restarted({
    namespace: 'kube-system',
    pod: `kube-controller-manager-${node}`,
    container: 'kube-controller-manager',
    owner: { kind: 'Static', name: 'kube-controller-manager' },
    node: { name: node, kubeletVersion: 'v1.29.4', containerRuntime: 'containerd://1.7.13' },
    podCreatedAt: ago({ days: 18 }),
    liveness: probe({ action: 'http', text: 'GET https://127.0.0.1:10257/healthz' }),
    status: runningFor(
      { minutes: runningMinutes },
      {
        restarts,
        last: {
          exitCode: 1,
          reason: 'Error',
          startedAt: ago({ minutes: runningMinutes + lifeMinutes }),
          finishedAt: ago({ minutes: runningMinutes }),
        },
      },
    ),
    log: [
      'I1126 11:10:43.002513       1 leaderelection.go:285] failed to renew lease kube-system/kube-controller-manager: timed out waiting for the condition',
      'E1126 11:10:43.008059       1 controllermanager.go:302] "leaderelection lost"',
    ],
  }),
}));

/** Below any limit of restarts per hour, and lasting for weeks. */
export const lostLeases: Story<Facts> = {
  title: 'Three controller managers with 250 restarts in 18 days',
  source: 'https://github.com/kubernetes/kubernetes/issues/74340',
  now: ago({}),
  facts: factsOf(
    controllerManagers.map(({ container }) => container),
    {
      containers: 9,
      earlier: controllerManagers.flatMap(({ container, yesterday }) =>
        counted(container, [[{ hours: 24 }, yesterday]]),
      ),
    },
  ),
};

const BACK_OFF = {
  kind: 'waiting',
  reason: 'CrashLoopBackOff',
  message: 'back-off 5m0s restarting failed container=tainter pod=tainter-7c9b-m4n5q_ops',
} as const;

/** `sleep 60` at the end, so that it "runs for a while". */
export const finishedTasks: Story<Facts> = {
  title: 'Two Deployments whose command ends with success',
  source:
    'https://github.com/kubernetes/kubernetes/issues/53125 and https://github.com/kubernetes/kubernetes/issues/50962',
  now: ago({}),
  facts: factsOf([
    restarted({
      namespace: 'default',
      pod: 'demo-5d4f-8x2kp',
      container: 'command-demo',
      owner: { kind: 'ReplicaSet', name: 'demo-5d4f' },
      node: { name: 'w-1' },
      podCreatedAt: ago({ minutes: 105 }),
      status: {
        restarts: 24,
        isReady: false,
        state: BACK_OFF,
        last: {
          exitCode: 0,
          reason: 'Completed',
          startedAt: ago({ seconds: 150 }),
          finishedAt: ago({ seconds: 150 }),
        },
      },
      events: {
        ...NO_EVENTS,
        backOff: { count: 108, firstAt: ago({ minutes: 104 }), lastAt: ago({ seconds: 20 }) },
      },
    }),
    restarted({
      namespace: 'ops',
      pod: 'tainter-7c9b-m4n5q',
      container: 'tainter',
      owner: { kind: 'ReplicaSet', name: 'tainter-7c9b' },
      node: { name: 'w-1' },
      podCreatedAt: ago({ hours: 6 }),
      status: {
        restarts: 63,
        isReady: false,
        state: BACK_OFF,
        last: {
          exitCode: 0,
          reason: 'Completed',
          startedAt: ago({ seconds: 250 }),
          finishedAt: ago({ seconds: 188 }),
        },
      },
      events: {
        ...NO_EVENTS,
        backOff: { count: 1_542, firstAt: ago({ hours: 6 }), lastAt: ago({ seconds: 20 }) },
      },
    }),
  ]),
};

const STATIC_UID = '9a8ab44e28b43ed1203b49f15201573e';

/** On the fresh cluster, `docker ps -a` was all that still responded: `Up 51 seconds`, and `Exited (0) 51 seconds ago`. */
export const apiServerGone: Story<Facts> = {
  title: 'The API server refuses connections, and Docker shows two copies of etcd',
  source: NRE_LABS,
  now: decemberFourth,
  facts: {
    clusters: [],
    earlier: [],
    engines: [
      {
        target: 'control-plane:antidote-controller-zk2x',
        source: 'control-plane',
        engine: 'antidote-controller-zk2x',
        node: 'antidote-controller-zk2x',
        clockBehindMs: 0,
        clusters: ['antidote'],
        containers: [
          {
            namespace: 'kube-system',
            pod: 'etcd-antidote-controller-zk2x',
            uid: STATIC_UID,
            container: 'etcd',
            instances: [
              {
                id: 'ddcb1af47db5'.padEnd(64, '0'),
                attempt: 1,
                state: 'running',
                startedAt: before(51),
              },
              {
                id: 'aa0bff115153'.padEnd(64, '0'),
                attempt: 0,
                state: 'exited',
                exitCode: 0,
                startedAt: before(142.3),
                finishedAt: before(51),
              },
            ],
          },
        ],
      },
    ],
  },
};
