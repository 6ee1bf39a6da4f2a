import { describe, expect, test } from 'vitest';
import { type ports, SourceError } from '../../kit.ts';
import { databaseSource, type StoredCell } from '../../shared/fixture-databases.ts';
import { hostSource } from '../../shared/fixture-hosts.ts';
import { instances, RULES, table } from './builders.ts';
import { collect } from './collect.ts';
import type { Facts, RecordsContext } from './facts.ts';

const now = new Date('2026-11-26T12:00:00Z');
const MANY: StoredCell = { instances: instances(74_000, 4_500), metadata: { rows: 9, markedDeleted: 1 } };
const FEW: StoredCell = { instances: instances(900, 4_500) };

interface Collected {
  readonly facts: Facts;
  readonly gaps: readonly string[];
  readonly notes: readonly string[];
}

async function collectFrom(
  databases: readonly ports.Database[],
  { hosts, source }: { readonly hosts?: readonly ports.Hosts[]; readonly source?: string } = {},
): Promise<Collected> {
  const gaps: string[] = [];
  const notes: string[] = [];
  const context: RecordsContext = {
    read: { databases, ...(hosts && { hosts }) },
    now,
    earlier: [],
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
  };
  return { facts: await collect(context, { source }), gaps, notes };
}

const one = (cells: Readonly<Record<string, StoredCell>>, state: Partial<ports.DatabaseState> = {}) => [
  databaseSource({ name: 'nova-db', now, cells, state }),
];

describe('how current the counts are', () => {
  test.each([
    ['replication has stopped', { isReplicationStopped: true }],
    ['the replica is 15 minutes behind', { replicationLagSeconds: 900 }],
    ['it is read-only, and the user may not see', { isReadOnly: true, isReplicationUnseen: true }],
  ] as const)('is a gap if %s', async (because, state) => {
    const { gaps } = await collectFrom(one({ nova: FEW }, state));
    expect(gaps).toEqual([expect.stringContaining(because)]);
  });

  test.each([
    ['its counts are of 42 s ago', { replicationLagSeconds: 42 }],
    ['is read-only, and no replica', { isReadOnly: true }],
    ['The clock of nova-db is 2 hours ahead', { time: new Date(now.getTime() + 7_200_000) }],
  ])('is a note: %s', async (words, state) => {
    const { gaps, notes } = await collectFrom(one({ nova: FEW }, state));
    expect(gaps).toEqual([]);
    expect(notes).toEqual([expect.stringContaining(words)]);
  });

  test.each([
    { replicationLagSeconds: 0 },
    { isReplicationUnseen: true as const },
    { isReadOnly: true, replicationLagSeconds: 1 },
  ])('is not worth a word: %j', async (state) => {
    expect(await collectFrom(one({ nova: FEW }, state))).toMatchObject({ gaps: [], notes: [] });
  });
});

test('what could not be counted in time is a gap, and the estimate stays', async () => {
  const { facts, gaps } = await collectFrom(one({ nova: { tables: [table('instances', 800_000)] } }));
  expect(gaps).toEqual([expect.stringMatching(/nova-db: number of instances of nova: .*longer than 30 s/)]);
  expect(facts.cells).toMatchObject([{ name: 'nova', tables: [{ rows: 800_000 }] }]);
});

test('metadata is only counted if there is a finding, and is then only a note if it takes too long', async () => {
  expect(await collectFrom(one({ nova: FEW }))).toMatchObject({ gaps: [], notes: [] });
  const { metadata: _, ...late } = MANY;
  const { gaps, notes } = await collectFrom(one({ nova: late }));
  expect({ gaps, notes }).toEqual({ gaps: [], notes: [expect.stringContaining('instance_system_metadata')] });
});

