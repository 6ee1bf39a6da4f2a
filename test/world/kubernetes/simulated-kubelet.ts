import { randomBytes } from 'node:crypto';
import type { TestCluster } from './api-server.ts';
import { timestamp } from './deployment-controller.ts';
import { makeEventRecorder, type RecordEvent } from './event-recorder.ts';
import {
  always,
  makeProbeWorker,
  type ProbeBehavior,
  type ProbeResult,
  type ProbeWorker,
} from './probe-worker.ts';
import type { ApiObject } from './resources.ts';
import type { ContainerSpec, PodSpec, ProbeSpec } from './workloads.ts';

/** A probe of a container in a pod. */
export interface ProbedBy {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly probe: 'liveness' | 'startup';
}

export interface KubeletOptions {
  /** The clock. Nothing happens between calls of `advance`. */
  readonly now: () => Date;
  /** Default: all probes succeed. */
  readonly behaviorOf?: (probe: ProbedBy) => ProbeBehavior;
  /** Whether a container keeps running after SIGTERM until its grace period is over. Default: none does. */
  readonly ignoresSigterm?: (container: string) => boolean;
  /** The address of a pod. Default: all have the same. */
  readonly addressOf?: (pod: PodOnNode) => string;
  /** What a node runs for an image, as its runtime names it: `registry.example/app@sha256:…`. Default: unknown. */
  readonly imageIdOf?: (image: string, pod: PodOnNode) => string;
  /** `crashLoopBackOff.maxContainerRestartPeriod`. Default 300. */
  readonly maxBackOffSeconds?: number;
}

interface PodOnNode {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly node: string;
}

/** The kubelets of all nodes. They run every pod that has a node and has not failed. */
export interface SimulatedKubelet {
  /** Lets everything happen that is due by now, in order and each at its own time. */
  readonly advance: () => void;
  /** Advances regularly in real time, until stopped. */
  readonly run: (everyMs: number) => { readonly stop: () => void };
}

interface Container {
  readonly pod: PodOnNode;
  readonly spec: ContainerSpec;
  readonly imageId: string;
  readonly graceSeconds: number;
  readonly workers: Partial<Record<'liveness' | 'startup', ProbeWorker>>;
  restarts: number;
  id: string;
  isStarted: boolean;
  state:
    | { readonly kind: 'running'; readonly startedAtMs: number }
    | {
        readonly kind: 'stopping';
        readonly startedAtMs: number;
        readonly endsAtMs: number;
        readonly isKilled: boolean;
      }
    | { readonly kind: 'waiting'; readonly restartsAtMs: number; readonly backOffSeconds: number };
  last?: object;
  backOff?: { readonly seconds: number; readonly updatedAtMs: number };
}

const FIRST_BACK_OFF_SECONDS = 10;
/** Of the maximum: a container that ran for longer starts without a back-off again. */
const BACK_OFF_EXPIRES_AFTER = 2;
const MAX_BACK_OFF_SECONDS = 300;

