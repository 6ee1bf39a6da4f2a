import { expect, test } from 'vitest';
import { parseLine } from './parse-line.ts';

const MAC = 'fa:16:3e:5c:01:9a';
const dnsmasq = (text: string) => parseLine({ text, program: 'dnsmasq-dhcp' });

test.each([
  [`DHCPDISCOVER(tap1) ${MAC} `, { type: 'DISCOVER', link: 'tap1', mac: MAC }],
  [
    `DHCPDISCOVER(tap1) 10.61.0.14 ${MAC}`,
    { type: 'DISCOVER', link: 'tap1', mac: MAC, address: '10.61.0.14' },
  ],
  [
    `4089028125 DHCPOFFER(s0) 10.55.0.18 ${MAC} `,
    { type: 'OFFER', link: 's0', mac: MAC, address: '10.55.0.18' },
  ],
  [
    `DHCPACK(tap1) 10.61.0.14 ${MAC} host-10-61-0-14`,
    { type: 'ACK', link: 'tap1', mac: MAC, address: '10.61.0.14' },
  ],
  [
    `DHCPNAK(tap1) 10.61.0.14 ${MAC} lease not found`,
    { type: 'NAK', link: 'tap1', mac: MAC, address: '10.61.0.14', reason: 'lease not found' },
  ],
  [
    `DHCPDISCOVER(tap1) ${MAC} no address available`,
    { type: 'DISCOVER', link: 'tap1', mac: MAC, reason: 'no address available' },
  ],
  [`DHCPDECLINE(tap1) 10.61.0.14 ${MAC}`, { type: 'DECLINE', link: 'tap1', mac: MAC, address: '10.61.0.14' }],
  [
    `DHCPREQUEST(tap1) 10.61.0.14 ${MAC.toUpperCase()}`,
    { type: 'REQUEST', link: 'tap1', mac: MAC, address: '10.61.0.14' },
  ],
])("reads a message in dnsmasq's form: %s", (text, message) => {
  expect(dnsmasq(text)).toEqual({ kind: 'message', message });
});

test.each([
  [
    'DHCPDISCOVER from 52:54:00:00:00:01 via eth0: network lab: no free leases',
    { type: 'DISCOVER', link: 'eth0', reason: 'network lab: no free leases' },
  ],
  [
    'DHCPREQUEST for 10.0.0.7 (10.0.0.1) from 52:54:00:00:00:01 (lab-1) via eth0',
    { type: 'REQUEST', link: 'eth0', address: '10.0.0.7' },
  ],
  [
    'DHCPREQUEST for 10.0.0.7 from 52:54:00:00:00:01 via eth0: wrong network.',
    { type: 'REQUEST', link: 'eth0', address: '10.0.0.7', reason: 'wrong network' },
  ],
  ['DHCPNAK on 10.0.0.7 to 52:54:00:00:00:01 via eth0', { type: 'NAK', link: 'eth0', address: '10.0.0.7' }],
  [
    'DHCPOFFER on 10.0.0.7 to 52:54:00:00:00:01 (lab-1) via 10.0.9.1',
    { type: 'OFFER', link: '10.0.9.1', address: '10.0.0.7' },
  ],
])("reads a message in the form of ISC's server: %s", (text, message) => {
  expect(parseLine({ text, program: 'dhcpd' })).toEqual({
    kind: 'message',
    message: { mac: '52:54:00:00:00:01', ...message },
  });
});

test.each([
  ['started, version 2.90 cachesize 150', { kind: 'started' }],
  ['exiting on receipt of SIGTERM', { kind: 'stopped' }],
  ['DHCP, static leases only on 10.62.0.0, lease time 1d', { kind: 'static-only', leaseMs: 86_400_000 }],
  ['DHCP, IP range 10.0.0.10 -- 10.0.0.99, lease time 12h30m', { kind: 'lease', leaseMs: 45_000_000 }],
  ['DHCP, IP range 10.0.0.10 -- 10.0.0.99, lease time infinite', { kind: 'lease' }],
  ['4089028125 sent size:  4 option: 51 lease-time  2m', { kind: 'lease', leaseMs: 120_000 }],
  ['4089028125 sent size:  4 option: 58 T1  1m', { kind: 'lease', renewMs: 60_000 }],
  ['read /var/lib/neutron/dhcp/5d0a/host', { kind: 'network', network: '5d0a' }],
  ['no address range available for DHCP request via tap1', { kind: 'no-range', via: 'tap1' }],
  ['FAILED to start up', { kind: 'start-failed' }],
  ['DHCP packet received on tap1 which has no address', { kind: 'no-link-address', via: 'tap1' }],
  [
    'Error sending DHCP packet to 192.0.2.7: Operation not permitted',
    { kind: 'send-failed', to: '192.0.2.7', because: 'Operation not permitted' },
  ],
  [
    'not using configured address 10.0.0.9 because it is leased to 52:54:00:00:00:09',
    { kind: 'address-taken', address: '10.0.0.9', because: 'it is leased to 52:54:00:00:00:09' },
  ],
])('reads what a server says about itself: %s', (text, news) => {
  expect(dnsmasq(text)).toEqual({ kind: 'server', news });
});

