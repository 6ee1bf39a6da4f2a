import type { ports, ReadContext, Remembered } from '../../kit.ts';
import type { PodsUsage } from './consumers.ts';
import type { DiskEvents } from './events.ts';
import type { FileSystems } from './measurements.ts';
import type { NodePods } from './pods.ts';
import type { DiskSample } from './growth.ts';

export type Context = ReadContext<'clusters', never, DiskSample>;

export interface Facts {
  readonly nodes: readonly NodeFacts[];
  /** What earlier runs saw. */
  readonly earlier: readonly Remembered<DiskSample>[];
}

/** What is known of the disks of one node, small enough to be kept for thousands. */
export interface NodeFacts extends Pick<ports.ClusterNode, 'name' | 'operatingSystem' | 'containerRuntime'> {
  readonly cluster: string;
  readonly ready?: ports.NodeCondition['status'];
  readonly diskPressure?: Pick<ports.NodeCondition, 'status' | 'since'>;
  /** As {@link ports.ClusterNode.isServerless}. */
  readonly isServerless?: true;
  /** Whether it has the taint that keeps new pods off it under disk pressure. */
  readonly isTainted: boolean;
  /** Absent where the kubelet could not be asked. */
  readonly fileSystems?: FileSystems;
  readonly usage?: PodsUsage;
  /** Absent where it could not be read. */
  readonly config?: ports.KubeletConfig;
  readonly events?: DiskEvents;
  /** Whether all events of its cluster were read. */
  readonly areEventsComplete: boolean;
  readonly pods?: NodePods;
}

/** What a kubelet says about the disks of its node. */
export type KubeletAnswer = Pick<NodeFacts, 'fileSystems' | 'usage' | 'config'> & {
  /** `ci/agent cache`: PersistentVolumeClaims that are not on a disk of the node; only of nodes that are short of disk. */
  readonly claimsElsewhere?: readonly string[];
};
