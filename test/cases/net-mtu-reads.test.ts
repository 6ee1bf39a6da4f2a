import { describe, expect, test } from 'vitest';
import { check } from '../../commands/net/mtu/check.ts';
import { bondOf, computeLinks, nic, vlanOn } from '../../commands/net/mtu/builders.ts';
import { cloudSource, hostSource, type StoredHost } from '../../commands/shared/fixture-hosts.ts';
import type { Report } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import type { Cloud } from '../../src/ports/cloud.ts';
import type { Hosts } from '../../src/ports/hosts.ts';
import { SourceError } from '../../src/ports/source-error.ts';

/** What `/net mtu` reads of hosts, and what it makes of answers that are missing. */

const now = new Date('2026-11-26T12:00:00Z');

interface Asked {
  readonly report: Report;
  /** `links cmp-1` */
  readonly questions: readonly string[];
}

async function ask(
  hosts: readonly StoredHost[],
  {
    args = {},
    cloud,
    change = {},
  }: {
    readonly args?: Readonly<Record<string, string>>;
    readonly cloud?: Cloud;
    readonly change?: Partial<Hosts>;
  } = {},
): Promise<Asked> {
  const questions: string[] = [];
  const source = { ...hostSource({ name: 'compute', now, hosts }), ...change };
  const watched = Object.fromEntries(
    Object.entries(source).map(([name, member]: [string, unknown]) => [
      name,
      typeof member === 'function'
        ? (query: { readonly host: string }): unknown => {
            questions.push(`${name} ${query.host}`);
            return (member as (query: object) => unknown)(query);
          }
        : member,
    ]),
  ) as unknown as Hosts;
  const report = await runCheck(check, {
    check: 'net/mtu',
    environment: 'lab',
    args,
    now,
    read: { hosts: [watched], ...(cloud && { cloud: [cloud] }) },
    signal: new AbortController().signal,
    deadlineMs: 30_000,
  });
  return { report, questions };
}

const sound = (name: string): StoredHost => ({ name, links: [...bondOf(1_500), vlanOn('bond0', 'v', 10)] });

test('healthy hosts are asked for their links only', async () => {
  const { report, questions } = await ask([sound('cmp-1'), sound('cmp-2')]);
  expect(report.status).toBe('clear');
  expect(questions.toSorted()).toEqual(['links cmp-1', 'links cmp-2']);
});

test('only hosts with a problem are asked for what explains it', async () => {
  const { questions } = await ask([
    { name: 'cmp-1', links: computeLinks('bond0') },
    { name: 'cmp-2', links: computeLinks('inet') },
  ]);
  expect(questions.filter((question) => !question.startsWith('links'))).toEqual(['networkSettings cmp-2']);
});

