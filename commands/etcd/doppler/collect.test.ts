import { expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { type CollectArgs, collectTwice } from './collect.ts';
import { announced, deployment, doppler, instance, members, tree } from './builders.ts';

const THREE = members(['etcd_z1_0', 'etcd_z2_0', 'etcd_z3_0']);
const KEY = announced('z1/doppler_z1/id-1', '10.0.1.1');
const cf = deployment([doppler({ name: 'doppler_z1/0', id: 'id-1', address: '10.0.1.1' })]);

const LOST = new SourceError('etcd', 'unreachable', 'etcdserver: request timed out (errorCode 300)');

interface StoreInput {
  readonly name?: string;
  /** What a read of a directory returns; `read` counts from 1. */
  readonly tree?: (prefix: string, read: number) => ports.KeyTree;
  readonly members?: () => ports.StoreMembers;
}

/** A store, and the order of its queries. */
function store({ name = 'etcd', ...kept }: StoreInput = {}) {
  const asked: string[] = [];
  const answer = async <T>(what: string, give: () => T): Promise<T> => {
    asked.push(what);
    return give();
  };
  const made: ports.KeyValueStore = {
    name,
    tree: (prefix) =>
      answer(prefix, () => {
        const read = asked.filter((one) => one === prefix).length;
        if (kept.tree) return kept.tree(prefix, read);
        return tree(prefix, prefix === '/doppler/meta' ? [KEY] : [], [], read > 1);
      }),
    maintain: false,
    members: () => answer('members', kept.members ?? (() => THREE)),
    diskCounters: () => Promise.resolve(new Map()),
  };
  return { ...made, asked };
}

function supervisor(name: string, answer: readonly ports.Deployment[] | Error): ports.ProcessSupervisor {
  const deployments = () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer));
  return { name, supervisor: 'director', deployments };
}

interface Times {
  readonly betweenReadsMs?: number;
  readonly leftMs?: number;
  readonly signal?: AbortSignal;
}

async function collectFrom(
  stores: readonly ports.KeyValueStore[],
  supervisors?: readonly ports.ProcessSupervisor[],
  asked: CollectArgs = {},
  { betweenReadsMs = 1, leftMs = 60_000, signal = new AbortController().signal }: Times = {},
) {
  const gaps: string[] = [];
  const notes: string[] = [];
  const seen: Record<string, number> = {};
  const gap = (what: string, error: Error) => {
    if (!(error instanceof SourceError)) throw error;
    gaps.push(`${what}: ${error.message}`);
  };
  const context: ReadContext<'keyValue', 'processes'> = {
    read: { keyValue: stores, ...(supervisors && { processes: supervisors }) },
    now: new Date('2016-12-06T19:42:26Z'),
    signal,
    gap,
    leftMs: () => leftMs,
    note: (text) => void notes.push(text),
    saw: (source, count = 1) => {
      seen[source] = (seen[source] ?? 0) + count;
    },
    attempt: async (what, fallback, read) => {
      try {
        return await read();
      } catch (error) {
        gap(what, (signal.aborted ? signal.reason : error) as Error);
        return fallback;
      }
    },
  };
  const facts = await collectTwice(betweenReadsMs)(context, asked);
  return { facts, gaps, notes, seen };
}

test('both roots of dopplers are read twice, and the members are queried during the first read', async () => {
  const etcd = store();
  const { facts, gaps, seen } = await collectFrom([etcd], [supervisor('bosh', [cf])]);
  expect(etcd.asked).toEqual([
    '/doppler/meta',
    '/healthstatus/doppler',
    'members',
    '/doppler/meta',
    '/healthstatus/doppler',
  ]);
  const [seenStore] = facts.stores;
  expect(seenStore?.earlier?.[0]?.leaves[0]?.modifiedIndex).toBe(56_766_823);
  expect(seenStore?.later?.[0]?.leaves[0]?.modifiedIndex).toBe(56_766_863);
  expect(seenStore?.members).toBe(THREE);
  expect(facts).toMatchObject({ deployments: [cf], instances: 'all' });
  expect(gaps).toEqual([]);
  expect(seen).toEqual({ etcd: 1, bosh: 1 });
});

