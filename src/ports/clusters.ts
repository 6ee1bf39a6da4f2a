import type { ApplyContext } from './apply-context.ts';
import type { ReadOptions } from './read-options.ts';

/** A Kubernetes cluster: its API server, and the kubelets of its nodes. */
export interface Cluster {
  /** The source's name in the configuration: `prod-eu`. */
  readonly name: string;
  /**
   * How kubelets are read, as configured: `direct` at their own addresses, `proxy` through the API server, `none` not at all.
   * `proxy` requires `get nodes/proxy`, which is not read-only.
   */
  readonly kubelets: 'direct' | 'proxy' | 'none';
  /**
   * The `gitVersion` of the API server that responded: `v1.30.8-eks-2d5f260`.
   * @throws {SourceError}
   */
  readonly version: (options: ReadOptions) => Promise<string>;
  /**
   * All nodes, in batches as they arrive. No node is yielded twice, even if the list had to be restarted.
   * @throws {SourceError} if the list cannot be completed. The batches before the error are valid.
   */
  readonly nodes: (options: ReadOptions) => AsyncIterable<readonly ClusterNode[]>;
  /**
   * All pods, or those of one namespace. Batched like {@link Cluster.nodes}.
   * @throws {SourceError}
   */
  readonly pods: (options: ReadOptions & { readonly namespace?: string }) => AsyncIterable<readonly Pod[]>;
  /**
   * Events about objects of one kind that the API server still has; it keeps them for an hour by default. Batched like {@link Cluster.nodes}.
   * @throws {SourceError}
   */
  readonly events: (
    options: ReadOptions & { readonly about: 'Node' | 'Pod' },
  ) => AsyncIterable<readonly ClusterEvent[]>;
  /**
   * The DaemonSets of all namespaces. Batched like {@link Cluster.nodes}.
   * @throws {SourceError}
   */
  readonly daemonSets: (options: ReadOptions) => AsyncIterable<readonly DaemonSet[]>;
  /**
   * The ReplicaSets of all namespaces. Batched like {@link Cluster.nodes}. A large cluster has many: stop iterating once all that matter were found.
   * @throws {SourceError}
   */
  readonly replicaSets: (options: ReadOptions) => AsyncIterable<readonly Workload[]>;
  /**
   * One workload.
   * @throws {SourceError} `missing` if it no longer exists.
   */
  readonly workload: (workload: WorkloadName, options: ReadOptions) => Promise<Workload>;
  /**
   * The last lines that the previous instance of a container wrote, oldest first and without terminal sequences. At most `lines`, each at most 1,000
   * characters.
   * @throws {SourceError} `missing` if the kubelet has no previous instance of it any more.
   */
  readonly previousLog: (
    container: ContainerName,
    options: ReadOptions & { readonly lines: number },
  ) => Promise<readonly string[]>;
  /**
   * The measurements of a node's kubelet.
   * @throws {SourceError} `missing` if it has no stats (404); `refused` if a permission is missing, which the message names.
   */
  readonly kubeletStats: (node: KubeletAddress, options: ReadOptions) => Promise<KubeletStats>;
  /**
   * The effective configuration of the kubelet of a node, including defaults.
   * @throws {SourceError} as {@link Cluster.kubeletStats}
   */
  readonly kubeletConfig: (node: KubeletAddress, options: ReadOptions) => Promise<KubeletConfig>;
  /**
   * The Services of one namespace. Batched like {@link Cluster.nodes}.
   * @throws {SourceError}
   */
  readonly services: (
    options: ReadOptions & { readonly namespace: string },
  ) => AsyncIterable<readonly ClusterService[]>;
  /**
   * The endpoints of one Service, from its EndpointSlices. A pod that is in several slices, such as for IPv4 and IPv6, is yielded once for each.
   * Batched like {@link Cluster.nodes}.
   * @throws {SourceError}
   */
  readonly endpoints: (
    options: ReadOptions & { readonly namespace: string; readonly service: string },
  ) => AsyncIterable<readonly Endpoint[]>;
  /**
   * What creates pods in one namespace, with how far its rollout is: Deployments, StatefulSets, DaemonSets, ReplicaSets, and Rollouts of Argo if the
   * cluster has them. Batched like {@link Cluster.nodes}.
   * @throws {SourceError} if one of the lists cannot be completed; a cluster without Rollouts has none.
   */
  readonly rollouts: (
    options: ReadOptions & { readonly namespace: string },
  ) => AsyncIterable<readonly Rollout[]>;
  /**
   * The Ingresses of all namespaces. Batched like {@link Cluster.nodes}.
   * @throws {SourceError}
   */
  readonly ingresses: (options: ReadOptions) => AsyncIterable<readonly Ingress[]>;
  /**
   * Whether both the configuration and the RBAC of the cluster allow restarting workloads in a namespace, with the credential for it.
   * @throws {SourceError}
   */
  readonly restartPermission: (
    options: ReadOptions & { readonly namespace: string },
  ) => Promise<WorkloadPermission>;
  /**
   * Whether both the configuration and the RBAC of the cluster allow changing the images of workloads in a namespace, with the credential for it.
   * @throws {SourceError}
   */
  readonly pinPermission: (
    options: ReadOptions & { readonly namespace: string },
  ) => Promise<WorkloadPermission>;
  /**
   * Whether both the configuration and the RBAC of the cluster allow cordoning nodes, with the credential for it.
   * @throws {SourceError}
   */
  readonly cordonPermission: (options: ReadOptions) => Promise<CordonPermission>;
  /**
   * Whether both the configuration and the RBAC of the cluster allow deleting pods in a namespace, with the credential for it.
   * @throws {SourceError}
   */
  readonly removePermission: (
    options: ReadOptions & { readonly namespace: string },
  ) => Promise<RemovePermission>;
  /**
   * Whether both the configuration and the RBAC of the cluster allow changing the probes of workloads in a namespace, with the credential for it.
   * @throws {SourceError}
   */
  readonly adjustPermission: (
    options: ReadOptions & { readonly namespace: string },
  ) => Promise<WorkloadPermission>;
  /**
   * Sends a change as a dry run, with the credential that would apply it: the API server validates and admits it, and stores nothing.
   * @throws {SourceError} as {@link ClusterWriter.changeProbe}
   */
  readonly tryProbeChange: (change: ProbeChange, options: ReadOptions) => Promise<void>;
  /**
   * Sends a change as a dry run, with the credential that would apply it, like {@link Cluster.tryProbeChange}.
   * @throws {SourceError} as {@link ClusterWriter.changeImage}
   */
  readonly tryImageChange: (change: ImageChange, options: ReadOptions) => Promise<void>;
}

