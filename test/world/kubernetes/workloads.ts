import { randomUUID } from 'node:crypto';
import type { ApiObject } from './resources.ts';

/** The parts of a container that the controllers of this folder read. */
export interface ContainerSpec {
  readonly name: string;
  readonly image?: string;
  readonly livenessProbe?: ProbeSpec;
  readonly startupProbe?: ProbeSpec;
  readonly [field: string]: unknown;
}

export interface ProbeSpec {
  readonly exec?: { readonly command: readonly string[] };
  readonly httpGet?: { readonly path?: string; readonly port: number | string };
  readonly tcpSocket?: { readonly port: number | string };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly failureThreshold?: number;
  readonly successThreshold?: number;
  readonly terminationGracePeriodSeconds?: number;
}

export interface PodSpec {
  readonly nodeName?: string;
  readonly terminationGracePeriodSeconds?: number;
  readonly containers: readonly ContainerSpec[];
  readonly [field: string]: unknown;
}

/** `spec.template` of a workload. */
export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: PodSpec;
}

interface WorkloadRequest {
  readonly namespace?: string;
  readonly uid?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly replicas?: number;
  /** As in a spec. Default: one called `app`. */
  readonly containers?: readonly ContainerSpec[];
  readonly initContainers?: readonly ContainerSpec[];
  readonly templateAnnotations?: Readonly<Record<string, string>>;
  readonly paused?: boolean;
  readonly graceSeconds?: number;
  readonly owner?: { readonly kind: string; readonly name: string };
}

/** A Deployment, StatefulSet or DaemonSet, as the API server stores it. */
export function workloadObject(name: string, request: WorkloadRequest = {}): ApiObject {
  const { namespace = 'default', uid = randomUUID(), annotations, replicas = 1, paused, owner } = request;
  const { containers = [{ name: 'app', image: 'registry.example/app:1' }], initContainers } = request;
  const labels = { app: name, ...request.labels };
  return {
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '2026-09-27T12:00:00Z',
      labels,
      ...(annotations && { annotations }),
      ...(owner && {
        ownerReferences: [{ apiVersion: 'example.com/v1', uid: randomUUID(), controller: true, ...owner }],
      }),
    },
    spec: {
      replicas,
      ...(paused !== undefined && { paused }),
      selector: { matchLabels: labels },
      template: {
        metadata: {
          labels,
          ...(request.templateAnnotations && { annotations: request.templateAnnotations }),
        },
        spec: {
          restartPolicy: 'Always',
          terminationGracePeriodSeconds: request.graceSeconds ?? 30,
          ...(initContainers && { initContainers: initContainers.map(withDefaults) }),
          containers: containers.map(withDefaults),
        },
      },
    },
    status: {},
  };
}

/** The defaults that the API server fills in: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/ */
function withDefaults({ livenessProbe, startupProbe, ...container }: ContainerSpec): ContainerSpec {
  const complete = (probe: ProbeSpec): ProbeSpec => ({
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
    ...probe,
  });
  return {
    ...container,
    ...(livenessProbe && { livenessProbe: complete(livenessProbe) }),
    ...(startupProbe && { startupProbe: complete(startupProbe) }),
  };
}