test('the second read waits, and the deadline interrupts it with a gap', async () => {
  const ends = new AbortController();
  const etcd = store({
    members: () => {
      queueMicrotask(() => ends.abort(new SourceError('deadline', 'unreachable', 'not finished within 5 s')));
      return THREE;
    },
  });
  const { facts, gaps } = await collectFrom(
    [etcd],
    undefined,
    {},
    {
      betweenReadsMs: 3_600_000,
      leftMs: 4_000_000,
      signal: ends.signal,
    },
  );
  expect(etcd.asked).toEqual(['/doppler/meta', '/healthstatus/doppler', 'members']);
  expect(facts.stores[0]).toHaveProperty('earlier');
  expect(facts.stores[0]).not.toHaveProperty('later');
  expect(gaps).toEqual(['etcd: /doppler/meta, /healthstatus/doppler (second read): not finished within 5 s']);
});

test('without a quorum, the members show the problem, and no gap repeats it', async () => {
  const lost = { ...THREE, hasQuorum: false, quorumError: 'etcdserver: request timed out' };
  const etcd = store({
    tree: () => {
      throw LOST;
    },
    members: () => lost,
  });
  const { facts, gaps } = await collectFrom([etcd], [supervisor('bosh', [cf])]);
  expect(facts.stores).toEqual([{ name: 'etcd', members: lost }]);
  expect(gaps).toEqual([]);
});

test('if the second read fails, the members are queried again: the quorum may just have been lost', async () => {
  const lost = { ...THREE, hasQuorum: false };
  const etcd = store({
    tree: (prefix, times) => {
      if (times > 1) throw LOST;
      return tree(prefix, []);
    },
    members: () => (etcd.asked.filter((one) => one === 'members').length > 1 ? lost : THREE),
  });
  const { facts, gaps } = await collectFrom([etcd]);
  expect(facts.stores[0]).toMatchObject({ name: 'etcd', members: lost });
  expect(facts.stores[0]).toHaveProperty('earlier');
  expect(facts.stores[0]).not.toHaveProperty('later');
  expect(gaps).toEqual([]);
});

test('a first read that fails although there is a quorum is repeated, and the gap has the reason', async () => {
  const electing = store({
    tree: (prefix, times) => {
      if (times === 1) throw LOST;
      return tree(prefix, []);
    },
  });
  const once = await collectFrom([electing]);
  expect(once.gaps).toEqual([]);
  expect(once.facts.stores[0]).toHaveProperty('later');

  const never = store({
    tree: () => {
      throw LOST;
    },
  });
  const { gaps } = await collectFrom([never]);
  expect(gaps).toEqual([
    "etcd: /doppler/meta, /healthstatus/doppler: the keys couldn't be read, although the cluster has a quorum: etcdserver: request timed out (errorCode 300)",
  ]);
});

test('a requested deployment is a gap if no source lists processes', async () => {
  const { gaps } = await collectFrom([store()], undefined, { deployment: 'cf' });
  expect(gaps).toEqual(['--deployment cf: no source lists processes, so no deployments are known']);
});

const SLOW = THREE.endpoints.map(({ address }) => ({
  address,
  error: new SourceError('etcd', 'unreachable', 'did not respond within 2 s'),
  failureMode: 'hung' as const,
}));

test('members that responded once are kept if there is no time for a second response', async () => {
  const answers = [THREE, { ...THREE, members: [], endpoints: SLOW }];
  const slow = store({
    members: () => answers.shift()!,
    tree: (prefix, times) => {
      if (times > 1) throw new SourceError('etcd', 'unreachable', 'no response within 3 s');
      return tree(prefix, []);
    },
  });
  const { facts } = await collectFrom([slow]);
  expect(answers).toEqual([]);
  expect(facts.stores[0]?.members).toBe(THREE);
});

test('if the keys were read but no member responds, each endpoint is a gap', async () => {
  const { gaps } = await collectFrom([
    store({ members: () => ({ ...THREE, members: [], endpoints: SLOW }) }),
  ]);
  expect(gaps).toHaveLength(3);
});

test('a store that never responds ends before the deadline, and what the members report is kept', async () => {
  const hung: ports.KeyValueStore = {
    ...store(),
    tree: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      }),
  };
  const { facts, gaps } = await collectFrom([hung], undefined, {}, { leftMs: 40 });
  expect(facts.stores).toEqual([{ name: 'etcd', members: THREE }]);
  expect(gaps).toHaveLength(1);
});

