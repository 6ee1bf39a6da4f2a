import { describe, expect, test } from 'vitest';
import { HOST_COMMANDS } from '../../src/wire/host-commands.ts';
import { answerHost } from './answer-host.ts';
import type { SpokenAnswer } from './case-file.ts';

const NOW = new Date('2026-11-26T12:00:00Z');

const says = (ask: string, text: string, rc = 0): SpokenAnswer => ({
  of: 'h',
  ask,
  text,
  rc,
  json: undefined,
});

function answer(command: { readonly line: string }, ...answers: readonly SpokenAnswer[]) {
  const { exitCode, stdout = '', stderr = '' } = answerHost('h', answers, NOW, command.line);
  return { exitCode, stdout: stdout.toString(), stderr };
}

const HOUR = { withinSeconds: 3_600 };
const PLAIN = { sudo: false } as const;

test('a question that the file does not answer finds no program', () => {
  const commands = [
    HOST_COMMANDS.collector(),
    HOST_COMMANDS.links(),
    HOST_COMMANDS.bonds(),
    HOST_COMMANDS.vlanTable(),
    HOST_COMMANDS.neighbors(PLAIN),
    HOST_COMMANDS.networkSettings(PLAIN),
    HOST_COMMANDS.dhcpJournal(HOUR),
    HOST_COMMANDS.systemLogs(),
    HOST_COMMANDS.kernelJournal(HOUR),
    HOST_COMMANDS.namespaces(),
    HOST_COMMANDS.mounts(),
    HOST_COMMANDS.processes({ program: 'qemu' }),
    HOST_COMMANDS.packagesOfDebian({ program: 'qemu' }),
    HOST_COMMANDS.ping({ address: '127.0.1.1', packetBytes: 1_500 }),
  ];
  for (const command of commands)
    expect.soft(answer(command), command.line).toMatchObject({ exitCode: 127, stdout: '' });
});

test('answers about other things are not mistaken for those that Wrench asks for', () => {
  const others = [
    says('ethtool -k tap0 | grep checksum', 'tx-checksumming: on'),
    says('cat /var/lib/neutron/dhcp/5d0a/leases', '1764158400 fa:16:3e:00:00:01 10.0.0.1 * *'),
    says('ip netns exec qdhcp-1 ip -j addr', '[]'),
    says('bridge -j link', '[]'),
    says('ps aux | grep dnsmasq', 'nobody 1 dnsmasq'),
  ];
  for (const command of [
    HOST_COMMANDS.links(),
    HOST_COMMANDS.addresses(),
    HOST_COMMANDS.dhcpJournal(HOUR),
    HOST_COMMANDS.checksumRules({ sudo: true, namespace: '' }),
  ])
    expect.soft(answer(command, ...others), command.line).toMatchObject({ exitCode: 127 });
});

test.each([
  [undefined, '1795694400.000000000,+0000'],
  ['Thu Nov 26 12:03:10 UTC 2026', '1795694590.000000000,+0000'],
  ['2026-11-26T13:00:05+01:00', '1795694405.000000000,+0100'],
  ['1795694100', '1795694100.000000000,+0000'],
])('the clock says %j', (text, line) => {
  const given = text === undefined ? [] : [says('date', `${text}\n`)];
  expect(answer(HOST_COMMANDS.clock(), ...given)).toMatchObject({ exitCode: 0, stdout: `${line}\n` });
});

describe('links', () => {
  const json = (ask: string, ...links: readonly object[]): SpokenAnswer => ({ of: 'h', ask, json: links });

  test.each(['ip -j -d link show', 'ip -d -j link', 'ip -json -details link show', 'ip -j -d l'])(
    'JSON of `%s`',
    (ask) => {
      expect(answer(HOST_COMMANDS.links(), json(ask, { ifname: 'bond0' })).stdout).toBe(
        '[{"ifname":"bond0"}]',
      );
    },
  );

  test('several answers are one list', () => {
    const { stdout } = answer(
      HOST_COMMANDS.links(),
      json('ip -j -d link show bond0', { ifname: 'bond0', mtu: 1500 }),
      json('ip -j -d link show dev eno1', { ifname: 'eno1' }),
    );
    expect(JSON.parse(stdout)).toEqual([{ ifname: 'bond0', mtu: 1500 }, { ifname: 'eno1' }]);
  });

  test('only text is an old version, which knows no -j', () => {
    const old = says('ip -d link show', '1: lo: <LOOPBACK,UP> mtu 65536\n');
    expect(answer(HOST_COMMANDS.links(), old)).toMatchObject({
      exitCode: 255,
      stderr: expect.stringContaining('-j'),
    });
    expect(answer(HOST_COMMANDS.linksAsText(), old)).toMatchObject({ exitCode: 0, stdout: old.text });
  });

  test('an error is passed on', () => {
    const failed = says('ip -j -d link show', 'Option "-j" is unknown, try "ip -help".\n', 255);
    expect(answer(HOST_COMMANDS.links(), failed)).toEqual({ exitCode: 255, stdout: '', stderr: failed.text });
  });
});

