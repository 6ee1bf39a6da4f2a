import type { ports, ReadContext, Remembered } from '../../kit.ts';
import type { PodOwner } from '../../shared/pod-owner.ts';
import type { RestartSample } from './samples.ts';

export type Context = ReadContext<'clusters', 'engines' | 'keyValue', RestartSample>;

export interface Facts {
  readonly clusters: readonly ClusterFacts[];
  /** Clusters whose API servers do not respond. Absent if there are none. */
  readonly silent?: readonly string[];
  /** What container engines say about a cluster whose API server does not respond. Empty if none was asked. */
  readonly engines: readonly EngineFacts[];
  readonly earlier: readonly Remembered<RestartSample>[];
}

/** What was read of one cluster: of 150,000 pods, only the containers that may be restarting. */
export interface ClusterFacts {
  readonly name: string;
  /** How many containers were read, restarted or not. */
  readonly containers: number;
  readonly restarted: readonly RestartedContainer[];
  /** How many more containers are in a loop: only those with the most restarts are kept. Absent if all are. */
  readonly unkept?: number;
  /** Whether all pod events could be read. Without them, the cause of a restart may be unknown. */
  readonly areEventsComplete: boolean;
}

/** One container that has restarted recently, waits to be restarted, or whose probe never works. */
export interface RestartedContainer {
  readonly cluster: string;
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  readonly container: string;
  readonly kind: 'main' | 'init' | 'sidecar';
  readonly owner: Owner;
  readonly node?: NodeFacts;
  /** For a mirror pod, when the mirror was created, not the static pod. */
  readonly podCreatedAt?: Date;
  readonly restartPolicy: string;
  readonly graceSeconds: number;
  readonly liveness?: ports.Probe;
  readonly startup?: ports.Probe;
  readonly memoryLimit?: string;
  readonly status: ports.ContainerStatus;
  /** What Wrench last changed in the template of its pod. */
  readonly adjusted?: ports.Adjustment;
  readonly events: ContainerEvents;
  /** The last lines of its previous instance. Absent if not read. */
  readonly log?: readonly string[];
  /** What would be changed to fix it. Absent if its owner has no probe that Wrench could change, or it couldn't be read. */
  readonly workload?: ports.Workload;
  /** Absent if it couldn't be read, or was not asked for. */
  readonly adjust?: ports.WorkloadPermission;
}

export type Owner = PodOwner;

export interface NodeFacts {
  readonly name: string;
  readonly kubeletVersion?: string;
  readonly containerRuntime?: string;
  readonly osImage?: string;
  /** The directory of static pods. Absent if unknown. */
  readonly staticPodPath?: string;
}

/** What the events of one container say. Counts are lower bounds: events are aggregated, rate limited, and deleted after an hour. */
export interface ContainerEvents {
  /** Kills by a probe. */
  readonly kills?: EventCount & { readonly probe: 'liveness' | 'startup' };
  /** Failures of a liveness or startup probe that count towards its threshold; one entry for each different text. */
  readonly failures: readonly (EventCount & {
    readonly probe: 'liveness' | 'startup';
    readonly message: string;
  })[];
  /** Probes that could not run ("errored"). They do not count towards the threshold: https://github.com/kubernetes/kubernetes/blob/v1.33.5/pkg/kubelet/prober/worker.go */
  readonly errors: readonly (EventCount & {
    readonly probe: 'liveness' | 'startup';
    readonly message: string;
  })[];
  readonly backOff?: EventCount;
  /** Its pod lost its sandbox, and so all its containers. */
  readonly sandboxChanges?: EventCount;
  /** Why the container couldn't be created or started. */
  readonly startFailures: readonly (EventCount & { readonly message: string })[];
}

export interface EventCount {
  readonly count: number;
  readonly firstAt?: Date;
  readonly lastAt?: Date;
}

/** The containers that a kubelet runs on the engine of one machine, read because the API server does not respond. */
export interface EngineFacts {
  /** `control-plane:cp-1` */
  readonly target: string;
  readonly source: string;
  readonly engine: string;
  /** The name or address of its node, by the configuration. */
  readonly node?: string;
  /** By how much its clock, and so all its times, are behind; negative if they are ahead. */
  readonly clockBehindMs: number;
  /** The clusters whose API servers do not respond. */
  readonly clusters: readonly string[];
  readonly containers: readonly EngineInstances[];
}

/** All instances of one container of one pod on an engine, by the labels that the kubelet sets. */
export interface EngineInstances {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  readonly container: string;
  /** Newest first. */
  readonly instances: readonly {
    readonly id: string;
    /** How often the kubelet had restarted it before. */
    readonly attempt?: number;
    readonly state: string;
    readonly exitCode?: number;
    readonly startedAt?: Date;
    readonly finishedAt?: Date;
  }[];
}
