import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HostLog, Hosts } from '../../ports/hosts.ts';
import type { LogLine } from '../../ports/logs.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { CommandOutput } from '../../wire/ssh-hosts.ts';
import { hostReaders } from './host-readers.ts';

interface Output {
  readonly exitCode?: number | undefined;
  readonly stdout?: string | Buffer;
  readonly stderr?: string;
  readonly isCut?: boolean;
}
type Answer = Output | ((line: string) => Output);

const NOW = Date.UTC(2026, 10, 26, 12);
const CLOCK: Output = { stdout: `${NOW / 1000}.000000000,+0000\n` };
const NOT_INSTALLED: Output = { exitCode: 127, stderr: "env: 'x': No such file or directory" };

/** A host that answers commands that begin with a key. It has no other program. */
function hostWith(answers: Readonly<Record<string, Answer>>) {
  const commands: string[] = [];
  const readers = hostReaders(
    async (_, { line }) => {
      const command = line.replace(/^env LC_ALL=C PATH=\S+ /, '');
      commands.push(command);
      const all: readonly (readonly [string, Answer])[] = Object.entries({ date: CLOCK, ...answers });
      const [, answer = NOT_INSTALLED] = all.find(([key]) => command.startsWith(key)) ?? [];
      const { stdout = '', ...output } = typeof answer === 'function' ? answer(command) : answer;
      return toOutput({ exitCode: 0, ...output }, stdout);
    },
    {
      name: 'compute',
      hosts: [
        { name: 'cmp-12', address: '10.0.0.12:22' },
        { name: 'cmp-13', address: '[fd00::13]:22' },
      ],
      sudo: ['neighbors'],
    },
  );
  return { commands, readers };
}

function toOutput({ exitCode, stderr = '', isCut = false }: Output, stdout: string | Buffer): CommandOutput {
  return { ...(exitCode !== undefined && { exitCode }), stderr, isCut, stdout: Buffer.from(stdout) };
}

const query = { host: 'cmp-12', signal: new AbortController().signal };
const LINK = JSON.stringify([{ ifname: 'lo', mtu: 65_536 }]);
const LINK_TEXT = '1: lo: <LOOPBACK,UP> mtu 65536 state UNKNOWN\n    link/loopback 00:00:00:00:00:00\n';

async function linesOfLog(readers: Pick<Hosts, 'logLines'>, log: HostLog, withinMs = 3_600_000) {
  const lines: LogLine[] = [];
  let error: unknown;
  try {
    for await (const batch of readers.logLines({ ...query, log, withinMs })) lines.push(...batch);
  } catch (thrown) {
    error = thrown;
  }
  return { lines, error };
}

test('a host without JSON is asked for text, and one without ip for files', async () => {
  const old = hostWith({
    'ip -j': { exitCode: 255, stderr: 'Option "-j" is unknown, try "ip -help".\n' },
    'ip -d': { stdout: LINK_TEXT },
  });
  expect(await old.readers.links(query)).toMatchObject({
    from: 'text',
    links: [{ name: 'lo', mtu: 65_536 }],
  });
  const half = hostWith({ 'ip -j': { stdout: LINK_TEXT }, 'ip -d': { stdout: LINK_TEXT } });
  expect(await half.readers.links(query)).toMatchObject({ from: 'text' });
  const none = hostWith({
    find: {
      stdout: '/sys/class/net/lo/mtu:65536\n',
      exitCode: 1,
      stderr: 'grep: /sys/class/net/eno1/carrier: Invalid argument',
    },
    grep: { exitCode: 2, stderr: 'grep: /proc/net/vlan/config: No such file or directory' },
  });
  expect(await none.readers.links(query)).toMatchObject({
    from: 'proc',
    links: [{ name: 'lo', mtu: 65_536 }],
  });
});

test('VLANs are told apart by /proc if the version of ip prints no kinds', async () => {
  const text = `2: eth0: <UP> mtu 1500 qdisc mq
    link/ether 02:1c:00:00:02:06 brd ff:ff:ff:ff:ff:ff
3: vlan20@eth0: <UP> mtu 1500 qdisc noqueue
    link/ether 02:1c:00:00:02:06 brd ff:ff:ff:ff:ff:ff
`;
  const table = '/proc/net/vlan/config:vlan20         | 20  | eth0\n';
  const busybox = hostWith({ 'ip -d': { stdout: text }, grep: { stdout: table } });
  expect((await busybox.readers.links(query)).links[1]).toMatchObject({
    kind: 'vlan',
    parent: 'eth0',
    vlan: { id: 20 },
  });
  const none = hostWith({ 'ip -d': { stdout: text } });
  expect((await none.readers.links(query)).links[1]).not.toHaveProperty('kind');
});