export type ClusterPermission =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly because: string };

export type CordonPermission = ClusterPermission;

/** `managed`: whether workloads that another tool manages, such as Argo CD, may be changed too. */
export type WorkloadPermission =
  | { readonly allowed: true; readonly managed: boolean }
  | { readonly allowed: false; readonly because: string };

/** `running`: whether running pods that a controller replaces may be deleted too, and not only evicted ones. */
export type RemovePermission =
  | { readonly allowed: true; readonly running: boolean }
  | { readonly allowed: false; readonly because: string };

/** What is needed to reach the kubelet of a node. */
export type KubeletAddress = Pick<ClusterNode, 'name' | 'addresses' | 'kubeletPort'>;

export interface ClusterNode {
  readonly name: string;
  /** Changes if the node is removed and joins again. */
  readonly uid: string;
  readonly createdAt?: Date;
  /** `virtual`: no machine with a disk and a kubelet, such as a virtual kubelet or KWOK. */
  readonly kind: 'machine' | 'virtual';
  /** A machine that a cloud runs for a single pod, as AWS Fargate does. The cloud manages its kubelet and its disk. */
  readonly isServerless?: true;
  /** `linux`, `windows`. */
  readonly operatingSystem: string;
  readonly osImage?: string;
  readonly kernelVersion?: string;
  readonly architecture?: string;
  /** `containerd://2.1.4`, `docker://20.10.24`. */
  readonly containerRuntime?: string;
  /** As the kubelet writes it: `v1.30.6-eks-94953ac`. */
  readonly kubeletVersion?: string;
  /** Changes with each boot. */
  readonly bootId?: string;
  /** The node pool or group, from the vendor's label: `blue`. */
  readonly pool?: string;
  /** `control-plane`, `worker`, from the labels `node-role.kubernetes.io/*`. */
  readonly roles: readonly string[];
  readonly conditions: readonly NodeCondition[];
  readonly taints: readonly Taint[];
  /** Cordoned, by Wrench or anyone else. */
  readonly unschedulable: boolean;
  /** The id of the remediation that cordoned it. Absent if Wrench did not. */
  readonly cordonedBy?: string;
  /** In the order of the node's status. */
  readonly addresses: readonly { readonly type: string; readonly address: string }[];
  readonly kubeletPort: number;
}

