import type { ports, ReadContext } from '../../kit.ts';

export type ServicesContext = ReadContext<'cloud', 'brokers' | 'hosts'>;

export interface Facts {
  readonly clouds: readonly CloudFacts[];
  /** Names are ambiguous, so targets begin with the name of the cloud. */
  readonly hasSeveralClouds: boolean;
  /** Empty unless computes stopped together. */
  readonly alarms: readonly BrokerAlarms[];
  /** Hosts with a service that is down, and that a source of hosts has. */
  readonly hosts: readonly HostFacts[];
}

export interface CloudFacts {
  readonly name: string;
  readonly services: readonly ports.CloudService[];
  readonly changes: ports.ConfiguredPermission;
}

/** The alarms in a cluster of brokers, as one of its nodes reports them. */
export interface BrokerAlarms {
  readonly broker: string;
  readonly alarms: readonly ports.BrokerAlarm[];
}

export interface HostFacts {
  /** As Nova names it. */
  readonly host: string;
  /** As its source names it, for `/net bonds`. */
  readonly sshName: string;
  /** Why it can't be reached over ssh from here. Absent if it can, or if that isn't known. */
  readonly unreachable?: string;
  /** How far its clock is ahead of the clock of Wrench; negative if it is behind. */
  readonly clockAheadMs?: number;
  /** What its nova-compute logged about its reports, newest first. */
  readonly reports: readonly string[];
}
