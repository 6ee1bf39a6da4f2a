import type { ports, ReadContext } from '../../kit.ts';
import type { RejectedHostKey } from '../../shared/host-survey.ts';

export type ImagesContext = ReadContext<'hosts', 'cloud'>;

/** What a host says about its instances and its image cache. An absent fact couldn't be read. */
export interface HostFacts {
  /** As findings name it. */
  readonly name: string;
  readonly source: string;
  /** Its name in the source. */
  readonly host: string;
  /** How far its clock is ahead. */
  readonly clockAheadMs?: number;
  readonly mounts?: readonly ports.HostMount[];
  /** Absent also if another host has read the same shared storage. */
  readonly disks?: readonly ports.InstanceDisk[];
  readonly states?: readonly ports.FileState[];
  /** `none`: the host has no file with settings of Nova. */
  readonly settings?: readonly ports.HostSetting[] | 'none';
  /** `corrupt`: Nova can't parse the file. `none`: there is no such file. */
  readonly stamps?: readonly ports.ComputeNodeStamp[] | 'corrupt' | 'none';
  readonly rescue: ports.Hosts['rescue'];
}

/** An instance as the clouds know it. */
export interface KnownInstance {
  readonly id: string;
  /** Absent if no cloud has it. */
  readonly server?: ports.CloudServer;
}

/** A line of nova-compute about a base image that it removed. */
export interface Removal {
  readonly host: string;
  readonly path: string;
  readonly at?: Date;
}

/** A file or an error, and the host that it is on, as findings name it. */
export type OnHost<T> = T & { readonly on: string };

export interface AskedCopy {
  readonly name: string;
  /** Absent if there is none, or if it isn't known. */
  readonly file?: ports.RescuedCopy;
  readonly isUnknown?: true;
}

export interface Facts {
  readonly hosts: readonly HostFacts[];
  readonly rejectedKeys: readonly RejectedHostKey[];
  /** The instances that clouds list on these hosts, and those that were asked for one by one. */
  readonly instances: readonly KnownInstance[];
  /** The hosts of which a cloud has listed all instances. */
  readonly listedHosts: readonly string[];
  /** Absent if not needed, or not readable. */
  readonly services?: readonly ports.CloudService[];
  readonly removals: readonly Removal[];
  readonly openFiles: readonly OnHost<ports.OpenFile>[];
  readonly guestErrors: readonly OnHost<ports.GuestDiskError>[];
  /** Images by id; `deleted` if Glance doesn't have it. */
  readonly images: ReadonlyMap<string, ports.CloudImage | 'deleted'>;
  /** The copies of deleted base images that were asked for, by host and name. */
  readonly copies: readonly OnHost<AskedCopy>[];
}