test.each([
  [{ 'ip -j': { stdout: LINK.slice(0, -3) } }, 'malformed', 'the output has an unknown format'],
  [{ 'ip -j': { stdout: LINK, isCut: true } }, 'malformed', 'the output is too long'],
  [{ 'ip -j': { stdout: '' } }, 'malformed', 'the output has an unknown format'],
  [{ 'ip -j': { stdout: Buffer.alloc(1_000, 0xff) } }, 'malformed', 'the output has an unknown format'],
  [
    { 'ip -j': { exitCode: 1, stderr: 'sudo: a password is required' } },
    'refused',
    'sudo: a password is required',
  ],
  [
    { 'ip -j': { exitCode: 126, stderr: 'wrench-collect: not allowed' } },
    'refused',
    'wrench-collect: not allowed',
  ],
  [{ 'ip -j': { exitCode: undefined } }, 'malformed', 'the command was stopped by a signal'],
  [{}, 'missing', "ip isn't installed"],
])(
  'says why a response is not understood, but not which host it is about: gaps do (%#)',
  async (answers, kind, message) => {
    const links = hostWith(answers).readers.links(query);
    await expect(links).rejects.toMatchObject({ name: 'SourceError', kind, source: 'compute', message });
  },
);

test('colors, carriage returns and a long list change nothing', async () => {
  const links = Array.from({ length: 20_000 }, (_, at) => ({
    ifname: `tap${at}`,
    mtu: 1500,
    ifalias: 'x'.repeat(400),
  }));
  const { readers } = hostWith({ 'ip -j': { stdout: `\u001B[36m${JSON.stringify(links)}\u001B[0m\r\n` } });
  const answer = await readers.links(query);
  expect(answer.links).toHaveLength(20_000);
});

test('a list of links that changed while it was read is read again', async () => {
  const stderr = 'Dump was interrupted and may be inconsistent.\n';
  const { readers } = hostWith({ 'ip -j': { stdout: LINK, stderr }, 'ip -d': { stdout: LINK_TEXT } });
  expect(await readers.links(query)).toMatchObject({ from: 'text' });
  const twice = hostWith({ 'ip -j': { stdout: LINK, stderr }, 'ip -d': { stdout: LINK_TEXT, stderr } });
  await expect(twice.readers.links(query)).rejects.toMatchObject({ kind: 'malformed' });
});

test('a failure of the connection is not asked around', async () => {
  let asked = 0;
  const readers = hostReaders(
    async () => {
      asked += 1;
      throw new SourceError('compute', 'unreachable', 'cmp-12 did not respond');
    },
    { name: 'compute', hosts: [{ name: 'cmp-12', address: 'cmp-12:22' }], sudo: [] },
  );
  await expect(readers.links(query)).rejects.toMatchObject({ kind: 'unreachable' });
  await expect(readers.packageVersion({ ...query, program: 'qemu' })).rejects.toMatchObject({
    kind: 'unreachable',
  });
  expect(asked).toBe(2);
});

test('hosts without bonds have none, and unreadable bonds are a failure', async () => {
  const none = { exitCode: 2, stderr: 'grep: /proc/net/bonding: No such file or directory' };
  expect(await hostWith({ grep: none }).readers.bonds(query)).toEqual([]);
  const denied = { exitCode: 2, stderr: 'grep: /proc/net/bonding/bond0: Permission denied' };
  await expect(hostWith({ grep: denied }).readers.bonds(query)).rejects.toMatchObject({ kind: 'refused' });
  const io = { exitCode: 2, stderr: 'grep: /proc/net/bonding: Input/output error' };
  await expect(hostWith({ grep: io }).readers.bonds(query)).rejects.toMatchObject({ kind: 'malformed' });
  await expect(hostWith({ grep: NOT_INSTALLED }).readers.bonds(query)).rejects.toMatchObject({
    kind: 'missing',
  });
});

