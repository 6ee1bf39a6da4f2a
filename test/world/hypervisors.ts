import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { answerHost } from '../cases/answer-host.ts';
import type { SpokenAnswer } from '../cases/case-file.ts';
import { generateHostKey } from './host-key.ts';
import { instanceAnswers } from './hypervisor-instances.ts';
import type { HostOutput } from './hosts/serve-hosts.ts';

/** Three hypervisors, their switches and their DHCP server, on loopback, without sshd. */
export interface Hypervisors {
  /** As configured in `wrench.yaml`. */
  readonly sources: readonly object[];
  readonly close: () => Promise<void>;
}

/** Where VLAN 881 of instances is: on the bond, or by mistake on VLAN 20 of the bond. */
const HOSTS = [
  { name: 'cmp-11', address: '10.20.0.11', parent: 'bond0', mappings: 'physnet1:bond0', isCutOff: false },
  { name: 'cmp-12', address: '10.20.0.12', parent: 'inet', mappings: 'physnet1:inet', isCutOff: false },
  { name: 'cmp-13', address: '10.20.0.13', parent: 'bond0', mappings: 'physnet1:bond0', isCutOff: true },
] as const;
type Hypervisor = (typeof HOSTS)[number];

/** When the switch disabled the ports of cmp-13. */
const CUT_OFF_MS_AGO = 12 * 60_000;
const PORTS = ['leaf-a Ethernet11 cmp-11', 'leaf-a Ethernet12 cmp-12', 'leaf-a Port-Channel13 cmp-13'];
/** Of an instance that forwards the frames of a spanning tree. */
const SENDER = 'fa:16:3e:24:e7:22';

const TAP = 'tap7c0e4a10-aa';
/** The lease takes 2 minutes, so a client renews it each minute. */
const HEALTHY_CLIENT = '10.61.0.15 fa:16:3e:77:b0:02';
const DEAF_CLIENT = '10.61.0.14 fa:16:3e:5c:01:9a';
/** What the client asked and what the server replied that it doesn't receive, in seconds ago. */
const LOST_REPLIES: readonly (readonly [secondsAgo: number, sent: string, replied: string])[] = [
  [135, 'DHCPREQUEST', 'DHCPACK'],
  [128, 'DHCPREQUEST', 'DHCPACK'],
  [119, 'DHCPREQUEST', 'DHCPACK'],
  [106, 'DHCPREQUEST', 'DHCPACK'],
  [94, 'DHCPDISCOVER', 'DHCPOFFER'],
  [88, 'DHCPDISCOVER', 'DHCPOFFER'],
  [77, 'DHCPDISCOVER', 'DHCPOFFER'],
];

