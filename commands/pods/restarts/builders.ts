import type { ports, Remembered } from '../../kit.ts';
import type { ClusterFacts, ContainerEvents, Facts, RestartedContainer } from './facts.ts';
import type { RestartSample } from './samples.ts';

/** What tests and stories are written for. */
export const NOW = new Date('2026-11-26T12:00:00Z');

/** `ago({ minutes: 3 })`, before {@link NOW} unless `from` is given. */
export function ago(
  { days = 0, hours = 0, minutes = 0, seconds = 0 }: Readonly<Partial<Record<TimeUnit, number>>>,
  from = NOW,
): Date {
  return new Date(from.getTime() - (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000);
}

type TimeUnit = 'days' | 'hours' | 'minutes' | 'seconds';

export const NO_EVENTS: ContainerEvents = { failures: [], errors: [], startFailures: [] };

/** A main container of a Deployment's pod, without a probe, that runs now and has never restarted, with overrides. */
export function restarted(known: Partial<RestartedContainer> = {}): RestartedContainer {
  const { container = 'app', pod = 'web-5d8f7c9b4-x2lzq' } = known;
  return {
    cluster: 'lab',
    namespace: 'shop',
    pod,
    uid: `uid-of-${pod}`,
    container,
    kind: 'main',
    owner: { kind: 'Deployment', name: 'web' },
    node: { name: 'node-a', kubeletVersion: 'v1.33.5', containerRuntime: 'containerd://2.1.4' },
    podCreatedAt: ago({ days: 20 }),
    restartPolicy: 'Always',
    graceSeconds: 30,
    status: runningFor({ days: 20 }, { restarts: 0 }),
    events: NO_EVENTS,
    ...known,
  };
}

type Ago = Parameters<typeof ago>[0];

/** A status: running for this long. */
export function runningFor(time: Ago, known: Partial<ports.ContainerStatus> = {}): ports.ContainerStatus {
  return { restarts: 1, isReady: true, state: { kind: 'running', startedAt: ago(time) }, ...known };
}

/** A status: waits in the back-off before the next start. */
export function backingOff(known: Partial<ports.ContainerStatus> = {}): ports.ContainerStatus {
  return {
    restarts: 5,
    isReady: false,
    state: {
      kind: 'waiting',
      reason: 'CrashLoopBackOff',
      message: 'back-off 5m0s restarting failed container',
    },
    ...known,
  };
}

/** A previous instance that ran from one time to another, both before {@link NOW}; exit code 1 by default. */
export function ended(from: Ago, to: Ago, known: Partial<ports.Termination> = {}): ports.Termination {
  return { exitCode: 1, reason: 'Error', startedAt: ago(from), finishedAt: ago(to), ...known };
}

/** A probe that runs a command, with the timing of kubeadm 1.12's etcd: it fails at once after 85 to 95 s. */
export function probe(known: Partial<ports.Probe> = {}): ports.Probe {
  return {
    action: 'exec',
    text: 'exec etcdctl',
    initialDelaySeconds: 15,
    periodSeconds: 10,
    timeoutSeconds: 15,
    failureThreshold: 8,
    ...known,
  };
}

/** Facts of the cluster `lab`, unless the containers name others. */
export function factsOf(
  all: readonly RestartedContainer[],
  known: Partial<Omit<ClusterFacts, 'name' | 'restarted'>> & Partial<Pick<Facts, 'engines' | 'earlier'>> = {},
): Facts {
  const { engines = [], earlier = [], ...ofCluster } = known;
  const names = all.length === 0 ? ['lab'] : [...new Set(all.map(({ cluster }) => cluster))];
  const clusters = names.map((name): ClusterFacts => {
    const ofThis = all.filter(({ cluster }) => cluster === name);
    return {
      name,
      containers: Math.max(40, ofThis.length),
      areEventsComplete: true,
      ...ofCluster,
      restarted: ofThis,
    };
  });
  return { clusters, engines, earlier };
}

/** What earlier runs remembered of a container, oldest first: how long ago, and its counter. */
export function counted(
  { uid, container }: Pick<RestartedContainer, 'uid' | 'container'>,
  counters: readonly (readonly [Ago, restartCount: number])[],
): readonly Remembered<RestartSample>[] {
  return counters.map(([time, restartCount]) => ({ at: ago(time), uid, container, restartCount }));
}