export interface NodeCondition {
  /** `Ready`, `DiskPressure` … */
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  /** When the status last changed. */
  readonly since?: Date;
  /** When the kubelet last reported it. */
  readonly reportedAt?: Date;
}

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
  readonly since?: Date;
}

export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly createdAt?: Date;
  readonly labels: Readonly<Record<string, string>>;
  /** Absent if it was never scheduled. */
  readonly node?: string;
  /** `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`. */
  readonly phase: string;
  /** Why it failed: `Evicted`. */
  readonly reason?: string;
  readonly message?: string;
  readonly startedAt?: Date;
  /** Set while it is being deleted. */
  readonly deletingSince?: Date;
  /** The controller that creates and replaces it. */
  readonly controller?: { readonly kind: string; readonly name: string; readonly uid?: string };
  /** Whether it is the mirror of a static pod, which only its kubelet manages. */
  readonly isMirror: boolean;
  /** `Always`, `OnFailure`, `Never`. Absent: `Always`. */
  readonly restartPolicy?: string;
  /** How long its containers have to end after SIGTERM. Absent: 30. */
  readonly graceSeconds?: number;
  /** What Wrench last changed in the template that it was created from. */
  readonly adjusted?: Adjustment;
  /** Its IP addresses. Absent before it has any. */
  readonly addresses?: readonly string[];
  readonly containers: readonly PodContainer[];
  readonly volumes: readonly PodVolume[];
}

export interface PodContainer {
  readonly name: string;
  readonly kind: 'init' | 'main' | 'ephemeral';
  readonly image: string;
  /** `Always`, `IfNotPresent`, `Never`, as the API server fills it in. */
  readonly pullPolicy?: string;
  /** The ports that its spec names. Absent: none. */
  readonly ports?: readonly { readonly port: number; readonly name?: string }[];
  readonly privileged: boolean;
  /** Command and arguments in its spec; empty for those of the image. */
  readonly command: readonly string[];
  /** The value of `DOCKER_HOST` in its environment. */
  readonly dockerHost?: string;
  /** `subPath`: a single file or folder of the volume, which is never refreshed: https://kubernetes.io/docs/concepts/storage/volumes/#using-subpath */
  readonly mounts: readonly { readonly volume: string; readonly path: string; readonly subPath?: string }[];
  /** The Secrets in its environment, which is set only when it starts. Absent: none. */
  readonly environmentSecrets?: readonly string[];
  /** Whether it is an init container that keeps running (`restartPolicy: Always`). */
  readonly isSidecar?: true;
  readonly liveness?: Probe;
  readonly startup?: Probe;
  /** As in its spec, or in that of its pod if it has none of its own: `512Mi`. */
  readonly memoryLimit?: string;
  /** Absent if the kubelet has not reported it. */
  readonly status?: ContainerStatus;
}

/** A probe, with the defaults that the API server fills in. */
export interface Probe {
  readonly action: 'exec' | 'http' | 'tcp' | 'grpc' | 'unknown';
  /**
   * What it does, in a few words and without what may be secret (arguments, queries): `exec etcdctl`, `GET https://127.0.0.1:10257/healthz`,
   * `TCP port 8080`.
   */
  readonly text: string;
  readonly initialDelaySeconds: number;
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly failureThreshold: number;
  /** Replaces the pod's grace period when this probe kills the container. */
  readonly graceSeconds?: number;
}