test('reads neighbors as root, from JSON or from text', async () => {
  const json = {
    lldp: {
      interface: [
        {
          ens1f0: {
            chassis: { 'leaf-a': { id: { type: 'mac', value: '02:aa:00:00:00:0a' } } },
            port: { id: { type: 'ifname', value: 'Ethernet1/43' }, descr: 'cmp-43' },
          },
        },
        {
          ens1f1: {
            chassis: { id: { type: 'mac', value: '02:aa:00:00:00:0b' } },
            port: { id: { type: 'mac', value: '02:aa:00:00:00:0c' }, descr: 'ge-0/0/1' },
          },
        },
      ],
    },
  };
  const { commands, readers } = hostWith({ 'sudo -n lldpctl -f json': { stdout: JSON.stringify(json) } });
  expect(await readers.neighbors(query)).toEqual([
    { link: 'ens1f0', switch: 'leaf-a', port: 'Ethernet1/43', portDescription: 'cmp-43' },
    { link: 'ens1f1', switch: '02:aa:00:00:00:0b', port: 'ge-0/0/1' },
  ]);
  expect(commands).toEqual(['sudo -n lldpctl -f json']);
  const single = {
    lldp: {
      interface: { eno1: { chassis: { sw: { id: {} } }, port: { id: { type: 'ifname', value: 'Gi0/1' } } } },
    },
  };
  expect(await hostWith({ sudo: { stdout: JSON.stringify(single) } }).readers.neighbors(query)).toEqual([
    { link: 'eno1', switch: 'sw', port: 'Gi0/1' },
  ]);
  const text =
    'lldp.eno1.5.via=LLDP\nlldp.eno1.5.chassis.mac=02:aa:00:00:00:0a\nlldp.eno1.5.chassis.name=leaf-a\nlldp.eno1.5.port.ifname=Ethernet1/1\nlldp.eno1.5.port.descr=cmp-1=x\n';
  const old = hostWith({
    'sudo -n lldpctl -f json': { exitCode: 1, stderr: 'unknown format' },
    'sudo -n lldpctl -f keyvalue': { stdout: text },
  });
  expect(await old.readers.neighbors(query)).toEqual([
    { link: 'eno1.5', switch: 'leaf-a', port: 'Ethernet1/1', portDescription: 'cmp-1=x' },
  ]);
  expect(await hostWith({ sudo: { stdout: '{"lldp":{}}' } }).readers.neighbors(query)).toEqual([]);
});

test.each([
  ['unable to connect to socket /run/lldpd.socket: No such file or directory', 'missing'],
  ['unable to connect to socket /run/lldpd.socket: Permission denied', 'refused'],
  ['sudo: lldpctl: command not found', 'missing'],
  ['wrench is not in the sudoers file.', 'refused'],
  ['sudo: unable to resolve host cmp-12: Name or service not known\nsudo: a password is required', 'refused'],
  ['sudo: unable to resolve host cmp-12: Name or service not known\nunable to connect to socket', 'missing'],
])('%s: %s', async (stderr, kind) => {
  const { readers } = hostWith({ sudo: { exitCode: 1, stderr } });
  await expect(readers.neighbors(query)).rejects.toMatchObject({ kind });
});

test('reads settings with their file, line and section, over several lines', async () => {
  const stdout = `/etc/neutron/plugins/ml2/linuxbridge_agent.ini:1:[linux_bridge]
/etc/neutron/plugins/ml2/linuxbridge_agent.ini:4:physical_interface_mappings = physnet1:inet,
/etc/neutron/plugins/ml2/linuxbridge_agent.ini:5:  physnet2:eno3
/etc/neutron/plugins/ml2/linuxbridge_agent.ini:9:  a:b
/etc/neutron/dhcp_agent.ini:7:dhcp_lease_duration=120
/etc/nova/nova.conf:3:connection = mysql://nova:secret@db
`;
  const { readers } = hostWith({
    grep: { stdout, exitCode: 2, stderr: 'grep: /etc/neutron/neutron.conf: No such file or directory' },
  });
  expect(await readers.networkSettings(query)).toEqual([
    {
      file: '/etc/neutron/plugins/ml2/linuxbridge_agent.ini',
      line: 4,
      section: 'linux_bridge',
      key: 'physical_interface_mappings',
      value: 'physnet1:inet,physnet2:eno3',
    },
    { file: '/etc/neutron/dhcp_agent.ini', line: 7, key: 'dhcp_lease_duration', value: '120' },
  ]);
  const denied = { exitCode: 2, stderr: 'grep: /etc/nova/nova.conf: Permission denied' };
  await expect(hostWith({ grep: denied }).readers.networkSettings(query)).rejects.toMatchObject({
    kind: 'refused',
  });
  expect(await hostWith({ grep: { exitCode: 1 } }).readers.networkSettings(query)).toEqual([]);
});