test('bonds and other files are printed as by grep', () => {
  const bond = (name: string): SpokenAnswer =>
    says(`cat /proc/net/bonding/${name}`, `Ethernet Channel Bonding Driver: v5.15\n\nMII Status: up\n`);
  expect(answer(HOST_COMMANDS.bonds(), bond('bond0'), bond('bond-x')).stdout.split('\n')).toEqual([
    '/proc/net/bonding/bond0:Ethernet Channel Bonding Driver: v5.15',
    '/proc/net/bonding/bond0:MII Status: up',
    '/proc/net/bonding/bond-x:Ethernet Channel Bonding Driver: v5.15',
    '/proc/net/bonding/bond-x:MII Status: up',
    '',
  ]);
  const headed = says('tail -n +1 /proc/net/bonding/*', '==> /proc/net/bonding/bond7 <==\nMII Status: up\n');
  expect(answer(HOST_COMMANDS.bonds(), headed).stdout).toBe('/proc/net/bonding/bond7:MII Status: up\n');
  const both = says(
    'cat /proc/net/bonding/bond0 /proc/net/bonding/bond1',
    'Ethernet Channel Bonding Driver: v1\nA: 1\nEthernet Channel Bonding Driver: v1\nA: 2\n',
  );
  expect(answer(HOST_COMMANDS.bonds(), both).stdout).toContain('/proc/net/bonding/bond1:A: 2\n');
  const vlans = says('cat /proc/net/vlan/config', 'VLAN Dev name | VLAN ID\ninet | 20 | bond0\n');
  expect(answer(HOST_COMMANDS.vlanTable(), vlans).stdout).toContain(
    '/proc/net/vlan/config:inet | 20 | bond0\n',
  );
  const mtu = says('cat /sys/class/net/bond0/mtu', '1500\n');
  expect(answer(HOST_COMMANDS.linkFiles(), mtu).stdout).toBe('/sys/class/net/bond0/mtu:1500\n');
});

test('of settings, only the lines that Wrench reads are returned, with their numbers', () => {
  const file = says(
    'cat /etc/neutron/plugins/ml2/linuxbridge_agent.ini',
    '[DEFAULT]\npassword = x\n[linux_bridge]\nphysical_interface_mappings = physnet1:inet\n',
  );
  const grepped = says('grep -n vlan_interface /etc/nova/nova.conf', '212:vlan_interface=bond0\n');
  const { exitCode, stdout } = answer(HOST_COMMANDS.networkSettings({ sudo: true }), file, grepped);
  expect(exitCode).toBe(2);
  expect(stdout.split('\n')).toEqual([
    '/etc/neutron/plugins/ml2/linuxbridge_agent.ini:1:[DEFAULT]',
    '/etc/neutron/plugins/ml2/linuxbridge_agent.ini:3:[linux_bridge]',
    '/etc/neutron/plugins/ml2/linuxbridge_agent.ini:4:physical_interface_mappings = physnet1:inet',
    '/etc/nova/nova.conf:212:vlan_interface=bond0',
    '',
  ]);
});

