import { describe, expect, test } from 'vitest';
import { switchLog } from './builders.ts';
import { readPortLine } from './switch-log.ts';

describe('messages of BPDU guard', () => {
  test.each([
    [
      'Arista',
      '%SPANTREE-4-BLOCK_BPDUGUARD: Received BPDU packet on Port-Channel35 with BPDU guard enabled. Disabling interface. (source mac fa:16:3e:24:e7:22)',
      'channel 35',
    ],
    ['Arista, error', '%ETH-4-ERRDISABLE: bpduguard error detected on Port-Channel35.', 'channel 35'],
    [
      'IOS',
      '%SPANTREE-2-BLOCK_BPDUGUARD: Received BPDU on port GigabitEthernet0/1 with BPDU Guard enabled. Disabling port.',
      'gi 0/1',
    ],
    [
      'IOS, error',
      '%PM-4-ERR_DISABLE: bpduguard error detected on Gi0/1, putting Gi0/1 in err-disable state',
      'gi 0/1',
    ],
    [
      'IOS-XE',
      '%SPANTREE-2-BLOCK_BPDUGUARD_VP: Received BPDU on port TwentyFiveGigE1/0/5, vlan 10 with BPDU Guard enabled. Disabling port.',
      'twe 1/0/5',
    ],
    [
      'NX-OS',
      '%STP-2-BLOCK_BPDUGUARD: Received BPDU on port Ethernet1/41 with BPDU Guard enabled. Disabling port.',
      'eth 1/41',
    ],
    [
      'NX-OS, error',
      '%ETHPORT-5-IF_DOWN_ERROR_DISABLED: Interface Ethernet1/41 is down (Error disabled. Reason:BPDUGuard)',
      'eth 1/41',
    ],
    ['Junos', 'ESWD_BPDU_BLOCK_ERROR_DISABLED: ge-0/0/17.0: bpdu-block disabled port', 'gi 0/0/17'],
    ['Cumulus', 'error, MSTP_IN_rx_bpdu: bridge:swp5 Recvd BPDU on BPDU Guard Port - Port Down', 'swp 5'],
    [
      'Aruba',
      'Event|2007|LOG_WARN|AMM|1/1|Port 1/1/8 disabled - BPDU received on protected port',
      'port 1/1/8',
    ],
    [
      'Comware',
      '%STP/4/STP_BPDU_PROTECTION: BPDU-Protection port GigabitEthernet1/0/1 received BPDUs.',
      'gi 1/0/1',
    ],
    [
      'Huawei',
      'MSTP/4/PORT_BPDU_GUARDED: The edge port with BPDU protection enabled will be shut down, because it received a BPDU packet that may be used to initiate an attack. (PortName=GigabitEthernet0/0/1)',
      'gi 0/0/1',
    ],
    ['an unknown one', 'interface Eth1/7 err-disabled due to bpdu guard violation', 'eth 1/7'],
  ])('%s', (_, text, key) => {
    const read = readPortLine({ host: 'sw', text });

    expect([read?.says, read?.port.key]).toEqual(['bpdu-guard', key]);
  });

  test.each([
    [
      'a command',
      '%PARSER-5-CFGLOG_LOGGEDCMD: User:admin  logged command:spanning-tree bpduguard enable interface Gi0/1',
    ],
    [
      'a timer that expires',
      '%PM-4-ERR_RECOVER: Attempting to recover from bpduguard err-disable state on Gi0/1',
    ],
    ['a link that fails', '%ETHPORT-5-IF_DOWN_LINK_FAILURE: Interface Ethernet1/9 is down (Link failure)'],
    ['a change of the topology', '%SPANTREE-5-TOPOTRAP: Topology Change Trap for vlan 10 on Gi0/1'],
  ])('not %s', (_, text) => {
    expect(readPortLine({ host: 'sw', text })?.says).not.toBe('bpdu-guard');
  });

  test('whose tag was taken for the program are read as well', () => {
    const read = readPortLine({
      host: 'leaf-a',
      program: '%STP-2-BLOCK_BPDUGUARD',
      text: 'Received BPDU on port Ethernet1/41 with BPDU Guard enabled. Disabling port.',
    });

    expect(read?.says).toBe('bpdu-guard');
  });

  test.each([
    ['(source mac fa:16:3e:24:e7:22)', 'fa:16:3e:24:e7:22'],
    ['(PortName=Gi0/1, SrcMac=fa16-3e24-e722)', 'fa:16:3e:24:e7:22'],
    ['from source MAC fa16.3e24.e722', 'fa:16:3e:24:e7:22'],
    ['', undefined],
  ])('with the sender in %j', (text, mac) => {
    expect(readPortLine({ text: `BPDU guard: Gi0/1 disabled, BPDU received ${text}` })?.sourceMac).toBe(mac);
  });
});

const BLOCKED =
  '%STP-2-BLOCK_BPDUGUARD: Received BPDU on port Ethernet1/1 with BPDU Guard enabled. Disabling port.';
const UP = '%ETHPORT-5-IF_UP: Interface Ethernet1/1 is up in mode trunk';
const FLAPS =
  '%ETHPORT-5-IF_DOWN_ERROR_DISABLED: Interface Ethernet1/1 is down (Error disabled. Reason:link-flap)';

test('a port that came up later is not disabled', () => {
  const [port] = switchLog([
    ['2026-11-26T10:00:00Z', 'sw', BLOCKED],
    ['2026-11-26T10:05:00Z', 'sw', UP],
  ]);

  expect(port?.disabled).toBeUndefined();
});

test('a port that was disabled again knows when it was disabled before', () => {
  const [port] = switchLog([
    ['2026-11-26T10:00:00Z', 'sw', BLOCKED],
    ['2026-11-26T10:05:00Z', 'sw', UP],
    ['2026-11-26T10:05:02Z', 'sw', BLOCKED],
  ]);

  expect(port?.disabled?.times.map((at) => at.toISOString())).toEqual([
    '2026-11-26T10:05:02.000Z',
    '2026-11-26T10:00:00.000Z',
  ]);
  expect(port?.disabled?.lines).toHaveLength(1);
});

test('a port that was disabled for another reason later is not disabled by BPDU guard', () => {
  const [port] = switchLog([
    ['2026-11-26T10:00:00Z', 'sw', BLOCKED],
    ['2026-11-26T10:05:00Z', 'sw', UP],
    ['2026-11-26T11:00:00Z', 'sw', FLAPS],
  ]);

  expect(port?.disabled).toMatchObject({ by: 'other', cause: 'link-flap' });
});