test('without time for a second read, the first one is kept without waiting', async () => {
  const etcd = store();
  const { facts, gaps } = await collectFrom(
    [etcd],
    undefined,
    {},
    { betweenReadsMs: 3_600_000, leftMs: 1_000 },
  );
  expect(facts.stores[0]).toHaveProperty('earlier');
  expect(facts.stores[0]).not.toHaveProperty('later');
  expect(gaps).toHaveLength(1);
});

test('members that follow different leaders are queried again: an election may be in progress', async () => {
  const [first, ...others] = THREE.endpoints;
  const electing = { ...THREE, endpoints: [{ ...first!, leaderId: 'b' }, ...others] };
  const etcd = store({
    members: () => (etcd.asked.filter((one) => one === 'members').length > 1 ? THREE : electing),
  });
  const { facts } = await collectFrom([etcd]);
  expect(facts.stores[0]?.members).toBe(THREE);
});

test.each([
  ['rejects us', { failureMode: 'rejected', memberId: 'ce2a822cea30bfc2' }, true],
  ['is unreachable, and may be any member', { failureMode: 'unreachable', memberId: undefined }, true],
  [
    'is a member that is down, which is a finding',
    { failureMode: 'not-listening', memberId: 'ce2a822cea30bfc2' },
    false,
  ],
] as const)('an endpoint that %s', async (_, { failureMode, memberId }, isGap) => {
  const error = new SourceError('etcd', 'refused', 'no');
  const { memberId: __, ...last } = THREE.endpoints[2]!;
  const endpoint = { ...last, error, failureMode, ...(memberId !== undefined && { memberId }) };
  const silent = { ...THREE.members[2]!, error, failureMode, isConfigured: memberId !== undefined };
  const seen = {
    ...THREE,
    endpoints: [...THREE.endpoints.slice(0, 2), endpoint],
    members: [...THREE.members.slice(0, 2), silent],
  };
  const { gaps } = await collectFrom([store({ members: () => seen })]);
  expect(gaps).toEqual(isGap ? ['etcd/10.0.16.7:4001: no'] : []);
});

test('if no endpoint may list the members, one that does not respond is a gap: it may be another cluster', async () => {
  const { memberId: _, ...last } = THREE.endpoints[2]!;
  const error = new SourceError('etcd', 'unreachable', 'it refused the connection');
  const endpoints = [
    ...THREE.endpoints.slice(0, 2),
    { ...last, error, failureMode: 'not-listening' as const },
  ];
  const unlisted = { ...THREE, members: [], endpoints };
  const { gaps } = await collectFrom([store({ members: () => unlisted })]);
  expect(gaps).toEqual(['etcd/10.0.16.7:4001: it refused the connection']);
});

test('members that advertise unknown names are a note: the keys were read with a quorum', async () => {
  const error = new SourceError('etcd', 'unreachable', 'getaddrinfo ENOTFOUND');
  const [first, ...others] = THREE.members;
  const elsewhere = others.map((member) => ({
    ...member,
    isConfigured: false,
    error,
    failureMode: 'unreachable' as const,
  }));
  const behindProxy = { ...THREE, endpoints: THREE.endpoints.slice(0, 1), members: [first!, ...elsewhere] };
  const { gaps, notes } = await collectFrom([store({ members: () => behindProxy })]);
  expect(gaps).toEqual([]);
  expect(notes).toEqual([
    "etcd_z2_0 and etcd_z3_0 of etcd can't be queried from here: their clocks were not compared",
  ]);
});

test('one of several endpoints that does not report its cluster may belong to another one', async () => {
  const { clusterId: _, ...nameless } = THREE.endpoints[0]!;
  const seen = { ...THREE, endpoints: [nameless, ...THREE.endpoints.slice(1)] };
  const { gaps } = await collectFrom([store({ members: () => seen })]);
  expect(gaps).toEqual(['etcd/10.0.16.5:4001: it does not report which cluster it belongs to']);
});

