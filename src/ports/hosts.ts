import type { ApplyContext } from './apply-context.ts';
import type { LogLine } from './logs.ts';
import type { ConfiguredPermission } from './permission.ts';
import type { ReadOptions } from './read-options.ts';

/**
 * The machines of one source, and the questions that can be asked of them. The set of questions is closed and read-only: no method takes a command.
 * Every method is asked of one host, and may be called for all hosts at once: the source limits how many it asks at the same time, and fails
 * immediately for a host that didn't respond a moment ago.
 */
export interface Hosts {
  /** The source's name in the configuration: `compute`. */
  readonly name: string;
  /** As configured, without a request. Their names are unique in the source. */
  readonly hosts: readonly Host[];
  /**
   * The clock of the host.
   * @throws {SourceError}
   */
  readonly clock: (query: HostQuery) => Promise<HostClock>;
  /**
   * All network links of the host's own network namespace (`ip -j -d link`).
   * @throws {SourceError}
   */
  readonly links: (query: HostQuery) => Promise<HostLinks>;
  /**
   * The IP addresses of its links.
   * @throws {SourceError}
   */
  readonly addresses: (query: HostQuery) => Promise<readonly LinkAddress[]>;
  /**
   * The routes of the main table.
   * @throws {SourceError}
   */
  readonly routes: (query: HostQuery) => Promise<readonly IpRoute[]>;
  /**
   * The bonds, as the driver reports them in `/proc/net/bonding`. Empty if the driver is not loaded.
   * @throws {SourceError}
   */
  readonly bonds: (query: HostQuery) => Promise<readonly Bond[]>;
  /**
   * The switch ports that its links are connected to, by LLDP.
   * @throws {SourceError} `missing` if no LLDP agent is installed or running.
   */
  readonly neighbors: (query: HostQuery) => Promise<readonly SwitchNeighbor[]>;
  /**
   * The settings that say which links networks are built on: of Neutron's and nova-network's agents, each with its file and line. Empty if the host has
   * none of the files.
   * @throws {SourceError}
   */
  readonly networkSettings: (query: HostQuery) => Promise<readonly HostSetting[]>;
  /**
   * Lines of one log of the last `withinMs`, by the clock of the host, in batches, newest first.
   * @throws {SourceError} if not all can be read. The batches before the error are valid.
   */
  readonly logLines: (
    query: HostQuery & { readonly log: HostLog; readonly withinMs: number },
  ) => AsyncIterable<readonly LogLine[]>;
  /**
   * Whether DHCP replies get their checksum filled in, by network namespace (`qdhcp-…`): without that, a client on the same host may drop them.
   * @throws {SourceError}
   */
  readonly checksumRules: (query: HostQuery) => Promise<readonly ChecksumRules[]>;
  /**
   * Mounted file systems.
   * @throws {SourceError}
   */
  readonly mounts: (query: HostQuery) => Promise<readonly HostMount[]>;
  /**
   * The sizes of the files that a fixed pattern matches.
   * @throws {SourceError}
   */
  readonly fileSizes: (query: HostQuery & { readonly files: HostFiles }) => Promise<readonly HostFileSize[]>;
  /**
   * Processes by the name of their program, without their arguments.
   * @throws {SourceError}
   */
  readonly processes: (
    query: HostQuery & { readonly program: HostProgram },
  ) => Promise<readonly HostProcess[]>;
  /**
   * The version of an installed package. undefined if it is not installed.
   * @throws {SourceError}
   */
  readonly packageVersion: (
    query: HostQuery & { readonly program: PackagedProgram },
  ) => Promise<string | undefined>;
  /**
   * Sends pings that must not be fragmented from the host to another configured host, and returns the largest size that was answered. `to` is the
   * name of a host of the same source.
   * @throws {SourceError}
   */
  readonly pathMtu: (
    query: HostQuery & { readonly to: string; readonly mostBytes: number },
  ) => Promise<PathMtu>;
  /**
   * The disks of the instances in `/var/lib/nova/instances`, as `qemu-img info` describes them. It doesn't open their backing files, and doesn't say
   * whether these exist. A base image that has a backing file itself is listed too, as a disk of each instance that uses it. On shared storage, the instances of other hosts are among them.
   * @throws {SourceError}
   */
  readonly instanceDisks: (query: HostQuery) => Promise<readonly InstanceDisk[]>;
  /**
   * Whether files below `/var/lib/nova/instances` exist, by their absolute paths, in the order of `paths`.
   * @throws {SourceError}
   */
  readonly fileStates: (
    query: HostQuery & { readonly paths: readonly string[] },
  ) => Promise<readonly FileState[]>;
  /**
   * The settings of Nova that say where instances and base images are and when base images are removed. Empty if none of them is set; undefined if the
   * host has none of the files.
   * @throws {SourceError}
   */
  readonly novaSettings: (query: HostQuery) => Promise<readonly HostSetting[] | undefined>;
  /**
   * When each host last reported to the image cache manager, from `/var/lib/nova/instances/compute_nodes`. Nova counts a host's instances only if that
   * is less than a day ago: https://opendev.org/openstack/nova/src/branch/master/nova/virt/storage_users.py
   * @throws {SourceError} `missing` if there is no such file; `malformed` if it isn't valid, which Nova treats as empty.
   */
  readonly computeNodes: (query: HostQuery) => Promise<readonly ComputeNodeStamp[]>;
  /**
   * I/O errors of the disks of guests, from the logs of QEMU.
   * @throws {SourceError}
   */
  readonly diskErrors: (query: HostQuery) => Promise<readonly GuestDiskError[]>;
  /**
   * Measures files of at least `leastBytes` (apparent or on disk) twice, `watchMs` apart. Doesn't wait if there are none.
   * @throws {SourceError}
   */
  readonly fileGrowth: (
    query: HostQuery & { readonly files: HostFiles; readonly leastBytes: number; readonly watchMs: number },
  ) => Promise<readonly HostFileGrowth[]>;
  /**
   * Which processes have such files open, also files that were deleted.
   * @throws {SourceError}
   */
  readonly openFiles: (query: HostQuery & { readonly files: HostFiles }) => Promise<readonly OpenFile[]>;
  /**
   * The load of the host.
   * @throws {SourceError}
   */
  readonly load: (query: HostQuery) => Promise<HostLoad>;
  /** Whether deleted base images may be copied out of the processes that still have them open, and where to. */
  readonly rescue: ConfiguredPermission<{ readonly folder: string }>;
  /**
   * The copy of this name in the rescue folder of a host. undefined if there is none.
   * @throws {SourceError} `refused` if copies are not allowed, or what has this name is no file.
   */
  readonly rescuedFile: (query: HostQuery & { readonly name: string }) => Promise<RescuedCopy | undefined>;
  /** Whether console logs may be truncated. */
  readonly truncation: ConfiguredPermission;
  /** Whether soft-deleted rows may be archived, and how. */
  readonly archiving: ConfiguredPermission<ArchivingRules>;
  /**
   * The newest dump of the database in the configured folder of the host of `archiving`. undefined if there is none.
   * @throws {SourceError}
   */
  readonly newestDump: (options: ReadOptions) => Promise<HostFileSize | undefined>;
}

