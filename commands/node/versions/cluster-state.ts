import type { ports } from '../../kit.ts';
import type { ProgramPod, ProxyDaemonSet } from './workloads.ts';

export interface Facts {
  readonly clusters: readonly ClusterState[];
}

/** What one cluster reported. A list that could not be read to the end has the part that was read. */
export interface ClusterState {
  readonly name: string;
  /** The version of the API server that responded, as it writes it. Behind a load balancer it is one of several. */
  readonly version?: string;
  readonly nodes: readonly NodeState[];
  readonly pods: readonly ProgramPod[];
  readonly proxies: readonly ProxyDaemonSet[];
  /** Whether all pods were read, so that no API server is missing. */
  readonly arePodsComplete: boolean;
  /** Whether all pods and DaemonSets were read, so that no kube-proxy is missing. */
  readonly areProxiesComplete: boolean;
  /** The names of the requested nodes; absent if all nodes are checked. */
  readonly asked?: ReadonlySet<string>;
  /** Absent if there is nothing to cordon or uncordon, or if the permission could not be read. */
  readonly cordon?: ports.CordonPermission;
}

export type NodeState = Pick<
  ports.ClusterNode,
  | 'name'
  | 'uid'
  | 'kind'
  | 'isServerless'
  | 'operatingSystem'
  | 'osImage'
  | 'kernelVersion'
  | 'architecture'
  | 'containerRuntime'
  | 'kubeletVersion'
  | 'pool'
  | 'roles'
  | 'taints'
  | 'unschedulable'
  | 'cordonedBy'
> & {
  /** The condition Ready; `unknown` if the kubelet has stopped reporting. */
  readonly ready: 'yes' | 'no' | 'unknown';
};
