import type { ApiObject } from '../world/kubernetes/resources.ts';
import { containerStatus, type PodRequest, podObject } from '../world/kubernetes/objects.ts';
import { askCase, type CaseVerdict } from './ask-case.ts';
import { CASE_NOW, type CaseRequest, makeCase } from './make-case.ts';

/** How long before the time of the case, in seconds. */
export const MINUTE = 60;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** This many seconds before {@link CASE_NOW}. */
export function before(seconds: number): string {
  return new Date(Date.parse(CASE_NOW) - seconds * 1_000).toISOString();
}

/** The two last instances of a container, in seconds before {@link CASE_NOW}. */
export interface Lives {
  readonly restarts: number;
  readonly startedAgo: number;
  readonly endedAgo: number;
  readonly exitCode: number;
  readonly reason?: string;
  /** When the current instance started. Without it, the container waits to be started again. */
  readonly runningFor?: number;
}

/** The status of a container that has restarted. */
export function restartedStatus(
  name: string,
  { restarts, startedAgo, endedAgo, exitCode, reason = 'Error', runningFor }: Lives,
): object {
  const waiting = {
    reason: 'CrashLoopBackOff',
    message: `back-off 5m0s restarting failed container=${name}`,
  };
  return containerStatus(name, {
    restartCount: restarts,
    ready: runningFor !== undefined,
    state: runningFor === undefined ? { waiting } : { running: { startedAt: before(runningFor) } },
    lastState: {
      terminated: { exitCode, reason, startedAt: before(startedAgo), finishedAt: before(endedAgo) },
    },
  });
}

/** A pod of the ReplicaSet `web-1` on node-a with a container `app`, which restarts. */
export function restartingPod(
  lives: Lives,
  { spec = {}, ...request }: PodRequest & { readonly spec?: object } = {},
): ApiObject {
  return podObject('web-1-x2lzq', {
    uid: 'uid-of-web',
    namespace: 'shop',
    node: 'node-a',
    owner: { kind: 'ReplicaSet', name: 'web-1' },
    containers: [{ name: 'app', image: 'registry.example/app:1', ...spec }],
    containerStatuses: [restartedStatus('app', lives)],
    ...request,
  });
}

/** The pod that mirrors a static pod of a control plane node. */
export function mirrorPod(component: string, lives: Lives, { spec = {}, node = 'node-a' } = {}): ApiObject {
  return podObject(`${component}-${node}`, {
    uid: `uid-of-${component}-${node}`,
    namespace: 'kube-system',
    node,
    annotations: { 'kubernetes.io/config.mirror': 'ab1', 'kubernetes.io/config.source': 'file' },
    owner: { kind: 'Node', name: node },
    containers: [{ name: component, image: `registry.example/${component}:1`, ...spec }],
    containerStatuses: [restartedStatus(component, lives)],
  });
}

/** An event of a kubelet about the only container of a pod. */
export function podEvent(
  pod: ApiObject,
  reason: 'Unhealthy' | 'Killing' | 'BackOff',
  message: string,
  { count = 9, lastAgo = MINUTE } = {},
): ApiObject {
  const { name, namespace, uid } = pod.metadata;
  return {
    metadata: {
      name: `${name}.${reason}`,
      namespace: namespace ?? 'default',
      uid: `${uid}-${reason}`,
      resourceVersion: '1',
      creationTimestamp: before(lastAgo),
    },
    involvedObject: { kind: 'Pod', name, namespace, uid },
    reason,
    message,
    type: 'Warning',
    count,
    firstTimestamp: before(50 * MINUTE),
    lastTimestamp: before(lastAgo),
    eventTime: null,
    source: { component: 'kubelet', host: 'node-a' },
  };
}

/** What earlier runs counted: restarts by seconds before {@link CASE_NOW}. */
export function countedBefore(
  pod: ApiObject,
  container: string,
  counts: readonly (readonly [ago: number, restartCount: number])[],
): NonNullable<CaseRequest['earlier']> {
  return counts.map(([ago, restartCount]) => ({
    at: before(ago),
    containers: [{ uid: pod.metadata.uid, container, restartCount }],
  }));
}

/** Runs `pods/restarts` on one node with these pods. */
export function askRestarts(
  pods: readonly ApiObject[],
  more: Partial<CaseRequest> = {},
): Promise<CaseVerdict> {
  return askCase(makeCase({ check: 'pods/restarts', nodes: [{ name: 'node-a' }], pods, ...more }));
}

/** The answer of a kubelet that has the log of the previous instance. */
export function previousLog(pod: ApiObject, lines: readonly string[]): NonNullable<CaseRequest['answers']> {
  const { name, namespace } = pod.metadata;
  return {
    [`GET /api/v1/namespaces/${namespace}/pods/${name}/log?previous=true`]: {
      status: 200,
      body: `${lines.join('\n')}\n`,
    },
  };
}
