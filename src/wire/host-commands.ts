import { isIP } from 'node:net';
import type { HostFiles, HostProgram, PackagedProgram } from '../ports/hosts.ts';
import {
  type AsRoot,
  choose,
  command,
  HostArgumentError,
  type HostCommand,
  JOURNAL,
  KIB,
  MIB,
  since,
  variable,
  type VariableWord,
  wholeNumber,
} from './host-command.ts';
import { CERTIFICATE_COMMANDS } from './certificate-commands.ts';
import { NOVA_COMMANDS } from './nova-commands.ts';

/** The most bytes of a log file that one command reads. */
export const MAX_LOG_BYTES = 16 * MIB;
/** The most bytes that are read of each file in `SYSTEM_LOGS`, from its end. */
export const SYSTEM_LOG_TAIL_BYTES = 2 * MIB;
/** https://www.rfc-editor.org/rfc/rfc791#section-3.1 */
const MAX_PACKET_BYTES = 65_535;

/** `systemd-journald` writes how many messages of a unit it has dropped. */
const DHCP_PROGRAMS = ['dnsmasq-dhcp', 'dnsmasq', 'dhcpd', 'neutron-dhcp-agent', 'systemd-journald'];
const SYSTEM_LOGS = [
  '/var/log/syslog',
  '/var/log/messages',
  '/var/log/daemon.log',
  '/var/log/dnsmasq.log',
  '/var/log/neutron/dnsmasq.log',
  '/var/log/kolla/neutron/dnsmasq.log',
  '/var/log/syslog.1',
  '/var/log/messages.1',
  '/var/log/dnsmasq.log.1',
];

const LINK_FILES = ['mtu', 'operstate', 'address', 'flags', 'ifindex', 'carrier', 'slaves', 'mode', 'miimon'];

/** Of Neutron and nova-network, from packages and from Kolla. They have passwords, so only the lines of some settings leave the host. */
const SETTING_FILES = [
  '/etc/neutron/plugins/ml2/linuxbridge_agent.ini',
  '/etc/neutron/plugins/ml2/openvswitch_agent.ini',
  '/etc/neutron/plugins/ml2/ml2_conf.ini',
  '/etc/neutron/plugins/linuxbridge/linuxbridge_conf.ini',
  '/etc/neutron/dhcp_agent.ini',
  '/etc/neutron/neutron.conf',
  '/etc/nova/nova.conf',
  '/etc/kolla/neutron-linuxbridge-agent/linuxbridge_agent.ini',
  '/etc/kolla/neutron-openvswitch-agent/openvswitch_agent.ini',
  '/etc/kolla/neutron-openvswitch-agent/ml2_conf.ini',
  '/etc/kolla/neutron-dhcp-agent/dhcp_agent.ini',
];
export const SETTING_KEYS: readonly string[] = [
  'physical_interface_mappings',
  'bridge_mappings',
  'vlan_interface',
  'flat_interface',
  'public_interface',
  'local_ip',
  'path_mtu',
  'physical_network_mtus',
  'global_physnet_mtu',
  'dhcp_lease_duration',
];
const BLANKS = '[[:blank:]]*';
/** Sections, the settings, and further lines of a list of mappings. */
const SETTING_LINES = [
  `^${BLANKS}\\[`,
  `^${BLANKS}\\(${SETTING_KEYS.join('\\|')}\\)${BLANKS}[=:]`,
  `^[[:blank:]]${BLANKS}[[:alnum:]_.-]*:[[:alnum:]_.-]*,*${BLANKS}$`,
];

/** The kernel cuts off the names of processes after 15 bytes: https://man7.org/linux/man-pages/man5/proc_pid_comm.5.html */
const PROCESSES: Readonly<Record<HostProgram, string>> = {
  dnsmasq: 'dnsmasq',
  dhclient: 'dhclient',
  qemu: 'qemu-system-x86,qemu-system-aar,qemu-kvm,kvm',
  'neutron-dhcp-agent': 'neutron-dhcp-ag',
  'nova-compute': 'nova-compute',
  'kube-apiserver': 'kube-apiserver',
  'kube-controller-manager': 'kube-controller',
  'kube-scheduler': 'kube-scheduler',
  kubelet: 'kubelet',
  etcd: 'etcd',
  nginx: 'nginx',
  haproxy: 'haproxy',
};
const PACKAGES: Readonly<Record<PackagedProgram, string>> = {
  dnsmasq: 'dnsmasq-base dnsmasq-base-lua dnsmasq',
  dhclient: 'isc-dhcp-client dhcp-client dhclient',
  qemu: 'qemu-system-x86 qemu-system-arm qemu-kvm qemu-kvm-core qemu-kvm-ev',
  'neutron-dhcp-agent': 'neutron-dhcp-agent openstack-neutron',
  'nova-compute': 'nova-compute openstack-nova-compute',
};
const DEBIAN_FORMAT = String.raw`$\{db:Status-Status},$\{Package},$\{Version}\n`.replaceAll('$\\', '$');
const RPM_FORMAT = String.raw`installed,%{NAME},%{VERSION}-%{RELEASE}\n`;

