import type { ports } from '../../kit.ts';
import type { ProgramPod, ProxyDaemonSet } from './workloads.ts';

export interface Facts {
  readonly clusters: readonly ClusterState[];
}

/** What one cluster reported. Where a list could not be read to its end, it has what was read until then. */
export interface ClusterState {
  readonly name: string;
  /** The version of the API server that answered, as it writes it; one of several where they stand behind a load balancer. */
  readonly version?: string;
  readonly nodes: readonly NodeState[];
  readonly pods: readonly ProgramPod[];
  readonly proxies: readonly ProxyDaemonSet[];
  /** Whether the pods were read to the end, so that there is no other API server among them. */
  readonly arePodsComplete: boolean;
  /** Whether it was read in full that there is no other kube-proxy. */
  readonly areProxiesComplete: boolean;
  /** The names of the nodes that were asked about, where not all are. */
  readonly asked?: ReadonlySet<string>;
  /** Absent where there is nothing to cordon or uncordon. */
  readonly cordon?: ports.CordonPermission;
}

export type NodeState = Pick<
  ports.ClusterNode,
  | 'name'
  | 'uid'
  | 'kind'
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
  /** Of the condition Ready; `unknown` where the kubelet has stopped reporting. */
  readonly ready: 'yes' | 'no' | 'unknown';
};