export interface ContainerStatus {
  /** How often it was restarted. The counter of a static pod is older than its mirror, and a counter restarts at zero after some node restarts. Absent if unreadable. */
  readonly restarts?: number;
  readonly isReady: boolean;
  /** The image that runs, as the runtime names it: `docker-pullable://repo@sha256:…`, `repo@sha256:…`, `sha256:…`. Absent until it is pulled. */
  readonly imageId?: string;
  readonly state: ContainerState;
  /** How its previous instance ended. Only one is kept. */
  readonly last?: Termination;
}

export type ContainerState =
  | { readonly kind: 'running'; readonly startedAt?: Date }
  /** `CrashLoopBackOff`, `CreateContainerError`. */
  | { readonly kind: 'waiting'; readonly reason?: string; readonly message?: string }
  | ({ readonly kind: 'terminated' } & Termination)
  | { readonly kind: 'unknown' };

/** Everything may be absent: a container that the runtime lost has an exit code but no times. */
export interface Termination {
  readonly exitCode?: number;
  readonly signal?: number;
  /** `Completed`, `Error`, `OOMKilled`, `ContainerStatusUnknown`, `StartError`. */
  readonly reason?: string;
  /** The runtime's error, if the container couldn't be started. Never what the container wrote. */
  readonly message?: string;
  readonly startedAt?: Date;
  readonly finishedAt?: Date;
}

/** A change of a probe by Wrench, as annotated in the template of a workload. */
export interface Adjustment {
  /** The id of the remediation. */
  readonly by: string;
  /** By the clock of the worker that applied it. Absent if unreadable. */
  readonly at?: Date;
  /** The container whose probe was changed. Absent if unknown. */
  readonly container?: string;
}