describe('logs', () => {
  test.each([
    'journalctl -u neutron-dhcp-agent, dnsmasq lines since 11:30',
    'dnsmasq log lines since 11:00',
    'grep dnsmasq-dhcp /var/log/syslog',
  ])('`%s` is a journal, newest first, within the time that was asked for', (ask) => {
    const log = says(
      ask,
      'Nov 26 10:00:00 h dnsmasq-dhcp[1]: DHCPACK(tap0) 10.0.0.1 fa:16:3e:00:00:01\n' +
        'Nov 26 11:40:03 h dnsmasq-dhcp[1]: DHCPREQUEST(tap0) 10.0.0.1 fa:16:3e:00:00:01\n' +
        'Nov 26 11:40:03 dnsmasq-dhcp[1]: DHCPACK(tap0) 10.0.0.1 fa:16:3e:00:00:01\n',
    );
    expect(answer(HOST_COMMANDS.dhcpJournal(HOUR), log).stdout.split('\n')).toEqual([
      '2026-11-26T11:40:03+0000 h dnsmasq-dhcp[1]: DHCPACK(tap0) 10.0.0.1 fa:16:3e:00:00:01',
      '2026-11-26T11:40:03+0000 h dnsmasq-dhcp[1]: DHCPREQUEST(tap0) 10.0.0.1 fa:16:3e:00:00:01',
      '',
    ]);
  });

  test('without lines, the journal is empty', () => {
    expect(answer(HOST_COMMANDS.dhcpJournal(HOUR), says('dnsmasq log lines since 11:00', ''))).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
  });

  test('the ring of the kernel has times since its start, or dates', () => {
    const ring = says(
      'dmesg | grep -i mtu',
      '[   14.220113] bnx2 0000:03:00.0 eno1: Invalid MTU 9000 requested\n',
    );
    expect(answer(HOST_COMMANDS.kernelRingAsText(PLAIN), ring).stdout).toBe(ring.text);
    expect(answer(HOST_COMMANDS.kernelJournal(HOUR), ring).exitCode).toBe(127);
    const dated = says('dmesg -T', '[Thu Nov 26 11:30:07 2026] bond0: link status down\n');
    expect(answer(HOST_COMMANDS.kernelJournal(HOUR), dated).stdout).toBe(
      '2026-11-26T11:30:07+0000 h kernel: bond0: link status down\n',
    );
  });
});

test('rules in the namespace of a DHCP server are found by asking for the namespaces', () => {
  const rules = says('iptables -t mangle -S POSTROUTING (in qdhcp namespace)', '-P POSTROUTING ACCEPT\n');
  const namespace = answer(HOST_COMMANDS.namespaces(), rules).stdout.trim();
  expect(answer(HOST_COMMANDS.checksumRules({ sudo: true, namespace }), rules).stdout).toBe(rules.text);
  expect(answer(HOST_COMMANDS.checksumRules({ sudo: true, namespace: '' }), rules).exitCode).toBe(127);
  const listed = says(
    'ip netns exec qdhcp-x iptables -t mangle -L POSTROUTING',
    'CHECKSUM udp -- any any udp dpt:bootpc CHECKSUM fill\n',
  );
  expect(answer(HOST_COMMANDS.checksumRules({ sudo: true, namespace }), listed).stdout).toContain(
    '--checksum-fill',
  );
});

test('neighbors in the words of lldpctl become key and value', () => {
  const text = says(
    'lldpctl',
    'Interface:    ens1f0, via: LLDP\n    SysName:      leaf-a\n    PortID:       ifname Ethernet1/43\n    PortDescr:    cmp-43\n',
  );
  expect(answer(HOST_COMMANDS.neighbors(PLAIN), text).exitCode).toBe(127);
  expect(answer(HOST_COMMANDS.neighborsAsText(PLAIN), text).stdout).toBe(
    'lldp.ens1f0.chassis.name=leaf-a\nlldp.ens1f0.port.ifname=Ethernet1/43\nlldp.ens1f0.port.descr=cmp-43\n',
  );
});

test('versions and pings', () => {
  const version = says('dnsmasq --version', 'Dnsmasq version 2.90  Copyright (c) 2000-2024 Simon Kelley\n');
  expect(answer(HOST_COMMANDS.packagesOfDebian({ program: 'dnsmasq' }), version).stdout).toBe(
    'installed,dnsmasq-base,2.90\n',
  );
  const pings = [
    says('ping -M do -s 1422 -c 2 10.0.0.2', ''),
    says('ping -M do -s 1472 -c 2 10.0.0.2', '', 1),
  ];
  const ping = (packetBytes: number) =>
    answer(HOST_COMMANDS.ping({ address: '127.0.1.1', packetBytes }), ...pings).exitCode;
  expect([ping(1_450), ping(1_451), ping(1_500)]).toEqual([0, 1, 1]);
});
