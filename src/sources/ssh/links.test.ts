import { expect, test } from 'vitest';
import { parseLinks } from './links.ts';
import { parseLinkFiles } from './links-proc.ts';
import { parseLinksText } from './links-text.ts';

const stack = [
  {
    ifindex: 1,
    ifname: 'lo',
    flags: ['LOOPBACK', 'UP'],
    mtu: 65_536,
    operstate: 'UNKNOWN',
    link_type: 'loopback',
    address: '00:00:00:00:00:00',
  },
  {
    ifindex: 3,
    ifname: 'eno1',
    flags: ['SLAVE', 'UP', 'LOWER_UP'],
    mtu: 1500,
    master: 'bond0',
    operstate: 'UP',
    link_type: 'ether',
    address: 'DE:6E:26:0D:51:94',
    min_mtu: 68,
    max_mtu: 9216,
    linkinfo: {
      info_slave_kind: 'bond',
      info_slave_data: {
        state: 'BACKUP',
        mii_status: 'DOWN',
        link_failure_count: 1,
        perm_hwaddr: '9e:78:2d:8e:6c:0b',
      },
    },
  },
  {
    ifindex: 5,
    ifname: 'bond0',
    flags: ['MASTER', 'UP'],
    mtu: 1500,
    operstate: 'DOWN',
    linkinfo: {
      info_kind: 'bond',
      info_data: {
        mode: '802.3ad',
        active_slave: 'eno1',
        miimon: 0,
        arp_interval: 0,
        ad_info: { partner_mac: '00:00:00:00:00:00' },
      },
    },
  },
  {
    ifindex: 6,
    link: 'bond0',
    ifname: 'inet',
    flags: ['UP'],
    mtu: 1500,
    linkinfo: { info_kind: 'vlan', info_data: { protocol: '802.1Q', id: 20, flags: ['REORDER_HDR'] } },
  },
  {
    ifindex: 7,
    link: 'inet',
    ifname: 'tenant-881',
    flags: ['UP'],
    mtu: 1500,
    master: 'brq1',
    linkinfo: {
      info_kind: 'vlan',
      info_data: { protocol: '802.1ad', id: 881 },
      info_slave_kind: 'bridge',
      info_slave_data: { state: 'forwarding' },
    },
  },
  {
    ifindex: 8,
    ifname: 'brq1',
    flags: ['UP'],
    mtu: 1500,
    linkinfo: {
      info_kind: 'bridge',
      info_data: { stp_state: 1, vlan_filtering: 0, bridge_id: '8000.de:6e:26:d:51:94' },
    },
  },
  {
    ifindex: 9,
    ifname: 'vxlan-204',
    flags: ['UP'],
    mtu: 1500,
    linkinfo: {
      info_kind: 'vxlan',
      info_data: { id: 204, link: 'inet', local6: 'fd00::21', group: '0.0.0.0' },
    },
  },
];
const parse = (links: readonly unknown[]) => parseLinks(JSON.stringify(links));

test('keeps what decides about sizes and faults', () => {
  const [lo, eno1, bond0, inet, tenant, bridge, vxlan] = parse(stack)!;
  expect(lo).toEqual({
    name: 'lo',
    index: 1,
    flags: ['LOOPBACK', 'UP'],
    mtu: 65_536,
    state: 'UNKNOWN',
    type: 'loopback',
    mac: '00:00:00:00:00:00',
  });
  expect(eno1).toMatchObject({
    master: 'bond0',
    mac: 'de:6e:26:0d:51:94',
    permanentMac: '9e:78:2d:8e:6c:0b',
    maxMtu: 9216,
    bondSlave: { state: 'BACKUP', miiStatus: 'DOWN', linkFailures: 1 },
  });
  expect(bond0!.bond).toEqual({
    mode: '802.3ad',
    activeSlave: 'eno1',
    miimonMs: 0,
    arpIntervalMs: 0,
    partnerMac: '00:00:00:00:00:00',
  });
  expect(inet).toMatchObject({ kind: 'vlan', parent: 'bond0', vlan: { id: 20, protocol: '802.1Q' } });
  expect(tenant).toMatchObject({
    parent: 'inet',
    master: 'brq1',
    vlan: { id: 881, protocol: '802.1ad' },
    bridgePort: { state: 'forwarding' },
  });
  expect(bridge!.bridge).toEqual({ hasStp: true, isVlanAware: false, id: '8000.de:6e:26:d:51:94' });
  expect(vxlan).toMatchObject({ parent: 'inet', tunnel: { id: 204, local: 'fd00::21' } });
  expect(vxlan!.tunnel).not.toHaveProperty('remote');
});