/** A container of a pod. */
export interface ContainerName {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export type PodIdentity = Pick<Pod, 'namespace' | 'name' | 'uid'>;

export interface WorkloadName {
  readonly namespace: string;
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'ReplicaSet';
  readonly name: string;
}

/** What creates pods from a template. */
export interface Workload extends WorkloadName {
  readonly uid: string;
  /** What created it: the Deployment of a ReplicaSet, or the custom resource of an operator. */
  readonly controller?: { readonly kind: string; readonly name: string };
  /** How many pods it should have. Absent for a DaemonSet. */
  readonly replicas?: number;
  /** Whether its rollout is paused. */
  readonly isPaused: boolean;
  /** Whether it replaces its pods only when someone deletes them, so that a change of its template has no effect until then. */
  readonly isUpdatedOnDelete?: true;
  /** Of a StatefulSet: pods with a lower ordinal keep the earlier template. Absent if all are replaced. */
  readonly partition?: number;
  /** How far its controller has replaced its pods. Absent if it has not seen the current template yet. */
  readonly rollout?: WorkloadRollout;
  /** The tool that continuously restores it from a repository, and its name there if known: `Argo CD (shop)`, `Flux`. */
  readonly managedBy?: string;
  /** The node that its template names, which bypasses the scheduler. */
  readonly templateNode?: string;
  /** The grace period in its template. */
  readonly graceSeconds?: number;
  readonly containers: readonly {
    readonly name: string;
    readonly kind: 'init' | 'main';
    readonly liveness?: Probe;
    readonly startup?: Probe;
  }[];
  /** Who set the probe fields in its template, by field management: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management */
  readonly fieldManagers: readonly FieldManager[];
  /** What Wrench last changed in its template. */
  readonly adjusted?: Adjustment;
}

export interface FieldManager extends ProbeField {
  /** `kubectl-client-side-apply`, `helm`, `argocd-controller`. */
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
}

/** A field of a probe that Wrench may change. */
export interface ProbeField {
  readonly container: string;
  readonly probe: 'liveness' | 'startup';
  readonly field: 'failureThreshold' | 'timeoutSeconds';
}

/** One field of one probe in the template of a workload. */
export interface ProbeChange extends ProbeField {
  readonly workload: WorkloadName & Pick<Workload, 'uid'>;
  readonly from: number;
  readonly to: number;
}

export interface PodVolume {
  readonly name: string;
  /** A path on the node. */
  readonly hostPath?: string;
  /** The medium of an emptyDir. */
  readonly emptyDir?: 'disk' | 'memory';
  /** The name of its PersistentVolumeClaim, including that of a generic ephemeral volume. */
  readonly claim?: string;
  /** The Secrets that it contains, including those of a projected volume. */
  readonly secrets?: readonly string[];
}

/** A Service of Kubernetes. */
export interface ClusterService {
  readonly namespace: string;
  readonly name: string;
  /** `ClusterIP`, `NodePort`, `LoadBalancer`, `ExternalName`. */
  readonly type: string;
  /** The labels of its pods. Empty if it selects none, and someone else maintains its endpoints. */
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly {
    readonly name?: string;
    readonly port: number;
    readonly protocol: string;
    /** The number or name of the port of its pods. */
    readonly targetPort: number | string;
  }[];
}

/** One endpoint of a Service. Conditions that are absent in the API have their defaults: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/ */
export interface Endpoint {
  readonly addressType: string;
  /** IP addresses, which belong to the same pod. */
  readonly addresses: readonly string[];
  readonly isReady: boolean;
  /** Whether it serves, even if it is being deleted. */
  readonly isServing: boolean;
  readonly isTerminating: boolean;
  readonly node?: string;
  /** Absent if it isn't a pod. */
  readonly pod?: { readonly namespace: string; readonly name: string; readonly uid?: string };
  /** Of its slice. A port without a number means all ports. */
  readonly ports: readonly { readonly name?: string; readonly port?: number; readonly protocol?: string }[];
}

/** What creates pods from a template, and how far it has replaced them. Counts that are absent in the API are 0. */
export interface Rollout {
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'ReplicaSet' | 'Rollout';
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly createdAt?: Date;
  readonly labels: Readonly<Record<string, string>>;
  /** Set while it is being deleted. */
  readonly deletingSince?: Date;
  /** Without `kubectl.kubernetes.io/last-applied-configuration`, which repeats the whole object, and without values of more than 1,000 characters. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly controller?: { readonly kind: string; readonly name: string; readonly uid?: string };
  /** The labels of its pods, without `matchExpressions`. */
  readonly matchLabels: Readonly<Record<string, string>>;
  /** Set if its selector also has `matchExpressions`, so that `matchLabels` may match other pods too. */
  readonly hasMatchExpressions?: true;
  /** How many pods it should have. Absent for a DaemonSet, whose nodes decide it: `status.desired`. */
  readonly replicas?: number;
  /** By someone, or by a step of Argo's strategy. */
  readonly isPaused: boolean;
  readonly isUpdatedOnDelete?: true;
  /** Of a StatefulSet: pods with a lower ordinal keep the earlier template. */
  readonly partition?: number;
  readonly managedBy?: string;
  /** `deployment.kubernetes.io/revision`, or that of Argo. */
  readonly revision?: string;
  /** Whether its controller has seen the current template. */
  readonly isObserved: boolean;
  readonly status: {
    /** Of a DaemonSet: on how many nodes it should run. */
    readonly desired?: number;
    readonly total: number;
    /** All of a ReplicaSet, which never replaces its pods. */
    readonly updated: number;
    readonly ready: number;
    readonly available: number;
    /**
     * Of a StatefulSet: the names of its ControllerRevisions, as in the label `controller-revision-hash` of pods. Of Argo: those of the stable and of the
     * new ReplicaSet, as in `rollouts-pod-template-hash`.
     */
    readonly currentRevision?: string;
    readonly updateRevision?: string;
  };
  /** `Progressing` and the like. */
  readonly conditions: readonly RolloutCondition[];
  /** After how long without progress a rollout counts as stuck. Absent: 600. */
  readonly progressDeadlineSeconds?: number;
  readonly template: {
    readonly labels: Readonly<Record<string, string>>;
    /** When someone last asked for a restart: `kubectl.kubernetes.io/restartedAt`, or `restartAt` of Argo. */
    readonly restartedAt?: Date;
    readonly containers: readonly {
      readonly name: string;
      readonly kind: 'init' | 'main';
      readonly image: string;
      readonly pullPolicy?: string;
    }[];
  };
}

export interface RolloutCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  /** When the status last changed. */
  readonly since?: Date;
  /** When it was last updated, such as by progress. */
  readonly updatedAt?: Date;
}