test('a server that is down is one gap, and the others are read', async () => {
  const error = new SourceError('region-a', 'unreachable', 'connection refused');
  const fails = () => Promise.reject(error);
  const down = { ...databaseSource({ name: 'region-a', now, cells: {} }), cells: fails, state: fails };
  const { facts, gaps } = await collectFrom([
    down,
    databaseSource({ name: 'region-b', now, cells: { nova: FEW } }),
  ]);
  expect(gaps).toEqual(['region-a: connection refused']);
  expect(facts.cells.map(({ name }) => name)).toEqual(['region-b:nova']);
});

test('a server that shows only cell0 is a gap: the instances that run are elsewhere', async () => {
  const { gaps } = await collectFrom(one({ nova_cell0: FEW }));
  expect(gaps).toEqual([expect.stringContaining('only nova_cell0 can be read')]);
});

test('a database that is not named is not read', async () => {
  const all = ['region-a', 'region-b'].map((name) => databaseSource({ name, now, cells: { nova: FEW } }));
  const { facts } = await collectFrom(all, { source: 'region-b' });
  expect(facts.cells.map(({ name }) => name)).toEqual(['region-b:nova']);
});

describe('hosts', () => {
  const slow = 'GET /v2.1/servers/detail?deleted=true status: 200 len: 1 time: 41.7';
  const control = (name: string, archiving?: ports.Hosts['archiving']) =>
    hostSource({
      name,
      now,
      hosts: [{ name: `${name}-1`, logs: { 'slow-requests': [{ text: slow }] } }],
      ...(archiving && { allows: { archiving } }),
    });
  const rules = { allowed: true, ...RULES, keepDays: 30 } as const;

  test('their slow requests are only read if there is a finding', async () => {
    expect((await collectFrom(one({ nova: FEW }), { hosts: [control('ctl')] })).facts.logs).toEqual({
      archiveJob: [],
    });
    const { facts } = await collectFrom(one({ nova: MANY }), { hosts: [control('ctl')] });
    expect(facts.logs?.slowRequests).toEqual([slow]);
  });

  test('one that has no such log is nothing, and one that is down is a note', async () => {
    const missing = new SourceError('ctl', 'missing', 'no such unit');
    const down = new SourceError('ctl', 'unreachable', 'connection refused');
    const failing = (error: SourceError) => [
      hostSource({ name: 'ctl', now, hosts: [{ name: 'ctl-1', error }] }),
    ];
    expect(await collectFrom(one({ nova: MANY }), { hosts: failing(missing) })).toMatchObject({
      gaps: [],
      notes: [],
    });
    const { gaps, notes, facts } = await collectFrom(one({ nova: MANY }), { hosts: failing(down) });
    expect({ gaps, notes }).toEqual({ gaps: [], notes: [expect.stringContaining('ctl-1')] });
    expect(facts.logs?.slowRequests).toBeUndefined();
  });

  test('the day is that of the rules of the one that may archive', async () => {
    const { facts } = await collectFrom(one({ nova: FEW }), { hosts: [control('ctl', rules)] });
    expect(facts.archiving).toMatchObject({ before: '2026-10-27', keepDays: 30, by: { source: 'ctl' } });
  });

  test('archives nothing if it is not clear which database would be archived, or by whom', async () => {
    const two = ['a', 'b'].map((name) => databaseSource({ name, now, cells: { nova: FEW } }));
    const ofTwo = await collectFrom(two, { hosts: [control('ctl', rules)] });
    expect(ofTwo.facts.archiving).toMatchObject({ notOffered: expect.stringContaining('several databases') });
    expect(ofTwo.facts.archiving.by).toBeUndefined();
    const twice = await collectFrom(one({ nova: FEW }), {
      hosts: [control('ctl-a', rules), control('ctl-b', rules)],
    });
    expect(twice.facts.archiving).toMatchObject({ notOffered: expect.stringContaining('several sources') });
    expect(twice.facts.archiving.by).toBeUndefined();
    const none = await collectFrom(one({ nova: FEW }), { hosts: [control('ctl')] });
    expect(none.facts.archiving).toMatchObject({
      keepDays: 90,
      notOffered: expect.stringContaining('allow.archive'),
    });
  });
});
