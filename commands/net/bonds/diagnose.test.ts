import { describe, expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import {
  bond,
  cloudFacts,
  factsOf,
  hostFacts,
  lacpBond,
  link,
  lost,
  NO_CARRIER,
  slave,
  switchFacts,
  switchLog,
} from './builders.ts';
import { bondsOf, unknownsOf } from './bond-state.ts';
import { diagnose } from './diagnose.ts';
import type { Facts, HostFacts } from './facts.ts';
import {
  bridgeSendsBpdus,
  failedOver,
  nobodyChecksLinks,
  senderNotProven,
  twoPartners,
  valentinesDayMassacre,
} from './stories.ts';

function faults(facts: Facts): readonly string[] {
  return diagnose(facts).findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`);
}

function faultsOf(...bonds: readonly ports.Bond[]): readonly string[] {
  return faults(factsOf([hostFacts('h1', { bonds })]));
}

const textOf = (facts: Facts): string => JSON.stringify(diagnose(facts).findings);

/** The fields with steps, in order. */
function stepsOf(facts: Facts): readonly string[] {
  return diagnose(facts).findings.flatMap(({ evidence = [] }) =>
    evidence.flatMap((one) => (one.kind === 'field' && /^Step \d$/.test(one.label) ? [one.value] : [])),
  );
}

describe('BPDU guard', () => {
  test('names the instance that sent the packets, with its user, and what to do in which order', () => {
    const { facts } = valentinesDayMassacre;
    const { verdict, findings } = diagnose(facts);

    expect(verdict).toBe('2 of 3 bonds are down: BPDU guard disabled their switch ports');
    expect(findings.map(({ severity, targets }) => [severity, targets])).toEqual([
      ['critical', ['server35:bond0', 'server36:bond0']],
    ]);
    expect(findings[0]?.summary).toContain('the sender is instance centos-test');
    expect(findings[0]?.summary).toContain('user u-martin');
    expect(stepsOf(facts)[1]).toMatch(/^Ask the network team to re-enable/);
    expect(stepsOf(facts)[0]).toContain('tap7c0e4a10-aa');
    expect(findings[0]).not.toHaveProperty('offers');
  });

  test('calls instances suspects if the switches log no source MAC address', () => {
    const { facts } = senderNotProven;
    const [finding] = diagnose(facts).findings;

    expect(finding?.targets).toEqual(['kvm-1:bond0', 'kvm-2:bond0']);
    expect(finding?.summary).toMatch(
      /not proven; suspects are router-kvm-1 .* and router-kvm-2 .* of user u-netlab/,
    );
    expect(textOf(facts)).not.toMatch(/mail|replace/);
    expect(stepsOf(facts)[0]).toContain('01:80:c2:00:00:00');
  });

  test("blames the host's own bridge if the source MAC address is the host's, and no instance", () => {
    const { facts } = bridgeSendsBpdus;
    const [finding] = diagnose(facts).findings;

    expect(finding).toMatchObject({ severity: 'critical', target: 'worker-0:bond0' });
    expect(finding).not.toHaveProperty('targets');
    expect(finding?.summary).toContain("host's own bridge br-ex");
    expect(stepsOf(facts)[0]).toContain('`ip link set br-ex type bridge stp_state 0`');
    expect(textOf(facts)).not.toMatch(/instance|openstack|guest/);
  });

  const blocked = (text: string, known: Partial<Facts> = {}, host: Partial<HostFacts> = {}): Facts =>
    factsOf([hostFacts('h1', { bonds: [bond('bond0', [lost('eno1'), lost('eno2')])], ...host })], {
      switches: switchFacts({
        ports: switchLog([['2026-11-26T11:00:00Z', 'leaf-a', text]]),
        connected: [{ switch: 'leaf-a.example.com', port: 'Ethernet1/1', host: 'h1' }],
      }),
      ...known,
    });
  const CISCO =
    '%STP-2-BLOCK_BPDUGUARD: Received BPDU on port Eth1/1 with BPDU Guard enabled. Disabling port.';

  test('joins ports and hosts that are written in different ways', () => {
    expect(faults(blocked(CISCO))).toEqual(['critical bpdu-guard h1:bond0']);
  });

  test('joins a port by LLDP, and not with a bond of other NICs', () => {
    const byLldp = blocked(
      CISCO.replace('Eth1/1', 'Eth1/7'),
      {},
      {
        bonds: [bond('bond0', [lost('eno1'), slave('eno2')]), bond('bond1', [lost('eno3'), slave('eno4')])],
        neighbors: [{ link: 'eno3', switch: 'LEAF-A', port: 'Ethernet1/7' }],
      },
    );

    expect(faults(byLldp)).toEqual(['warning bpdu-guard h1:bond1', 'warning slave-down h1:bond0']);
  });

  test('joins a port channel whose members are known by the description that they share', () => {
    const text = (port: string) =>
      `%LINEPROTO-5-UPDOWN: Line protocol on Interface ${port} (rack 7 left), changed state to down`;
    const facts = blocked('', {
      switches: switchFacts({
        ports: switchLog([
          [
            '2026-11-26T11:00:00Z',
            'leaf-a',
            '%SPANTREE-4-BLOCK_BPDUGUARD: Received BPDU packet on Port-Channel35 with BPDU guard enabled. Disabling interface.',
          ],
          ['2026-11-26T11:00:00Z', 'leaf-a', text('Port-Channel35')],
          ['2026-11-26T11:00:01Z', 'leaf-a', text('Ethernet35')],
        ]),
        connected: [{ switch: 'leaf-a', port: 'Ethernet35', host: 'h1' }],
      }),
    });

    expect(faults(facts)).toEqual(['critical bpdu-guard h1:bond0']);
  });

  test('is no cause once the port is up again', () => {
    const facts = blocked('', {
      switches: switchFacts({
        ports: switchLog([
          ['2026-11-26T10:00:00Z', 'leaf-a', CISCO],
          ['2026-11-26T10:30:00Z', 'leaf-a', '%ETHPORT-5-IF_UP: Interface Ethernet1/1 is up in mode trunk'],
        ]),
        connected: [{ switch: 'leaf-a', port: 'Ethernet1/1', host: 'h1' }],
      }),
    });

    expect(faults(facts)).toEqual(['critical bond-down h1:bond0']);
    expect(textOf(facts)).not.toMatch(/BPDU/i);
  });

  test('does not accuse an instance that was created long before, or on another host', () => {
    const server = (id: string, host: string, at: string) => ({
      id,
      name: id,
      host,
      createdAt: new Date(at),
    });
    const facts = blocked(CISCO, {
      cloud: cloudFacts({
        readHosts: ['h1'],
        servers: [server('old', 'h1', '2026-11-26T10:40:00Z'), server('far', 'h2', '2026-11-26T10:58:00Z')],
      }),
    });

    expect(textOf(facts)).toContain('no instance on h1 was created within 15 minutes before');
    expect(textOf(facts)).not.toMatch(/old|far/);
  });

  test('accepts a clock of the cloud that is a little ahead', () => {
    const facts = blocked(CISCO, {
      cloud: cloudFacts({
        readHosts: ['h1'],
        servers: [
          { id: 'i1', name: 'fw', host: 'h1.example.com', createdAt: new Date('2026-11-26T11:00:40Z') },
        ],
      }),
    });

    expect(textOf(facts)).toContain('a suspect is fw on h1');
  });

  test('says that the instances are unknown if they could not be read', () => {
    expect(textOf(blocked(CISCO))).toContain("the instances on h1 couldn't be read");
  });

  test('suspects a bridge with STP on, without proof', () => {
    const links = [
      link('eno1', { master: 'bond0', flags: NO_CARRIER }),
      link('eno2', { master: 'bond0', flags: NO_CARRIER }),
      link('bond0', { kind: 'bond', flags: NO_CARRIER }),
      link('bond0.5', { kind: 'vlan', parent: 'bond0', master: 'br5' }),
      link('br5', { kind: 'bridge', bridge: { hasStp: true } }),
      link('docker0', { kind: 'bridge', bridge: { hasStp: true } }),
    ];

    expect(textOf(blocked(CISCO, {}, { links }))).toMatch(
      /not proven; a suspect is the host's own bridge br5,/,
    );
  });

  test('says that the host sent them itself even if no bridge with STP is known', () => {
    const facts = blocked(
      `${CISCO} (source mac 02:00:00:00:00:01)`,
      {},
      {
        bonds: [bond('bond0', [lost('eno1', { permanentMac: '02:00:00:00:00:01' }), lost('eno2')])],
      },
    );

    expect(textOf(facts)).toContain('The sender is the host itself');
    expect(textOf(facts)).toContain('ovs-vsctl');
  });

  test('does not take the MAC address of a guest on a macvtap for the host', () => {
    const facts = blocked(
      `${CISCO} (source mac fa:16:3e:00:00:01)`,
      {
        cloud: cloudFacts({
          ports: [
            { id: 'port-1', mac: 'fa:16:3e:00:00:01', owner: 'compute:nova', device: 'i-1', addresses: [] },
          ],
        }),
      },
      { links: [link('macvtap0', { kind: 'macvtap', mac: 'fa:16:3e:00:00:01' })] },
    );

    expect(textOf(facts)).toContain('the sender is instance i-1');
  });

  test('says whether anyone was asked about a MAC address that no one knows', () => {
    const text = `${CISCO} (source mac fa:16:3e:00:00:01)`;

    expect(textOf(blocked(text, { cloud: cloudFacts({}) }))).toContain(
      'which neither the host nor the cloud knows',
    );
    expect(textOf(blocked(text, { cloud: cloudFacts({ arePortsComplete: false }) }))).not.toContain(
      'nor the cloud',
    );
    expect(textOf(blocked(text))).not.toContain('nor the cloud');
  });

  describe('with a MAC address that no cloud knows', () => {
    const text = `${CISCO} (source mac fa:16:3e:00:00:01)`;
    const cloud = cloudFacts({});

    test('names the tap of the guest, by its own address or by that of libvirt', () => {
      for (const mac of ['fa:16:3e:00:00:01', 'fe:16:3e:00:00:01']) {
        const links = [link('tap0c1b7e55-6f', { kind: 'tun', mac })];
        const found = textOf(blocked(text, { cloud }, { links }));
        expect(found).toContain('connected to tap0c1b7e55-6f on h1');
        expect(found).toContain('-i tap0c1b7e55-6f');
      }
    });

    test('names the bridge of another host that has it', () => {
      const facts = blocked(text, { cloud });
      const bridge = link('br-ex', {
        kind: 'bridge',
        mac: 'fa:16:3e:00:00:01',
        bridge: { hasStp: true },
      });
      const other = hostFacts('net-7', {
        bonds: [bond('bond0', [slave('e1'), slave('e2')])],
        links: [bridge],
      });
      const found = textOf({ ...facts, hosts: [...facts.hosts, other] });
      expect(found).toContain('br-ex on net-7, a bridge with STP on');
      expect(found).not.toContain('may have been deleted');
    });
  });

  describe('on the ports of a host that could not be read', () => {
    const silent = [hostFacts('cmp-7', { isSilent: true as const })];
    const port = (name: string) => [`2026-11-26T11:22:50Z`, name, CISCO] as const;
    const connected = ['leaf-a', 'leaf-b'].map((name) => ({
      switch: name,
      port: 'Ethernet1/1',
      host: 'cmp-7',
    }));

    test('is critical if all its ports are disabled', () => {
      const facts = factsOf([], {
        silent,
        switches: switchFacts({ ports: switchLog([port('leaf-a'), port('leaf-b')]), connected }),
      });
      expect(faults(facts)).toEqual(['critical bpdu-guard cmp-7']);
      expect(diagnose(facts).verdict).toBe("cmp-7 couldn't be read: BPDU guard disabled its switch ports");
      expect(textOf(facts)).toContain('Filter BPDUs of guests before the ports are re-enabled');
    });

    test('is a warning if another port of it works, and nothing without such a line', () => {
      const half = switchFacts({ ports: switchLog([port('leaf-a')]), connected });
      expect(faults(factsOf([], { silent, switches: half }))).toEqual(['warning bpdu-guard cmp-7']);
      expect(faults(factsOf([], { silent, switches: switchFacts({ connected }) }))).toEqual([]);
    });
  });

  test('keeps two hosts with different senders apart', () => {
    const macs = ['fa:16:3e:00:00:01', 'fa:16:3e:00:00:02'];
    const facts = factsOf(
      ['h1', 'h2'].map((name) => hostFacts(name, { bonds: [bond('bond0', [lost('eno1')])] })),
      {
        switches: switchFacts({
          ports: switchLog(
            macs.map((mac, at) => [
              '2026-11-26T11:00:00Z',
              'leaf-a',
              `${CISCO.replace('Eth1/1', `Eth1/${at + 1}`)} (source mac ${mac})`,
            ]),
          ),
          connected: ['h1', 'h2'].map((host, at) => ({
            switch: 'leaf-a',
            port: `Ethernet1/${at + 1}`,
            host,
          })),
        }),
      },
    );

    expect(faults(facts)).toEqual(['critical bpdu-guard h1:bond0', 'critical bpdu-guard h2:bond0']);
  });

  test('is a labeled guess if only the numbers of other hosts and their ports say which port it is', () => {
    const facts = (port: string, other = 'Ethernet1/43') =>
      factsOf(
        [
          hostFacts('cmp-41', { bonds: [bond('bond0', [lost('a'), lost('b')])] }),
          hostFacts('cmp-43', {
            bonds: [bond('bond0', [slave('a')])],
            neighbors: [{ link: 'a', switch: 'leaf-a', port: other }],
          }),
        ],
        {
          switches: switchFacts({
            ports: switchLog([['2026-11-26T11:00:00Z', 'leaf-a', CISCO.replace('Eth1/1', port)]]),
          }),
        },
      );

    const guessed = diagnose(facts('Ethernet1/41'));
    expect(guessed.findings[0]).toMatchObject({ reason: 'bpdu-guard', target: 'cmp-41:bond0' });
    expect(guessed.findings[0]?.summary).toContain('BPDU guard probably disabled its switch port');
    expect(guessed.verdict).not.toContain('BPDU');
    expect(textOf(facts('Ethernet1/41'))).toContain('its number (a guess)');
    expect(faults(facts('Ethernet1/40'))[0]).toBe('critical bond-down cmp-41:bond0');
    expect(faults(facts('Ethernet1/41', 'Ethernet1/7'))[0]).toBe('critical bond-down cmp-41:bond0');
  });

  test('is only a warning while the bond has another slave', () => {
    const facts = blocked(CISCO, {}, { bonds: [bond('bond0', [lost('eno1'), slave('eno2')])] });

    expect(faults(facts)).toEqual(['warning bpdu-guard h1:bond0']);
    expect(diagnose(facts).verdict).toBe('1 bond has lost a link: BPDU guard disabled its switch ports');
  });

  test('is a labeled guess if nothing says what is connected to the port', () => {
    const facts = blocked(CISCO, {
      switches: switchFacts({ ports: switchLog([['2026-11-26T11:00:00Z', 'leaf-z', CISCO]]) }),
    });

    expect(faults(facts)).toEqual(['critical bond-down h1:bond0']);
    expect(textOf(facts)).toContain('a guess: BPDU guard disabled leaf-z Eth1/1');
  });
});

describe('bonds that carry nothing', () => {
  test('are critical, and the switch is asked first', () => {
    const facts = factsOf([hostFacts('h1', { bonds: [bond('bond0', [lost('eno1'), lost('eno2')])] })]);

    expect(faults(facts)).toEqual(['critical bond-down h1:bond0']);
    expect(diagnose(facts).findings[0]?.summary).toMatch(
      /both slaves have no link, and h1 responds over SSH.*ask the network team/,
    );
    expect(diagnose(facts).verdict).toBe('1 bond is down');
  });

  test('include those with fewer links than min_links', () => {
    const few = lacpBond('bond0', [slave('a'), lost('b'), lost('c')], { miiStatus: 'down', minLinks: 2 });

    expect(textOf(factsOf([hostFacts('h1', { bonds: [few] })]))).toContain(
      '1 slave of 3 has a link, and it requires 2',
    );
    expect(faultsOf(few)).toEqual(['critical bond-down h1:bond0']);
  });

  test('do not include one whose slaves are just coming back', () => {
    expect(
      faultsOf(bond('bond0', [slave('a', { miiStatus: 'going back' }), slave('b')], { miiStatus: 'down' })),
    ).toEqual([]);
  });

  test('are not the fault of the switch if someone switched the slaves off', () => {
    const off = ['BROADCAST', 'MULTICAST'];
    const facts = factsOf([
      hostFacts('h1', {
        bonds: [bond('bond0', [lost('d1'), lost('d2')])],
        links: [
          link('d1', { master: 'bond0', flags: off }),
          link('d2', { master: 'bond0', flags: off }),
          link('bond0', { kind: 'bond', flags: NO_CARRIER }),
        ],
      }),
    ]);

    expect(diagnose(facts).findings[0]?.summary).toContain('both slaves are administratively down');
    expect(textOf(facts)).not.toContain('network team');
  });

  test('name another reason of the switch', () => {
    const facts = factsOf([hostFacts('h1', { bonds: [bond('bond0', [lost('eno1')])] })], {
      switches: switchFacts({
        ports: switchLog([
          [
            '2026-11-26T11:00:00Z',
            'sw',
            '%PM-4-ERR_DISABLE: link-flap error detected on Gi1/0/3, putting Gi1/0/3 in err-disable state',
          ],
        ]),
        connected: [{ switch: 'sw', port: 'GigabitEthernet1/0/3', host: 'h1' }],
      }),
    });

    expect(faults(facts)).toEqual(['critical switch-port-disabled h1:bond0']);
    expect(textOf(facts)).toContain('(link-flap)');
  });

  test('whose report ends before its slaves are not taken for empty', () => {
    const facts = factsOf([
      hostFacts('h1', { bonds: [{ name: 'bond0', mode: 'fault-tolerance (active-backup)', slaves: [] }] }),
    ]);
    expect(faults(facts)).toEqual([]);
    expect(bondsOf(facts.hosts[0]!).flatMap(unknownsOf)).toContain('which slaves it has');
  });

  test('without slaves are critical only if something is built on them', () => {
    const empty = bond('bond0', []);
    const host = (links?: readonly ports.Link[]) =>
      factsOf([hostFacts('h1', { bonds: [empty], ...(links && { links }) })]);

    expect(faults(host())).toEqual(['warning no-slaves h1:bond0']);
    expect(faults(host([link('bond0', { kind: 'bond', flags: ['BROADCAST', 'MASTER'] })]))).toEqual([
      'info no-slaves h1:bond0',
    ]);
    expect(
      faults(host([link('bond0', { kind: 'bond' }), link('v5', { kind: 'vlan', parent: 'bond0' })])),
    ).toEqual(['critical no-slaves h1:bond0']);
  });

  test('that are switched off are a warning if something is built on them', () => {
    const off = (master?: string) =>
      factsOf([
        hostFacts('h1', {
          bonds: [bond('bond0', [lost('a'), lost('b')])],
          links: [
            link('bond0', { kind: 'bond', flags: ['BROADCAST'], ...(master !== undefined && { master }) }),
          ],
        }),
      ]);

    expect(faults(off('br0'))).toEqual(['warning bond-disabled h1:bond0']);
    expect(faults(off())).toEqual(['info bond-disabled h1:bond0']);
  });
});

describe('link monitoring', () => {
  test('that is off is critical once the active slave is dead, and a warning before', () => {
    const { facts } = nobodyChecksLinks;

    expect(faults(facts)).toEqual([
      'critical dead-slave-in-use web-1:bond0',
      'warning no-link-monitoring web-2:bond0',
    ]);
    expect(textOf(facts)).toContain('`ip link set bond0 type bond miimon 100`');
    expect(textOf(facts)).toContain('mii-monitor-interval: 100');
    expect(textOf(facts)).not.toMatch(/bond0 is up/);
  });

  const unmonitored = (known: Partial<ports.Bond>, flags: readonly string[] = NO_CARRIER) =>
    factsOf([
      hostFacts('h1', {
        bonds: [bond('bond0', [slave('a'), slave('b')], { miimonMs: 0, ...known })],
        links: [
          link('a', { master: 'bond0' }),
          link('b', { master: 'bond0', flags }),
          link('bond0', { kind: 'bond' }),
        ],
      }),
    ]);

  test('that is off with a dead backup slave loses no traffic yet', () => {
    expect(faults(unmonitored({}))).toEqual([
      'warning slave-down h1:bond0',
      'warning no-link-monitoring h1:bond0',
    ]);
  });

  test('that is off loses a part of the traffic in modes that use all slaves', () => {
    for (const mode of ['load balancing (round-robin)', 'load balancing (xor)'])
      expect(faults(unmonitored({ mode }))).toEqual(['critical dead-slave-in-use h1:bond0']);
    expect(faults(unmonitored({ mode: 'fault-tolerance (broadcast)' }))[0]).toBe(
      'warning slave-down h1:bond0',
    );
  });

  test('that is off while every slave is dead is a bond that is down', () => {
    const facts = unmonitored({});
    const links = facts.hosts[0]!.links!.map((one) =>
      one.name === 'a' ? { ...one, flags: NO_CARRIER } : one,
    );

    expect(faults(factsOf([{ ...facts.hosts[0]!, links }]))).toEqual(['critical bond-down h1:bond0']);
  });

  test('by ARP is monitoring', () => {
    expect(faultsOf(bond('bond0', [slave('a'), slave('b')], { miimonMs: 0, arpIntervalMs: 1_000 }))).toEqual(
      [],
    );
  });

  test('that is off is one finding for many hosts', () => {
    const facts = factsOf(
      ['h1', 'h2'].map((name) =>
        hostFacts(name, { bonds: [bond('bond0', [slave('a'), slave('b')], { miimonMs: 0 })] }),
      ),
    );

    expect(diagnose(facts).findings.map(({ targets }) => targets)).toEqual([['h1:bond0', 'h2:bond0']]);
  });

  test('that is off and a slave without speed is only a labeled sign', () => {
    const { speedMbps: _, ...silent } = slave('a');
    const facts = factsOf([
      hostFacts('h1', { bonds: [bond('bond0', [silent, slave('b')], { miimonMs: 0 })] }),
    ]);

    expect(faults(facts)).toEqual(['warning no-link-monitoring h1:bond0']);
    expect(textOf(facts)).toContain(
      '`ip link show a` on h1: the driver reports no speed, so it may have lost its link',
    );
  });
});

describe('slaves', () => {
  test('that are down are a warning while others carry the traffic', () => {
    expect(faultsOf(bond('bond0', [lost('a'), slave('b')]))).toEqual(['warning slave-down h1:bond0']);
    expect(faultsOf(bond('bond0', [slave('a', { miiStatus: 'going down' }), slave('b')]))).toEqual([
      'warning slave-down h1:bond0',
    ]);
  });

  test('without a carrier that the driver still believes in are a warning', () => {
    const host = hostFacts('h1', {
      bonds: [bond('bond0', [slave('a'), slave('b')])],
      links: [
        link('a', { master: 'bond0', flags: NO_CARRIER }),
        link('b', { master: 'bond0' }),
        link('bond0', { kind: 'bond' }),
      ],
    });

    expect(faults(factsOf([host]))).toEqual(['warning slave-down h1:bond0']);
  });

  test('that failed over once are no finding', () => {
    expect(diagnose(failedOver.facts)).toMatchObject({
      findings: [],
      verdict: 'The only bond has links on all slaves; 1 host has no bond',
    });
  });

  test('that lost their links again and again since an earlier run are a warning', () => {
    const facts = (now: number, before: readonly number[]) =>
      factsOf(
        [hostFacts('h1', { bonds: [bond('bond0', [slave('a', { linkFailures: now }), slave('b')])] })],
        {
          earlier: before.map((failures, at) => ({
            bond: 'h1:bond0',
            slaves: [{ name: 'a', failures }],
            at: new Date(at * 60_000),
          })),
        },
      );

    expect(faults(facts(9, [2, 5]))).toEqual(['warning link-flapping h1:bond0']);
    expect(faults(facts(3, [2]))).toEqual([]);
    expect(faults(facts(2, [40, 0]))).toEqual([]);
    expect(faults(facts(40, [40]))).toEqual(['info link-failures h1:bond0']);
  });

  test('of other speeds, with one MAC address or alone are worth knowing', () => {
    expect(faultsOf(bond('bond0', [slave('a', { speedMbps: 1_000 }), slave('b')]))).toEqual([
      'info unequal-speeds h1:bond0',
    ]);
    expect(
      faultsOf(bond('bond0', [slave('a', { permanentMac: 'x' }), slave('b', { permanentMac: 'x' })])),
    ).toEqual(['info duplicate-mac h1:bond0']);
    expect(faultsOf(bond('bond0', [slave('a')]))).toEqual(['info single-slave h1:bond0']);
  });
});

describe('802.3ad', () => {
  const P = '02:5a:00:00:00:01';
  const in1 = (name: string, known: Partial<ports.BondSlave> = {}) =>
    slave(name, { aggregatorId: 1, partnerMac: P, ...known });
  const active = { aggregator: { id: 1, ports: 2, partnerMac: P } };

  test('with two partners is a split, compared with a bond that is not', () => {
    const { facts } = twoPartners;

    expect(faults(facts)).toEqual(['warning aggregator-split db-1:bond0']);
    expect(textOf(facts)).toContain('another LACP partner (02:5a:00:00:00:0b)');
    expect(textOf(facts)).toContain('"Compare with","value":"db-2:bond0"');
    expect(textOf(facts)).not.toMatch(/is down|no LACP partner/);
  });

  test('is healthy with all slaves in one aggregator', () => {
    expect(faultsOf(lacpBond('bond0', [in1('a'), in1('b')], active))).toEqual([]);
  });

  test('without a partner carries at most one link', () => {
    const zero = '00:00:00:00:00:00';
    const alone = ['a', 'b'].map((name, at) => slave(name, { aggregatorId: at + 1, partnerMac: zero }));

    expect(faultsOf(lacpBond('bond0', alone, { aggregator: { id: 1, ports: 1, partnerMac: zero } }))).toEqual(
      ['warning no-lacp-partner h1:bond0'],
    );
  });

  test('with one slave that receives no LACP is a split, whatever the other does', () => {
    const facts = factsOf([
      hostFacts('h1', {
        bonds: [
          lacpBond(
            'bond0',
            [in1('a'), slave('b', { aggregatorId: 2, partnerMac: '00:00:00:00:00:00' })],
            active,
          ),
        ],
      }),
    ]);

    expect(faults(facts)).toEqual(['warning aggregator-split h1:bond0']);
    expect(textOf(facts)).toContain('b receives no LACP packets');
  });

  test('with slaves of different speeds names the speed as the cause', () => {
    const slow = in1('b', { aggregatorId: 2, speedMbps: 1_000 });

    expect(
      textOf(factsOf([hostFacts('h1', { bonds: [lacpBond('bond0', [in1('a'), slow], active)] })])),
    ).toContain('b has another speed');
  });

  test('that does not settle, or aggregates fewer ports than have a link, is a warning', () => {
    expect(faultsOf(lacpBond('bond0', [in1('a'), in1('b', { partnerChurn: 'churned' })], active))).toEqual([
      'warning lacp-unsettled h1:bond0',
    ]);
    expect(
      faultsOf(lacpBond('bond0', [in1('a'), in1('b')], { aggregator: { id: 1, ports: 1, partnerMac: P } })),
    ).toEqual(['warning lacp-unsettled h1:bond0']);
  });

  test('with a slave that is down is not a split as well', () => {
    const facts = lacpBond('bond0', [in1('a'), lost('b', { aggregatorId: 2 })], {
      aggregator: { id: 1, ports: 1, partnerMac: P },
    });

    expect(faultsOf(facts)).toEqual(['warning slave-down h1:bond0']);
  });
});

describe('a bond of which only the links could be read', () => {
  const host = (flags: readonly string[]) =>
    hostFacts('h1', {
      links: [
        link('a', { master: 'bond0', bondSlave: { miiStatus: 'UP' }, flags }),
        link('b', { master: 'bond0', bondSlave: { miiStatus: 'UP' } }),
        link('bond0', {
          kind: 'bond',
          bond: { mode: 'active-backup', activeSlave: 'a', miimonMs: 0, arpIntervalMs: 0 },
        }),
      ],
    });

  test('is judged by them', () => {
    expect(faults(factsOf([host(NO_CARRIER)]))).toEqual(['critical dead-slave-in-use h1:bond0']);
    expect(faults(factsOf([host(['UP', 'LOWER_UP'])]))).toEqual(['warning no-link-monitoring h1:bond0']);
  });
});

test('says that hosts have no bonds', () => {
  const hosts = ['h1', 'h2'].map((name) => hostFacts(name, { bonds: [], links: [link('eth0')] }));

  expect(diagnose(factsOf(hosts))).toMatchObject({
    verdict: '2 hosts have no bonds',
    findings: [],
    examined: 2,
  });
});