test('reads numbers that a version prints as text', () => {
  expect(
    parse([{ ifname: 'a', mtu: '9000', linkinfo: { info_kind: 'vlan', info_data: { id: '7' } } }]),
  ).toEqual([{ name: 'a', flags: [], kind: 'vlan', mtu: 9000, vlan: { id: 7 } }]);
});

test('does not name a parent in another network namespace, even if a link here has its number', () => {
  const [link] = parse([
    {
      ifname: 'eth0.5',
      link_index: 4,
      link_netnsid: 0,
      mtu: 1500,
      linkinfo: { info_kind: 'vlan', info_data: { id: 5, protocol: '802.1Q' } },
    },
  ])!;
  expect(link).toMatchObject({ isParentElsewhere: true });
  expect(link).not.toHaveProperty('parent');
  expect(parse([{ ifname: 'mv', link: 'if9', linkinfo: { info_kind: 'macvlan' } }])![0]).toMatchObject({
    isParentElsewhere: true,
  });
});

test('a pair of virtual links is not a stack', () => {
  const pair = parse([
    { ifname: 'v0', link: 'v1', linkinfo: { info_kind: 'veth' } },
    { ifname: 'v1', link: 'v0', linkinfo: { info_kind: 'veth' } },
    { ifname: 'v2', link_index: 2, link_netnsid: 0, linkinfo: { info_kind: 'veth' } },
  ])!;
  for (const link of pair) expect([link.parent, link.isParentElsewhere]).toEqual([undefined, undefined]);
});

test.each([
  'geneve',
  'gretap',
  'ip6gre',
  'ipip',
  'sit',
  'erspan',
  'macsec',
  'wireguard',
  'team',
  'vrf',
  'ipvlan',
  'openvswitch',
])('passes on the kind %s', (kind) => {
  const data = { remote: '10.0.0.2', local: 'any', okey: '0.0.1.5' };
  expect(parse([{ ifname: 'x', linkinfo: { info_kind: kind, info_data: data } }])![0]!.kind).toBe(kind);
});

test('reads the key of GRE and leaves out ends that are not set', () => {
  const [gre] = parse([
    {
      ifname: 'x',
      link: null,
      linkinfo: { info_kind: 'gretap', info_data: { remote: 'any', local: '10.0.0.1', okey: '0.0.1.5' } },
    },
  ])!;
  expect(gre!.tunnel).toEqual({ id: 261, local: '10.0.0.1' });
});

test('skips links that vanished during the listing, and keeps the later of two with one name', () => {
  expect(parse([{}, { ifname: 'a', ifindex: 4, mtu: 1500 }, { ifname: 'a', ifindex: 9, mtu: 9000 }])).toEqual(
    [{ name: 'a', index: 9, mtu: 9000, flags: [] }],
  );
});

test.each([
  '',
  '[]',
  '[{}]',
  '{}',
  'null',
  '[1]',
  '[{"ifindex":1}]',
  '[{"ifname":""}]',
  '[{"ifname":"lo"',
  'Object "-j" is unknown',
  '\u0000\u0001',
  '<html>',
])('does not take %j for links', (text) => {
  expect(parseLinks(text)).toBeUndefined();
  expect(parseLinksText(text)).toBeUndefined();
  expect(parseLinkFiles(text, '')).toBeUndefined();
});