export function startKubelet(cluster: TestCluster, options: KubeletOptions): SimulatedKubelet {
  const { now, behaviorOf = () => always('succeeds'), ignoresSigterm = () => false } = options;
  const { maxBackOffSeconds = MAX_BACK_OFF_SECONDS } = options;
  const { addressOf = () => '10.244.0.7', imageIdOf = () => '' } = options;
  const events = makeEventRecorder(cluster);
  const pods = new Map<string, readonly Container[]>();

  const reportPod = (containers: readonly Container[], atMs: number): void => {
    const [first] = containers;
    if (first) report(cluster, containers, { atMs, podIP: addressOf(first.pod) });
  };

  const start = (container: Container, atMs: number): void => {
    // Counts the restarts so far: a container that waits to be restarted is not counted yet.
    if (container.id !== '') container.restarts++;
    container.id = `containerd://${randomBytes(32).toString('hex')}`;
    container.isStarted = container.workers.startup === undefined;
    container.state = { kind: 'running', startedAtMs: atMs };
    const { name, image = '' } = container.spec;
    const record = recordFor(events.record, container, atMs);
    record('Normal', 'Pulled', `Container image "${image}" already present on machine`);
    record('Normal', 'Created', `Created container: ${name}`);
    record('Normal', 'Started', `Started container ${name}`);
  };

  const end = (container: Container, atMs: number, startedAtMs: number, isKilled: boolean): void => {
    container.last = {
      exitCode: isKilled ? 137 : 0,
      reason: isKilled ? 'Error' : 'Completed',
      startedAt: timestamp(new Date(startedAtMs)),
      finishedAt: timestamp(new Date(atMs)),
      containerID: container.id,
    };
    const { pod, spec } = container;
    cluster.setPreviousLog(
      { namespace: pod.namespace, pod: pod.name, container: spec.name },
      `${spec.name} is ready\n${spec.name} received SIGTERM${isKilled ? '' : ', shutting down'}\n`,
    );
    const { backOff } = container;
    const maxSeconds = Math.max(maxBackOffSeconds, 1);
    const isExpired =
      !backOff || atMs - backOff.updatedAtMs > BACK_OFF_EXPIRES_AFTER * MAX_BACK_OFF_SECONDS * 1_000;
    if (isExpired) {
      container.backOff = { seconds: Math.min(FIRST_BACK_OFF_SECONDS, maxSeconds), updatedAtMs: atMs };
      start(container, atMs);
      return;
    }
    const { seconds } = backOff;
    container.state = { kind: 'waiting', restartsAtMs: atMs + seconds * 1_000, backOffSeconds: seconds };
    container.isStarted = false;
    recordFor(events.record, container, atMs)(
      'Warning',
      'BackOff',
      `Back-off restarting failed container ${container.spec.name} in pod ${podInWords(container)}`,
    );
  };

  const handle = (
    container: Container,
    which: 'liveness' | 'startup',
    { result, isFinal }: ProbeResult,
    atMs: number,
  ): boolean => {
    const { state, spec } = container;
    if (state.kind !== 'running') return false;
    const probe = spec[`${which}Probe`]!;
    const record = recordFor(events.record, container, atMs);
    const title = which === 'liveness' ? 'Liveness' : 'Startup';
    if (result === 'succeeded') {
      if (which === 'startup' && isFinal) container.isStarted = true;
      return which === 'startup' && isFinal;
    }
    if (result === 'errored')
      record('Warning', 'Unhealthy', `${title} probe errored and resulted in unknown state: ${ERROR}`);
    else record('Warning', 'Unhealthy', `${title} probe failed: ${outputOf(probe, result)}`);
    if (!isFinal) return false;
    record('Normal', 'Killing', `Container ${spec.name} failed ${which} probe, will be restarted`);
    const isKilled = ignoresSigterm(spec.name);
    const graceSeconds = probe.terminationGracePeriodSeconds ?? container.graceSeconds;
    const endsAtMs = isKilled ? atMs + graceSeconds * 1_000 : atMs;
    container.state = { kind: 'stopping', startedAtMs: state.startedAtMs, endsAtMs, isKilled };
    return false;
  };

  /** What this container does next; undefined if that is after `untilMs`. */
  const nextOf = (container: Container, untilMs: number): Step | undefined => {
    const { state } = container;
    const steps: Step[] = (['startup', 'liveness'] as const).flatMap((which) => {
      const worker = container.workers[which];
      if (!worker) return [];
      const atMs = worker.dueMs();
      return [
        {
          atMs,
          run: () => {
            const { state: current, restarts, isStarted } = container;
            const applies = current.kind === 'running' && (which === 'liveness' ? isStarted : !isStarted);
            const startedAtMs = current.kind === 'waiting' ? atMs : current.startedAtMs;
            const result = worker.step({ ...(applies && { probed: restarts }), startedAtMs });
            return result !== undefined && handle(container, which, result, atMs);
          },
        },
      ];
    });
    if (state.kind === 'stopping')
      steps.push({
        atMs: state.endsAtMs,
        run: () => {
          end(container, state.endsAtMs, state.startedAtMs, state.isKilled);
          return true;
        },
      });
    if (state.kind === 'waiting')
      steps.push({
        atMs: state.restartsAtMs,
        run: () => {
          const { restartsAtMs, backOffSeconds } = state;
          const seconds = Math.min(backOffSeconds * 2, maxBackOffSeconds);
          container.backOff = { seconds, updatedAtMs: restartsAtMs };
          start(container, restartsAtMs);
          return true;
        },
      });
    return earliest(steps.filter(({ atMs }) => atMs <= untilMs));
  };

  const adopt = (pod: ApiObject): void => {
    const { name, namespace = '', uid = '' } = pod.metadata;
    const spec = pod['spec'] as PodSpec;
    if (spec.nodeName === undefined || pods.has(uid) || hasEnded(pod)) return;
    const atMs = now().getTime();
    const onNode = { namespace, name, uid, node: spec.nodeName };
    const containers = spec.containers.map((container): Container => {
      const workerOf = (probe: 'liveness' | 'startup', given: ProbeSpec | undefined) =>
        given && {
          [probe]: makeProbeWorker(
            given,
            behaviorOf({ namespace, pod: name, container: container.name, probe }),
            atMs,
          ),
        };
      return {
        pod: onNode,
        spec: container,
        imageId: imageIdOf(container.image ?? '', onNode),
        graceSeconds: spec.terminationGracePeriodSeconds ?? 30,
        workers: {
          ...workerOf('liveness', container.livenessProbe),
          ...workerOf('startup', container.startupProbe),
        },
        restarts: 0,
        id: '',
        isStarted: false,
        state: { kind: 'running', startedAtMs: atMs },
      };
    });
    pods.set(uid, containers);
    for (const container of containers) start(container, atMs);
    reportPod(containers, atMs);
  };

  cluster.onChange((plural, { metadata: { name, namespace, uid = '' } }) => {
    if (plural !== 'pods') return;
    const current = cluster.find('pods', name, namespace);
    if (!current || current.metadata.uid !== uid || hasEnded(current)) pods.delete(uid);
    if (current) adopt(current);
  });
  for (const pod of cluster.list('pods')) adopt(pod);

  const advance = (): void => {
    const untilMs = now().getTime();
    for (;;) {
      const next = earliest(
        [...pods.values()].flatMap((containers) =>
          containers.flatMap((container) => {
            const step = nextOf(container, untilMs);
            return step ? [{ ...step, containers }] : [];
          }),
        ),
      );
      if (!next) break;
      if (next.run()) reportPod(next.containers, next.atMs);
    }
    events.expire(untilMs);
  };

  return {
    advance,
    run: (everyMs) => {
      const timer = setInterval(advance, everyMs);
      return { stop: () => clearInterval(timer) };
    },
  };
}

