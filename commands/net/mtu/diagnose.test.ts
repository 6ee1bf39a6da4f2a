import { describe, expect, test } from 'vitest';
import type { Finding, ports } from '../../kit.ts';
import {
  blue,
  BLUE_BRIDGE,
  bondOf,
  bridge,
  computeLinks,
  factsOf,
  hostWith,
  nic,
  tap,
  vlanOn,
  vxlanOn,
} from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { Facts, HostLinksFacts, Probe } from './facts.ts';
import { doubleVlan, jumboFrames, oneNode, serviceVlan, shortPath, underlayTooSmall } from './stories.ts';
import { surveyOf } from './survey.ts';

/** `critical vlan-on-vlan node-8:tenant-881` */
function inShort(facts: Facts): readonly string[] {
  return diagnose(facts).findings.map(
    ({ severity, reason, target, targets }) =>
      `${severity} ${reason} ${targets ? targets.join(', ') : target}`,
  );
}

function ofHosts(...hosts: readonly HostLinksFacts[]): readonly string[] {
  return inShort(factsOf(hosts));
}

function ofLinks(...links: readonly ports.Link[]): readonly string[] {
  return ofHosts(hostWith('h', links));
}

/** Why links can't be judged: `vlan: the parent of …`. Each is a gap. */
function unjudged(...links: readonly ports.Link[]): readonly string[] {
  return surveyOf(factsOf([hostWith('h', links)])).unjudged.map(({ link, because }) => `${link}: ${because}`);
}

function only(facts: Facts): Finding<never> {
  const { findings } = diagnose(facts);
  expect(findings).toHaveLength(1);
  return findings[0]!;
}

function textOf({ summary, evidence }: Finding<never>): string {
  return `${summary}\n${JSON.stringify(evidence)}`;
}

const DOWN = { flags: ['BROADCAST', 'MULTICAST'], state: 'DOWN' };

/** A used VLAN or tunnel: it is bridged with a guest whose port has this MTU. */
function used(link: ports.Link, guestMtu = link.mtu ?? 1_500): readonly ports.Link[] {
  return [
    { ...link, master: 'br' },
    bridge('br', { mtu: Math.min(guestMtu, link.mtu ?? 1_500) }),
    tap('tap1', 'br', { mtu: guestMtu }),
  ];
}

describe('stories', () => {
  test('one setting on all hosts is one finding with all their links', () => {
    const { verdict } = diagnose(doubleVlan.facts);
    expect(verdict).toBe("All 4 hosts have links whose frames don't fit");
    const finding = only(doubleVlan.facts);
    expect(finding.targets).toEqual([
      'c01:vlan100',
      'c02:vlan100',
      'c03:vlan100',
      'cloud-controller:vlan100',
    ]);
    expect(textOf(finding)).toContain('vlan_interface = bond0');
    expect(textOf(finding)).not.toMatch(/raise/i);
  });

  test('a node with the VLAN in the wrong place is compared with one that has it right', () => {
    const finding = only(oneNode.facts);
    expect(finding).toMatchObject({ severity: 'critical', target: 'node-8:tenant-881' });
    const text = textOf(finding);
    expect(text).toContain('need 1504 bytes, but bond0 carries 1500');
    expect(text).toContain('as on node-7');
    expect(text).toContain('physical_interface_mappings = physnet1:bond0');
    expect(text).toContain('Restart neutron-linuxbridge-agent on node-8');
    expect(text).not.toMatch(/raise|needs an MTU/i);
  });

  test('a service VLAN with space for both tags is clear', () => {
    expect(diagnose(serviceVlan.facts)).toMatchObject({
      findings: [],
      verdict: 'The frames of 2 VLANs on 1 host fit the links below them',
    });
  });

  test('the host whose underlay is too small for VXLAN is found, and the other is the example', () => {
    const finding = only(underlayTooSmall.facts);
    expect(finding).toMatchObject({
      severity: 'critical',
      reason: 'tunnel-mtu',
      target: 'node-22:vxlan-204',
    });
    const text = textOf(finding);
    expect(text).toContain('adds 50 bytes');
    expect(text).toContain(
      'Raise bond0 and tunnels to 1550 on node-22, and the switch ports to the same, as on node-21',
    );
    expect(text).toContain('--mtu 1450 4be2c7d0-1187-4c0b-9e0e-0d8f6a1b2c3d');
  });

  test('the host without jumbo frames is found, and no MTU is advised that its driver refuses', () => {
    const finding = only(jumboFrames.facts);
    expect(finding).toMatchObject({ severity: 'warning', target: 'store-3:stor' });
    const text = textOf(finding);
    expect(text).toContain('eno1 and eno2 allow no more than 1500');
    expect(text).toContain('Invalid MTU 9000 requested');
    expect(text).toContain('Lower VLAN 300 to 1500 on all 3 hosts');
    expect(text).not.toMatch(/raise|to 9000/i);
  });

  test('a measured path that is shorter than both ends is found', () => {
    expect(only(shortPath.facts)).toMatchObject({
      severity: 'critical',
      reason: 'path-mtu',
      target: 'store-1 and store-2',
    });
  });
});