test('reads addresses and routes, also as text', async () => {
  const addresses = [
    {
      ifname: 'eth0',
      addr_info: [
        { family: 'inet', local: '10.0.0.1', prefixlen: 24 },
        { family: 'inet6', local: 'fe80::1', prefixlen: 64 },
      ],
    },
    {},
  ];
  const routes = [
    { dst: 'default', gateway: '10.0.0.254', dev: 'eth0', metrics: [{ mtu: 1400 }] },
    { dst: '10.77.0.0/24', dev: 'eth0' },
  ];
  const current = hostWith({
    'ip -j addr': { stdout: JSON.stringify(addresses) },
    'ip -j route': { stdout: JSON.stringify(routes) },
  });
  const old = hostWith({
    'ip addr': {
      stdout:
        '2: eth0@if5: <UP> mtu 1500\n    link/ether 02:00:00:00:00:01\n    inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0\n       valid_lft forever\n    inet6 fe80::1/64 scope link\n',
    },
    'ip route': {
      stdout: 'default via 10.0.0.254 dev eth0 mtu lock 1400\n10.77.0.0/24 dev eth0 scope link\n',
    },
  });
  for (const { readers } of [current, old]) {
    expect(await readers.addresses(query)).toEqual([
      { link: 'eth0', address: '10.0.0.1', prefixLength: 24, family: 'IPv4' },
      { link: 'eth0', address: 'fe80::1', prefixLength: 64, family: 'IPv6' },
    ]);
    expect(await readers.routes(query)).toEqual([
      { to: 'default', via: '10.0.0.254', link: 'eth0', mtu: 1400 },
      { to: '10.77.0.0/24', link: 'eth0' },
    ]);
  }
  await expect(
    hostWith({ 'ip addr': { stdout: 'nonsense' } }).readers.addresses(query),
  ).rejects.toMatchObject({ kind: 'malformed' });
});

test('the clock has the offset of the host, and BusyBox no fractions', async () => {
  const clock = (stdout: string) => hostWith({ date: { stdout } }).readers.clock(query);
  expect(await clock('1795694400.250000000,-0530\n')).toEqual({
    time: new Date(NOW + 250),
    utcOffsetMinutes: -330,
  });
  expect(await clock('1795694400.%N,+0000\n')).toEqual({ time: new Date(NOW), utcOffsetMinutes: 0 });
  await expect(clock('Thu Nov 26 12:00:00 UTC 2026')).rejects.toMatchObject({ kind: 'malformed' });
});

const JOURNAL = `2026-11-26T11:40:03+0000 net-1 dnsmasq-dhcp[2210]: DHCPACK(tap7c0e4a10-aa) 10.61.0.14 fa:16:3e:5c:01:9a
2026-11-26T11:40:02+0000 net-1 dnsmasq-dhcp[2210]: DHCPREQUEST(tap7c0e4a10-aa) 10.61.0.14 fa:16:3e:5c:01:9a
-- Boot 1 --
`;

test('reads the journal newest first, without its notes', async () => {
  const { commands, readers } = hostWith({ journalctl: { stdout: JOURNAL } });
  const { lines, error } = await linesOfLog(readers, 'dhcp');
  expect(error).toBeUndefined();
  expect(lines.map(({ at, program, pid }) => [at?.toISOString(), program, pid])).toEqual([
    ['2026-11-26T11:40:03.000Z', 'dnsmasq-dhcp', 2210],
    ['2026-11-26T11:40:02.000Z', 'dnsmasq-dhcp', 2210],
  ]);
  expect(commands).toHaveLength(1);
});

test('what a user may not see is not an empty log', async () => {
  const hint = 'Hint: You are currently not seeing messages from other users and the system.\n';
  const { readers } = hostWith({ journalctl: { stdout: '-- No entries --\n', stderr: hint } });
  expect((await linesOfLog(readers, 'dhcp')).error).toMatchObject({ kind: 'refused' });
  expect((await linesOfLog(readers, 'kernel')).error).toMatchObject({ kind: 'refused' });
});