export interface Host {
  /** As findings name it: `cmp-12`. */
  readonly name: string;
  /** How it is reached, without a user: `cmp-12.example.internal:22`. */
  readonly address: string;
}

export interface HostQuery extends ReadOptions {
  /** The name of the host. */
  readonly host: string;
}

/**
 * `dhcp`: dnsmasq and the DHCP agent. `kernel`: the kernel's messages. `image-cache`: what nova-compute removed from its cache of base images.
 * `service-reports`: nova-compute lost or regained its conductor. `slow-requests`: requests to nova-api that took a second or more. `archive-job`:
 * a scheduled job that archives the rows of Nova.
 */
export type HostLog = 'dhcp' | 'kernel' | 'image-cache' | 'service-reports' | 'slow-requests' | 'archive-job';
/** `console-logs`: `console.log*` of instances. `image-cache`: the base images of instances. */
export type HostFiles = 'console-logs' | 'image-cache';
/** Programs whose packages are known. */
export type PackagedProgram = 'dnsmasq' | 'dhclient' | 'qemu' | 'neutron-dhcp-agent' | 'nova-compute';
/** Also those that may have started before their certificate was renewed. Of a container, if the host sees its processes. */
export type HostProgram =
  | PackagedProgram
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubelet'
  | 'etcd'
  | 'nginx'
  | 'haproxy';