export interface Ingress {
  readonly namespace: string;
  readonly name: string;
  /** `nginx` */
  readonly className?: string;
  /** The hosts with TLS, and the Secret in the same namespace that is served for them. Without a Secret, the controller's default certificate is. */
  readonly tls: readonly { readonly hosts: readonly string[]; readonly secret?: string }[];
}

export interface ClusterEvent {
  /** The object that it is about. For a node, `uid` is its name. `container` is set if it is about one container of a pod. */
  readonly about: {
    readonly kind: string;
    readonly namespace?: string;
    readonly name: string;
    readonly uid?: string;
    readonly container?: string;
  };
  /** `FreeDiskSpaceFailed`. */
  readonly reason: string;
  readonly message: string;
  readonly type: string;
  /** A lower bound: events are aggregated, rate limited and expire. */
  readonly count: number;
  readonly firstAt?: Date;
  readonly lastAt?: Date;
}

/** Counts of pods. Those that are being deleted may no longer be counted. */
export interface WorkloadRollout {
  readonly desired: number;
  readonly updated: number;
  /** Of any template. */
  readonly total: number;
}

export interface DaemonSet {
  readonly namespace: string;
  readonly name: string;
  readonly containers: readonly { readonly name: string; readonly image: string }[];
  readonly desired?: number;
}

/** What a kubelet measures (`/stats/summary`). Absent numbers are unknown, not 0. */
export interface KubeletStats {
  /** For pods, volumes and logs. */
  readonly nodeFs?: FileSystem;
  /** For images, and for writable layers if there is no `containerFs`. May be the same file system as `nodeFs`. */
  readonly imageFs?: FileSystem;
  /** For writable layers, if separate from images. */
  readonly containerFs?: FileSystem;
  readonly pods: readonly PodUsage[];
}

export interface FileSystem {
  readonly measuredAt?: Date;
  readonly availableBytes?: number;
  readonly capacityBytes?: number;
  /** For `nodeFs` everything on it; for `imageFs` only images and, with containerd, snapshots. Used and available may not add up to the capacity. */
  readonly usedBytes?: number;
  readonly inodes?: number;
  readonly inodesFree?: number;
  readonly inodesUsed?: number;
}

/** Disk usage of one pod on its node. */
export interface PodUsage {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Writable layers, logs and emptyDir volumes together. */
  readonly ephemeral?: Usage;
  readonly containers: readonly {
    readonly name: string;
    readonly rootfs?: Usage;
    readonly logs?: Usage;
  }[];
  readonly volumes: readonly (Usage & {
    readonly name: string;
    /** Its PersistentVolumeClaim: the volume may not be on a disk of the node. */
    readonly claim?: string;
    /** Of the file system that it lies on. */
    readonly capacityBytes?: number;
  })[];
}

export interface Usage {
  readonly bytes?: number;
  readonly inodes?: number;
}