describe('stacked VLANs', () => {
  test.each([
    ['two tags', 1_500, ['critical vlan-on-vlan h:tenant-881']],
    ['two tags and 3 bytes of space', 1_503, ['critical vlan-on-vlan h:tenant-881']],
    ['two tags and 4 bytes of space', 1_504, []],
    ['two tags and jumbo frames', 9_000, []],
  ])('the budget decides, not the depth: %s', (_, mtu, expected) => {
    expect(ofLinks(...computeLinks('inet', { mtu }))).toEqual(expected);
  });

  test('each further tag needs 4 bytes more', () => {
    const stack = (mtu: number) =>
      ofLinks(...bondOf(mtu), vlanOn('bond0', 'a', 1), vlanOn('a', 'b', 2), ...used(vlanOn('b', 'c', 3)));
    expect(stack(1_507)).toEqual(['critical vlan-on-vlan h:c']);
    expect(stack(1_508)).toEqual([]);
  });

  test('an inner VLAN with 4 bytes less fits', () => {
    expect(
      ofLinks(...bondOf(1_500), vlanOn('bond0', 'a', 1), ...used(vlanOn('a', 'b', 2, { mtu: 1_496 }))),
    ).toEqual([]);
  });

  test('a service VLAN without space is found, and raising it is advised', () => {
    const facts = factsOf([
      hostWith('h', [
        ...bondOf(1_500),
        vlanOn('bond0', 'svc', 400, { protocol: '802.1ad' }),
        ...used(vlanOn('svc', 'c17', 17)),
      ]),
    ]);
    const finding = only(facts);
    expect(finding).toMatchObject({ severity: 'critical', reason: 'stacked-vlan-mtu', target: 'h:c17' });
    expect(textOf(finding)).toContain('Raise bond0 and svc to 1504');
  });

  test('an outer VLAN with more than its bond carries is one finding with the VLANs on it', () => {
    expect(
      ofLinks(
        ...bondOf(1_500),
        vlanOn('bond0', 'svc', 400, { protocol: '802.1ad', mtu: 1_504 }),
        ...used(vlanOn('svc', 'c17', 17)),
      ),
    ).toEqual(['critical stacked-vlan-mtu h:c17']);
  });

  test('the same fault under different settings is two findings', () => {
    const node = (name: string, value: string) =>
      hostWith(name, computeLinks('inet'), {
        settings: [{ file: '/etc/l.ini', line: 1, key: 'physical_interface_mappings', value }],
      });
    expect(
      ofHosts(node('a', 'physnet1:inet'), node('b', 'physnet1:inet'), node('c', 'physnet2:inet')),
    ).toEqual(['critical vlan-on-vlan a:tenant-881, b:tenant-881', 'critical vlan-on-vlan c:tenant-881']);
  });

  test('only the wrong part of a setting is corrected', () => {
    const settings = [
      {
        file: '/etc/l.ini',
        line: 7,
        key: 'physical_interface_mappings',
        value: 'physnet2:inet2, physnet1:inet',
      },
    ];
    expect(textOf(only(factsOf([hostWith('h', computeLinks('inet'), { settings })])))).toContain(
      'physnet2:inet2,physnet1:bond0',
    );
  });

  test.each([
    ['a bridge of Neutron', BLUE_BRIDGE, 'linuxbridge_agent.ini'],
    ['a bridge of nova-network', 'br100', '/etc/nova/nova.conf'],
    ['another bridge', 'br-lan', 'the network configuration of the host'],
  ])('without a setting, the report says which file to look at: %s', (_, master, expected) => {
    const text = textOf(
      only(
        factsOf([
          hostWith('h', [
            ...bondOf(1_500),
            vlanOn('bond0', 'a', 1),
            vlanOn('a', 'b', 2, { master }),
            bridge(master),
            tap('tap1', master),
          ]),
        ]),
      ),
    );
    expect(text).toContain(expected);
    expect(text).toContain('If two tags are intended');
  });

  test('a VLAN on the bridge of another VLAN belongs on what is below that one', () => {
    const report = textOf(
      only(
        factsOf([
          hostWith('h', [
            ...bondOf(1_500),
            vlanOn('bond0', 'a', 1, { master: 'br-a' }),
            bridge('br-a'),
            ...used(vlanOn('br-a', 'b', 2)),
          ]),
        ]),
      ),
    );
    expect(report).toContain('Attach it to bond0');
    expect(report).toContain('it must name bond0, not br-a');
  });

  test('a VLAN on the bridge of a bond counts the ports of the bridge', () => {
    const links = (mtu: number) => [
      nic('eno1', { mtu, master: 'br-lan' }),
      bridge('br-lan', { mtu: 9_000 }),
      ...used(vlanOn('br-lan', 'v', 5, { mtu: 9_000 })),
    ];
    expect(ofLinks(...links(9_000))).toEqual([]);
    expect(ofLinks(...links(1_500))).toEqual(['critical vlan-mtu h:v']);
  });

  test('a standby slave with less is a warning, an active one is critical', () => {
    const links = (small: string) =>
      bondOf(9_000)
        .map((link) => (link.name === small ? { ...link, mtu: 1_500 } : link))
        .concat(used(vlanOn('bond0', 'v', 5, { mtu: 9_000 })));
    expect(ofLinks(...links('eno2'))).toEqual(['warning vlan-mtu h:v']);
    expect(ofLinks(...links('eno1'))).toEqual(['critical vlan-mtu h:v']);
  });

  test('a slave with less than its bond is a warning although the VLANs fit', () => {
    expect(
      ofLinks(
        ...bondOf(9_000).map((link) => (link.name === 'eno2' ? { ...link, mtu: 1_500 } : link)),
        ...used(vlanOn('bond0', 'v', 5)),
      ),
    ).toEqual(['warning bond-slave-mtu h:eno2']);
  });

  test('a slave with less than its bond is raised itself, if its driver allows it', () => {
    const text = (known: Partial<ports.Link>, vlanMtu: number) =>
      textOf(
        only(
          factsOf([
            hostWith('h', [
              ...bondOf(9_000).map((link) =>
                link.name === 'eno2' ? { ...link, mtu: 1_500, ...known } : link,
              ),
              ...used(vlanOn('bond0', 'v', 5, { mtu: vlanMtu })),
            ]),
          ]),
        ),
      );
    expect(text({}, 1_500)).toContain('Run `ip link set eno2 mtu 9000`');
    expect(text({ maxMtu: 1_500 }, 1_500)).toMatch(/eno2 allows no more than 1500/);
    expect(text({ maxMtu: 1_500 }, 1_500)).not.toMatch(/set eno2/);
    expect(text({}, 9_000)).toContain('Raise eno2 to 9000 on h');
  });
});