export interface HostClock {
  /** Its time when it answered: `now` for everything in its logs. */
  readonly time: Date;
  /** The offset of its time zone from UTC, as in its logs. */
  readonly utcOffsetMinutes: number;
}

export interface HostLinks {
  readonly links: readonly Link[];
  /** What answered: `ip -j`, the text of an older `ip`, or files in `/proc` and `/sys`. Facts that an older tool doesn't print are absent. */
  readonly from: 'json' | 'text' | 'proc';
}

/** One network link. An absent optional fact is unknown. */
export interface Link {
  /** `bond0`. Without `@parent`. */
  readonly name: string;
  readonly index?: number;
  /** As the kernel names it: `vlan`, `bond`, `bridge`, `vxlan`, `gretap`, `geneve`, `tun`, `veth`. Absent for a physical NIC. */
  readonly kind?: string;
  /** The layer 2 type: `ether`, `loopback`. */
  readonly type?: string;
  readonly mtu?: number;
  readonly minMtu?: number;
  /** The most that its driver allows; 0 and absent mean unknown. */
  readonly maxMtu?: number;
  /** In lower case: `fa:16:3e:24:e7:22`. */
  readonly mac?: string;
  readonly permanentMac?: string;
  /** As the kernel names them: `UP`, `LOWER_UP`, `NO-CARRIER`. */
  readonly flags: readonly string[];
  /** `UP`, `DOWN`, `LOWERLAYERDOWN`, `UNKNOWN`. */
  readonly state?: string;
  /** The link it is stacked on: of a VLAN, a macvlan, a tunnel. */
  readonly parent?: string;
  /** The parent is in another network namespace, so its name is not known here. */
  readonly isParentElsewhere?: true;
  /** The bond or bridge it belongs to. */
  readonly master?: string;
  readonly alias?: string;
  /** `protocol` is `802.1Q` or `802.1ad`. Absent if an old tool doesn't print it. */
  readonly vlan?: { readonly id: number; readonly protocol?: string };
  readonly tunnel?: LinkTunnel;
  readonly bond?: LinkBond;
  readonly bondSlave?: LinkBondSlave;
  readonly bridge?: { readonly hasStp?: boolean; readonly isVlanAware?: boolean; readonly id?: string };
  /** Its state as a port of a bridge: `forwarding`, `blocking`, `disabled`. */
  readonly bridgePort?: { readonly state?: string };
}

export interface LinkTunnel {
  /** The VNI or the key. */
  readonly id?: number;
  /** The address that it sends from, of IPv4 or IPv6. */
  readonly local?: string;
  /** Another end, or the multicast group. */
  readonly remote?: string;
  /** What it carries and where to is decided for each packet, by Open vSwitch or eBPF (`external`). */
  readonly isFlowBased?: true;
}

export interface LinkBond {
  /** `active-backup`, `802.3ad`. */
  readonly mode?: string;
  readonly activeSlave?: string;
  /** How often it checks the links, in milliseconds; 0 is never. */
  readonly miimonMs?: number;
  readonly arpIntervalMs?: number;
  readonly partnerMac?: string;
}

export interface LinkBondSlave {
  /** `ACTIVE`, `BACKUP`. */
  readonly state?: string;
  /** What the driver believes: `UP`, `DOWN`. */
  readonly miiStatus?: string;
  readonly linkFailures?: number;
}

export interface LinkAddress {
  readonly link: string;
  /** Without the prefix length. */
  readonly address: string;
  readonly prefixLength: number;
  readonly family: 'IPv4' | 'IPv6';
}