test('of what the journal writes about itself, only the messages that it has dropped are read', async () => {
  const { readers } = hostWith({
    journalctl: {
      stdout:
        '2026-11-26T11:41:00+0000 net-1 systemd-journald[300]: Suppressed 12 messages from neutron-dhcp-agent.service\n' +
        '2026-11-26T11:40:00+0000 net-1 systemd-journald[300]: System Journal is 8.0M, max 4.0G, 3.9G free.\n',
    },
  });
  const { lines } = await linesOfLog(readers, 'dhcp');
  expect(lines.map(({ text }) => text)).toEqual(['Suppressed 12 messages from neutron-dhcp-agent.service']);
});

test('a full journal or output is reported after its lines', async () => {
  const many = hostWith({ journalctl: { stdout: JOURNAL.split('\n')[0]!.concat('\n').repeat(20_000) } });
  const { lines, error } = await linesOfLog(many.readers, 'dhcp');
  expect(lines).toHaveLength(20_000);
  expect(error).toMatchObject({ kind: 'malformed' });
  const cut = await linesOfLog(
    hostWith({ journalctl: { stdout: JOURNAL.slice(0, -60), isCut: true, exitCode: undefined } }).readers,
    'dhcp',
  );
  expect(cut.lines).toHaveLength(1);
  expect(cut.error).toBeDefined();
});

test('dnsmasq that writes to files is read from there, each line once', async () => {
  const line = 'Nov 26 11:40:03 net-1 dnsmasq-dhcp[2210]: DHCPACK(tap1) 10.61.0.14 fa:16:3e:5c:01:9a\n';
  const tail = `==> /var/log/syslog <==
Nov 26 10:00:00 net-1 dnsmasq-dhcp[2210]: DHCPACK(tap1) 10.61.0.13 fa:16:3e:5c:01:99
${line}Nov 26 11:41:00 net-1 CRON[1]: (root) CMD (true)

==> /var/log/daemon.log <==
${line}${line}`;
  const { readers } = hostWith({
    journalctl: { stdout: '-- No entries --\n' },
    tail: {
      stdout: tail,
      exitCode: 1,
      stderr: "tail: cannot open '/var/log/messages' for reading: No such file or directory",
    },
    date: { stdout: `${NOW / 1000}.0,+0100` },
  });
  const { lines, error } = await linesOfLog(readers, 'dhcp', 2 * 3_600_000);
  expect(error).toBeUndefined();
  expect(lines.map(({ at }) => at?.toISOString())).toEqual([
    '2026-11-26T10:40:03.000Z',
    '2026-11-26T10:40:03.000Z',
  ]);
});

test('logs that can not be read matter where a server runs', async () => {
  const denied = {
    exitCode: 1,
    stderr: "tail: cannot open '/var/log/syslog' for reading: Permission denied",
  };
  const empty = { stdout: '-- No entries --\n' };
  const running = hostWith({ journalctl: empty, tail: denied, ps: { stdout: ' 2210 77 dnsmasq\n' } });
  expect((await linesOfLog(running.readers, 'dhcp')).error).toMatchObject({ kind: 'refused' });
  const idle = hostWith({ journalctl: empty, tail: denied, ps: { exitCode: 1 } });
  expect(await linesOfLog(idle.readers, 'dhcp')).toEqual({ lines: [], error: undefined });
});

test('keeps the lines of the kernel about links, from dmesg too', async () => {
  const dmesg = {
    stdout:
      '[   14.220113] bnx2 0000:03:00.0 eno1: Invalid MTU 9000 requested, hw max 1500\n[   15.0] usb 1-1: new device\n',
  };
  const old = hostWith({ 'dmesg --time': { exitCode: 1, stderr: 'dmesg: unrecognized option' }, dmesg });
  expect((await linesOfLog(old.readers, 'kernel')).lines).toEqual([
    { text: 'bnx2 0000:03:00.0 eno1: Invalid MTU 9000 requested, hw max 1500' },
  ]);
  const iso = hostWith({
    dmesg: {
      stdout:
        '2026-11-26T09:00:00,123456+00:00 bond0: old\n2026-11-26T11:00:00,123456+00:00 bond0: (slave eno1): link status definitely down\n',
    },
  });
  expect((await linesOfLog(iso.readers, 'kernel')).lines).toEqual([
    {
      at: new Date('2026-11-26T11:00:00.123Z'),
      program: 'kernel',
      text: 'bond0: (slave eno1): link status definitely down',
    },
  ]);
});

