import type { ports, Story } from '../../kit.ts';
import { factsOf, syslogLines, talk } from './builders.ts';
import type { Facts } from './facts.ts';

const now = new Date('2026-11-26T12:00:00Z');

const agent = (host: string, leaseSeconds?: number): ports.DhcpAgent => ({
  host,
  isAlive: true,
  isEnabled: true,
  ...(leaseSeconds !== undefined && { leaseSeconds }),
});

/** Recorded with dnsmasq 2.90 and ISC dhclient 4.4.3, whose return path was cut; only the day is changed. */
const cutReturnPath = `
Nov 26 11:47:01 dnsmasq-dhcp[7104]: 4089028125 DHCPDISCOVER(s0) fa:16:3e:24:e7:22
Nov 26 11:47:01 dnsmasq-dhcp[7104]: 4089028125 DHCPOFFER(s0) 10.55.0.18 fa:16:3e:24:e7:22
Nov 26 11:47:01 dnsmasq-dhcp[7104]: 4089028125 DHCPREQUEST(s0) 10.55.0.18 fa:16:3e:24:e7:22
Nov 26 11:47:01 dnsmasq-dhcp[7104]: 4089028125 DHCPACK(s0) 10.55.0.18 fa:16:3e:24:e7:22
Nov 26 11:48:53 dnsmasq-dhcp[7104]: 4089028125 DHCPREQUEST(s0) 10.55.0.18 fa:16:3e:24:e7:22
Nov 26 11:48:53 dnsmasq-dhcp[7104]: 4089028125 DHCPACK(s0) 10.55.0.18 fa:16:3e:24:e7:22
Nov 26 11:49:02 dnsmasq-dhcp[7104]: 4008892729 DHCPDISCOVER(s0) 10.55.0.18 fa:16:3e:24:e7:22
Nov 26 11:49:02 dnsmasq-dhcp[7104]: 4008892729 DHCPOFFER(s0) 10.55.0.18 fa:16:3e:24:e7:22
Nov 26 11:49:05 dnsmasq-dhcp[7104]: 4008892729 DHCPDISCOVER(s0) 10.55.0.18 fa:16:3e:24:e7:22
Nov 26 11:49:05 dnsmasq-dhcp[7104]: 4008892729 DHCPOFFER(s0) 10.55.0.18 fa:16:3e:24:e7:22
Nov 26 11:49:16 dnsmasq-dhcp[7104]: 1069766420 DHCPDISCOVER(s0) fa:16:3e:24:e7:22
Nov 26 11:49:16 dnsmasq-dhcp[7104]: 1069766420 DHCPOFFER(s0) 10.55.0.18 fa:16:3e:24:e7:22
Nov 26 11:49:24 dnsmasq-dhcp[7104]: 1069766420 DHCPDISCOVER(s0) fa:16:3e:24:e7:22
Nov 26 11:49:24 dnsmasq-dhcp[7104]: 1069766420 DHCPOFFER(s0) 10.55.0.18 fa:16:3e:24:e7:22
Nov 26 11:49:34 dnsmasq-dhcp[7104]: 1953898859 DHCPDISCOVER(s0) fa:16:3e:24:e7:22
Nov 26 11:49:34 dnsmasq-dhcp[7104]: 1953898859 DHCPOFFER(s0) 10.55.0.18 fa:16:3e:24:e7:22
Nov 26 11:49:40 dnsmasq-dhcp[7104]: 1953898859 DHCPDISCOVER(s0) fa:16:3e:24:e7:22
Nov 26 11:49:40 dnsmasq-dhcp[7104]: 1953898859 DHCPOFFER(s0) 10.55.0.18 fa:16:3e:24:e7:22`;

/** A lease of one minute, as nova-network gave it; the instance asks again and again, then loses its address. */
export const theIssue: Story<Facts> = {
  title: 'An instance disappears from the network: it ignores the replies to its renewals',
  source:
    'https://github.com/openstack/openstack-manuals/blob/2603dc85e537086638648d7d31884df285029614/doc/ops-guide/source/app_crypt.rst',
  now,
  facts: factsOf(
    [
      talk(
        { host: 'cloud-controller', link: 'br100', mac: 'fa:16:3e:3b:02:10' },
        `11:30:00 REQUEST 10.4.0.9
         11:30:00 ACK 10.4.0.9
         11:30:30 REQUEST 10.4.0.9
         11:30:30 ACK 10.4.0.9
         11:30:37 REQUEST 10.4.0.9
         11:30:37 ACK 10.4.0.9
         11:30:45 REQUEST 10.4.0.9
         11:30:45 ACK 10.4.0.9
         11:30:52 REQUEST 10.4.0.9
         11:30:52 ACK 10.4.0.9
         11:31:01 DISCOVER
         11:31:01 OFFER 10.4.0.9
         11:31:06 DISCOVER
         11:31:06 OFFER 10.4.0.9
         11:31:14 DISCOVER
         11:31:14 OFFER 10.4.0.9`,
      ),
      talk(
        { host: 'cloud-controller', link: 'br100', mac: 'fa:16:3e:3b:02:11' },
        `11:58:30 REQUEST 10.4.0.10
         11:58:30 ACK 10.4.0.10
         11:59:00 REQUEST 10.4.0.10
         11:59:00 ACK 10.4.0.10
         11:59:30 REQUEST 10.4.0.10
         11:59:30 ACK 10.4.0.10`,
      ),
    ],
    { agents: [agent('cloud-controller', 60)] },
  ),
};

export const lostReplies: Story<Facts> = {
  title: 'The return path to a client is cut',
  source: 'https://github.com/projectcalico/felix/issues/993',
  now,
  facts: factsOf([syslogLines(cutReturnPath)]),
};