/** As iproute2 4.11 of CentOS 7 prints it. */
const CENTOS7 = `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT qlen 1
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00 promiscuity 0 addrgenmode eui64 numtxqueues 1 numrxqueues 1
2: em1: <BROADCAST,MULTICAST,SLAVE,UP,LOWER_UP> mtu 1500 qdisc mq master bond0 state UP mode DEFAULT qlen 1000
    link/ether 52:54:00:12:34:56 brd ff:ff:ff:ff:ff:ff promiscuity 0
    bond_slave state ACTIVE mii_status UP link_failure_count 2 perm_hwaddr 52:54:00:12:34:57 queue_id 0 addrgenmode eui64
    alias uplink to leaf-a
4: bond0: <BROADCAST,MULTICAST,MASTER,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT qlen 1000
    link/ether 52:54:00:12:34:56 brd ff:ff:ff:ff:ff:ff promiscuity 0
    bond mode active-backup active_slave em1 miimon 100 updelay 0 downdelay 0 use_carrier 1 arp_interval 0 ad_select stable
5: vlan20@bond0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT qlen 1000
    link/ether 52:54:00:12:34:56 brd ff:ff:ff:ff:ff:ff promiscuity 0
    vlan protocol 802.1Q id 20 <REORDER_HDR> addrgenmode eui64
6: vlan100@vlan20: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br100 state UP mode DEFAULT qlen 1000
    link/ether 52:54:00:12:34:56 brd ff:ff:ff:ff:ff:ff promiscuity 1
    vlan protocol 802.1Q id 100 <REORDER_HDR>
    bridge_slave state forwarding priority 32 cost 100 hairpin off
7: br100: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT qlen 1000
    link/ether 52:54:00:12:34:56 brd ff:ff:ff:ff:ff:ff promiscuity 0
    bridge forward_delay 1500 hello_time 200 max_age 2000 stp_state 0 vlan_filtering 0
8: vx5: <BROADCAST,MULTICAST,UP> mtu 1450 qdisc noqueue state UNKNOWN mode DEFAULT qlen 1000
    link/ether 52:54:00:12:34:59 brd ff:ff:ff:ff:ff:ff promiscuity 0 minmtu 68 maxmtu 65535
    vxlan id 5 group 239.1.1.1 local 10.0.0.1 dev vlan20 srcport 0 0 dstport 4789
9: eth9@if3: <BROADCAST,UP> mtu 1500 qdisc noqueue state UP
    link/ether 52:54:00:12:34:60 brd ff:ff:ff:ff:ff:ff link-netnsid 0 promiscuity 0
    macvlan mode bridge
10: tap1: <BROADCAST,UP> mtu 1500 qdisc pfifo_fast master br100 state UNKNOWN
    link/ether 52:54:00:12:34:61 brd ff:ff:ff:ff:ff:ff promiscuity 1
    tun type tap pi off vnet_hdr on persist on
11: vx_sys: <BROADCAST,UP> mtu 1500 qdisc noqueue state UNKNOWN
    link/ether 52:54:00:12:34:62 brd ff:ff:ff:ff:ff:ff promiscuity 0
    vxlan external srcport 0 0 dstport 4789 nolearning ttl auto ageing 300
`;

test('reads the text of versions without JSON', () => {
  const links = parseLinksText(CENTOS7)!;
  const by = (name: string) => links.find((link) => link.name === name)!;
  expect(links).toHaveLength(10);
  expect(by('em1')).toEqual({
    name: 'em1',
    index: 2,
    flags: ['BROADCAST', 'MULTICAST', 'SLAVE', 'UP', 'LOWER_UP'],
    type: 'ether',
    mtu: 1500,
    master: 'bond0',
    state: 'UP',
    mac: '52:54:00:12:34:56',
    permanentMac: '52:54:00:12:34:57',
    alias: 'uplink to leaf-a',
    bondSlave: { state: 'ACTIVE', miiStatus: 'UP', linkFailures: 2 },
  });
  expect(by('bond0')).toMatchObject({
    kind: 'bond',
    bond: { mode: 'active-backup', activeSlave: 'em1', miimonMs: 100, arpIntervalMs: 0 },
  });
  expect(by('vlan100')).toMatchObject({
    kind: 'vlan',
    parent: 'vlan20',
    master: 'br100',
    vlan: { id: 100, protocol: '802.1Q' },
    bridgePort: { state: 'forwarding' },
  });
  expect(by('br100')).toMatchObject({ kind: 'bridge', bridge: { hasStp: false, isVlanAware: false } });
  expect(by('vx5')).toMatchObject({
    parent: 'vlan20',
    minMtu: 68,
    maxMtu: 65_535,
    tunnel: { id: 5, local: '10.0.0.1', remote: '239.1.1.1' },
  });
  expect(by('vx_sys').tunnel).toEqual({ isFlowBased: true });
  expect(by('eth9')).toMatchObject({ kind: 'macvlan', isParentElsewhere: true });
  expect(by('tap1').kind).toBe('tun');
});