test('checksum rules are read in all chains, by namespace', async () => {
  const namespace = 'qdhcp-7d1c0a52-3e44-4a51-9a0c-6a3a0d6f7781';
  const rules =
    '-P POSTROUTING ACCEPT\n-N neutron-dhcp-age-POSTROUTING\n-A neutron-dhcp-age-POSTROUTING -p udp -m udp --dport 68 -j CHECKSUM --checksum-fill\n';
  const { readers } = hostWith({
    'ip netns list': { stdout: `${namespace} (id: 0)\nqrouter-x\n` },
    'ip netns exec': { stdout: rules },
    iptables: {
      stdout: '-P POSTROUTING ACCEPT\n-A POSTROUTING -p udp --dport 53 -j CHECKSUM --checksum-fill\n',
    },
  });
  expect(await readers.checksumRules(query)).toEqual([
    { namespace: '', fillsDhcp: false },
    { namespace, fillsDhcp: true },
  ]);
  const inNft = hostWith({
    'ip netns list': {},
    nft: {
      stdout:
        'table ip mangle {\n chain POSTROUTING {\n udp dport 68 counter packets 0 bytes 0 xt target "CHECKSUM"\n',
    },
  });
  expect(await inNft.readers.checksumRules(query)).toEqual([{ namespace: '', fillsDhcp: true }]);
  const denied = hostWith({
    'ip netns list': {},
    iptables: { exitCode: 4, stderr: 'iptables: Permission denied (you must be root)' },
  });
  await expect(denied.readers.checksumRules(query)).rejects.toMatchObject({ kind: 'refused' });
});

test('reads mounts, files, processes and packages', async () => {
  const { readers } = hostWith({
    findmnt: {
      stdout:
        '{"filesystems":[{"target":"/","source":"/dev/sda1","fstype":"ext4","size":100,"avail":"40","children":[{"target":"/x","source":null,"fstype":"tmpfs","size":null,"avail":null}]}]}',
    },
    find: { stdout: '5905580032,248,1795690800.5,/var/lib/nova/instances/a/console.log\0' },
    ps: { stdout: ' 2210  60 dnsmasq\n' },
    'dpkg-query': {
      exitCode: 1,
      stdout: 'not-installed,dnsmasq,\ninstalled,dnsmasq-base,2.90-4~deb12u1\n',
      stderr: 'dpkg-query: no packages found matching dnsmasq-base-lua',
    },
  });
  expect(await readers.mounts(query)).toEqual([
    { path: '/', device: '/dev/sda1', type: 'ext4', totalBytes: 100, freeBytes: 40 },
    { path: '/x', device: '', type: 'tmpfs' },
  ]);
  expect(await readers.fileSizes({ ...query, files: 'console-logs' })).toEqual([
    {
      path: '/var/lib/nova/instances/a/console.log',
      bytes: 5_905_580_032,
      diskBytes: 126_976,
      modifiedAt: new Date(NOW - 3_600_000),
    },
  ]);
  expect(await readers.processes({ ...query, program: 'dnsmasq' })).toEqual([
    { pid: 2210, program: 'dnsmasq', startedAt: new Date(NOW - 60_000) },
  ]);
  expect(await readers.packageVersion({ ...query, program: 'dnsmasq' })).toBe('2.90-4~deb12u1');
  const rpm = hostWith({
    df: {
      stdout: 'Filesystem Type 1-blocks Used Available Capacity Mounted on\n/dev/sda1 xfs 100 60 40 60% /\n',
    },
    rpm: { exitCode: 2, stdout: 'package dnsmasq-base is not installed\ninstalled,dnsmasq,2.79-33.el8\n' },
    ps: { exitCode: 1 },
  });
  expect(await rpm.readers.mounts(query)).toEqual([
    { path: '/', device: '/dev/sda1', type: 'xfs', totalBytes: 100, freeBytes: 40 },
  ]);
  expect(await rpm.readers.packageVersion({ ...query, program: 'dnsmasq' })).toBe('2.79-33.el8');
  expect(await rpm.readers.processes({ ...query, program: 'dnsmasq' })).toEqual([]);
  const neither = hostWith({
    'dpkg-query': { exitCode: 1, stderr: 'dpkg-query: no packages found matching qemu-kvm' },
  });
  expect(await neither.readers.packageVersion({ ...query, program: 'qemu' })).toBeUndefined();
  await expect(hostWith({}).readers.packageVersion({ ...query, program: 'qemu' })).rejects.toMatchObject({
    kind: 'missing',
  });
});

