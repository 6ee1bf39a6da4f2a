import { expect, test } from 'vitest';
import { portNamed, portsIn } from './switch-port.ts';

test.each([
  [['Ethernet1/41', 'Eth1/41', 'eth 1/41', 'et-1/41']],
  [['Port-Channel12', 'port-channel12', 'Po12', 'ae12']],
  [['GigabitEthernet1/0/1', 'Gi1/0/1', 'ge-1/0/1', 'ge-1/0/1.0']],
  [['TenGigabitEthernet1/0/1', 'TenGigE1/0/1', 'Te1/0/1', 'xe-1/0/1', '10GE1/0/1', 'XGigabitEthernet1/0/1']],
  [['1/1/8', 'Port 1/1/8']],
])('%j are one port', (names) => {
  expect(new Set(names.map((name) => portNamed(name).key)).size).toBe(1);
});

test('ports with the same numbers and another kind are different', () => {
  const names = [
    'Gi1/0/1',
    'Te1/0/1',
    'Ethernet1/0/1',
    'Po1',
    'swp1',
    'Ethernet1/1',
    'Ethernet1/11',
    'swp1s0',
  ];

  expect(new Set(names.map((name) => portNamed(name).key)).size).toBe(names.length);
});

test('a name in an unknown notation is compared as it is written', () => {
  expect(portNamed(' Slot 3, left ').key).toBe('slot 3, left');
});

test.each(['no port here', 'VLAN 10 of MST0', 'portfast 1', 'Received BPDU on port'])(
  '%j mentions none',
  (text) => {
    expect(portsIn(text)).toEqual([]);
  },
);

test('the ports of a sentence are found in order', () => {
  const text = 'bpduguard error detected on Gi0/1, putting Gi0/2 in err-disable state on Port-Channel35.';

  expect(portsIn(text).map(({ written }) => written)).toEqual(['Gi0/1', 'Gi0/2', 'Port-Channel35']);
});