describe('use', () => {
  const stacked = (known: Partial<ports.Link>) => [
    ...bondOf(1_500),
    vlanOn('bond0', 'a', 1),
    vlanOn('a', 'b', 2, known),
  ];
  const address: ports.LinkAddress = { link: 'b', address: '10.0.0.1', prefixLength: 24, family: 'IPv4' };

  test.each([
    ['is down', stacked(DOWN), {}, []],
    ['has no carrier', stacked({ flags: ['UP', 'NO-CARRIER'] }), {}, []],
    ['is on a link that is down', stacked({ state: 'LOWERLAYERDOWN' }), {}, []],
    ['may have an address', stacked({}), {}, ['critical vlan-on-vlan h:b']],
    ['has an address', stacked({}), { addresses: [address] }, ['critical vlan-on-vlan h:b']],
    ['has no address', stacked({}), { addresses: [] }, ['info vlan-on-vlan h:b']],
    [
      'has only a link-local address',
      stacked({}),
      { addresses: [{ ...address, address: 'fe80::1', family: 'IPv6' as const }] },
      ['info vlan-on-vlan h:b'],
    ],
    [
      'is bridged without guests',
      [...stacked({ master: 'br' }), bridge('br')],
      {},
      ['warning vlan-on-vlan h:b'],
    ],
    [
      'is in a bridge with an address',
      [...stacked({ master: 'br' }), bridge('br')],
      { addresses: [{ ...address, link: 'br' }] },
      ['critical vlan-on-vlan h:b'],
    ],
  ])('a link that %s', (_, links, known, expected) => {
    expect(ofHosts(hostWith('h', links, known))).toEqual(expected);
  });

  test('what is not a VLAN or tunnel, or not in use, is no finding', () => {
    expect(
      ofLinks(
        nic('eno3', { mtu: 9_000, ...DOWN }),
        nic('dummy0', { kind: 'dummy' }),
        bridge('docker0', DOWN),
        nic('gre0', { kind: 'gre', mtu: 1_476, flags: ['NOARP'], state: 'DOWN' }),
      ),
    ).toEqual([]);
  });
});