export interface IpRoute {
  /** `default`, `10.77.0.0/24`. */
  readonly to: string;
  readonly via?: string;
  readonly link?: string;
  readonly mtu?: number;
}

/** A bond as its driver reports it: https://docs.kernel.org/networking/bonding.html#proc-bonding-information */
export interface Bond {
  readonly name: string;
  /** As the driver writes it: `fault-tolerance (active-backup)`, `IEEE 802.3ad Dynamic link aggregation`. */
  readonly mode: string;
  /** Absent for `None`, and in modes without an active slave. */
  readonly activeSlave?: string;
  /** `up`, `down`. */
  readonly miiStatus?: string;
  /** 0 if it doesn't check the links. */
  readonly miimonMs?: number;
  /** Absent if it doesn't use ARP monitoring. */
  readonly arpIntervalMs?: number;
  readonly minLinks?: number;
  /** Of 802.3ad. */
  readonly aggregator?: BondAggregator;
  readonly slaves: readonly BondSlave[];
  /** Beginnings of lines that were not understood. */
  readonly unknownLines?: readonly string[];
}

export interface BondAggregator {
  readonly id?: number;
  /** How many slaves are in the active aggregator. */
  readonly ports?: number;
  /** `00:00:00:00:00:00` if nothing answers LACP. */
  readonly partnerMac?: string;
}

export interface BondSlave {
  readonly name: string;
  /** What the driver believes: `up`, `down`, `going down`, `going back`. */
  readonly miiStatus?: string;
  /** Absent for `Unknown`. */
  readonly speedMbps?: number;
  readonly duplex?: string;
  readonly linkFailures?: number;
  readonly permanentMac?: string;
  readonly aggregatorId?: number;
  readonly partnerMac?: string;
  /** `none`, `monitoring`, `churned`. */
  readonly actorChurn?: string;
  readonly partnerChurn?: string;
}

export interface SwitchNeighbor {
  readonly link: string;
  /** The switch: `leaf-a`. */
  readonly switch: string;
  /** Its port: `Ethernet1/43`. */
  readonly port: string;
  readonly portDescription?: string;
}

/** `physical_interface_mappings = physnet1:inet` in a file. */
export interface HostSetting {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly section?: string;
  readonly key: string;
  readonly value: string;
}

export interface ChecksumRules {
  /** `qdhcp-7d1c0a52-…`. Empty for the host's own namespace. */
  readonly namespace: string;
  /** Whether a rule fills in the checksum of DHCP replies. */
  readonly fillsDhcp: boolean;
}

export interface HostMount {
  readonly path: string;
  readonly device: string;
  /** `ext4`, `nfs4`. */
  readonly type: string;
  readonly totalBytes?: number;
  readonly freeBytes?: number;
}

export interface HostFileSize {
  readonly path: string;
  /** The apparent size. */
  readonly bytes: number;
  /** The size on disk. */
  readonly diskBytes?: number;
  readonly modifiedAt: Date;
  /** Why its folder couldn't be read. Then nothing is known, and the size is 0. */
  readonly error?: string;
}

export interface HostProcess {
  readonly pid: number;
  readonly program: string;
  readonly startedAt?: Date;
}

export interface PathMtu {
  /** The address that was pinged. */
  readonly address: string;
  /** The largest packet that was answered, with its IP and ICMP headers. undefined if not even a small one was. */
  readonly bytes?: number;
  /** The smallest that was not answered. undefined if all were. */
  readonly failedBytes?: number;
}

/** A disk of an instance, or its error. An absent optional fact is unknown. */
export interface InstanceDisk {
  /** `/var/lib/nova/instances/2b8f5d10-…/disk`. */
  readonly path: string;
  /** The name of the folder: a UUID, or `instance-0000091c` of old versions. */
  readonly instance: string;
  /** `qcow2`, `raw`. A guest can write into a raw disk what looks like another format. */
  readonly format?: string;
  readonly virtualBytes?: number;
  /** As an absolute path. Absent if it has none. */
  readonly backingPath?: string;
  readonly backingFormat?: string;
  /** Why it couldn't be read. */
  readonly error?: string;
}

