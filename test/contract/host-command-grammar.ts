/** What may reach a host, written down a second time: independent of the code that creates the commands. */

type Word = string | RegExp;

/** Splits a line as a shell does. undefined if the shell would do anything but split it and remove quotes. */
export function splitShellLine(line: string): readonly string[] | undefined {
  const words: string[] = [];
  for (const word of line.split(' ')) {
    const plain = /^[A-Za-z0-9_./:=+,@%-]+$/.test(word);
    const quoted = /^'[^'\n\r\0]*'$/.test(word);
    if (!plain && !quoted) return undefined;
    words.push(quoted ? word.slice(1, -1) : word);
  }
  return words;
}

const NUMBER = /^(?:0|[1-9]\d{0,15})$/;
const SINCE = /^--since=-[1-9]\d{0,7}s$/;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const IPV6 = /^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*$/;
const NAMESPACE = /^qdhcp-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const LOG = /^\/var\/log(?!.*\/\.)(?:\/[A-Za-z0-9_.+:@%,=-]+)*$/;
const words = (text: string): readonly string[] => text.split(' ');

const SETTINGS = words(
  String.raw`grep -Han -e ^[[:blank:]]*\[ -e ^[[:blank:]]*\(physical_interface_mappings\|bridge_mappings\|vlan_interface\|flat_interface\|public_interface\|local_ip\|path_mtu\|physical_network_mtus\|global_physnet_mtu\|dhcp_lease_duration\)[[:blank:]]*[=:] -e ^[[:blank:]][[:blank:]]*[[:alnum:]_.-]*:[[:alnum:]_.-]*,*[[:blank:]]*$`,
);
const JOURNAL = words('journalctl --utc -o short-iso --no-pager -r -n 20000');
/** Filters that print certificates only. */
const SED = 'env LC_ALL=C sed -n -e :a -e $!{N;ba -e } -e s/~//g';
const KEEP_MARKED = '-e s/^[^~]*// -e s/~-[^~]*/~-/g -e G -e p';
const ONLY_CERTIFICATES = String.raw`-e s%~c\(\(\\[rn]\|[^[:alnum:]~]\)*\(MI[I-L]..[DTjz]C[BC]\|MIM....wg\|MI[GH].M\([A-H].[gC]\|I[GH].[oA]\)\)\)%~+\1%g -e s%~+[^~]*\(\\[rn]\|[^[:alnum:]+/]\)\(MI[I-L]..[AQgw]IBA\|MI[GH].AgE\|M[A-H].CAQ\|MI[^~]\{4,10\}\(BgkqhkiG9w0BBQ\|CSqGSIb3DQEF\)\|b3BlbnNzaC1rZXktdjE\)[^~]*~-%~!~-%g -e s%~c[^~]*~-%~!~-%g`;
const PEM = String.raw`-e s/-----BEGIN[A-Z0-9[:blank:]]*CERTIFICATE-----\([^-~":]*\)-----END[A-Z0-9[:blank:]]*CERTIFICATE-----/~c\1~-/g ${ONLY_CERTIFICATES} -e s%-----BEGIN[A-Z0-9[:blank:]]*CERTIFICATE-----[^[:alnum:]-]*[[:alnum:]+/]\{24\}%~!~-%g -e s/-----BEGIN.[^-]*-----/~o~-/g`;
const KUBECONFIG = String.raw`-e s/UFJJVkFURSBLRV\|BSSVZBVEUgS0VZ\|QUklWQVRFIEtFW/@/g -e s%\(\(client-certificate\|certificate-authority\)\(-data\)*\)"*[[:blank:]]*:[[:blank:]]*[^[:alnum:][:space:]/|>]*\([|>]*[[:alnum:]+/=._-]*\)%~\1;\4~-%g -e s%-data;\(LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1J[ST]...[RVae][Ek]N[CD]\)%-data:\1%g -e s%\([aey]\);\([|>]*~-\)%\1:\2%g -e s%\([ey]\);/%\1:/%g -e s/;[^~]*~-/:!~-/g`;
const AGENT_SETTINGS = String.raw`-e s/\\"//g -e s/-----BEGIN[A-Z0-9[:blank:]]*CERTIFICATE-----\([^-~":}{]*\)-----END[A-Z0-9[:blank:]]*CERTIFICATE-----/~c\1~-/g ${ONLY_CERTIFICATES} -e s%-----BEGIN[A-Z0-9[:blank:]]*CERTIFICATE-----[^[:alnum:]-]*[[:alnum:]+/]\{24\}%~!~-%g -e s/"[^"~]*~\([+!]\)/~\1/g -e s/~-[^"~]*"/~-/g -e s/"\(env\|bosh\|mbus\|cert\|ca\|certificate\)"[[:space:]]*:/~\1~-/g -e s/"[^"~]*"//g -e s/[}{,]/~&~-/g`;
const certificates = (find: string, filter: string): readonly string[] =>
  words(
    `find -L ${find} ( -exec stat -L -c =%Y,%s,%n {} ; -o -exec echo =- {} ; ) -type f -size -1048577c ( -exec ${SED} ${filter} ${KEEP_MARKED} {} ; -o -exec echo =! {} ; )`,
  );
