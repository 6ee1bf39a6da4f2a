import type { ApplyContext } from './apply-context.ts';

/** A Kubernetes cluster: its API server, and the kubelets of its nodes. */
export interface Cluster {
  /** The source's name in the configuration: `prod-eu`. */
  readonly name: string;
  /**
   * How kubelets are asked: `direct` at their own address, `proxy` through the API server, `none` not at all, as configured.
   * Through the API server it takes `get nodes/proxy`, which is not read-only.
   */
  readonly kubelets: 'direct' | 'proxy' | 'none';
  /**
   * The version of the API server that answered, as it writes it: `v1.30.8-eks-2d5f260`.
   * @throws {SourceError}
   */
  readonly version: (options: ReadOptions) => Promise<string>;
  /**
   * All nodes, in pages, each as soon as it is there. No node comes twice, also where the list had to be begun again.
   * @throws {SourceError} where the list ends before it is complete. The pages until then are valid.
   */
  readonly nodes: (options: ReadOptions) => AsyncIterable<readonly ClusterNode[]>;
  /**
   * All pods, or those of one namespace. Pages as with {@link Cluster.nodes}.
   * @throws {SourceError}
   */
  readonly pods: (options: ReadOptions & { readonly namespace?: string }) => AsyncIterable<readonly Pod[]>;
  /**
   * Events about objects of one kind: what the API server still keeps, an hour by default. Pages as with {@link Cluster.nodes}.
   * @throws {SourceError}
   */
  readonly events: (
    options: ReadOptions & { readonly about: 'Node' | 'Pod' },
  ) => AsyncIterable<readonly ClusterEvent[]>;
  /**
   * All DaemonSets, of every namespace. Pages as with {@link Cluster.nodes}.
   * @throws {SourceError}
   */
  readonly daemonSets: (options: ReadOptions) => AsyncIterable<readonly DaemonSet[]>;
  /**
   * What the kubelet of a node measures.
   * @throws {SourceError} `missing` where it measures nothing (404), `refused` where the permission is missing, which the message names.
   */
  readonly kubeletStats: (node: KubeletAddress, options: ReadOptions) => Promise<KubeletStats>;
  /**
   * The configuration that is in force on a node, its defaults included.
   * @throws {SourceError} as with {@link Cluster.kubeletStats}
   */
  readonly kubeletConfig: (node: KubeletAddress, options: ReadOptions) => Promise<KubeletConfig>;
  /**
   * Whether nodes may be cordoned: by the configuration, and by the RBAC of the cluster for the credential that would do it.
   * @throws {SourceError}
   */
  readonly cordonPermission: (options: ReadOptions) => Promise<CordonPermission>;
}

export interface ReadOptions {
  readonly signal: AbortSignal;
}

export type CordonPermission =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly because: string };

/** What it takes to ask the kubelet of a node. */
export type KubeletAddress = Pick<ClusterNode, 'name' | 'addresses' | 'kubeletPort'>;

export interface ClusterNode {
  readonly name: string;
  /** Of the object. A node that was removed and joined again has another one. */
  readonly uid: string;
  readonly createdAt?: Date;
  /** `virtual`: there is no machine with a disk and a kubelet behind it, as with a virtual kubelet or KWOK. */
  readonly kind: 'machine' | 'virtual';
  /** A machine that a cloud runs for a single pod, as AWS Fargate does: nobody else manages its kubelet and its disk. */
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
  /** The node pool or group, by the label of its vendor: `blue`. */
  readonly pool?: string;
  /** `control-plane`, `worker`, by the labels `node-role.kubernetes.io/*`. */
  readonly roles: readonly string[];
  readonly conditions: readonly NodeCondition[];
  readonly taints: readonly Taint[];
  /** Cordoned, by whomever. */
  readonly unschedulable: boolean;
  /** The id of the remediation by which Wrench cordoned it. */
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
  /** Absent where it was never scheduled. */
  readonly node?: string;
  /** `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`. */
  readonly phase: string;
  /** Why it failed: `Evicted`. */
  readonly reason?: string;
  readonly message?: string;
  readonly startedAt?: Date;
  /** What created it and creates it again. */
  readonly controller?: { readonly kind: string; readonly name: string };
  /** The image in the API of a static pod, which only its kubelet manages. */
  readonly isMirror: boolean;
  readonly containers: readonly PodContainer[];
  readonly volumes: readonly PodVolume[];
}

