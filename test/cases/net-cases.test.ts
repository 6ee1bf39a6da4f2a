import { expect, test } from 'vitest';
import { askCase, problems } from './ask-case.ts';

/**
 * Hosts, switches and clouds rebuilt from public reports, each through a real sshd and the sources that a worker opens. Where the reports are:
 * `commands/net/<check>/stories.ts`.
 */
test.each([
  ['a VLAN of instances on another VLAN', 'o01', ['critical cmp-12:tenant-881']],
  ['customer VLANs in a service VLAN with room for them', 'o02', []],
  ['a VXLAN that does not fit its underlay', 'o03', ['critical cmp-22:vxlan-204']],
  ['jumbo frames on two of three hosts', 'o04', ['warning cmp-33:stor']],
  ['BPDU guard on the ports of two hosts', 'o05', ['critical cmp-41:bond0', 'critical cmp-42:bond0']],
  ["BPDU guard because of the host's own bridge", 'o06', ['critical net-2:bond1']],
  ['bonds that do not check their links', 'o07', ['critical cmp-51:bond0', 'warning cmp-52:bond0']],
  ['a bond whose slaves have two partners', 'o08', ['warning cmp-54:bond0']],
  ['a DHCP client that receives no replies', 'o09', ['critical 10.61.0.14 fa:16:3e:5c:01:9a']],
  [
    'a DHCP server that forgot its leases',
    'o10',
    ['critical 10.62.0.13 fa:16:3e:10:00:03', 'warning net-3 network 5d0a'],
  ],
  ['two DHCP servers of one network', 'o11', []],
])('%s (%s)', async (_what, name, faults) => {
  const verdict = await askCase(`net/${name}`);
  expect(problems(verdict)).toEqual(faults);
  expect(verdict.status).toBe(faults.length > 0 ? 'found' : 'clear');
  expect(verdict.report.gaps).toEqual([]);
  // No button changes a network.
  expect(verdict.offers).toEqual([]);
});