/** The server and its client are on one host, and replies leave it without a checksum. */
export const badChecksums: Story<Facts> = {
  title: 'An instance on the host of its DHCP server drops replies without a checksum',
  source: 'https://github.com/blueboxgroup/ursula/issues/242',
  now,
  facts: factsOf(
    [
      talk(
        { mac: 'fa:16:3e:0c:11:07', link: 'tap4be0c7d1-3e' },
        `11:52:10 DISCOVER
         11:52:10 OFFER 192.0.2.31
         11:52:13 DISCOVER
         11:52:13 OFFER 192.0.2.31
         11:52:21 DISCOVER
         11:52:21 OFFER 192.0.2.31
         11:52:38 DISCOVER
         11:52:38 OFFER 192.0.2.31`,
      ),
    ],
    {
      agents: [agent('net-1', 86_400)],
      ports: [
        {
          id: '7c1f0f6e-2c53-4f5e-8f0e-3f3d4f3f9b10',
          mac: 'fa:16:3e:0c:11:07',
          network: '0b9ad6a4-1c1e-4c3f-9be0-52a4e8c52b6c',
          device: '1d2c3b4a-0000-4000-8000-1234567890ab',
          owner: 'compute:nova',
          host: 'net-1',
          status: 'ACTIVE',
          addresses: ['192.0.2.31'],
        },
      ],
      instances: [{ id: '1d2c3b4a-0000-4000-8000-1234567890ab', name: 'app-1', power: 'running' }],
      checksums: [
        {
          host: 'net-1',
          rules: [{ namespace: 'qdhcp-0b9ad6a4-1c1e-4c3f-9be0-52a4e8c52b6c', fillsDhcp: false }],
        },
      ],
    },
  ),
};

const restarted = syslogLines(
  `Nov 26 10:58:40 net-2 dnsmasq-dhcp[811]: DHCPREQUEST(tap5e1b2c3d-4f) 10.70.0.5 fa:16:3e:70:00:05
Nov 26 10:58:40 net-2 dnsmasq-dhcp[811]: DHCPACK(tap5e1b2c3d-4f) 10.70.0.5 fa:16:3e:70:00:05 host-10-70-0-5
Nov 26 11:02:10 net-2 dnsmasq[811]: exiting on receipt of SIGTERM
Nov 26 11:02:11 net-2 dnsmasq[4410]: started, version 2.80 cachesize 150
Nov 26 11:02:11 net-2 dnsmasq-dhcp[4410]: DHCP, static leases only on 10.70.0.0, lease time 2h
Nov 26 11:02:11 net-2 dnsmasq-dhcp[4410]: read /var/lib/neutron/dhcp/8d1f6a52-77e0-4b57-a0a1-0a3d1c7f9e11/host
Nov 26 11:10:02 net-2 dnsmasq-dhcp[4410]: DHCPREQUEST(tap5e1b2c3d-4f) 10.70.0.6 fa:16:3e:70:00:06
Nov 26 11:10:02 net-2 dnsmasq-dhcp[4410]: DHCPNAK(tap5e1b2c3d-4f) 10.70.0.6 fa:16:3e:70:00:06 lease not found
Nov 26 11:10:05 net-2 dnsmasq-dhcp[4410]: DHCPDISCOVER(tap5e1b2c3d-4f) fa:16:3e:70:00:06
Nov 26 11:10:05 net-2 dnsmasq-dhcp[4410]: DHCPOFFER(tap5e1b2c3d-4f) 10.70.0.6 fa:16:3e:70:00:06
Nov 26 11:10:05 net-2 dnsmasq-dhcp[4410]: DHCPREQUEST(tap5e1b2c3d-4f) 10.70.0.6 fa:16:3e:70:00:06
Nov 26 11:10:05 net-2 dnsmasq-dhcp[4410]: DHCPACK(tap5e1b2c3d-4f) 10.70.0.6 fa:16:3e:70:00:06 host-10-70-0-6
Nov 26 11:31:40 net-2 dnsmasq-dhcp[4410]: DHCPREQUEST(tap5e1b2c3d-4f) 10.70.0.7 fa:16:3e:70:00:07
Nov 26 11:31:40 net-2 dnsmasq-dhcp[4410]: DHCPNAK(tap5e1b2c3d-4f) 10.70.0.7 fa:16:3e:70:00:07 lease not found`,
);

export const forgottenLeases: Story<Facts> = {
  title: 'A restarted DHCP server has lost its leases, and one guest gives up',
  source: 'https://bugs.launchpad.net/neutron/+bug/1345947',
  now,
  facts: factsOf([restarted]),
};

const lookingFor = (mac: string, time: string) =>
  talk(
    { host: 'pxe', link: 'eth1', mac, pid: 90 },
    `11:${time}:00 DISCOVER no address available\n11:${time}:08 DISCOVER no address available`,
  );

export const exhaustedPool: Story<Facts> = {
  title: 'New machines get no address: the pool is exhausted',
  source: 'https://github.com/shakenfist/shakenfist/issues/1686',
  now,
  facts: factsOf([
    [
      ...talk(
        { host: 'pxe', link: 'eth1', pid: 90, mac: '52:54:00:00:00:01' },
        '11:20:00 REQUEST 10.8.0.50\n11:20:00 ACK 10.8.0.50',
      ),
      ...lookingFor('52:54:00:00:00:02', '41'),
      ...lookingFor('52:54:00:00:00:03', '44'),
      ...lookingFor('52:54:00:00:00:04', '52'),
    ],
  ]),
};