/** A path that carries packets of at most this size, and perhaps says so. */
const path =
  (mtu: number, isReported: boolean) =>
  (command: string): Output => {
    const size = Number(/-s '(\d+)'/.exec(command)?.[1]) + (command.includes(' -6 ') ? 48 : 28);
    if (size <= mtu) return { stdout: '2 packets transmitted, 2 received, 0% packet loss' };
    return {
      exitCode: 1,
      stdout: '2 packets transmitted, 0 received',
      stderr: isReported ? `ping: local error: message too long, mtu=${mtu}` : '',
    };
  };

test.each([
  [1500, true],
  [1500, false],
  [1496, true],
  [1450, true],
  [8950, true],
  [576, false],
])('finds a path MTU of %d bytes, reported: %s', async (mtu, isReported) => {
  const { commands, readers } = hostWith({ ping: path(mtu, isReported) });
  expect(await readers.pathMtu({ ...query, to: 'cmp-12', mostBytes: 9216 })).toEqual({
    address: '10.0.0.12',
    bytes: mtu,
    failedBytes: mtu + 1,
  });
  expect(commands.length).toBeLessThanOrEqual(14);
});

test('the path MTU is never more than what was answered, and pings are limited', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 500, max: 10_000 }), async (mtu) => {
      const { commands, readers } = hostWith({ ping: path(mtu, false) });
      const { bytes, failedBytes } = await readers.pathMtu({ ...query, to: 'cmp-13', mostBytes: 9216 });
      expect(bytes ?? 0).toBeLessThanOrEqual(mtu);
      expect(failedBytes ?? Infinity).toBeGreaterThan(mtu);
      expect((failedBytes ?? 9217) - (bytes ?? 1279)).toBeLessThanOrEqual(16);
      expect(commands.length).toBeLessThanOrEqual(14);
    }),
    { numRuns: 300 },
  );
});

test('a ping that could not be sent is not a size that failed', async () => {
  const { readers } = hostWith({ ping: { exitCode: 2, stderr: 'ping: connect: Network is unreachable' } });
  await expect(readers.pathMtu({ ...query, to: 'cmp-13', mostBytes: 1500 })).rejects.toThrow(
    'Network is unreachable',
  );
  const nothing = hostWith({ ping: path(0, false) });
  expect(await nothing.readers.pathMtu({ ...query, to: 'cmp-12', mostBytes: 1500 })).toEqual({
    address: '10.0.0.12',
    failedBytes: 576,
  });
});

test('whatever a host answers, a question is answered or fails with a reason', async () => {
  const odd = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.json(),
    fc.constantFrom(
      LINK,
      LINK_TEXT,
      JOURNAL,
      '==> /var/log/syslog <==\nx',
      '/proc/net/bonding/b:Bonding Mode: x',
      '{"lldp":{"interface":[null,{"a":null},{"b":[1]}]}}',
      '{"filesystems":[null]}',
      '[{"ifname":"a","linkinfo":{"info_data":null}}]',
    ),
  );
  const output = fc.record({
    stdout: odd,
    stderr: fc.oneof(fc.constant(''), fc.string()),
    exitCode: fc.constantFrom(0, 0, 0, 1, 2, 126, 127, 255),
    isCut: fc.boolean(),
  });
  const read = fc.constantFrom(...Object.keys(hostWith({}).readers)) as fc.Arbitrary<keyof typeof readers>;
  const { readers } = hostWith({});
  const log = fc.constantFrom(...LOGS);
  await fc.assert(
    fc.asyncProperty(
      read,
      log,
      fc.array(output, { minLength: 1, maxLength: 3 }),
      async (method, log, outputs) => {
        let at = 0;
        const host = hostWith({
          '': () => outputs[at++ % outputs.length]!,
          date: () => outputs[at++ % outputs.length]!,
        });
        const ask = host.readers[method] as (query: object) => unknown;
        const asked = {
          ...query,
          log,
          withinMs: 60_000,
          files: 'image-cache',
          program: 'qemu',
          to: 'cmp-13',
          mostBytes: 9000,
          paths: ['/var/lib/nova/instances/_base/78e4'],
          leastBytes: 0,
          watchMs: 0,
        };
        const error: unknown = await readAll(ask(asked)).catch((thrown: unknown) => thrown);
        expect(error === undefined || error instanceof SourceError, String(error)).toBe(true);
      },
    ),
    { numRuns: 3_000 },
  );
});