export async function startHypervisors(): Promise<Hypervisors> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-hypervisors-'));
  const path = (name: string): string => join(folder, name);
  const { hostKey, publicKey } = generateHostKey();
  const servers = await Promise.all(
    HOSTS.map(async (host) => ({ host, ...(await serve(hostKey, (line) => answer(host, line))) })),
  );
  const inventory = servers.map(
    ({ host, port }) => `${host.name} ansible_host=127.0.0.1 ansible_port=${port}`,
  );
  await writeFile(path('inventory'), `${inventory.join('\n')}\n`);
  await writeFile(
    path('known_hosts'),
    servers.map(({ port }) => `[127.0.0.1]:${port} ${publicKey}\n`).join(''),
  );
  await writeFile(path('key'), generateHostKey().hostKey, { mode: 0o600 });
  await writeFile(path('leaf-a.log'), switchLog(new Date(Date.now() - CUT_OFF_MS_AGO)));
  await writeFile(path('net-1.log'), dhcpLog(new Date()));
  await writeFile(path('switch-ports'), `${PORTS.join('\n')}\n`);
  return {
    sources: [
      {
        kind: 'ssh',
        name: 'compute',
        inventory: path('inventory'),
        user: 'wrench',
        key: path('key'),
        knownHosts: path('known_hosts'),
      },
      {
        kind: 'syslog',
        name: 'switches',
        contains: ['switch'],
        paths: [path('leaf-a.log')],
        switchPorts: path('switch-ports'),
      },
      { kind: 'syslog', name: 'dhcp', contains: ['dhcp'], paths: [path('net-1.log')] },
    ],
    close: async () => {
      await Promise.all(servers.map(({ close }) => close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function answer(host: Hypervisor, line: string): HostOutput {
  // The key of a host is restricted to this program, as deploy/hosts shows.
  if (line.endsWith('wrench-collect --version')) return { exitCode: 0, stdout: 'wrench-collect 1\n' };
  const now = new Date();
  return answerHost(host.name, [...answersOf(host), ...instanceAnswers(host.name, now)], now, line);
}

function answersOf({ name: of, address, parent, mappings, isCutOff }: Hypervisor): readonly SpokenAnswer[] {
  const file = '/etc/neutron/plugins/ml2/linuxbridge_agent.ini';
  const settings = `[linux_bridge]\nphysical_interface_mappings = ${mappings}\n`;
  return [
    { of, ask: 'ip -j -d link show', json: linksOf(parent, isCutOff) },
    { of, ask: `cat ${file}`, text: settings },
    { of, ask: 'cat /proc/net/bonding/bond0', text: bondText(isCutOff) },
    {
      of,
      ask: 'ip -j addr',
      json: [{ ifname: 'inet', addr_info: [{ family: 'inet', local: address, prefixlen: 24 }] }],
    },
    { of, ask: 'ping -M do -s 1472', rc: isCutOff ? 1 : 0 },
    // No DHCP server runs on a hypervisor.
    { of, ask: 'journalctl -t dnsmasq-dhcp', text: '' },
  ];
}

function linksOf(parent: string, isCutOff: boolean): readonly object[] {
  const cable = isCutOff
    ? ['NO-CARRIER', 'BROADCAST', 'MULTICAST', 'SLAVE', 'UP']
    : ['BROADCAST', 'SLAVE', 'UP', 'LOWER_UP'];
  const nic = (ifname: string, mac: string, state: string): object => ({
    ifname,
    flags: cable,
    mtu: 1500,
    master: 'bond0',
    operstate: isCutOff ? 'DOWN' : 'UP',
    link_type: 'ether',
    address: mac,
    min_mtu: 68,
    max_mtu: 9216,
    linkinfo: {
      info_slave_kind: 'bond',
      info_slave_data: { state, mii_status: isCutOff ? 'DOWN' : 'UP', link_failure_count: isCutOff ? 1 : 0 },
    },
  });
  const virtual = (ifname: string, kind: string, data: object, more: object = {}): object => ({
    ifname,
    flags: ['BROADCAST', 'MULTICAST', 'UP', ...(isCutOff ? [] : ['LOWER_UP'])],
    mtu: 1500,
    operstate: isCutOff ? 'DOWN' : 'UP',
    link_type: 'ether',
    address: '02:1c:00:00:04:09',
    min_mtu: 68,
    max_mtu: 65_535,
    linkinfo: { info_kind: kind, info_data: data },
    ...more,
  });
  const vlan = (id: number): object => ({ protocol: '802.1Q', id, flags: ['REORDER_HDR'] });
  return [
    {
      ifname: 'lo',
      flags: ['LOOPBACK', 'UP', 'LOWER_UP'],
      mtu: 65_536,
      operstate: 'UNKNOWN',
      link_type: 'loopback',
    },
    nic('eno1', '02:1c:00:00:02:06', 'ACTIVE'),
    nic('eno2', '02:1c:00:00:03:07', 'BACKUP'),
    virtual('bond0', 'bond', {
      mode: 'active-backup',
      ...(!isCutOff && { active_slave: 'eno1' }),
      miimon: 100,
      arp_interval: 0,
    }),
    virtual('inet', 'vlan', vlan(20), { link: 'bond0' }),
    virtual('tenant-881', 'vlan', vlan(881), { link: parent, master: 'brq7d1c0a52-3e' }),
    virtual('brq7d1c0a52-3e', 'bridge', { stp_state: 0 }),
    virtual('tap5f21e0aa-17', 'tun', { type: 'tap' }, { master: 'brq7d1c0a52-3e' }),
  ];
}

/** https://docs.kernel.org/networking/bonding.html#proc-bonding-information */
function bondText(isCutOff: boolean): string {
  const status = isCutOff ? 'down' : 'up';
  const slave = (name: string, mac: string): string => `
Slave Interface: ${name}
MII Status: ${status}
Speed: ${isCutOff ? 'Unknown' : '10000 Mbps'}
Duplex: ${isCutOff ? 'Unknown' : 'full'}
Link Failure Count: ${isCutOff ? 1 : 0}
Permanent HW addr: ${mac}
Slave queue ID: 0
`;
  return `Ethernet Channel Bonding Driver: v5.15.0-130-generic

Bonding Mode: fault-tolerance (active-backup)
Primary Slave: None
Currently Active Slave: ${isCutOff ? 'None' : 'eno1'}
MII Status: ${status}
MII Polling Interval (ms): 100
Up Delay (ms): 0
Down Delay (ms): 0
${slave('eno1', '02:1c:00:00:02:06')}${slave('eno2', '02:1c:00:00:03:07')}`;
}

/** `Nov  6 11:40:03`, in UTC. */
function syslogTime(at: Date): string {
  const [, day, month, , time] = at.toUTCString().split(' ');
  return `${month} ${day?.replace(/^0/, ' ')} ${time}`;
}

/** As dnsmasq writes it. */
function dhcpLog(now: Date): string {
  const renewals = Array.from({ length: 15 }, (_, index) => ({
    secondsAgo: 20 + index * 60,
    lines: [`DHCPREQUEST(${TAP}) ${HEALTHY_CLIENT}`, `DHCPACK(${TAP}) ${HEALTHY_CLIENT}`],
  }));
  const lost = LOST_REPLIES.map(([secondsAgo, sent, replied]) => ({
    secondsAgo,
    lines: [
      `${sent}(${TAP}) ${sent === 'DHCPDISCOVER' ? DEAF_CLIENT.replace(/^\S+ /, '') : DEAF_CLIENT}`,
      `${replied}(${TAP}) ${DEAF_CLIENT}`,
    ],
  }));
  return [...renewals, ...lost]
    .toSorted((one, other) => other.secondsAgo - one.secondsAgo)
    .flatMap(({ secondsAgo, lines }) => {
      const at = syslogTime(new Date(now.getTime() - secondsAgo * 1_000));
      return lines.map((line) => `${at} net-1 dnsmasq-dhcp[2210]: ${line}\n`);
    })
    .join('');
}

/** As Arista EOS writes it, in UTC. */
function switchLog(at: Date): string {
  const when = `${syslogTime(at)} leaf-a`;
  return `${when} Stp: %SPANTREE-4-BLOCK_BPDUGUARD: Received BPDU packet on Port-Channel13 with BPDU guard enabled. Disabling interface. (source mac ${SENDER})
${when} Ebra: %ETH-4-ERRDISABLE: bpduguard error detected on Port-Channel13.
`;
}

interface HostServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

async function serve(hostKey: string, onLine: (line: string) => HostOutput): Promise<HostServer> {
  const clients = new Set<ssh2.Connection>();
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
    clients.add(client);
    client.on('error', () => undefined);
    client.on('close', () => clients.delete(client));
    client.on('authentication', (attempt) =>
      attempt.method === 'publickey' ? attempt.accept() : attempt.reject(['publickey']),
    );
    client.on('session', (accept) => {
      accept().on('exec', (start, _reject, { command }) => {
        const channel = start();
        const { exitCode, stdout = '', stderr = '' } = onLine(command);
        channel.stderr.write(stderr);
        channel.write(stdout);
        channel.exit(exitCode);
        channel.end();
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const client of clients) client.end();
      await closed;
    },
  };
}