describe('tunnels', () => {
  const tunnel = (kind: string, mtu: number, known: Partial<ports.Link> = {}) =>
    ofLinks(nic('eth0'), ...used(nic('t', { kind, parent: 'eth0', mtu, ...known })));
  const v4 = { tunnel: { local: '10.0.0.1' } };
  const v6 = { tunnel: { local: '2001:db8::1' } };
  const key = { tunnel: { id: 7, local: '10.0.0.1' } };

  /** The most that fits into 1500 bytes. */
  test.each([
    ['vxlan', v4, 1_450],
    ['vxlan', v6, 1_430],
    ['geneve', v4, 1_450],
    ['geneve', v6, 1_430],
    ['gretap', v4, 1_462],
    ['gretap', key, 1_458],
    ['ip6gretap', v6, 1_442],
    ['gre', v4, 1_476],
    ['ip6gre', v6, 1_456],
    ['ipip', v4, 1_480],
    ['sit', v4, 1_480],
    ['ip6tnl', v6, 1_460],
  ])('%s with %j fits with %i, and not with one byte more', (kind, known, mtu) => {
    expect(tunnel(kind, mtu, known)).toEqual([]);
    expect(tunnel(kind, mtu + 1, known)).toEqual(['critical tunnel-mtu h:t']);
  });

  test('WireGuard fits with the 1420 that it has by default, with any NIC', () => {
    expect(unjudged(nic('eth0'), nic('wg0', { kind: 'wireguard', mtu: 1_420 }))).toEqual([]);
    expect(unjudged(nic('eth0'), nic('wg0', { kind: 'wireguard', mtu: 1_421 }))).toEqual([
      'wg0: which link wg0 sends on is not known',
    ]);
  });

  test('one that fits no link of the host is short, whichever link it sends on', () => {
    const links = [
      nic('eth0'),
      vlanOn('eth0', 'v', 5),
      bridge('docker0', { mtu: 9_000 }),
      ...used(vxlanOn(undefined, 't', 7, { local: '10.0.0.1' })),
    ];
    expect(ofLinks(...links)).toEqual(['critical tunnel-mtu h:t']);
    const oneFits = [...links, nic('eth1', { mtu: 9_000 })];
    expect(ofLinks(...oneFits)).toEqual([]);
    expect(unjudged(...oneFits).join()).toMatch(/which link has 10\.0\.0\.1/);
  });

  test('a link on another one is not judged if its kind is unknown', () => {
    const links = [nic('eth0'), nic('vlan5', { parent: 'eth0' }), nic('eth1', { isParentElsewhere: true })];
    expect(ofLinks(...links)).toEqual([]);
    expect(unjudged(...links)).toEqual([
      'vlan5: the kind of vlan5 is not known, which is on eth0',
      'eth1: the kind of eth1 is not known',
    ]);
  });

  test('a tunnel of another kind is not judged', () => {
    expect(unjudged(nic('eth0'), nic('vti1', { kind: 'vti', parent: 'eth0', tunnel: {} }))).toEqual([
      'vti1: how many bytes vti1 adds is not known: it is of the kind vti',
    ]);
  });

  test('the link with its local address is the one below, if it has no parent', () => {
    const host = (mtu: number) =>
      hostWith(
        'h',
        [
          nic('eth0', { mtu: 9_000 }),
          nic('eth1', { mtu }),
          ...used(vxlanOn(undefined, 't', 7, { local: '10.7.0.1' })),
        ],
        { addresses: [{ link: 'eth1', address: '10.7.0.1', prefixLength: 24, family: 'IPv4' }] },
      );
    expect(ofHosts(host(1_550))).toEqual([]);
    expect(ofHosts(host(1_500))).toEqual(['critical tunnel-mtu h:t']);
  });

  test('a tag under the tunnel is not counted, and one inside it is', () => {
    const links = (mtu: number) => [
      ...bondOf(mtu),
      vlanOn('bond0', 'under', 7, { mtu }),
      vxlanOn('under', 't', 9, { local: '10.0.0.1', mtu: 9_000 }),
    ];
    expect(
      ofLinks(...links(1_550).slice(0, -1), ...used(vxlanOn('under', 't', 9, { local: '10.0.0.1' }))),
    ).toEqual([]);
    const tagged = [...links(9_050), ...used(vlanOn('t', 'inner', 3, { mtu: 9_000 }))];
    expect(ofLinks(...tagged)).toEqual(['critical vlan-mtu h:inner']);
    expect(only(factsOf([hostWith('h', tagged)])).summary).toBe(
      'h:inner (VLAN 3) is inside t (VXLAN): its packets need 9054 bytes, but under carries 9050',
    );
    expect(ofLinks(...links(9_054), ...used(vlanOn('t', 'inner', 3, { mtu: 9_000 })))).toEqual([]);
  });

  test('a tunnel of Open vSwitch is neither healthy nor critical', () => {
    const links = [
      nic('eth0'),
      nic('ovs-system', { kind: 'openvswitch', ...DOWN }),
      nic('vxlan_sys_4789', { kind: 'vxlan', mtu: 65_000, master: 'ovs-system', tunnel: {} }),
    ];
    expect(ofLinks(...links)).toEqual([]);
    expect(unjudged(...links)).toEqual([
      'vxlan_sys_4789: what vxlan_sys_4789 carries is decided by the flows of Open vSwitch or eBPF',
    ]);
  });

  test('a tunnel of Cilium is neither healthy nor critical, unless it fits every link', () => {
    const links = (mtu: number) => [
      nic('eth0', { mtu }),
      nic('cilium_vxlan', { kind: 'vxlan', mtu: 1_500, tunnel: { isFlowBased: true } }),
    ];
    expect(ofHosts(hostWith('h', links(1_500), { addresses: [] }))).toEqual([]);
    expect(unjudged(...links(1_500))).toHaveLength(1);
    expect(unjudged(...links(9_000))).toEqual([]);
  });

  test('guests whose ports have 1450 send no more, whatever the MTU of the tunnel is', () => {
    expect(ofLinks(nic('eth0'), ...used(vxlanOn('eth0', 't', 7, { local: '10.0.0.1' }), 1_450))).toEqual([]);
  });

  test('it is not critical if Neutron announces an MTU that fits', () => {
    const links = (mtu: number) => [
      nic('eth0'),
      vxlanOn('eth0', 't', 881, { local: '10.0.0.1', master: BLUE_BRIDGE, mtu }),
      bridge(BLUE_BRIDGE),
      tap('tap1', BLUE_BRIDGE),
    ];
    expect(inShort(factsOf([hostWith('h', links(1_500))], { networks: [{ ...blue, mtu: 1_450 }] }))).toEqual([
      'info tunnel-mtu h:t',
    ]);
    expect(inShort(factsOf([hostWith('h', links(1_500))], { networks: [blue] }))).toEqual([
      'critical tunnel-mtu h:t',
    ]);
  });

  test('a raise is not advised if a NIC below does not allow it', () => {
    const links = [nic('eth0', { maxMtu: 1_500 }), ...used(vxlanOn('eth0', 't', 7, { local: '10.0.0.1' }))];
    const text = textOf(only(factsOf([hostWith('h', links)])));
    expect(text).toContain('eth0 allows no more than 1500');
    expect(text).not.toMatch(/Raise/);
    const unknown = [nic('eth0', { maxMtu: 0 }), ...links.slice(1)];
    expect(textOf(only(factsOf([hostWith('h', unknown)])))).toContain('first check `maxmtu` of eth0');
  });
});