/** A file of an instance or a base image. */
const INSTANCE_FILE = /^\/var\/lib\/nova\/instances(?!.*\/\.)(?:\/[A-Za-z0-9_.+:@%,=-]+)+$/;
const NOVA_LOG = /^\/var\/log\/(?:nova|kolla\/nova|containers\/nova)\/nova-[a-z-]+\.log(?:\.1)?$/;
const NOVA_PATTERNS = [
  '[Bb]ase.files?:|ephemeral.file|swap.file',
  'reporting.service.status|unable.to.report.status|model.server.went.away',
  'status:.[0-9]+.len:.[0-9-]+.*time:.[1-9]|bytes.in.[0-9]{4,}.msecs',
];
const NOVA_JOURNALS = [
  '_SYSTEMD_UNIT=nova-compute.service _SYSTEMD_UNIT=openstack-nova-compute.service + SYSLOG_IDENTIFIER=nova-compute + CONTAINER_NAME=nova_compute',
  '_SYSTEMD_UNIT=nova-api.service _SYSTEMD_UNIT=openstack-nova-api.service + SYSLOG_IDENTIFIER=nova-api SYSLOG_IDENTIFIER=nova-api-wsgi + CONTAINER_NAME=nova_api',
].map(words);
const NOVA_SETTINGS = words(
  String.raw`grep -RHan -e ^[[:blank:]]*\[ -e ^[[:blank:]]*\(instances_path\|state_path\|my_ip\|host\|manager_interval\|image_cache_manager_interval\|subdirectory_name\|image_cache_subdirectory_name\|base_dir_name\|remove_unused_base_images\|remove_unused_original_minimum_age_seconds\|remove_unused_resized_minimum_age_seconds\|images_type\|libvirt_images_type\)[[:blank:]]*[=:] /usr/share/nova/nova-dist.conf /etc/nova/nova.conf /etc/nova/nova-compute.conf /etc/nova/nova.conf.d /etc/kolla/nova-compute/nova.conf /var/lib/config-data/puppet-generated/nova_libvirt/etc/nova/nova.conf`,
);
const DISKS = words(
  'find -H /var/lib/nova/instances -mindepth 2 -maxdepth 2 -name disk* ! -name disk.config* ! -name disk.info ( -type f -o -type l ) -print0 -exec prlimit --as=1073741824 --cpu=30 qemu-img info',
);
const BASE_IMAGES = words(
  'find -H /var/lib/nova/instances -mindepth 2 -maxdepth 2 -path /var/lib/nova/instances/_base*/* -type f -print0 -exec prlimit --as=1073741824 --cpu=30 qemu-img info',
);
const openFiles = (name: string): readonly string[] =>
  words(
    String.raw`find /proc -mindepth 1 -maxdepth 3 -path /proc/*/* ! -path /proc/*/fd ! -path /proc/*/fd/* -prune -o -path /proc/1/fd -printf %p\0 -o -path /proc/[0-9]*/fd/* -lname ${name} -printf %p,%l\0 -execdir grep -ha ^flags: ../fdinfo/{} ; -execdir stat -L -c %s,%b {} ; -execdir cat ../comm ;`,
  );
