import { expect, test, vi } from 'vitest';
import { type ports, SourceError } from '../../kit.ts';
import { cloudSource, hostSource, logSource, type StoredHost } from '../../shared/fixture-hosts.ts';
import { bond, link, lost, slave } from './builders.ts';
import { collect } from './collect.ts';
import type { BondContext, Facts } from './facts.ts';

const now = new Date('2026-11-26T12:00:00Z');

interface Collected {
  readonly facts: Facts;
  readonly gaps: readonly string[];
  readonly notes: readonly string[];
}

async function collectFrom(
  hosts: readonly StoredHost[],
  {
    change = (source) => source,
    ...read
  }: Partial<ports.Readers> & { readonly change?: (source: ports.Hosts) => ports.Hosts } = {},
): Promise<Collected> {
  const gaps: string[] = [];
  const notes: string[] = [];
  const context: BondContext = {
    read: { ...read, hosts: [change(hostSource({ name: 'hosts', now, hosts }))] },
    now,
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: async (what, fallback, work) => {
      try {
        return await work();
      } catch (error) {
        gaps.push(`${what}: ${(error as Error).message}`);
        return fallback;
      }
    },
    gap: (what, error) => void gaps.push(`${what}: ${error.message}`),
    note: (text) => void notes.push(text),
    saw: () => {},
    earlier: [],
  };
  return { facts: await collect(context, { within: 7_200_000 }), gaps, notes };
}

const healthy: StoredHost = { name: 'h1', bonds: [bond('bond0', [slave('a'), slave('b')])] };
const down: StoredHost = { name: 'h1', bonds: [bond('bond0', [lost('a'), lost('b')])] };
const missing = (what: string) => async () => {
  throw new SourceError('hosts', 'missing', `${what} is not there`);
};

function switches(text: string, known: Partial<ports.Logs> = {}): ports.Logs {
  const lines = [{ at: new Date('2026-11-26T11:30:00Z'), host: 'leaf-a', text }];
  const switchPorts = [
    { switch: 'leaf-a', port: 'Ethernet1/1', host: 'h1' },
    { switch: 'leaf-a', port: 'Ethernet1/2', host: 'nas-2' },
  ];
  return { ...logSource({ name: 'switches', contains: ['switch'], lines, switchPorts }), ...known };
}

const BLOCKED = (port: string, mac?: string) =>
  `%STP-2-BLOCK_BPDUGUARD: Received BPDU on port ${port} with BPDU Guard enabled. Disabling port.${mac === undefined ? '' : ` (source mac ${mac})`}`;

test('reads no logs while every bond has its links', async () => {
  const lines = vi.fn<ports.Logs['lines']>();
  const { facts } = await collectFrom([healthy], { logs: [switches('', { lines })] });

  expect(lines).not.toHaveBeenCalled();
  expect(facts.switches).toBeUndefined();
});

test.each([
  ['bonds', 'the links only: bonds is not there'],
  ['links', '`/proc/net/bonding` only: links is not there'],
] as const)('does without %s, and notes it', async (question, text) => {
  const host = {
    ...healthy,
    links: [
      link('a', { master: 'bond0', bondSlave: { miiStatus: 'UP' } }),
      link('bond0', { kind: 'bond', bond: { mode: 'active-backup', miimonMs: 100 } }),
    ],
  };
  const { facts, gaps, notes } = await collectFrom([host], {
    change: (source) => ({ ...source, [question]: missing(question) }),
  });

  expect(gaps).toEqual([]);
  expect(notes).toEqual([`The bonds of h1 are judged by ${text}`]);
  expect(facts.hosts).toHaveLength(1);
});

test('is a gap if neither can be read', async () => {
  const { facts, gaps } = await collectFrom([healthy], {
    change: (source) => ({ ...source, bonds: missing('bonds'), links: missing('links') }),
  });

  expect(gaps).toEqual(['h1: bonds: bonds is not there']);
  expect(facts.hosts).toEqual([]);
});

test('is a gap if nothing says whether the slaves of an unmonitored bond have a link', async () => {
  const host = { name: 'h1', bonds: [bond('bond0', [slave('a'), slave('b')], { miimonMs: 0 })] };
  const { gaps } = await collectFrom([host], {
    change: (source) => ({ ...source, links: missing('links') }),
  });

  expect(gaps).toEqual(["h1:bond0: whether a, b has a link couldn't be read"]);
});

