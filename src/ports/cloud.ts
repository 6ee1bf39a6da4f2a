import type { ApplyContext } from './apply-context.ts';
import type { ConfiguredPermission } from './permission.ts';
import type { ReadOptions } from './read-options.ts';

/**
 * One OpenStack cloud, or one region of it. To a credential without the view of all projects, a cloud leaves out what belongs to others. Methods throw
 * `refused` instead of returning such an answer.
 */
export interface Cloud {
  /** The source's name in the configuration: `openstack`. */
  readonly name: string;
  /**
   * All networks, in pages.
   * @throws {SourceError} if not all can be read. The pages before the error are valid.
   */
  readonly networks: (options: ReadOptions) => AsyncIterable<readonly CloudNetwork[]>;
  /**
   * The ports with these MAC addresses. A MAC that no port has is left out.
   * @throws {SourceError}
   */
  readonly ports: (
    query: ReadOptions & { readonly macs: readonly string[] },
  ) => Promise<readonly CloudPort[]>;
  /**
   * The instances on one hypervisor, in pages.
   * @throws {SourceError} if not all can be read. The pages before the error are valid.
   */
  readonly servers: (query: ReadOptions & { readonly host: string }) => AsyncIterable<readonly CloudServer[]>;
  /**
   * One instance. undefined if none has this id.
   * @throws {SourceError}
   */
  readonly server: (query: ReadOptions & { readonly id: string }) => Promise<CloudServer | undefined>;
  /**
   * The DHCP agents. Empty with OVN, which has none.
   * @throws {SourceError}
   */
  readonly dhcpAgents: (options: ReadOptions) => Promise<readonly DhcpAgent[]>;
  /**
   * The services of Nova: computes, conductors, schedulers.
   * @throws {SourceError} `refused` without the policy, by default the role `admin`.
   */
  readonly services: (options: ReadOptions) => Promise<readonly CloudService[]>;
  /**
   * One image of Glance. undefined if it was deleted.
   * @throws {SourceError} `refused` also if the credential might not see an image that exists.
   */
  readonly image: (query: ReadOptions & { readonly id: string }) => Promise<CloudImage | undefined>;
  /** Whether services may be disabled and enabled. */
  readonly serviceChanges: ConfiguredPermission;
}

export interface CloudNetwork {
  readonly id: string;
  readonly name: string;
  readonly mtu?: number;
  /** `vlan`, `vxlan`, `flat`. Absent without the administrator's view. */
  readonly type?: string;
  readonly physicalNetwork?: string;
  /** The VLAN or the VNI. */
  readonly segment?: number;
  readonly isQinq?: boolean;
}

export interface CloudPort {
  readonly id: string;
  readonly mac: string;
  readonly network?: string;
  /** The id of the instance, if `owner` begins with `compute:`. */
  readonly device?: string;
  /** `compute:nova`, `network:dhcp`. */
  readonly owner?: string;
  readonly host?: string;
  /** `ACTIVE`, `DOWN`, `BUILD`. */
  readonly status?: string;
  readonly addresses: readonly string[];
}

export interface CloudServer {
  readonly id: string;
  readonly name: string;
  readonly user?: string;
  readonly project?: string;
  readonly createdAt?: Date;
  readonly host?: string;
  /** `running`, `paused`, `shut-down`, `crashed`, `suspended`. */
  readonly power?: string;
  /** As Nova names it: `ACTIVE`, `SHUTOFF`, `SHELVED_OFFLOADED`, `ERROR`. */
  readonly status?: string;
  /** The id of the image that it was created from. Its disk may have another one, such as after it was shelved. Absent if it boots from a volume. */
  readonly image?: string;
  /** How libvirt names it: `instance-0000091c`. Absent without the administrator's view. */
  readonly instanceName?: string;
}

export interface CloudService {
  /** A UUID, or a number of older versions. Absent if the cell of the service is down. */
  readonly id?: string;
  /** `nova-compute`, `nova-conductor`, `nova-scheduler`. */
  readonly binary: string;
  readonly host: string;
  readonly zone?: string;
  /** Absent if the cell of the service is down: then nothing is known about it. */
  readonly isEnabled?: boolean;
  /** Nova's own judgement, from a stamp that it doesn't show. Absent if the cell of the service is down. */
  readonly isUp?: boolean;
  /** When its record was last saved, by the clock of the conductor that saved it. It doesn't say whether it is up. Absent if it was never saved again. */
  readonly updatedAt?: Date;
  readonly disabledReason?: string;
  /** People declared it down, after they fenced its host. */
  readonly isForcedDown: boolean;
}

export interface CloudImage {
  readonly id: string;
  readonly name?: string;
  /** As Glance names it: `active`, `queued`, `deactivated`. */
  readonly status: string;
  readonly isSnapshot: boolean;
  readonly bytes?: number;
}

export interface CloudWriter {
  /**
   * Keeps new instances off a compute service. Does nothing if it is already disabled with this reason.
   * @throws {SourceError} `missing` if it no longer exists or was changed since; `refused` without permission.
   */
  readonly disableService: (service: ServiceChange, applyContext: ApplyContext) => Promise<void>;
  /**
   * Enables a service that was disabled with exactly this reason.
   * @throws {SourceError} `missing` if it was disabled for another one.
   */
  readonly enableService: (service: ServiceChange, applyContext: ApplyContext) => Promise<void>;
}

export interface ServiceChange {
  readonly id: string;
  readonly binary: string;
  readonly host: string;
  readonly reason: string;
}

export interface DhcpAgent {
  readonly host: string;
  readonly isAlive?: boolean;
  readonly isEnabled?: boolean;
  readonly leaseSeconds?: number;
}
