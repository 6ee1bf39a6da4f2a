import { expect, test } from 'vitest';
import { check as bonds } from '../../commands/net/bonds/check.ts';
import { bond, lost, slave } from '../../commands/net/bonds/builders.ts';
import { check as dhcp } from '../../commands/net/dhcp/check.ts';
import { check as mtu } from '../../commands/net/mtu/check.ts';
import { bondOf, computeLinks, vlanOn } from '../../commands/net/mtu/builders.ts';
import { cloudSource, hostSource, logSource, type StoredHost } from '../../commands/shared/fixture-hosts.ts';
import { type ports, SourceError } from '../../commands/kit.ts';
import { digestOver, newsOf } from './digest-days.ts';

/** Digests over days of networks. */

const HOUR_MS = 3_600_000;
const START_MS = Date.parse('2026-11-20T00:00:00Z');
const atHour = (hour: number) => new Date(START_MS + hour * HOUR_MS);
const hourOf = (now: Date) => (now.getTime() - START_MS) / HOUR_MS;

const silent = new SourceError('compute', 'unreachable', 'no response within 10 s', { code: 'TIMEOUT' });

const CHECKS = { mtu, bonds, dhcp } as const;

async function newsAbout(
  name: keyof typeof CHECKS,
  hours: number,
  worldAt: (hour: number, now: Date) => Partial<ports.Readers>,
): Promise<readonly string[]> {
  const runs = await digestOver({
    check: CHECKS[name],
    name: `net/${name}`,
    at: Array.from({ length: hours }, (_, hour) => atHour(hour)),
    read: (now) => worldAt(hourOf(now), now),
  });
  return newsOf(runs);
}

function compute(now: Date, hosts: readonly StoredHost[]): ports.Hosts {
  return hostSource({ name: 'compute', now, hosts });
}

test('hosts with one wrong setting are one fault, also while one of them doesn’t respond, and after it is fixed', async () => {
  const news = await newsAbout('mtu', 10, (hour, now) => ({
    hosts: [
      compute(now, [
        hour === 4
          ? { name: 'cmp-11', error: silent }
          : { name: 'cmp-11', links: computeLinks(hour >= 7 ? 'bond0' : 'inet') },
        { name: 'cmp-12', links: computeLinks('inet') },
        { name: 'cmp-13', links: computeLinks('bond0') },
      ]),
    ],
  }));
  expect(news).toEqual(['20T07:00 better critical vlan-on-vlan cmp-12:tenant-881']);
});

test('a host that does not respond doesn’t change which hosts are unlike the others', async () => {
  const leg = (mtu: number) => [...bondOf(mtu), vlanOn('bond0', 'stor', 300, { mtu, master: 'br-stor' })];
  const news = await newsAbout('mtu', 10, (hour, now) => ({
    hosts: [
      compute(now, [
        hour === 4 ? { name: 'cmp-31', error: silent } : { name: 'cmp-31', links: leg(9_000) },
        { name: 'cmp-32', links: leg(9_000) },
        { name: 'cmp-33', links: leg(1_500) },
      ]),
    ],
  }));
  expect(news).toEqual([]);
});

const blocked = (hour: number, port: string): ports.LogLine => ({
  at: atHour(hour),
  host: 'leaf-a',
  text: `%STP-2-BLOCK_BPDUGUARD: Received BPDU on port ${port} with BPDU Guard enabled. Disabling port.`,
});

function dead(name: string): StoredHost {
  return {
    name,
    bonds: [bond('bond0', [lost('eno1'), lost('eno2')])],
  };
}
function alive(name: string): StoredHost {
  return { name, bonds: [bond('bond0', [slave('eno1'), slave('eno2')])] };
}

test('bonds that BPDU guard has cut off are one fault until they are back, after its lines have left the window', async () => {
  const news = await newsAbout('bonds', 80, (hour, now) => ({
    hosts: [
      compute(now, [
        hour < 3 || hour >= 60 ? alive('cmp-41') : dead('cmp-41'),
        hour === 10
          ? { name: 'cmp-42', error: silent }
          : hour < 2 || hour >= 62
            ? alive('cmp-42')
            : dead('cmp-42'),
        alive('cmp-43'),
      ]),
    ],
    logs: [
      logSource({
        name: 'switches',
        contains: ['switch'],
        lines: [
          ...(hour >= 2 ? [blocked(1.9, 'Ethernet1/42')] : []),
          ...(hour >= 3 ? [blocked(2.9, 'Ethernet1/41')] : []),
        ].filter(({ at }) => at! >= atHour(hour - 24)),
        switchPorts: [
          { switch: 'leaf-a', port: 'Ethernet1/41', host: 'cmp-41' },
          { switch: 'leaf-a', port: 'Ethernet1/42', host: 'cmp-42' },
        ],
      }),
    ],
  }));
  expect(news).toEqual([
    '20T02:00 appeared critical bpdu-guard cmp-42:bond0',
    '20T03:00 worse critical bpdu-guard cmp-42:bond0',
    '22T12:00 better critical bpdu-guard cmp-42:bond0',
    '22T14:00 gone critical bpdu-guard cmp-42:bond0',
  ]);
});

