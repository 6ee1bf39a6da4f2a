import type { ports, ReadContext, Remembered } from '../../kit.ts';
import type { NodeMatch } from '../../shared/match-engine.ts';
import type { PodsUsage } from './consumers.ts';
import type { DiskEvents } from './events.ts';
import type { FileSystems } from './measurements.ts';
import type { NodePods } from './pods.ts';
import type { DiskSample } from './growth.ts';

export type Context = ReadContext<'clusters', 'engines', DiskSample>;

export interface Facts {
  readonly nodes: readonly NodeFacts[];
  /** Samples of earlier runs. */
  readonly earlier: readonly Remembered<DiskSample>[];
}

/** What is known about the disks of one node, small enough to keep for thousands of nodes. */
export interface NodeFacts extends Pick<ports.ClusterNode, 'name' | 'operatingSystem' | 'containerRuntime'> {
  readonly cluster: string;
  readonly ready?: ports.NodeCondition['status'];
  readonly diskPressure?: Pick<ports.NodeCondition, 'status' | 'since'>;
  /** As {@link ports.ClusterNode.isServerless}. */
  readonly isServerless?: true;
  /** Whether it has the taint that blocks new pods during disk pressure. */
  readonly isTainted: boolean;
  /** Absent if the kubelet could not be queried. */
  readonly fileSystems?: FileSystems;
  readonly usage?: PodsUsage;
  /** Absent if it could not be read. */
  readonly config?: ports.KubeletConfig;
  readonly events?: DiskEvents;
  /** Whether all events of its cluster were read. */
  readonly areEventsComplete: boolean;
  readonly pods?: NodePods;
  /** Only set for nodes that are short of disk, or whose images cannot be collected. */
  readonly engines?: readonly NodeEngine[];
}

/** What a kubelet reports about the disks of its node. */
export type KubeletAnswer = Pick<NodeFacts, 'fileSystems' | 'usage' | 'config'> & {
  /** PersistentVolumeClaims that are not on a disk of the node, as `ci/agent cache`. Only set for nodes that are short of disk. */
  readonly claimsElsewhere?: readonly string[];
};

/** A container engine of a node that is configured as a source of its own: its containers are unknown to Kubernetes, unless the node runs on it. */
export interface NodeEngine {
  /** As findings name it: `builders:node-b`. */
  readonly target: string;
  readonly by: NodeMatch<unknown>['by'];
  /** Absent if it was not queried. */
  readonly answer?: EngineAnswer;
}

type EngineAnswer = Pick<ports.EngineInfo, 'product' | 'running' | 'stopped'> | { readonly error: string };