describe('what cannot be followed is a gap', () => {
  const bond = bondOf(1_500);
  test.each([
    [
      'a parent in another namespace',
      [{ ...vlanOn('x', 'v', 1), isParentElsewhere: true as const }],
      'in another network namespace',
    ],
    ['a parent that is not listed', [vlanOn('gone', 'v', 1)], 'gone, the parent of v, is not listed'],
    [
      'no parent',
      [nic('v', { kind: 'vlan', vlan: { id: 1, protocol: '802.1Q' } })],
      'the parent of v is not listed',
    ],
    ['a loop', [vlanOn('w', 'v', 1), { ...vlanOn('v', 'w', 2), ...DOWN }], 'v is its own parent'],
    ['macsec', [nic('m', { kind: 'macsec', parent: 'eno1' }), vlanOn('m', 'v', 1)], 'of the kind macsec'],
    [
      'an internal port of Open vSwitch',
      [nic('br-ex', { kind: 'openvswitch' }), vlanOn('br-ex', 'v', 1)],
      'of the kind openvswitch',
    ],
    [
      'an MTU that is missing',
      [...bond, { ...vlanOn('bond0', 'v', 1), mtu: undefined }],
      'the MTU of v is not known',
    ],
    [
      'a VLAN id that is missing',
      [...bond, nic('v', { kind: 'vlan', parent: 'bond0' })],
      'the VLAN id of v is not known',
    ],
    ['an IP version that matters', [nic('eth0', { mtu: 1_550 }), vxlanOn('eth0', 't', 7)], 'IPv4 or IPv6'],
    [
      'an address on no link',
      [nic('eth0'), nic('eth1', { mtu: 9_000 }), vxlanOn(undefined, 't', 7, { local: '10.0.0.9' })],
      'which link has 10.0.0.9',
    ],
    [
      'a VLAN in Open vSwitch without space for its tag',
      [
        ...bond,
        nic('ovs-system', { kind: 'openvswitch' }),
        vlanOn('bond0', 'v', 1, { master: 'ovs-system' }),
      ],
      'Open vSwitch may add a VLAN tag',
    ],
    [
      'a VLAN in a VLAN-aware bridge without space for its tag',
      [
        ...bond,
        bridge('vmbr0', { bridge: { isVlanAware: true } }),
        vlanOn('bond0', 'v', 1, { master: 'vmbr0' }),
      ],
      'vmbr0 may add a VLAN tag',
    ],
  ] as readonly (readonly [string, readonly ports.Link[], string])[])('%s', (_, links, because) => {
    expect(unjudged(...links).join()).toContain(because);
    expect(ofLinks(...links)).toEqual([]);
  });

  test('a team is followed like a bond', () => {
    const links = [
      nic('eno1', { master: 'team0' }),
      nic('team0', { kind: 'team' }),
      vlanOn('team0', 'a', 1),
      ...used(vlanOn('a', 'b', 2)),
    ];
    expect(ofLinks(...links)).toEqual(['critical vlan-on-vlan h:b']);
    expect(unjudged(...links)).toEqual([]);
  });
});

