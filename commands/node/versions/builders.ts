import { clusterNode } from '../../shared/fixture-clusters.ts';
import type { ClusterState, Facts, NodeState } from './cluster-state.ts';
import type { Program, ProgramPod, ProxyDaemonSet } from './workloads.ts';

/** Builders of facts for stories and tests. */

export function factsOf(...clusters: readonly ClusterState[]): Facts {
  return { clusters };
}

/** A cluster that was read completely, with overrides. */
export function cluster(
  version: string,
  nodes: readonly NodeState[],
  known: Partial<ClusterState> = {},
): ClusterState {
  return {
    name: 'lab',
    version,
    nodes,
    pods: [],
    proxies: [],
    arePodsComplete: true,
    areProxiesComplete: true,
    ...known,
  };
}

/** A healthy Linux node with containerd, with overrides. */
export function node(name: string, kubeletVersion: string, known: Partial<NodeState> = {}): NodeState {
  const {
    conditions: _conditions,
    addresses: _addresses,
    kubeletPort: _port,
    ...listed
  } = clusterNode(name, { kubeletVersion });
  return {
    ...listed,
    ready: 'yes',
    ...known,
  };
}

/** A static pod of the control plane, `kube-apiserver-cp-1`, with the image that kubeadm uses. */
export function controlPlanePod(program: Program, onNode: string, version: string): ProgramPod {
  return {
    program,
    name: `${program}-${onNode}`,
    node: onNode,
    image: `registry.k8s.io/${program}:${version}`,
  };
}

export function proxyDaemonSet(tag: string): ProxyDaemonSet {
  return { namespace: 'kube-system', name: 'kube-proxy', image: `registry.k8s.io/kube-proxy:${tag}` };
}
