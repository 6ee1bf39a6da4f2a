import type { ports, ReadContext } from '../../kit.ts';
import type { PodOwner } from '../../shared/pod-owner.ts';

export type Context = ReadContext<'clusters'>;

export interface Facts {
  readonly clusters: readonly ClusterFacts[];
}

/** What was read of one cluster: of 150,000 pods, only the evicted ones, and what is needed to know what replaced them. */
export interface ClusterFacts {
  readonly name: string;
  /** Whether it is the only configured cluster: names of things then don't begin with its name. */
  readonly isOnly: boolean;
  /** How many pods were read. */
  readonly pods: number;
  readonly evicted: readonly EvictedPod[];
  /** The other pods of their controllers, and of other controllers with the same owner. */
  readonly controllers: readonly ControllerPods[];
  /** The nodes that evicted them. One that is missing was not in the list. */
  readonly nodes: readonly NodeState[];
  /** ReplicaSets of which one node refused several pods. One that is missing was not found, or not read. */
  readonly replicaSets: readonly ReplicaSetState[];
  readonly arePodsComplete: boolean;
  readonly areNodesComplete: boolean;
  /** Whether pods may be deleted, by namespace. A namespace that is missing was not asked for. */
  readonly removal: Readonly<Record<string, ports.ClusterPermission>>;
}

export interface EvictedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly owner: Owner;
  readonly controller?: Owner;
  readonly isMirror: boolean;
  readonly node?: string;
  /** `Failed`, except for a pod whose status is inconsistent. */
  readonly phase: string;
  readonly isBeingDeleted: boolean;
  /** Whether its status has no reason, and only the message says that it was evicted. */
  readonly isGuess?: true;
  readonly createdAt?: Date;
  /** When the kubelet accepted or refused it. The API server does not store when a pod was evicted. */
  readonly startedAt?: Date;
  /** When its last container ended, which is soon after it was evicted. Often absent. */
  readonly endedAt?: Date;
  readonly message: string;
}

export type Owner = PodOwner;

/** All pods of one controller, evicted or not, without those that are being deleted. */
export interface ControllerPods {
  readonly namespace: string;
  readonly controller: Owner;
  readonly owner: Owner;
  readonly running: number;
  /** Neither running nor ended. */
  readonly pending: number;
  /** When the oldest of these was created. */
  readonly oldestPendingAt?: Date;
  /** Of a Job: those that have done its work. */
  readonly succeeded: number;
  /** When its newest pod was created, whatever became of it. */
  readonly newestAt?: Date;
  /** When its newest pod that is running, or of a Job has succeeded, was created. */
  readonly newestLiveAt?: Date;
  /** Of a DaemonSet: when its newest running pod was created, by node. */
  readonly newestLiveByNode?: ReadonlyMap<string, Date>;
}

export interface NodeState {
  readonly name: string;
  readonly kubeletVersion?: string;
  readonly ready: ConditionStatus;
  /** By type: `DiskPressure`. */
  readonly pressure: Readonly<Record<PressureCondition, ConditionStatus>>;
}

export const PRESSURE_CONDITIONS = ['DiskPressure', 'MemoryPressure', 'PIDPressure'] as const;
export type PressureCondition = (typeof PRESSURE_CONDITIONS)[number];

/** `Unknown` too if the node does not report it. */
type ConditionStatus = ports.NodeCondition['status'];

export interface ReplicaSetState {
  readonly namespace: string;
  readonly name: string;
  readonly owner?: Owner;
  /** The node that its template names. */
  readonly templateNode?: string;
}
