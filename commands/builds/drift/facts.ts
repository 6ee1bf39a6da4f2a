import type { ports, ReadContext } from '../../kit.ts';
import type { Build } from './build.ts';
import type { ImageId } from './image-id.ts';

export type Context = ReadContext<'builds', 'clusters' | 'engines'>;

export interface Facts {
  readonly services: readonly ServiceFacts[];
}

/** One service, with its replicas and what creates them. */
export interface ServiceFacts {
  /** `shop/api` */
  readonly name: string;
  readonly source: string;
  readonly replicas: readonly Replica[];
  readonly expected?: Expected;
  /** Where its pods run. Absent for others. */
  readonly kubernetes?: KubernetesFacts;
  readonly swarm?: Pick<ports.SwarmService, 'name' | 'image' | 'update' | 'replicas'>;
}

export interface Expected {
  readonly value: string;
  /** In words: `--expect`, `the label app.kubernetes.io/version`. */
  readonly from: string;
}

export interface KubernetesFacts {
  readonly cluster: string;
  readonly namespace: string;
  readonly service: string;
  /** What creates its pods, by uid; without ReplicaSets that something else creates. */
  readonly workloads: readonly WorkloadFacts[];
  /** Of all nodes of the cluster. Absent if nobody needed to know. */
  readonly architectures?: readonly string[];
  /** Set if some nodes couldn't be read. */
  readonly areNodesUnread?: true;
  /** Set if not all workloads of the namespace could be read. */
  readonly areWorkloadsUnread?: true;
  /** Absent if not asked for, or unreadable. */
  readonly restart?: ports.WorkloadPermission;
  readonly pin?: ports.WorkloadPermission;
  readonly remove?: ports.RemovePermission;
}

/** A Deployment, StatefulSet, DaemonSet or Rollout, or a ReplicaSet of its own. */
export interface WorkloadFacts extends ports.Rollout {
  /** The ReplicaSet of its current template. */
  readonly newest?: Pick<ports.Rollout, 'name' | 'uid' | 'createdAt'>;
  /** The container whose image is compared. */
  readonly container?: ports.Rollout['template']['containers'][number];
}

/**
 * `serving`: it gets requests. `not-ready`: it runs, or is about to, and gets none. `terminating`: it is being deleted, and does not count.
 */
export type ReplicaState = 'serving' | 'not-ready' | 'terminating';

export interface Replica {
  /** As findings name it: the pod, `host-1/quote`, `10.244.5.1:8080`. */
  readonly name: string;
  readonly state: ReplicaState;
  /** Absent if it didn't say which build it runs; then `because` says why. */
  readonly build?: Build;
  readonly because?: string;
  readonly node?: string;
  readonly architecture?: string;
  /** `containerd` */
  readonly runtime?: string;
  /** As its container names it: `registry.example/api:209`. */
  readonly image?: string;
  readonly imageId?: ImageId;
  /** When its container started. */
  readonly startedAt?: Date;
  /** Why its container doesn't run: `ImagePullBackOff`. */
  readonly waiting?: string;
  readonly pod?: PodFacts;
}

export interface PodFacts extends Pick<ports.Pod, 'namespace' | 'name' | 'uid' | 'createdAt' | 'labels'> {
  readonly controller?: NonNullable<ports.Pod['controller']>;
  /** The uid of what creates it in the end, one of `workloads`. Absent if nothing does, or it is unknown. */
  readonly workload?: string;
  /** Which template it has: the uid of its ReplicaSet, or its revision. */
  readonly template?: string;
  /** Whether that is the current template of its workload. Absent if unknown. */
  readonly isCurrent?: boolean;
  /** Set if its controller would create no pod with that earlier template in its place. */
  readonly isReplaceable?: true;
}
