import { expect, test } from 'vitest';
import { factsOf, talk } from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { Facts } from './facts.ts';
import { badChecksums, exhaustedPool, forgottenLeases, lostReplies, theIssue } from './stories.ts';

const now = new Date('2026-11-26T12:00:00Z');
const MAC = 'fa:16:3e:5c:01:9a';

function faultsIn(facts: Facts): readonly string[] {
  return diagnose(facts, {}, now).findings.map(
    ({ severity, reason, target }) => `${severity} ${reason} ${target}`,
  );
}

function faultsOf(lines: string, known: Partial<Facts> = {}): readonly string[] {
  return faultsIn(factsOf([talk({ mac: MAC }, lines)], known));
}

test.each([
  [theIssue, ['critical replies-not-received 10.4.0.9 fa:16:3e:3b:02:10']],
  [lostReplies, ['critical replies-not-received 10.55.0.18 fa:16:3e:24:e7:22']],
  [badChecksums, ['critical replies-not-received 192.0.2.31 fa:16:3e:0c:11:07']],
  [
    forgottenLeases,
    [
      'critical refused-and-silent 10.70.0.7 fa:16:3e:70:00:07',
      'warning leases-forgotten net-2 network 8d1f6a52-77e0-4b57-a0a1-0a3d1c7f9e11',
    ],
  ],
  [exhaustedPool, ['critical pool-exhausted pxe eth1']],
])('finds the cause of "$title"', ({ facts }, faults) => {
  expect(faultsIn(facts)).toEqual(faults);
});

test('reports a client whose requests are logged and never answered', () => {
  expect(faultsOf('11:58:00 REQUEST 10.0.0.5\n11:58:05 REQUEST 10.0.0.5\n11:58:14 REQUEST 10.0.0.5')).toEqual(
    ['critical requests-not-answered net-1 tap1'],
  );
});

test('does not report the newest request, whose answer may not be logged yet', () => {
  expect(faultsOf('11:58:00 REQUEST 10.0.0.5\n11:58:00 ACK 10.0.0.5\n11:59:59 REQUEST 10.0.0.5')).toEqual([]);
});

test('does not report a refusal of the last two minutes: the client may be on its way back', () => {
  expect(faultsOf('11:59:00 REQUEST 10.0.0.5\n11:59:00 NAK 10.0.0.5 lease not found')).toEqual([]);
});

test('reports an instance that was refused and then shut down only as information', () => {
  const port = { id: 'p', mac: MAC, device: 'i', owner: 'compute:nova', addresses: [] };
  const known = { ports: [port], instances: [{ id: 'i', name: 'app', power: 'shut-down' }] };
  expect(faultsOf('11:20:00 REQUEST 10.0.0.5\n11:20:00 NAK 10.0.0.5 lease not found', known)).toEqual([
    `info refused-and-silent 10.0.0.5 ${MAC}`,
  ]);
});

test('reports declined addresses, critical if the client never gets another one', () => {
  const lap = (minute: number) =>
    `11:${minute}:00 DISCOVER\n11:${minute}:00 OFFER 10.0.0.5\n11:${minute}:01 REQUEST 10.0.0.5\n11:${minute}:01 ACK 10.0.0.5\n11:${minute}:03 DECLINE 10.0.0.5`;
  expect(faultsOf([lap(40), lap(41), lap(42)].join('\n'))).toEqual([
    `critical address-in-use 10.0.0.5 ${MAC}`,
  ]);
  expect(
    faultsOf(
      `${lap(40)}\n11:40:14 DISCOVER\n11:40:14 OFFER 10.0.0.6\n11:40:15 REQUEST 10.0.0.6\n11:40:15 ACK 10.0.0.6`,
    ),
  ).toEqual([`warning address-in-use 10.0.0.6 ${MAC}`]);
});