const SYS = words(
  'find -L /sys/class/net -mindepth 2 -maxdepth 3 -type f ( -name mtu -o -name operstate -o -name address -o -name flags -o -name ifindex -o -name carrier -o -name slaves -o -name mode -o -name miimon ) -exec grep -Ha . {} +',
);
const CONFIGURATION = /^\/etc\/(?:neutron|nova|kolla)\/[a-z0-9_./-]+\.(?:ini|conf)$/;

const ORDINARY: readonly (readonly Word[])[] = [
  words('wrench-collect --version'),
  words('date +%s.%N,%z'),
  words('ip -j -d link show'),
  words('ip -d link show'),
  words('grep -Ha . /proc/net/vlan/config'),
  SYS,
  words('ip -j addr show'),
  words('ip addr show'),
  words('ip -j route show'),
  words('ip route show'),
  words('grep -Har . /proc/net/bonding'),
  words('ip netns list'),
  words('findmnt -J -b -l -o TARGET,SOURCE,FSTYPE,SIZE,AVAIL'),
  words('df -P -T -B 1'),
  [...JOURNAL, SINCE, '_TRANSPORT=kernel'],
  [
    ...JOURNAL,
    SINCE,
    ...words('-t dnsmasq-dhcp -t dnsmasq -t dhcpd -t neutron-dhcp-agent -t systemd-journald'),
  ],
  [...words('tail -v -c 2097152'), ...Array.from({ length: 9 }, () => LOG)],
  ['ps', '-C', /^[a-z0-9,-]+$/, '-o', 'pid=,etimes=,comm='],
  ...[2, 3, 5].flatMap((count) => {
    const packages = Array.from({ length: count }, () => /^[a-z][a-z0-9-]+$/);
    return [
      [
        'dpkg-query',
        '-W',
        '-f',
        String.raw`$\{db:Status-Status},$\{Package},$\{Version}\n`.replaceAll('$\\', '$'),
        ...packages,
      ],
      ['rpm', '-q', '--qf', String.raw`installed,%{NAME},%{VERSION}-%{RELEASE}\n`, ...packages],
    ];
  }),
  ...Array.from({ length: 70 }, (_, count) => [
    ...words('stat -L -c %s,%b,%Y,%n --'),
    ...Array.from({ length: count + 1 }, () => INSTANCE_FILE),
  ]),
  words('cat /var/lib/nova/instances/compute_nodes'),
  words('readlink -f /var/lib/nova/instances'),
  words('grep -Ha . /proc/loadavg /sys/devices/system/cpu/online'),
  words('grep -Ha . /var/log/nova/nova-manage.log /var/log/kolla/nova/nova-manage.log'),
  ...NOVA_PATTERNS.flatMap((pattern) => [
    ...[6, 10].map((count) => [
      'grep',
      '-HaE',
      '-e',
      pattern,
      ...Array.from({ length: count }, () => NOVA_LOG),
    ]),
    ...NOVA_JOURNALS.map((journal) => [...JOURNAL, SINCE, '-g', pattern, ...journal]),
  ]),
  ...NOVA_JOURNALS.map((journal) => [...JOURNAL, SINCE, ...journal]),
  [...JOURNAL, SINCE, '-u', '*nova*archive*'],
  [...JOURNAL, SINCE, '-t', 'nova-manage'],
  [...words('ping -n -M do -c 2 -i 0.2 -W 2 -s'), NUMBER, IPV4],
  [...words('ping -6 -n -M do -c 2 -i 0.2 -W 2 -s'), NUMBER, IPV6],
  ['find', LOG, ...words(String.raw`-maxdepth 3 -type f -printf %s,%T@,%p\0`)],
  ['tail', '-c', NUMBER, LOG],
  [
    'dd',
    /^if=\/var\/log(?!.*\/\.)(?:\/[A-Za-z0-9_.+:@%,=-]+)*$/,
    ...words('iflag=skip_bytes,count_bytes bs=65536 status=none'),
    /^skip=\d{1,16}$/,
    /^count=\d{1,8}$/,
  ],
];