export interface FileState {
  readonly path: string;
  /** `unreadable`: it isn't known whether it exists, such as on shared storage that doesn't respond. */
  readonly state: 'present' | 'missing' | 'unreadable';
  readonly bytes?: number;
  readonly diskBytes?: number;
  readonly modifiedAt?: Date;
  /** Why it is unreadable. */
  readonly error?: string;
}

export interface ComputeNodeStamp {
  /** As Nova names the host. */
  readonly host: string;
  /** By the clock of that host. */
  readonly at: Date;
}

export interface GuestDiskError {
  /** `instance-0000091c`. */
  readonly instanceName: string;
  readonly at?: Date;
  /** `block I/O error in device 'drive-virtio-disk0': Stale file handle (116)`. */
  readonly text: string;
}

export interface HostFileGrowth {
  readonly before: HostFileSize;
  /** Absent if it couldn't be measured again, or no longer exists. */
  readonly after?: HostFileSize;
  /** By the clock of the host. */
  readonly betweenMs: number;
}

export interface OpenFile {
  readonly pid: number;
  /** `qemu-system-x86`, `virtlogd`. */
  readonly program?: string;
  readonly descriptor: number;
  /** Without ` (deleted)`. */
  readonly path: string;
  readonly isDeleted: boolean;
  /** Opened with `O_APPEND`: each write goes to the current end of the file. Absent if unknown. */
  readonly isAppendOnly?: boolean;
  /** Opened for reading only. Absent if unknown. */
  readonly isReadOnly?: boolean;
  readonly bytes?: number;
  readonly diskBytes?: number;
}

export interface HostLoad {
  /** The average of the last minute: how many processes run or wait. */
  readonly oneMinute: number;
  readonly cpus: number;
}

export interface RescuedCopy {
  readonly path: string;
  readonly bytes: number;
}

export interface ArchivingRules {
  /** The controller on which `nova-manage` runs. */
  readonly host: string;
  /** How many rows one call archives at most. */
  readonly batchRows: number;
  /** Rows that were deleted less than this ago are kept. */
  readonly keepDays: number;
  /** The folder with the dumps of the database. */
  readonly dumpFolder: string;
  /** A dump may be this old at most. */
  readonly maxDumpAgeHours: number;
  /** No further batch starts while the load of the host per CPU is above this. */
  readonly maxLoadPerCpu: number;
}

/** Changes to hosts: each is one fixed command, with its own credential. */
export interface HostWriter {
  /**
   * Copies a deleted file that a process still has open to the rescue folder, as `name`, and compares checksums.
   * @throws {SourceError} `refused` if there isn't enough space, a file of this name exists, or the file is not on a local disk; `missing` if the
   * process no longer has it open; `malformed` if the copy differs: it is kept under another name.
   */
  readonly rescueOpenFile: (
    file: {
      readonly host: string;
      readonly pid: number;
      readonly descriptor: number;
      readonly path: string;
      readonly bytes: number;
      readonly name: string;
    },
    applyContext: ApplyContext,
  ) => Promise<{ readonly path: string; readonly bytes: number; readonly sha256: string }>;
  /**
   * Truncates the console log of an instance to nothing, if every process that has it open for writing appends to it.
   * @throws {SourceError} `refused` if one doesn't; `missing` if it no longer exists.
   */
  readonly truncateConsole: (
    file: { readonly host: string; readonly path: string },
    applyContext: ApplyContext,
  ) => Promise<{ readonly freedBytes: number }>;
  /**
   * Archives one batch of soft-deleted rows: `nova-manage db archive_deleted_rows`.
   * @throws {SourceError} with what `nova-manage` printed.
   */
  readonly archiveRows: (
    batch: {
      readonly host: string;
      /** `2026-08-28`: rows that were deleted before this day. */
      readonly before: string;
      readonly maxRows: number;
    },
    applyContext: ApplyContext,
  ) => Promise<ArchivedBatch>;
}

export interface ArchivedBatch {
  /** Of all tables together. */
  readonly rows: number;
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
  /** Nothing is left to archive. */
  readonly isDone: boolean;
}