test('warns about a client that gets an address and starts over', () => {
  const laps = ['40', '41', '42', '43', '44', '45', '46'].map(
    (minute) =>
      `11:${minute}:00 DISCOVER\n11:${minute}:00 OFFER 10.0.0.5\n11:${minute}:01 REQUEST 10.0.0.5\n11:${minute}:01 ACK 10.0.0.5`,
  );
  expect(faultsOf(laps.join('\n'))).toEqual([`warning starting-over 10.0.0.5 ${MAC}`]);
});

test('takes four attempts at the times of firmware for a network boot, unless the client is an instance', () => {
  const lines = ['11:40:00', '11:40:04', '11:40:12', '11:40:28']
    .map((time) => `${time} DISCOVER\n${time} OFFER 10.0.0.5`)
    .join('\n');
  expect(faultsOf(lines)).toEqual([`warning replies-perhaps-not-received 10.0.0.5 ${MAC}`]);
  const ports = [{ id: 'p', mac: MAC, device: 'i', owner: 'compute:nova', addresses: [] }];
  expect(faultsOf(lines, { ports })).toEqual([`critical replies-not-received 10.0.0.5 ${MAC}`]);
});

test('judges growing intervals without a lease time only as a guess', () => {
  const times = ['11:40:00', '11:40:04', '11:40:12', '11:40:30', '11:41:04'];
  const lines = times.map((time) => `${time} REQUEST 10.0.0.5\n${time} ACK 10.0.0.5`).join('\n');
  expect(faultsOf(lines)).toEqual([`warning replies-perhaps-not-received 10.0.0.5 ${MAC}`]);
});

test('takes a steady interval without a lease time for the renewals of a short lease', () => {
  const times = ['11:40:00', '11:40:30', '11:41:00', '11:41:30', '11:42:00'];
  const lines = times.map((time) => `${time} REQUEST 10.0.0.5\n${time} ACK 10.0.0.5`).join('\n');
  expect(faultsOf(lines)).toEqual([]);
});

test('lists the clients that a server ignores by its configuration as information', () => {
  expect(faultsOf('11:40:00 DISCOVER ignored')).toEqual(['info ignored-by-server net-1 tap1']);
});

test('names a server that logged no client as quiet, not as healthy', () => {
  const facts = { ...factsOf([]), servers: ['net-1'] };
  expect(diagnose(facts, {}, now)).toMatchObject({
    examined: 1,
    verdict: '1 DHCP server logged no messages of clients in the last 2 hours',
  });
});

test('warns about a server that stopped, unless it has started again', () => {
  const event = { host: 'net-1', pid: 2210 };
  const served = '11:40:00 REQUEST 10.0.0.5\n11:40:00 ACK 10.0.0.5';
  const stopped = { ...event, kind: 'stopped', at: new Date('2026-11-26T11:41:00Z') } as const;
  expect(faultsOf(served, { events: [stopped] })).toEqual(['warning server-stopped net-1 tap1']);
  const started = { ...event, pid: 9, kind: 'started', at: new Date('2026-11-26T11:41:02Z') } as const;
  expect(faultsOf(served, { events: [stopped, started] })).toEqual([]);
});

test('does not take renewals on a schedule of their own for lost replies', () => {
  const times = ['11:59:00', '11:59:10', '11:59:20', '11:59:30', '11:59:40'];
  const lines = times.map((time) => `${time} REQUEST 10.0.0.5\n${time} ACK 10.0.0.5`).join('\n');
  const agents = [{ host: 'net-1', leaseSeconds: 120 }];
  expect(faultsOf(lines, { agents })).toEqual([`warning replies-perhaps-not-received 10.0.0.5 ${MAC}`]);
});

test('is critical about a client that its server does not know only if the cloud has a port for it', () => {
  const lines = '11:40:00 DISCOVER no address available';
  const agents = [{ host: 'net-1' }];
  expect(faultsOf(lines, { agents })).toEqual(['warning client-not-configured net-1 tap1']);
  const ports = [{ id: 'p', mac: MAC, addresses: ['10.0.0.5'] }];
  expect(faultsOf(lines, { agents, ports })).toEqual(['critical client-not-configured net-1 tap1']);
});
