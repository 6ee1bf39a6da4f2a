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
}

export interface DhcpAgent {
  readonly host: string;
  readonly isAlive?: boolean;
  readonly isEnabled?: boolean;
  readonly leaseSeconds?: number;
}