async function readAll(answer: unknown): Promise<void> {
  if (Symbol.asyncIterator in Object(answer)) for await (const _ of answer as AsyncIterable<unknown>);
  else await answer;
}

const LOGS = ['dhcp', 'kernel', 'image-cache', 'service-reports', 'slow-requests', 'archive-job'] as const;
const METHODS = [
  'links',
  'addresses',
  'routes',
  'bonds',
  'neighbors',
  'networkSettings',
  'checksumRules',
  'mounts',
  'fileSizes',
  'processes',
  'packageVersion',
  'pathMtu',
  'instanceDisks',
  'fileStates',
  'novaSettings',
  'computeNodes',
  'diskErrors',
  'fileGrowth',
  'openFiles',
  'load',
] as const;
const repeat = (text: string, length = 500_000): string => text.repeat(length / text.length);

/** Each took minutes or was a crash, or something like it might be. */
test.each([
  ['objects in objects', `${repeat('{"a":')}1${repeat('}', 100_000)}`],
  ['mounts in mounts', `{"filesystems":[${repeat('{"target":"/","fstype":"x","children":[')}`],
  [
    'complete mounts in mounts',
    `{"filesystems":[${'{"target":"/","fstype":"x","children":['.repeat(20_000)}${']}'.repeat(20_000)}]}`,
  ],
  ['escape sequences without an end', repeat('\u001B]')],
  ['control sequences without an end', repeat('\u009B')],
  ['colons', repeat(':x')],
  ['a device with many blanks', `Filesystem Type x\n/dev/sda${repeat(' ')}x\n`],
  ['a device of many words', `Filesystem Type x\n${repeat('a 1 ')}\n`],
  [
    'names of the prototype in bonds',
    ['Bonding Mode: x', '__proto__: x', 'constructor: x', 'toString: x']
      .map((line) => `/proc/net/bonding/__proto__:${line}\n`)
      .join(''),
  ],
  [
    'names of the prototype in neighbors',
    '{"lldp": {"interface": [{"__proto__": {"chassis": {"__proto__": {"id": {"value": "x"}}}}}]}}',
  ],
  ['disks in disks', `/var/lib/nova/instances/a/disk\0${repeat('{"a":')}`],
  ['a disk without an end', `/var/lib/nova/instances/a/disk\0{"${repeat('\\"')}`],
  [
    'backing files in backing files',
    `/var/lib/nova/instances/a/disk\0${JSON.stringify({ format: 'qcow2', 'backing-filename': `json:${'{"file":'.repeat(50_000)}${'}'.repeat(50_000)}` })}\n`,
  ],
  ['many open files', `/proc/1/fd\0${repeat('/proc/1/fd/2,/x\0')}`],
  ['names of the prototype as hosts', '{"__proto__": 1795693680.0, "constructor": {}}'],
  ['odd links', '[{"ifname": "__proto__", "mtu": 1e308}, {"ifname": "constructor", "mtu": "-1"}]'],
])('reads %s in reasonable time, and without a crash', async (_, stdout) => {
  const { readers } = hostWith({ '': { stdout } });
  const asked = {
    ...query,
    files: 'image-cache',
    program: 'qemu',
    to: 'cmp-13',
    mostBytes: 1500,
    paths: ['/var/lib/nova/instances/_base/78e4'],
    leastBytes: 0,
    watchMs: 0,
  } as const;

  const answers = await Promise.allSettled([
    ...METHODS.map((method) => readers[method](asked)),
    ...LOGS.map((log) => linesOfLog(readers, log)),
  ]);

  const failures = answers.flatMap((one): unknown[] => (one.status === 'rejected' ? [one.reason] : []));
  for (const failure of failures) expect(failure).toBeInstanceOf(SourceError);
});