test('a bond that has had a link since, or whose switch port came up, has another cause', async () => {
  const cutOff =
    (hour: number, host: StoredHost, extra: readonly ports.LogLine[] = []) =>
    ({ now }: { now: Date }): Partial<ports.Readers> => ({
      hosts: [compute(now, [host])],
      logs: [
        logSource({
          name: 'switches',
          contains: ['switch'],
          lines: [blocked(1.9, 'Ethernet1/41'), ...extra].filter(
            ({ at }) => at! >= atHour(hour - 24) && at! <= now,
          ),
          switchPorts: [{ switch: 'leaf-a', port: 'Ethernet1/41', host: 'cmp-41' }],
        }),
      ],
    });
  const again = { name: 'cmp-41', bonds: [bond('bond0', [lost('eno1', { linkFailures: 2 }), lost('eno2')])] };
  const bounced = await newsAbout('bonds', 40, (hour, now) =>
    cutOff(hour, hour < 2 ? alive('cmp-41') : hour < 30 ? dead('cmp-41') : again)({ now }),
  );
  expect(bounced).toEqual([
    '20T02:00 appeared critical bpdu-guard cmp-41:bond0',
    '21T06:00 appeared critical bond-down cmp-41:bond0',
  ]);
  const up: ports.LogLine = {
    at: atHour(29.5),
    host: 'leaf-a',
    text: '%LINK-3-UPDOWN: Interface Ethernet1/41, changed state to up',
  };
  const enabled = await newsAbout('bonds', 40, (hour, now) =>
    cutOff(hour, hour < 2 ? alive('cmp-41') : dead('cmp-41'), [up])({ now }),
  );
  expect(enabled).toEqual(bounced);
});

const MAC = 'fa:16:3e:10:00:03';
const line = (hour: number, text: string, pid = 2210): ports.LogLine => ({
  at: atHour(hour),
  host: 'net-3',
  program: 'dnsmasq-dhcp',
  pid,
  text,
});
const OK = 'fa:16:3e:10:00:09';

test('a client that was refused has no address until a server logs one, or its port is deleted', async () => {
  const lines = (until: number) =>
    [
      line(0.1, 'read /var/lib/neutron/dhcp/5d0a/host'),
      ...Array.from({ length: 60 }, (_, at) => [
        line(at + 0.3, `DHCPREQUEST(tap1) 10.62.0.9 ${OK}`),
        line(at + 0.3, `DHCPACK(tap1) 10.62.0.9 ${OK} ok`),
      ]).flat(),
      line(3.4, `DHCPREQUEST(tap1) 10.62.0.13 ${MAC}`),
      line(3.4, `DHCPNAK(tap1) 10.62.0.13 ${MAC} lease not found`),
      line(30.4, `DHCPDISCOVER(tap1) ${MAC}`),
      line(30.4, `DHCPOFFER(tap1) 10.62.0.13 ${MAC}`),
      line(30.4, `DHCPREQUEST(tap1) 10.62.0.13 ${MAC}`),
      line(30.4, `DHCPACK(tap1) 10.62.0.13 ${MAC} back`),
    ]
      .filter(({ at }) => at! <= atHour(until))
      .toSorted((a, b) => a.at!.getTime() - b.at!.getTime());
  const world = (isDeleted: (hour: number) => boolean) => (hour: number, now: Date) => ({
    hosts: [compute(now, [{ name: 'net-3', logs: { dhcp: lines(hour) } }])],
    cloud: [
      cloudSource({
        name: 'openstack',
        ports: [{ id: 'p-13', mac: MAC, owner: 'compute:nova', addresses: [] }].filter(
          () => !isDeleted(hour),
        ),
      }),
    ],
  });
  const recovered = await newsAbout(
    'dhcp',
    40,
    world(() => false),
  );
  expect(recovered).toEqual([
    '20T04:00 appeared critical refused-and-silent 10.62.0.13 fa:16:3e:10:00:03',
    '21T07:00 gone critical refused-and-silent 10.62.0.13 fa:16:3e:10:00:03: has 10.62.0.13 since 2026-11-21 06:24 UTC',
  ]);
  const deleted = await newsAbout(
    'dhcp',
    20,
    world((hour) => hour >= 10),
  );
  expect(deleted).toEqual([
    '20T04:00 appeared critical refused-and-silent 10.62.0.13 fa:16:3e:10:00:03',
    '20T10:00 gone critical refused-and-silent 10.62.0.13 fa:16:3e:10:00:03',
  ]);
});