describe('one VLAN on several hosts', () => {
  const host = (name: string, mtu: number, known: Partial<ports.Link> = {}) =>
    hostWith(name, [...bondOf(9_000), vlanOn('bond0', 'stor', 300, { mtu, ...known })]);

  test('most hosts decide what is usual', () => {
    expect(ofHosts(host('a', 9_000), host('b', 1_500), host('c', 9_000))).toEqual([
      'warning mtu-differs b:stor',
    ]);
    expect(ofHosts(host('a', 1_500), host('b', 1_500), host('c', 9_000))).toEqual([
      'warning mtu-differs c:stor',
    ]);
  });

  test('a raise is advised if all links below allow it', () => {
    const text = textOf(only(factsOf([host('a', 9_000), host('b', 1_500), host('c', 9_000)])));
    expect(text).toContain('On b, raise stor to 9000, and its switch ports to the same, as on a');
  });

  test('of two hosts, it is not known which one is wrong', () => {
    const facts = factsOf([host('a', 9_000), host('b', 1_500)]);
    expect(inShort(facts)).toEqual(['warning mtu-differs a:stor, b:stor']);
    expect(only(facts).summary).toContain('Which one is intended is not known');
  });

  test('several VLANs that differ for one reason are one finding', () => {
    const small = (name: string, mtu: number) =>
      hostWith(name, [
        ...bondOf(mtu),
        vlanOn('bond0', 'stor', 300, { mtu }),
        vlanOn('bond0', 'move', 301, { mtu }),
      ]);
    expect(ofHosts(small('a', 9_000), small('b', 9_000), small('c', 1_500))).toEqual([
      'warning mtu-differs c:move, c:stor',
    ]);
  });

  test('names of links do not matter, ids and stacks do', () => {
    const named = hostWith('b', [...bondOf(9_000), vlanOn('bond0', 'bond0.300', 300)]);
    expect(ofHosts(host('a', 9_000), named, host('c', 9_000))).toEqual(['warning mtu-differs b:bond0.300']);
    const inner = hostWith('b', [
      ...bondOf(9_000),
      vlanOn('bond0', 'outer', 7, { mtu: 9_000 }),
      vlanOn('outer', 'stor', 300),
    ]);
    expect(ofHosts(host('a', 9_000), inner, host('c', 9_000))).toEqual([]);
  });

  test('one VLAN id under chosen names on other NICs is another network, and is noted', () => {
    const on = (name: string, parent: string, link: string, mtu: number) =>
      hostWith(name, [nic(parent, { mtu: 9_000 }), vlanOn(parent, link, 300, { mtu })]);
    const different = [on('a', 'eth0', 'mgmt', 1_500), on('b', 'eth1', 'stor', 9_000)];
    expect(ofHosts(...different)).toEqual([]);
    expect(surveyOf(factsOf(different)).differentNetworks.join()).toMatch(
      /mgmt on eth0 \(a, MTU 1500\) and stor on eth1 \(b, MTU 9000\): not compared/,
    );
    expect(ofHosts(on('a', 'eth0', 'stor', 1_500), on('b', 'eth1', 'stor', 9_000))).toHaveLength(1);
    expect(ofHosts(on('a', 'eth0', 'eth0.300', 1_500), on('b', 'eth1', 'stor', 9_000))).toHaveLength(1);
  });

  test('one VLAN on two NICs of a host is two networks', () => {
    const two = (name: string) =>
      hostWith(name, [
        ...bondOf(9_000),
        nic('eno5'),
        vlanOn('bond0', 'stor', 300, { mtu: 9_000 }),
        vlanOn('eno5', 'old', 300),
      ]);
    expect(ofHosts(two('a'), two('b'))).toEqual([]);
  });

  test('a leg that is down, or that only differs from what its guests send, is not compared', () => {
    expect(ofHosts(host('a', 9_000), host('b', 1_500, DOWN), host('c', 9_000))).toEqual([]);
    const guests = (name: string, mtu: number) =>
      hostWith(name, [...bondOf(9_000), ...used(vlanOn('bond0', 'v', 881, { mtu }), 1_500)]);
    expect(ofHosts(guests('a', 9_000), guests('b', 1_500))).toEqual([]);
  });

  test('links of one VXLAN are compared too', () => {
    const node = (name: string, mtu: number) =>
      hostWith(name, [nic('eth0', { mtu: 9_000 }), vxlanOn('eth0', 'vx', 7, { local: '10.0.0.1', mtu })]);
    expect(ofHosts(node('a', 1_450), node('b', 1_400), node('c', 1_450))).toEqual([
      'warning mtu-differs b:vx',
    ]);
  });

  test('the same link on different VLANs is noted', () => {
    const { differentNetworks } = surveyOf(
      factsOf([
        hostWith('a', computeLinks('bond0', { mtu: 9_000 })),
        hostWith('b', computeLinks('inet', { mtu: 9_000 })),
      ]),
    );
    expect(differentNetworks).toEqual([
      'tenant-881 (VLAN 881) is on no other VLAN on a and on VLAN 20 on b: these are different networks',
    ]);
  });
});