interface Step {
  readonly atMs: number;
  /** Returns whether the status of the pod has changed. */
  readonly run: () => boolean;
}

/** The first of those with the lowest time. */
function earliest<T extends Step>(steps: readonly T[]): T | undefined {
  let first: T | undefined;
  for (const step of steps) if (!first || step.atMs < first.atMs) first = step;
  return first;
}

function hasEnded(pod: ApiObject): boolean {
  const { phase } = (pod['status'] ?? {}) as { readonly phase?: string };
  return phase === 'Failed' || phase === 'Succeeded';
}

const ERROR = 'rpc error: code = Unknown desc = failed to exec in container: container is not running';

/** The output of a probe, which the kubelet appends to its event. */
function outputOf({ exec, httpGet }: ProbeSpec, result: 'failed' | 'timed-out'): string {
  if (exec) return result === 'failed' ? '' : `command "${exec.command.join(' ')}" timed out`;
  if (httpGet) {
    const { path = '/', port } = httpGet;
    return result === 'failed'
      ? 'HTTP probe failed with statuscode: 503'
      : `Get "http://10.244.0.7:${port}${path}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`;
  }
  return result === 'failed'
    ? 'dial tcp 10.244.0.7:8080: connect: connection refused'
    : 'dial tcp 10.244.0.7:8080: i/o timeout';
}

function podInWords({ pod: { namespace, name, uid } }: Container): string {
  return `${name}_${namespace}(${uid})`;
}

type RecordOne = (type: 'Normal' | 'Warning', reason: string, message: string) => void;

function recordFor(record: RecordEvent, { pod, spec }: Container, atMs: number): RecordOne {
  return (type, reason, message) => record({ pod, container: spec.name, type, reason, message, atMs });
}

/** Writes the status of a pod, as its kubelet does. */
function report(
  cluster: TestCluster,
  containers: readonly Container[],
  { atMs, podIP }: { readonly atMs: number; readonly podIP: string },
): void {
  const [{ pod }] = containers as readonly [Container];
  const current = cluster.find('pods', pod.name, pod.namespace);
  if (current?.metadata.uid !== pod.uid) return;
  const isReady = containers.every(({ isStarted, state }) => isStarted && state.kind === 'running');
  const { startTime = timestamp(new Date(atMs)) } = current['status'] as { readonly startTime?: string };
  cluster.save('pods', {
    ...current,
    status: {
      phase: 'Running',
      startTime,
      podIP,
      podIPs: [{ ip: podIP }],
      conditions: ['Ready', 'ContainersReady'].map((type) => ({ type, status: isReady ? 'True' : 'False' })),
      containerStatuses: containers.map((one) => statusOf(one)),
    },
  });
}

function statusOf(container: Container): object {
  const { state, spec, imageId, restarts, isStarted, id, last } = container;
  return {
    name: spec.name,
    image: spec.image,
    restartCount: restarts,
    ready: isStarted && state.kind === 'running',
    started: isStarted,
    imageID: imageId,
    containerID: id,
    state:
      state.kind === 'waiting'
        ? {
            waiting: {
              reason: 'CrashLoopBackOff',
              message: `back-off ${durationOf(state.backOffSeconds)} restarting failed container=${spec.name} pod=${podInWords(container)}`,
            },
          }
        : { running: { startedAt: timestamp(new Date(state.startedAtMs)) } },
    ...(last && { lastState: { terminated: last } }),
  };
}

/** As Go prints it: `40s`, `2m40s`. */
function durationOf(seconds: number): string {
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