test('text and JSON of the same links agree', () => {
  const text = `2: br0: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN mode DEFAULT group default qlen 1000
    link/ether fe:79:f0:00:f7:bb brd ff:ff:ff:ff:ff:ff promiscuity 0  allmulti 0 minmtu 68 maxmtu 65535
    bridge forward_delay 1500 hello_time 200 stp_state 0 priority 32768 vlan_filtering 0 bridge_id 8000.0:0:0:0:0:0 designated_root 8000.0:0:0:0:0:0
`;
  const json = [
    {
      ifindex: 2,
      ifname: 'br0',
      flags: ['BROADCAST', 'MULTICAST'],
      mtu: 1500,
      operstate: 'DOWN',
      link_type: 'ether',
      address: 'fe:79:f0:00:f7:bb',
      min_mtu: 68,
      max_mtu: 65_535,
      linkinfo: {
        info_kind: 'bridge',
        info_data: { stp_state: 0, vlan_filtering: 0, bridge_id: '8000.0:0:0:0:0:0' },
      },
    },
  ];
  expect(parseLinksText(text)).toEqual(parse(json));
});

const FILES = `/sys/class/net/bond0/mtu:1500
/sys/class/net/bond0/operstate:up
/sys/class/net/bond0/flags:0x1403
/sys/class/net/bond0/ifindex:5
/sys/class/net/bond0/carrier:1
/sys/class/net/bond0/bonding/mode:active-backup 1
/sys/class/net/bond0/bonding/miimon:0
/sys/class/net/bond0/bonding/slaves:eno1 eno2
/sys/class/net/bond0/lower_eno1/mtu:9000
/sys/class/net/eno1/mtu:1500
/sys/class/net/eno1/flags:0x1803
/sys/class/net/eno1/carrier:0
/sys/class/net/eno1/address:de:6e:26:0d:51:94
/sys/class/net/eno1/master/ifindex:5
/sys/class/net/vlan20/mtu:1500
/sys/class/net/vlan100/mtu:1500
/sys/class/net/vlan100/flags:0x1003
`;
const TABLE = `/proc/net/vlan/config:VLAN Dev name\t | VLAN ID
/proc/net/vlan/config:Name-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD
/proc/net/vlan/config:vlan20         | 20  | bond0
/proc/net/vlan/config:vlan100        | 100  | vlan20
`;

test('puts links together from files on hosts without ip', () => {
  const links = parseLinkFiles(FILES, TABLE)!;
  const by = (name: string) => links.find((link) => link.name === name)!;
  expect(by('bond0')).toEqual({
    name: 'bond0',
    index: 5,
    kind: 'bond',
    mtu: 1500,
    state: 'UP',
    flags: ['UP', 'BROADCAST', 'MASTER', 'MULTICAST', 'LOWER_UP'],
    bond: { mode: 'active-backup', miimonMs: 0 },
  });
  expect(by('eno1')).toMatchObject({
    master: 'bond0',
    flags: ['NO-CARRIER', 'UP', 'BROADCAST', 'SLAVE', 'MULTICAST'],
  });
  expect(by('vlan100')).toMatchObject({ kind: 'vlan', parent: 'vlan20', vlan: { id: 100 } });
});

test('a VLAN table that is not understood, or has links without files, is not ignored', () => {
  expect(parseLinkFiles(FILES, '/proc/net/vlan/config:vlan20 -> bond0')).toBeUndefined();
  expect(parseLinkFiles('/sys/class/net/eno1/mtu:1500', TABLE)).toBeUndefined();
});