describe('ports of bridges', () => {
  const bridged = (uplinkMtu: number, ...guests: readonly number[]) =>
    hostWith('h', [
      nic('eth0', { mtu: uplinkMtu, master: BLUE_BRIDGE }),
      bridge(BLUE_BRIDGE),
      ...guests.map((mtu, at) => tap(`tap${at}`, BLUE_BRIDGE, { mtu })),
    ]);
  const withMtu = (mtu: number) => ({ networks: [{ ...blue, mtu }] });

  test('guests with more than the uplink, or less than other guests, are a warning', () => {
    expect(ofHosts(bridged(1_450, 1_500))).toEqual(['warning bridge-port-mtu h:eth0']);
    expect(ofHosts(bridged(9_000, 9_000, 1_500))).toEqual(['warning bridge-port-mtu h:tap1']);
    expect(ofHosts(bridged(9_000, 1_500, 1_500))).toEqual([]);
  });

  test('the MTU that Neutron announces decides', () => {
    expect(inShort(factsOf([bridged(1_450, 1_500)], withMtu(1_450)))).toEqual([]);
    expect(inShort(factsOf([bridged(1_500, 9_000)], withMtu(9_000)))).toEqual([
      'critical network-mtu h:eth0',
    ]);
    expect(inShort(factsOf([bridged(9_000, 1_500)], withMtu(9_000)))).toEqual(['warning network-mtu h:tap0']);
    expect(inShort(factsOf([bridged(9_000, 9_000, 1_500)], withMtu(1_500)))).toEqual([]);
  });

  test('a bridge without an uplink or without guests is not compared', () => {
    const internal = hostWith('h', [
      bridge('br'),
      tap('tap0', 'br', { mtu: 9_000 }),
      tap('tap1', 'br', { mtu: 1_500 }),
    ]);
    expect(ofHosts(internal, bridged(1_450))).toEqual([]);
  });
});