/** The settings of a kubelet that concern disks (`/configz`). */
export interface KubeletConfig {
  /** Hard eviction thresholds by signal: `nodefs.available`, `imagefs.inodesFree`. A signal that is absent is not watched. */
  readonly evictionHard: Readonly<Record<string, Threshold>>;
  readonly evictionSoft: Readonly<Record<string, Threshold>>;
  /** By signal: how much above a crossed threshold must be free before the pressure ends. Its `share` may be above 1. */
  readonly evictionMinimumReclaim: Readonly<Record<string, Threshold>>;
  /** How long a condition such as DiskPressure stays True after the last breach, which lasts until the minimum is reclaimed. */
  readonly pressureTransitionMs?: number;
  /** Percent used of the image file system at which image garbage collection starts, and down to which it collects. 100 disables it. */
  readonly imageGcHighPercent?: number;
  readonly imageGcLowPercent?: number;
  /** The directory whose manifests it runs as static pods. Absent if it has none. */
  readonly staticPodPath?: string;
  readonly containerLogMaxBytes?: number;
  readonly containerLogMaxFiles?: number;
}

/** Crossed below this, or to be reclaimed. `share` is a fraction of the capacity, 0.15 for `15%`; `amount` is in bytes or inodes. */
export type Threshold =
  | { readonly share: number }
  | { readonly amount: number }
  | { readonly unreadable: string };

export interface ClusterWriter {
  /**
   * Marks a node unschedulable and annotates it with the id of the remediation. Its pods keep running. Does nothing if this remediation has already
   * cordoned it.
   * @throws {SourceError} `missing` if no node has this name and uid; `refused` if RBAC forbids it or the node is already cordoned otherwise.
   */
  readonly cordon: (node: NodeIdentity, applyContext: ApplyContext) => Promise<void>;
  /**
   * Makes a node schedulable again that Wrench cordoned. Does nothing if it is not cordoned.
   * @throws {SourceError} `missing` if no node has this name and uid; `refused` if RBAC forbids it or Wrench did not cordon it.
   */
  readonly uncordon: (node: NodeIdentity, applyContext: ApplyContext) => Promise<void>;
  /**
   * Deletes one pod that has failed. Does nothing if it is already gone.
   * @throws {SourceError} `missing` if another pod has its name; `refused` if RBAC forbids it, if it has not failed, or if it is the mirror of a static
   * pod.
   */
  readonly deletePod: (pod: PodIdentity, applyContext: ApplyContext) => Promise<void>;
  /**
   * Deletes one running pod with its grace period, so that its controller replaces it. Does nothing if it is already gone or being deleted.
   * @throws {SourceError} `missing` if another pod has its name; `refused` if RBAC forbids it, if it has already ended, if it has no controller, or if
   * it is the mirror of a static pod.
   */
  readonly deleteRunningPod: (pod: PodIdentity, applyContext: ApplyContext) => Promise<void>;
  /**
   * Changes the image of one container in the template of a workload, and annotates the template with the id of the remediation. Does nothing if this
   * remediation has already done so.
   * @throws {SourceError} `missing` if no workload has this name and uid, or its image is no longer `from`; `refused` if `to` has no digest or another
   * repository, its rollout is paused, or RBAC or admission forbids it.
   */
  readonly changeImage: (change: ImageChange, applyContext: ApplyContext) => Promise<void>;
  /**
   * Changes one field of a probe in the template of a workload, and annotates the template with the id of the remediation, so that the pods that are
   * created from it carry it. Does nothing if this remediation has already done so.
   * @throws {SourceError} `missing` if no workload has this name and uid, or the field no longer has the value `from`; `refused` if RBAC or admission
   * forbids it.
   */
  readonly changeProbe: (change: ProbeChange, applyContext: ApplyContext) => Promise<void>;
  /**
   * Restarts the pods of a workload as `kubectl rollout restart` does, and annotates its template with the id of the remediation. Does nothing if this
   * remediation has already done so.
   * @throws {SourceError} `missing` if no workload has this name and uid; `refused` if RBAC or admission forbids it.
   */
  readonly restartWorkload: (
    workload: WorkloadName & Pick<Workload, 'uid'>,
    applyContext: ApplyContext,
  ) => Promise<void>;
}

export interface ImageChange {
  readonly workload: WorkloadName & Pick<Workload, 'uid'>;
  readonly container: string;
  readonly from: string;
  /** The same repository with a digest: `registry.example/api@sha256:…`. */
  readonly to: string;
}

export type NodeIdentity = Pick<ClusterNode, 'name' | 'uid'>;