test.each([
  'DHCPSOLICIT(tap1) 00:01:00:01:2c:4f:9a:11:fa:16:3e:5c:01:9a ',
  'DHCPREQUEST(tap1) 00:01:00:01:2c:4f:9a:11:fa:16:3e:5c:01:9a ',
  'DHCPREPLY(tap1) 2001:db8::15 00:01:00:01:2c:4f:9a:11:fa:16:3e:5c:01:9a app-1',
])('recognizes DHCPv6: %s', (text) => {
  expect(dnsmasq(text)).toEqual({ kind: 'v6' });
});

test.each([
  `DHCPACK(tap1) 10.61.0.14`,
  'DHCPNAK[tap1] 10.61.0.14 fa:16:3e:5c:01:9a',
  'DHCPREQUEST for 10.0.0.7 from 52:54:00:00 via eth0',
])('does not ignore a message of an unknown form: %s', (text) => {
  expect(dnsmasq(text)).toEqual({ kind: 'unreadable' });
});

test.each([
  ['dnsmasq-dhcp', 'Ignoring duplicate dhcp-option 6'],
  ['dnsmasq-dhcp', '4089028125 available DHCP range: 10.55.0.10 -- 10.55.0.50'],
  ['dnsmasq-dhcp', 'DHCP, sockets bound exclusively to interface tap1'],
  ['dnsmasq-dhcp', 'abandoning lease to 52:54:00:00:00:09 of 10.0.0.9'],
  ['dhclient', 'DHCPREQUEST for 10.55.0.18 on c0 to 10.55.0.1 port 67'],
  ['dhcpd', 'DHCPACK to 10.0.0.7 (52:54:00:00:00:01) via eth0'],
  ['neutron-dhcp-agent', 'DHCPAgent: synchronizing state'],
])('ignores other lines: %s %s', (program, text) => {
  expect(parseLine({ program, text })).toBeUndefined();
});

test.each([
  ['Suppressed 345 messages from neutron-dhcp-agent.service', {}],
  ['Suppressed 345 messages from /', {}],
  ['imjournal: 84667 messages lost due to rate-limiting', {}],
  ['imuxsock[pid 771]: begin to drop messages due to rate-limiting', { pid: 771 }],
  ['imuxsock lost 51 messages from pid 771 due to rate-limiting', { pid: 771 }],
  ['imuxsock[pid: 57, name: /usr/sbin/dnsmasq] from <dnsmasq>: begin to drop messages', {}],
])('notices that lines were dropped: %s', (text, of) => {
  expect(parseLine({ text, program: 'systemd-journald' })).toEqual({ kind: 'lost', ...of });
});

test.each([
  'Suppressed 345 messages from kubelet.service',
  'imuxsock[pid: 57, name: /usr/bin/orchagent]: 1024472 messages lost due to rate-limiting',
])('ignores lines that were dropped of another program: %s', (text) => {
  expect(parseLine({ text, program: 'rsyslogd' })).toBeUndefined();
});

test.each([
  [
    'Kea',
    'kea-dhcp4',
    'INFO  [kea-dhcp4.leases.139] DHCP4_LEASE_ALLOC [hwtype=1 52:54:00:00:00:02], tid=0x1',
  ],
  ['OVN', 'ovn-controller', '00053|pinctrl(ovn_pinctrl0)|INFO|DHCPOFFER fa:16:3e:80:67:62 192.0.2.5'],
  ['OVN', '', '|00053|pinctrl(ovn_pinctrl0)|INFO|DHCPACK fa:16:3e:80:67:62 192.0.2.5'],
  ['udhcpd', 'udhcpd', 'sending OFFER to 192.0.2.7'],
])('does not ignore the lines of %s', (name, program, text) => {
  expect(parseLine({ text, program })).toEqual({ kind: 'other-server', name });
});