export interface PodContainer {
  readonly name: string;
  readonly kind: 'init' | 'main' | 'ephemeral';
  readonly image: string;
  readonly privileged: boolean;
  /** Command and arguments of its spec; empty where the image decides. */
  readonly command: readonly string[];
  /** The value of `DOCKER_HOST` in its environment. */
  readonly dockerHost?: string;
  readonly mounts: readonly { readonly volume: string; readonly path: string }[];
}

export interface PodVolume {
  readonly name: string;
  /** A path of the node. */
  readonly hostPath?: string;
  /** `disk` or `memory`; absent where it is no emptyDir. */
  readonly emptyDir?: 'disk' | 'memory';
  /** The name of a PersistentVolumeClaim; for a generic ephemeral volume the one that it makes. */
  readonly claim?: string;
}

export interface ClusterEvent {
  /** What it is about. */
  readonly about: { readonly kind: string; readonly namespace?: string; readonly name: string };
  /** `FreeDiskSpaceFailed`. */
  readonly reason: string;
  readonly message: string;
  readonly type: string;
  /** A lower bound: events are aggregated, rate limited and forgotten. */
  readonly count: number;
  readonly firstAt?: Date;
  readonly lastAt?: Date;
}

export interface DaemonSet {
  readonly namespace: string;
  readonly name: string;
  readonly containers: readonly { readonly name: string; readonly image: string }[];
  readonly desired?: number;
}

/** What a kubelet measures (`/stats/summary`). Everything that it may leave out is optional, and absent is not 0. */
export interface KubeletStats {
  /** Where the kubelet keeps pods, volumes and logs. */
  readonly nodeFs?: FileSystem;
  /** Where the runtime keeps images, and writable layers too unless there is a `containerFs`. May be the same file system as `nodeFs`. */
  readonly imageFs?: FileSystem;
  /** Where the runtime keeps writable layers, if apart from images. */
  readonly containerFs?: FileSystem;
  readonly pods: readonly PodUsage[];
}

export interface FileSystem {
  readonly measuredAt?: Date;
  readonly availableBytes?: number;
  readonly capacityBytes?: number;
  /** Of `nodeFs` everything on it; of `imageFs` images (and with containerd, snapshots) only. Used and available need not add up to the capacity. */
  readonly usedBytes?: number;
  readonly inodes?: number;
  readonly inodesFree?: number;
  readonly inodesUsed?: number;
}

/** What one pod uses of its node's disks. */
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
    /** The PersistentVolumeClaim that it comes from: it need not lie on a disk of the node. */
    readonly claim?: string;
    /** Of the file system that it lies on. */
    readonly capacityBytes?: number;
  })[];
}

export interface Usage {
  readonly bytes?: number;
  readonly inodes?: number;
}

/** What a kubelet is configured with (`/configz`), so far as disks go. */
export interface KubeletConfig {
  /** Hard eviction thresholds by signal: `nodefs.available`, `imagefs.inodesFree`. Empty where none is in force: a signal that is absent is not watched. */
  readonly evictionHard: Readonly<Record<string, Threshold>>;
  readonly evictionSoft: Readonly<Record<string, Threshold>>;
  /** How long a condition such as DiskPressure stays True after the last breach. */
  readonly pressureTransitionMs?: number;
  /** Percent of the image file system used, from which images are collected, and down to which. 100 switches it off. */
  readonly imageGcHighPercent?: number;
  readonly imageGcLowPercent?: number;
  readonly containerLogMaxBytes?: number;
  readonly containerLogMaxFiles?: number;
}

/** Less than this is a breach. `share` is of the capacity, 0.15 for `15%`; `amount` is in bytes or inodes. */
export type Threshold =
  | { readonly share: number }
  | { readonly amount: number }
  | { readonly unreadable: string };

export interface ClusterWriter {
  /**
   * Marks a node unschedulable, and with the id of the remediation. Pods on it stay. Does nothing where this id is on it already.
   * @throws {SourceError} `missing` where there is no node with this name and uid; `refused` where RBAC forbids it.
   */
  readonly cordon: (node: NodeIdentity, applyContext: ApplyContext) => Promise<void>;
  /**
   * Makes a node schedulable again that Wrench cordoned.
   * @throws {SourceError} as with `cordon`; `refused` too where Wrench did not cordon it.
   */
  readonly uncordon: (node: NodeIdentity, applyContext: ApplyContext) => Promise<void>;
}

export type NodeIdentity = Pick<ClusterNode, 'name' | 'uid'>;