describe('measured paths', () => {
  const probe = (bytes: number | undefined, known: Partial<Probe> = {}): Facts =>
    factsOf([hostWith('a', [nic('eth0')]), hostWith('b', [nic('eth0')])], {
      probes: [
        {
          from: 'a',
          to: 'b',
          fromMtu: 1_500,
          toMtu: 1_500,
          result: {
            address: '10.0.0.2',
            ...(bytes !== undefined && { bytes, failedBytes: bytes + 1 }),
          },
          ...known,
        },
      ],
    });

  test('4 bytes less are explained by a tag', () => {
    expect(only(probe(1_496, { isDirect: true })).summary).toContain(
      '4 bytes are missing, as for one more VLAN tag',
    );
  });

  test('a path that may be routed is a warning, and one that carries enough or was not measured is nothing', () => {
    expect(inShort(probe(1_496))).toEqual(['warning path-mtu a and b']);
    expect(inShort(probe(1_500, { isDirect: true }))).toEqual([]);
    expect(inShort(probe(undefined))).toEqual([]);
    expect(inShort(probe(1_496, { toMtu: 1_496 }))).toEqual([]);
    const inexact = { result: { address: '10.0.0.2', bytes: 1_480, failedBytes: 1_504 } };
    expect(inShort(probe(1_480, inexact))).toEqual([]);
  });
});

test('a host whose key was rejected is a finding', () => {
  const key = { host: 'cmp-9', is: 'changed', fingerprint: 'SHA256:abc' } as const;
  const rejectedKeys = [{ key, hosts: ['cmp-9'], message: 'the host key of cmp-9 has changed' }];
  expect(inShort(factsOf([hostWith('a', [nic('eth0')])], { rejectedKeys }))).toEqual([
    'warning host-key-changed cmp-9',
  ]);
});

test('the report does not depend on the order of hosts and links', () => {
  const { hosts, networks } = oneNode.facts;
  const reversed = hosts.toReversed().map((host) => ({ ...host, links: host.links.toReversed() }));
  expect(inShort(factsOf(reversed, { networks }))).toEqual(inShort(oneNode.facts));
});