const AS_ROOT: readonly (readonly Word[])[] = [
  NOVA_SETTINGS,
  ...[DISKS, BASE_IMAGES].flatMap((find) => [
    [...find, ...words('-U --output=json {} ;')],
    [...find, ...words('--output=json {} ;')],
  ]),
  words('grep -rHa -e block.I/O.error /var/log/libvirt/qemu /var/log/kolla/libvirt/qemu'),
  openFiles('*/console.log*'),
  openFiles('*/_base*/*'),
  certificates(
    '/etc/kubernetes/pki /var/lib/kubelet/pki -maxdepth 6 ! -type d ( -name *.crt -o -name kubelet-client-current.pem -o -name kubelet-server-current.pem )',
    PEM,
  ),
  certificates('/etc/kubernetes -maxdepth 1 ! -type d ( -name *.conf )', KUBECONFIG),
  certificates(
    '/var/vcap/jobs -maxdepth 8 -name packages -prune -o ! -type d ( -name *.crt -o -name *.pem -o -name *.cert -o -name *.cer -o -name *.yml -o -name *.yaml -o -name *.json -o -name *.conf -o -name ca -o -name cert )',
    PEM,
  ),
  certificates(
    '/var/vcap/bosh -maxdepth 1 ! -type d ( -name settings.json -o -name update_settings.json )',
    AGENT_SETTINGS,
  ),
  words('kubeadm certs check-expiration -o json'),
  words('kubeadm certs check-expiration'),
  words('lldpctl -f json'),
  words('lldpctl -f keyvalue'),
  [...SETTINGS, ...Array.from({ length: 11 }, () => CONFIGURATION)],
  words('dmesg'),
  words('dmesg --time-format iso'),
  ...[[], ['ip', 'netns', 'exec', NAMESPACE]].flatMap((prefix) => [
    [...prefix, ...words('iptables -t mangle -S')],
    [...prefix, ...words('nft list ruleset ip')],
  ]),
  words(
    String.raw`find -H /var/lib/nova/instances -maxdepth 2 -name console.log* -type f -printf %s,%b,%T@,%p\0`,
  ),
  words(
    String.raw`find -H /var/lib/nova/instances -mindepth 2 -maxdepth 2 -path /var/lib/nova/instances/_base* -type f -printf %s,%b,%T@,%p\0`,
  ),
];

/** Whether these are the words of a program that may run, without the fixed environment in front of it. */
export function isAllowedProgram(argv: readonly string[]): boolean {
  const isRoot = argv[0] === 'sudo' && argv[1] === '-n';
  const program = isRoot ? argv.slice(2) : argv;
  return [...(isRoot ? [] : ORDINARY), ...AS_ROOT].some(
    (form) =>
      form.length === program.length &&
      form.every((word, at) =>
        typeof word === 'string' ? word === program[at] : word.test(program[at] ?? ''),
      ),
  );
}

/** Whether a line that would be sent to a host is one of the closed set. */
export function isAllowedLine(line: string): boolean {
  const split = splitShellLine(line);
  if (!split) return false;
  const [env, locale, path, ...argv] = split;
  return (
    env === 'env' &&
    locale === 'LC_ALL=C' &&
    path === 'PATH=/usr/sbin:/usr/bin:/sbin:/bin' &&
    isAllowedProgram(argv)
  );
}