test('is a gap if the aggregators of an 802.3ad bond are unknown', async () => {
  const host = {
    name: 'h1',
    links: [
      ...['a', 'b'].map((name) => link(name, { master: 'bond0', bondSlave: { miiStatus: 'UP' } })),
      link('bond0', { kind: 'bond', bond: { mode: '802.3ad', miimonMs: 100 } }),
    ],
  };
  const { gaps } = await collectFrom([host], {
    change: (source) => ({ ...source, bonds: missing('bonds') }),
  });

  expect(gaps).toEqual(["h1:bond0: which slaves are aggregated couldn't be read"]);
});

test('is a gap if a slave is in a state that no one knows', async () => {
  const { gaps } = await collectFrom(
    [{ name: 'h1', bonds: [bond('bond0', [slave('a', { miiStatus: 'odd' }), slave('b')])] }],
    {
      change: (source) => ({ ...source, links: missing('links') }),
    },
  );

  expect(gaps).toEqual(["h1:bond0: whether a has a link couldn't be read"]);
});

test('asks the cloud for the instances of a host if the switch logs no source MAC address', async () => {
  const cloud = cloudSource({ name: 'cloud', servers: [{ id: 'i1', name: 'fw', host: 'h1' }] });
  const { facts } = await collectFrom([down], { logs: [switches(BLOCKED('Ethernet1/1'))], cloud: [cloud] });

  expect(facts.cloud).toEqual({
    ports: [],
    arePortsComplete: true,
    servers: [{ id: 'i1', name: 'fw', host: 'h1' }],
    readHosts: ['h1'],
  });
});

test('reads the logs for a host that could not be read, and asks the cloud for its instances', async () => {
  const cloud = cloudSource({ name: 'cloud', servers: [{ id: 'i1', name: 'fw', host: 'h1' }] });
  const { facts, notes } = await collectFrom([down], {
    logs: [switches(BLOCKED('Ethernet1/1'))],
    cloud: [cloud],
    change: (source) => ({ ...source, bonds: missing('bonds'), links: missing('links') }),
  });

  expect(facts.hosts).toEqual([]);
  expect(facts.silent).toMatchObject([{ name: 'h1', isSilent: true }]);
  expect(facts.switches?.ports).toHaveLength(1);
  expect(facts.cloud).toMatchObject({ readHosts: ['h1'], servers: [{ id: 'i1' }] });
  expect(notes.join()).not.toContain('no source covers');
});

test("asks no cloud about the host's own MAC address", async () => {
  const mac = '02:00:00:00:00:01';
  const findPorts = vi.fn<ports.Cloud['ports']>();
  const host = { name: 'h1', bonds: [bond('bond0', [lost('a', { permanentMac: mac }), lost('b')])] };
  const { facts } = await collectFrom([host], {
    logs: [switches(BLOCKED('Ethernet1/1', mac))],
    cloud: [{ ...cloudSource({ name: 'cloud' }), ports: findPorts }],
  });

  expect(findPorts).not.toHaveBeenCalled();
  expect(facts.cloud).toBeUndefined();
});

test('keeps the finding if the cloud does not respond', async () => {
  const servers = async function* () {
    yield await Promise.reject<readonly ports.CloudServer[]>(
      new SourceError('cloud', 'unreachable', 'timed out'),
    );
  };
  const { facts, gaps } = await collectFrom([down], {
    logs: [switches(BLOCKED('Ethernet1/1'))],
    cloud: [{ ...cloudSource({ name: 'cloud' }), servers }],
  });

  expect(gaps).toEqual(['cloud: instances on h1: timed out']);
  expect(facts.cloud?.readHosts).toEqual([]);
});

test('keeps the lines that it read before a log failed', async () => {
  const lines = async function* () {
    yield [{ at: now, host: 'leaf-a', text: BLOCKED('Ethernet1/1') }];
    throw new SourceError('switches', 'malformed', 'the limit was reached');
  };
  const { facts, gaps } = await collectFrom([down], { logs: [switches('', { lines })] });

  expect(gaps).toEqual(['switches: logs of switches: the limit was reached']);
  expect(facts.switches).toMatchObject({ isComplete: false, ports: [{ key: 'leaf-a eth 1/1' }] });
});

test('notes the disabled ports of devices that are not examined, and no other port', async () => {
  const { notes } = await collectFrom([down], { logs: [switches(BLOCKED('Ethernet1/2'))] });
  const other = await collectFrom([down], { logs: [switches(BLOCKED('Ethernet1/77'))] });

  expect(notes.filter((one) => one.includes('BPDU'))).toEqual([
    'BPDU guard also disabled switch ports of nas-2, which no source covers',
  ]);
  expect(other.notes.filter((one) => one.includes('BPDU'))).toEqual([
    'BPDU guard also disabled leaf-a Ethernet1/77: neither LLDP nor a list of switch ports says what is connected',
  ]);
});