test('hosts that do not respond are one gap, and hide no finding', async () => {
  const dead = Array.from({ length: 50 }, (_, at) => ({
    name: `dead-${at}`,
    error: new SourceError('compute', 'unreachable', 'connection timed out', { code: 'TIMEOUT' }),
  }));
  const alive = Array.from({ length: 450 }, (_, at) => sound(`cmp-${at}`));
  const { report } = await ask([...dead, ...alive, { name: 'bad', links: computeLinks('inet') }]);
  expect(report).toMatchObject({ status: 'found', examined: 451 });
  expect(report.verdict).toMatch(/^1 of 451 hosts has links whose frames don't fit/);
  expect(report.gaps).toMatchObject([{ places: 50 }]);
});

test('a host without links, or whose links cannot be read, is never clear', async () => {
  expect((await ask([sound('cmp-1'), { name: 'cmp-2', links: [] }])).report.status).toBe('unknown');
  const error = new SourceError('compute', 'malformed', 'not understood');
  const { report } = await ask([sound('cmp-1'), { name: 'cmp-2', error }]);
  expect(report.status).toBe('unknown');
  expect(report.gaps).toMatchObject([{ what: 'cmp-2: links' }]);
});

test('a link that cannot be judged is a gap that names it', async () => {
  const { report } = await ask([
    { name: 'cmp-1', links: [nic('m0', { kind: 'macsec' }), vlanOn('m0', 'v', 5)] },
  ]);
  expect(report.status).toBe('unknown');
  expect(report.gaps).toMatchObject([
    { what: 'cmp-1:v', because: expect.stringMatching(/macsec/) as string },
  ]);
});

test('links of many hosts that cannot be judged for one reason are one gap', async () => {
  const hosts = Array.from({ length: 40 }, (_, at) => ({
    name: `cmp-${at}`,
    links: [nic('m0', { kind: 'macsec' }), vlanOn('m0', 'v', 5)],
  }));
  const { report } = await ask(hosts);
  expect(report).toMatchObject({ status: 'unknown', gaps: [{ places: 40 }] });
});

test('without `ip`, a link that may be a tunnel is a gap', async () => {
  const known = [...bondOf(1_500), vlanOn('bond0', 'v', 10)];
  const links = [...known, nic('flannel.1', { mtu: 1_500 })];
  const withAll = await ask([{ name: 'old', links, linksFrom: 'proc' }]);
  expect(withAll.report.status).toBe('unknown');
  expect(withAll.report.gaps[0]?.because).toMatch(/flannel\.1 is a tunnel/);
  const withoutIt = await ask([{ name: 'old', links: known, linksFrom: 'proc' }]);
  expect(withoutIt.report).toMatchObject({ status: 'clear', notes: [expect.stringMatching(/no `ip`/)] });
});

test('a rejected host key is a finding', async () => {
  const hostKey = { host: 'cmp-2', is: 'changed', fingerprint: 'SHA256:abc' } as const;
  const error = new SourceError('compute', 'refused', 'the host key of cmp-2 has changed', { hostKey });
  const { report } = await ask([sound('cmp-1'), { name: 'cmp-2', error }]);
  expect(report.findings).toMatchObject([{ reason: 'host-key-changed', target: 'cmp-2' }]);
});

describe('a cloud', () => {
  const failing: Cloud = {
    ...cloudSource({ name: 'openstack' }),
    networks: async function* () {
      yield [];
      throw new SourceError('openstack', 'refused', 'HTTP 403');
    },
  };

  test('that cannot be read is a gap if a host has a bridge of Neutron', async () => {
    const { report } = await ask([{ name: 'cmp-1', links: computeLinks('bond0') }], { cloud: failing });
    expect(report).toMatchObject({ status: 'unknown', gaps: [{ what: 'openstack: networks' }] });
  });

  test('is not asked otherwise', async () => {
    expect((await ask([sound('cmp-1')], { cloud: failing })).report.status).toBe('clear');
  });
});

describe('probes', () => {
  const addresses = (last: number) => [
    { link: 'bond0', address: `10.0.0.${last}`, prefixLength: 24, family: 'IPv4' as const },
  ];
  const pair = (bytes: number | undefined) =>
    [1, 2].map((last) => ({
      ...sound(`cmp-${last}`),
      addresses: addresses(last),
      ...(bytes !== undefined && { pathMtus: { 'cmp-1': bytes, 'cmp-2': bytes } }),
    }));
  const byAddress: Partial<Hosts> = {
    pathMtu: async ({ to }) => ({ address: `10.0.0.${to.slice(-1)}`, bytes: 1_496, failedBytes: 1_497 }),
  };

  test('go in both directions between the named hosts, and a short path is one finding', async () => {
    const { report, questions } = await ask(pair(1_496), {
      args: { probe: 'cmp-1,cmp-2' },
      change: byAddress,
    });
    expect(questions.filter((question) => question.startsWith('pathMtu'))).toEqual([
      'pathMtu cmp-1',
      'pathMtu cmp-2',
    ]);
    expect(report.findings).toMatchObject([
      { severity: 'critical', reason: 'path-mtu', target: 'cmp-1 and cmp-2' },
    ]);
    expect(report.notes?.join('\n')).toMatch(
      /cmp-1 to cmp-2 \(10\.0\.0\.2\): packets of 1496 bytes pass, 1497 don't/,
    );
  });

  test('go from a single host to some others', async () => {
    const { questions } = await ask(
      [
        ...pair(1_500),
        ...['a', 'b', 'c', 'd', 'e'].map((name) => ({ ...sound(name), addresses: addresses(9) })),
      ],
      { args: { probe: 'cmp-1' } },
    );
    expect(questions.filter((question) => question.startsWith('pathMtu'))).toHaveLength(4);
  });

  test('that are never answered, and hosts that are not configured, are gaps', async () => {
    expect((await ask(pair(undefined), { args: { probe: 'cmp-1,cmp-2' } })).report).toMatchObject({
      status: 'unknown',
      gaps: [{ kind: 'unreachable' }, { kind: 'unreachable' }],
    });
    expect((await ask(pair(1_500), { args: { probe: 'cmp-7' } })).report.gaps).toMatchObject([
      { what: '--probe cmp-7' },
    ]);
  });

  test('are not sent without being requested', async () => {
    const { questions } = await ask(pair(1_496));
    expect(questions.join()).not.toMatch(/pathMtu/);
  });
});
