import { expect, test } from 'vitest';
import { parseBonds } from './bonds.ts';

/** As `grep -H` prints a file. */
const file = (name: string, text: string): string =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `/proc/net/bonding/${name}:${line}`)
    .join('\n');

const DOWN = `Ethernet Channel Bonding Driver: v6.1.176

Bonding Mode: fault-tolerance (active-backup)
Primary Slave: None
Currently Active Slave: None
MII Status: down
MII Polling Interval (ms): 100
Up Delay (ms): 0
Down Delay (ms): 0
Peer Notification Delay (ms): 0

Slave Interface: d1
MII Status: down
Speed: Unknown
Duplex: Unknown
Link Failure Count: 1
Permanent HW addr: de:6e:26:0d:51:94
Slave queue ID: 0

Slave Interface: d2
MII Status: going back
Speed: 10000 Mbps
Duplex: full
Link Failure Count: 3
Permanent HW addr: 9E:78:2D:8E:6C:0B
Slave queue ID: 0
`;

test('reads bonds whose slaves are down', () => {
  expect(parseBonds(file('bond0', DOWN))).toEqual([
    {
      name: 'bond0',
      mode: 'fault-tolerance (active-backup)',
      miiStatus: 'down',
      miimonMs: 100,
      slaves: [
        { name: 'd1', miiStatus: 'down', linkFailures: 1, permanentMac: 'de:6e:26:0d:51:94' },
        {
          name: 'd2',
          miiStatus: 'going back',
          speedMbps: 10_000,
          duplex: 'full',
          linkFailures: 3,
          permanentMac: '9e:78:2d:8e:6c:0b',
        },
      ],
    },
  ]);
});

const LACP = `Bonding Mode: IEEE 802.3ad Dynamic link aggregation
Transmit Hash Policy: layer3+4 (1)
MII Status: up
MII Polling Interval (ms): 0
ARP Polling Interval (ms): 500
ARP Missed Max: 2
ARP IP target/s (n.n.n.n form): 10.0.0.1

802.3ad info
LACP active: on
LACP rate: slow
Min links: 1
Aggregator selection policy (ad_select): stable
System priority: 65535
System MAC address: 02:1c:dd:00:00:ad
Active Aggregator Info:
	Aggregator ID: 1
	Number of ports: 1
	Actor Key: 15
	Partner Key: 3
	Partner Mac Address: 02:5a:00:00:00:6e

Slave Interface: ens2f0
MII Status: up
Aggregator ID: 1
Actor Churn State: none
Partner Churn State: none
Actor Churned Count: 0
details actor lacp pdu:
    system priority: 65535
    system mac address: 02:1c:dd:00:00:ad
    port state: 61
details partner lacp pdu:
    system priority: 32768
    system mac address: 02:5a:00:00:00:6e
    oper key: 3
    port state: 61

Slave Interface: ens2f1
MII Status: up
Aggregator ID: 2
Actor Churn State: churned
Partner Churn State: monitoring
details actor lacp pdu:
    system mac address: 02:1c:dd:00:00:ad
details partner lacp pdu:
    system mac address: 02:5a:00:00:00:7f
`;

test('reads aggregators, and the partner of each slave and not of this host', () => {
  const [bond] = parseBonds(file('bond1', LACP))!;
  expect(bond).toMatchObject({
    miimonMs: 0,
    arpIntervalMs: 500,
    minLinks: 1,
    aggregator: { id: 1, ports: 1, partnerMac: '02:5a:00:00:00:6e' },
  });
  expect(bond!.slaves).toEqual([
    {
      name: 'ens2f0',
      miiStatus: 'up',
      aggregatorId: 1,
      partnerMac: '02:5a:00:00:00:6e',
      actorChurn: 'none',
      partnerChurn: 'none',
    },
    {
      name: 'ens2f1',
      miiStatus: 'up',
      aggregatorId: 2,
      partnerMac: '02:5a:00:00:00:7f',
      actorChurn: 'churned',
      partnerChurn: 'monitoring',
    },
  ]);
  expect(bond).not.toHaveProperty('unknownLines');
});

test('a bond without slaves and one without an active aggregator are bonds', () => {
  const empty = file(
    'bond0',
    'Bonding Mode: load balancing (round-robin)\nMII Status: down\nMII Polling Interval (ms): 0\n',
  );
  const inactive = file(
    'bond1',
    'Bonding Mode: IEEE 802.3ad Dynamic link aggregation\nbond bond1 has no active aggregator\n',
  );
  expect(parseBonds(`${empty}\n${inactive}`)).toMatchObject([
    { name: 'bond0', slaves: [], miiStatus: 'down' },
    { name: 'bond1', slaves: [], aggregator: { ports: 0 } },
  ]);
});

test('keeps lines that a newer driver may have added', () => {
  const [bond] = parseBonds(file('bond0', `${DOWN}Slave Mood: bad\u0007 ${'x'.repeat(200)}\n`))!;
  expect(bond!.unknownLines).toHaveLength(1);
  expect(bond!.unknownLines![0]).toMatch(/^Slave Mood: bad x{50}/);
  expect(bond!.unknownLines![0]!.length).toBeLessThanOrEqual(80);
});

test('speeds that drivers do not know are unknown', () => {
  const [bond] = parseBonds(
    file(
      'b',
      'Bonding Mode: x\nSlave Interface: a\nSpeed: 4294967295 Mbps\nSlave Interface: c\nSpeed: 65535 Mbps\n',
    ),
  )!;
  expect(bond!.slaves).toEqual([{ name: 'a' }, { name: 'c' }]);
});

test.each([
  'Bonding Mode: x',
  '/proc/net/bonding/bond0',
  '/proc/net/bonding/bond0:MII Status: up',
  '/proc/net/bonding/a/b:Bonding Mode: x',
  '\u0000',
  '/etc/passwd:root',
])('does not take %j for bonds', (text) => {
  expect(parseBonds(text)).toBeUndefined();
});