const FILES: Readonly<Record<HostFiles, string>> = {
  'console-logs': '-maxdepth 2 -name console.log*',
  'image-cache': '-mindepth 2 -maxdepth 2 -path /var/lib/nova/instances/_base*',
};

const DHCP_NAMESPACE = /^qdhcp-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const LOG_PATH = /^\/var\/log(?:\/[A-Za-z0-9_+:@%,=-][A-Za-z0-9_.+:@%,=-]*){0,12}$/;

/** `qdhcp-7d1c0a52-3e44-4a51-9a0c-6a3a0d6f7781`, as Neutron names them after networks. */
export function isDhcpNamespace(name: string): boolean {
  return DHCP_NAMESPACE.test(name);
}

/** Whether a command may read this file or folder: an absolute path below `/var/log`. */
export function isLogPath(path: string): boolean {
  return path.length <= 512 && LOG_PATH.test(path);
}

/** The questions. Those with the argument `sudo` can be asked as root. */
export const HOST_COMMANDS = {
  ...NOVA_COMMANDS,
  ...CERTIFICATE_COMMANDS,

  /** `wrench-collect 1` if the key of this host can only ask these questions; otherwise there is no such program. */
  collector: () => command(['wrench-collect --version'], { maxBytes: KIB }),

  /** `1764158400.123456789,+0000` */
  clock: () => command(['date +%s.%N,%z'], { maxBytes: KIB }),

  links: () => command(['ip -j -d link show'], { maxBytes: 10 * MIB }),
  linksAsText: () => command(['ip -d link show'], { maxBytes: 10 * MIB }),
  vlanTable: () => command(['grep -Ha . /proc/net/vlan/config'], { maxBytes: MIB }),
  /** `/sys/class/net/bond0/mtu:1500`, also of the master of a link: `/sys/class/net/eno1/master/ifindex:5`. */
  linkFiles: () =>
    command(
      [
        'find -L /sys/class/net -mindepth 2 -maxdepth 3 -type f (',
        LINK_FILES.map((name) => `-name ${name}`).join(' -o '),
        ') -exec grep -Ha . {} +',
      ],
      { maxBytes: 4 * MIB },
    ),

  addresses: () => command(['ip -j addr show'], { maxBytes: 10 * MIB }),
  addressesAsText: () => command(['ip addr show'], { maxBytes: 10 * MIB }),
  routes: () => command(['ip -j route show'], { maxBytes: 10 * MIB }),
  routesAsText: () => command(['ip route show'], { maxBytes: 10 * MIB }),

  /** `/proc/net/bonding/bond0:MII Status: up` */
  bonds: () => command(['grep -Har . /proc/net/bonding'], { maxBytes: 4 * MIB }),

  neighbors: ({ sudo }: AsRoot) => command(['lldpctl -f json'], { sudo, maxBytes: 4 * MIB }),
  /** Of versions without JSON. */
  neighborsAsText: ({ sudo }: AsRoot) => command(['lldpctl -f keyvalue'], { sudo, maxBytes: 4 * MIB }),

  networkSettings: ({ sudo }: AsRoot) =>
    command(['grep -Han', ...SETTING_LINES.map((line) => `-e ${line}`), ...SETTING_FILES], {
      sudo,
      maxBytes: MIB,
    }),

  /** Newest first, in UTC. Not quiet: hints say that the journal of the system can't be read. */
  dhcpJournal: ({ withinSeconds }: { readonly withinSeconds: number }) =>
    command([JOURNAL, since(withinSeconds), ...DHCP_PROGRAMS.map((name) => `-t ${name}`)], {
      maxBytes: 8 * MIB,
    }),
  /** The ends of the files that may have it, each after a line with its name: `==> /var/log/syslog <==`. */
  systemLogs: () =>
    command([`tail -v -c ${SYSTEM_LOG_TAIL_BYTES}`, ...SYSTEM_LOGS], {
      maxBytes: (SYSTEM_LOGS.length + 1) * SYSTEM_LOG_TAIL_BYTES,
    }),
  kernelJournal: ({ withinSeconds }: { readonly withinSeconds: number }) =>
    command([JOURNAL, since(withinSeconds), '_TRANSPORT=kernel'], { maxBytes: 8 * MIB }),
  kernelRing: ({ sudo }: AsRoot) => command(['dmesg --time-format iso'], { sudo, maxBytes: 4 * MIB }),
  /** Of versions that don't know the format: times are since the start of the host. */
  kernelRingAsText: ({ sudo }: AsRoot) => command(['dmesg'], { sudo, maxBytes: 4 * MIB }),

  namespaces: () => command(['ip netns list'], { maxBytes: MIB }),
  /** All chains: Neutron's rules are in chains of its own. An empty name is the host's own namespace. */
  checksumRules: ({ sudo, namespace }: AsRoot & { readonly namespace: string }) =>
    command([...inNamespace(namespace), 'iptables -t mangle -S'], { sudo, maxBytes: MIB }),
  checksumRulesOfNft: ({ sudo, namespace }: AsRoot & { readonly namespace: string }) =>
    command([...inNamespace(namespace), 'nft list ruleset ip'], { sudo, maxBytes: 4 * MIB }),

  mounts: () => command(['findmnt -J -b -l -o TARGET,SOURCE,FSTYPE,SIZE,AVAIL'], { maxBytes: 4 * MIB }),
  mountsAsText: () => command(['df -P -T -B 1'], { maxBytes: 4 * MIB }),
  /** `1048576,2048,1764158400.0000000000,/var/lib/nova/…` and a NUL: size, blocks of 512 bytes, time of change. */
  fileSizes: ({ sudo, files }: AsRoot & { readonly files: HostFiles }) =>
    command(
      [`find -H /var/lib/nova/instances ${choose(FILES, files)} -type f -printf`, String.raw`%s,%b,%T@,%p\0`],
      { sudo, maxBytes: 10 * MIB },
    ),

  /** The process id, the seconds since its start, and its name. */
  processes: ({ program }: { readonly program: HostProgram }) =>
    command([`ps -C ${choose(PROCESSES, program)} -o pid=,etimes=,comm=`], { maxBytes: MIB }),
  packagesOfDebian: ({ program }: { readonly program: PackagedProgram }) =>
    command([`dpkg-query -W -f ${DEBIAN_FORMAT}`, choose(PACKAGES, program)], { maxBytes: 64 * KIB }),
  packagesOfRpm: ({ program }: { readonly program: PackagedProgram }) =>
    command([`rpm -q --qf ${RPM_FORMAT}`, choose(PACKAGES, program)], { maxBytes: 64 * KIB }),

  /** Two pings that must not be fragmented. `packetBytes` is the size of the whole IP packet. */
  ping: ({ address, packetBytes }: { readonly address: string; readonly packetBytes: number }) => {
    const version = isIP(address);
    if (version === 0 || !/^[0-9a-f.:]+$/.test(address)) throw new HostArgumentError('not an IP address');
    const headerBytes = version === 6 ? 48 : 28;
    const payload = wholeNumber(packetBytes, headerBytes, MAX_PACKET_BYTES) - headerBytes;
    return command(
      [
        `ping${version === 6 ? ' -6' : ''} -n -M do -c 2 -i 0.2 -W 2 -s`,
        variable(String(payload)),
        variable(address),
      ],
      { maxBytes: 16 * KIB },
    );
  },

  /** `1048576,1764158400.0000000000,/var/log/remote/leaf-a.log` and a NUL: size, time of change. Symbolic links are not followed. */
  logFiles: ({ path }: { readonly path: string }) =>
    command(['find', variable(logPath(path)), '-maxdepth 3 -type f -printf', String.raw`%s,%T@,%p\0`], {
      maxBytes: 4 * MIB,
    }),
  /** The last bytes of a log file. */
  logTail: ({ path, bytes }: { readonly path: string; readonly bytes: number }) =>
    command(['tail -c', variable(String(wholeNumber(bytes, 1, MAX_LOG_BYTES))), variable(logPath(path))], {
      maxBytes: bytes + 1,
    }),
  /** A part of a log file. Compressed files are read with it too, and decompressed by the reader. */
  logRange: ({
    path,
    from,
    bytes,
  }: {
    readonly path: string;
    readonly from: number;
    readonly bytes: number;
  }) =>
    command(
      [
        'dd',
        variable(`if=${logPath(path)}`),
        'iflag=skip_bytes,count_bytes bs=65536 status=none',
        variable(`skip=${wholeNumber(from, 0, Number.MAX_SAFE_INTEGER)}`),
        variable(`count=${wholeNumber(bytes, 1, MAX_LOG_BYTES)}`),
      ],
      { maxBytes: bytes + 1 },
    ),
} as const satisfies Readonly<Record<string, (argument: never) => HostCommand>>;

function inNamespace(namespace: string): readonly (string | VariableWord)[] {
  if (namespace === '') return [];
  if (!isDhcpNamespace(namespace)) throw new HostArgumentError('not a DHCP namespace of Neutron');
  return ['ip netns exec', variable(namespace)];
}

function logPath(path: string): string {
  if (!isLogPath(path)) throw new HostArgumentError('not a path below /var/log, or with unusual characters');
  return path;
}
