import type { ports } from '../../kit.ts';
import { cloudSource, hostSource, logSource } from '../../shared/fixture-hosts.ts';
import type { Fixture } from '../../shared/fixture-sources.ts';
import { talk } from './builders.ts';

const now = new Date('2026-11-26T12:00:00Z');
const QUIET = 'fa:16:3e:20:00:01';
const DEAF = 'fa:16:3e:20:00:02';
const COLLECTED = '52:54:00:20:00:03';

const healthy = `11:50:01 DISCOVER
  11:50:01 OFFER 192.0.2.40
  11:50:02 REQUEST 192.0.2.40
  11:50:02 ACK 192.0.2.40 host-192-0-2-40`;

const deaf = `11:52:00 REQUEST 192.0.2.41
  11:52:00 ACK 192.0.2.41
  11:52:05 REQUEST 192.0.2.41
  11:52:05 ACK 192.0.2.41
  11:52:14 REQUEST 192.0.2.41
  11:52:14 ACK 192.0.2.41
  11:52:31 REQUEST 192.0.2.41
  11:52:31 ACK 192.0.2.41
  11:52:50 DISCOVER
  11:52:50 OFFER 192.0.2.41
  11:52:58 DISCOVER
  11:52:58 OFFER 192.0.2.41`;

/** Two servers of one network, a server in a lab, and collected logs of a third site. */
function environment({ isDeaf }: { readonly isDeaf: boolean }): Partial<ports.Readers> {
  const both = talk({ host: 'net-1', link: 'tap-a', mac: QUIET }, healthy);
  const others = isDeaf ? talk({ host: 'net-1', link: 'tap-a', mac: DEAF }, deaf) : [];
  return {
    hosts: [
      hostSource({
        name: 'net',
        now,
        hosts: [
          {
            name: 'net-1',
            logs: { dhcp: [...both, ...others] },
            checksumRules: [{ namespace: '', fillsDhcp: false }],
          },
          {
            name: 'net-2',
            logs: {
              dhcp: talk(
                { host: 'net-2', link: 'tap-b', mac: QUIET },
                '11:50:01 DISCOVER\n11:50:01 OFFER 192.0.2.40',
              ),
            },
          },
        ],
      }),
      hostSource({
        name: 'lab',
        now,
        hosts: [
          { name: 'lab-1', logs: { dhcp: talk({ host: 'lab-1', mac: '52:54:00:20:00:04' }, healthy) } },
        ],
      }),
    ],
    logs: [
      logSource({
        name: 'branch',
        contains: ['dhcp'],
        lines: talk({ host: 'branch-gw', mac: COLLECTED }, healthy),
      }),
      logSource({ name: 'switches', contains: ['switch'], lines: [] }),
    ],
    cloud: [
      cloudSource({
        name: 'openstack',
        dhcpAgents: [
          { host: 'net-1', isAlive: true, isEnabled: true, leaseSeconds: 600 },
          { host: 'net-2', isAlive: true, isEnabled: true, leaseSeconds: 600 },
        ],
        ports: [
          {
            id: 'p-41',
            mac: DEAF,
            network: 'n-1',
            device: 'i-41',
            owner: 'compute:nova',
            host: 'net-1',
            addresses: ['192.0.2.41'],
          },
        ],
        servers: [{ id: 'i-41', name: 'app-41', power: 'running' }],
      }),
      cloudSource({ name: 'edge' }),
    ],
  };
}

const without: NonNullable<Fixture['answeredOtherwise']> = [
  {
    answer: /\.clock\(.*\) is missing/,
    because: 'without a clock, the lines of a host are compared as they are; a note says so',
  },
  {
    answer: /\.dhcpAgents\(\) is missing/,
    because: 'a cloud without this request has no agents to be down; the lines show how servers answer',
  },
];

export const fixtures: readonly Fixture[] = [
  {
    title: 'two servers of one network, one of which was chosen',
    status: 'clear',
    now,
    read: () => environment({ isDeaf: false }),
    answeredOtherwise: without,
  },
  {
    title: "one client doesn't receive the replies",
    status: 'found',
    now,
    read: () => environment({ isDeaf: true }),
  },
];