test('members that may not be queried are a gap, and the keys are still judged', async () => {
  const etcd = store({
    members: () => {
      throw new SourceError('etcd', 'refused', 'user may not list members');
    },
  });
  const { facts, gaps } = await collectFrom([etcd]);
  expect(facts.stores[0]?.later).toHaveLength(2);
  expect(facts.stores[0]).not.toHaveProperty('members');
  expect(gaps).toEqual(['etcd: members: user may not list members']);
});

const UNFIT = {
  name: 'kubernetes',
  tree: () => {
    throw new SourceError('kubernetes', 'missing', 'this etcd 3.6 has no v2 keys');
  },
};

const OF_36 = members(['k1'], { k1: { version: '3.6.1' } });

test('a store that certainly has no v2 API is a note if another store has one', async () => {
  const { facts, gaps, notes } = await collectFrom([store(), store({ ...UNFIT, members: () => OF_36 })]);
  expect(facts.stores.map(({ name }) => name)).toEqual(['etcd']);
  expect(gaps).toEqual([]);
  expect(notes).toEqual(['kubernetes has no v2 API, so it cannot have doppler keys: skipped']);
});

const down = new SourceError('kubernetes', 'unreachable', 'it refused the connection');

test.each([
  ['whose version is not known', members(['k1']), {}],
  ['of a version in which v2 is always on', members(['k1'], { k1: { version: '3.3.27' } }), {}],
  [
    'one member of which is down',
    members(['k1', 'k2'], { k1: { version: '3.6.1' }, k2: { error: down, failureMode: 'not-listening' } }),
    {},
  ],
  [
    'one member of which was not queried',
    members(['k1', 'k2'], { k1: { version: '3.6.1' }, k2: { version: '3.6.1', isConfigured: false } }),
    {},
  ],
  ['that was requested by name', OF_36, { source: 'etcd,kubernetes' }],
])('a store without v2 keys %s is a gap', async (_, seen, asked) => {
  const { gaps, notes } = await collectFrom(
    [store(), store({ ...UNFIT, members: () => seen })],
    undefined,
    asked,
  );
  expect(gaps).toEqual(['kubernetes: this etcd 3.6 has no v2 keys']);
  expect(notes).toEqual([]);
});

test('a store that refuses the read is a gap, and not every store was read', async () => {
  const refusing = {
    name: 'old',
    tree: () => {
      throw new SourceError('old', 'refused', 'it requires a user that may read this');
    },
  };
  const { facts, gaps } = await collectFrom([store(), store(refusing)]);
  expect(facts.stores.map(({ name, later }) => [name, later !== undefined])).toEqual([
    ['etcd', true],
    ['old', false],
  ]);
  expect(gaps).toEqual(['old: /doppler/meta, /healthstatus/doppler: it requires a user that may read this']);
});

test('if no store has v2 keys, that is a gap', async () => {
  const { facts, gaps } = await collectFrom([store({ ...UNFIT, members: () => OF_36 })]);
  expect(facts.stores).toEqual([{ name: 'kubernetes', members: OF_36 }]);
  expect(gaps).toEqual(['kubernetes: this etcd 3.6 has no v2 keys']);
});

test('--source reads only one of several etcds, and an unknown name is a gap', async () => {
  const two = [store(), store({ name: 'etcd-old' })];
  const { facts, gaps } = await collectFrom(two, undefined, { source: 'etcd-old, ectd' });
  expect(facts.stores.map(({ name }) => name)).toEqual(['etcd-old']);
  expect(gaps).toEqual(['--source ectd: no source of keys has this name; did you mean etcd?']);
});

test('if no source lists processes, the expected instances are unknown', async () => {
  const { facts, gaps } = await collectFrom([store()]);
  expect(facts).toMatchObject({ deployments: [], instances: 'no-source' });
  expect(gaps).toEqual([]);
});

test('what could not be read of a deployment is a gap, and the instances are incomplete', async () => {
  const error = new SourceError('bosh', 'unreachable', 'task 1181 did not end within 60 s');
  const late = { ...cf, gaps: [{ what: 'late', error }] };
  const { facts, gaps } = await collectFrom([store()], [supervisor('bosh', [late])]);
  expect(facts.instances).toBe('partly');
  expect(gaps).toEqual(['bosh: late: task 1181 did not end within 60 s']);
});

