import type { ports, ReadContext, Remembered } from '../../kit.ts';
import type { RejectedHostKey } from '../../shared/host-survey.ts';
import type { BondSample } from './samples.ts';
import type { PortHistory } from './switch-log.ts';

export type BondContext = ReadContext<'hosts', 'logs' | 'cloud', BondSample>;

export interface Facts {
  /** Hosts of which at least one answer could be read. */
  readonly hosts: readonly HostFacts[];
  /** Hosts of which nothing could be read: BPDU guard may have cut them off. */
  readonly silent?: readonly HostFacts[];
  readonly rejectedKeys: readonly RejectedHostKey[];
  /** Absent if no bond has a problem and all hosts were read, so nothing was read here, and if no log of switches is configured. */
  readonly switches?: SwitchFacts;
  /** Absent if no cloud was asked. */
  readonly cloud?: CloudFacts;
  readonly earlier: readonly Remembered<BondSample>[];
}

export interface HostFacts {
  /** As findings name it. */
  readonly name: string;
  readonly source: string;
  /** As its source names it. */
  readonly host: string;
  /** Without the port; the name that a cloud may know it by. */
  readonly address?: string;
  /** Absent if it couldn't be read. */
  readonly bonds?: readonly ports.Bond[];
  /** Absent if it couldn't be read. */
  readonly links?: readonly ports.Link[];
  /** Why one of the two couldn't be read. */
  readonly unread?: string;
  /** Nothing could be read. */
  readonly isSilent?: true;
  /** Of such a host: the bond that an earlier run saw cut off, so that it stays the same fault. */
  readonly bondCutOffBefore?: string;
  /** Absent if it wasn't read, or has no LLDP agent. */
  readonly neighbors?: readonly ports.SwitchNeighbor[];
}

export interface SwitchFacts {
  readonly ports: readonly PortHistory[];
  /** Whether all logs and lists could be read. */
  readonly isComplete: boolean;
  /** What is connected where, by the configuration. */
  readonly connected: readonly ports.SwitchPort[];
}

export interface CloudFacts {
  /** Those with a source MAC of a BPDU. */
  readonly ports: readonly ports.CloudPort[];
  /** Whether all clouds could be asked for them. */
  readonly arePortsComplete: boolean;
  /** The instances of these ports, and those on the hosts whose BPDUs have no source MAC. */
  readonly servers: readonly ports.CloudServer[];
  /** The hosts whose instances were read, as findings name them. */
  readonly readHosts: readonly string[];
}