test('a director that does not respond does not affect what another one reports', async () => {
  const silent = new SourceError('bosh', 'unreachable', 'no response within 5 s');
  const { facts, gaps } = await collectFrom(
    [store()],
    [supervisor('bosh', silent), supervisor('other', [cf])],
  );
  expect(facts).toMatchObject({ deployments: [cf], instances: 'partly' });
  expect(gaps).toEqual(['bosh: no response within 5 s']);
});

test('deployments that were not requested are not reported', async () => {
  const error = new SourceError('bosh', 'unreachable', 'task 1181 did not end within 60 s');
  const late = deployment([], { name: 'late', gaps: [{ what: 'late', error }] });
  const { facts, gaps, seen } = await collectFrom([store()], [supervisor('bosh', [cf, late])], {
    deployment: 'cf',
  });
  expect(facts).toMatchObject({ deployments: [cf], instances: 'partly' });
  expect(gaps).toEqual([]);
  expect(seen).toEqual({ etcd: 1, bosh: 1 });
});

test.each([
  ['cg', 'did you mean cf?'],
  ['kubernetes', 'available: cf'],
])('an unknown deployment %s is a gap: %s', async (name, hint) => {
  const { facts, gaps } = await collectFrom([store()], [supervisor('bosh', [cf])], { deployment: name });
  expect(facts).toMatchObject({ deployments: [], instances: 'partly' });
  expect(gaps).toEqual([`--deployment ${name}: not found; ${hint}`]);
});

test('a bug in a source is a bug, not a gap', async () => {
  const etcd = store({
    tree: () => {
      throw new TypeError('x is not a function');
    },
  });
  await expect(collectFrom([etcd])).rejects.toThrow('x is not a function');
});

test('a fact that one member does not report is a gap: it is a possible cause', async () => {
  const { healthy: _health, clockAheadMs: _clock, ...first } = THREE.members[0]!;
  const known = { ...THREE, members: [first, ...THREE.members.slice(1)] };
  const { gaps } = await collectFrom([store({ members: () => known })]);
  expect(gaps).toEqual(['etcd/etcd_z1_0: health and clock: it does not report this, but other members do']);
});

test('an endpoint that does not report its leader is a gap: the cluster may be split', async () => {
  const endpoints = THREE.endpoints.map(({ leaderId, ...one }, at) =>
    at === 0 ? one : { ...one, leaderId: leaderId ?? '' },
  );
  const { gaps } = await collectFrom([store({ members: () => ({ ...THREE, endpoints }) })]);
  expect(gaps).toEqual([
    'etcd/10.0.16.5:4001: it does not report which leader it follows, but other endpoints do',
  ]);
});

test('queries that every member denies are notes if they do not affect the keys', async () => {
  const error = new SourceError('etcd', 'refused', 'requires a user');
  const unanswered = (['health', 'alarm list', 'member list'] as const).map((query) => ({
    query,
    error,
    isDenied: true,
  }));
  const { gaps, notes } = await collectFrom([
    store({
      members: () => ({
        ...THREE,
        members: THREE.members.map(({ healthy: _healthy, ...one }) => ({ ...one, unanswered })),
      }),
    }),
  ]);
  expect(gaps).toEqual([]);
  expect(notes).toEqual([
    '/health of etcd_z1_0, etcd_z2_0 and etcd_z3_0 (etcd) is not available to this user; other responses were used instead',
    'It is unknown whether etcd has raised an alarm; v2 keys can be written regardless. See `/etcd health`',
    'The members of etcd are unknown: only the configured endpoints were checked',
  ]);
});

test('instances whose processes are unknown are a gap: metron_agent may be down there', async () => {
  const silent = { state: 'unresponsive', processes: {} } as const;
  const vms = deployment([
    ...cf.instances,
    instance({ name: 'cell_z1/0', ...silent }),
    instance({ name: 'cell_z1/1', state: 'unknown' }),
    instance({ name: 'cell_z1/2', ...silent, ignored: true }),
    instance({ name: 'cell_z1/3', ...silent, desired: 'stopped' }),
  ]);
  const { gaps } = await collectFrom([store()], [supervisor('bosh', [vms])]);
  expect(gaps).toEqual([
    'bosh: processes of cell_z1/0 and cell_z1/1: the agent or monit does not respond. See /bosh processes',
  ]);
});
