import { expect, test } from 'vitest';
import { type ReadContext, type Remembered, SourceError, type ports } from '../../kit.ts';
import { collect, untilMembers } from './collect.ts';
import { leader, member, old, silent, store } from './builders.ts';
import { type MemberSample, sampleSchema, samplesOf, sampleTarget } from './samples.ts';

const { signal } = new AbortController();

function keeping(name: string, answer: ports.StoreMembers | Error): ports.KeyValueStore {
  return {
    name,
    tree: () => Promise.reject(new Error('no key is read')),
    maintain: true,
    diskCounters: () => Promise.resolve(new Map()),
    members: () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)),
  };
}

/** With so little time left, no member is queried again, and no disk is measured. */
const SHORT_MS = 2_500;

async function collectFrom(
  stores: readonly ports.KeyValueStore[],
  args: Parameters<typeof collect>[1] = {},
  leftMs = SHORT_MS,
  earlier: readonly Remembered<MemberSample>[] = [],
) {
  const gaps: string[] = [];
  const notes: string[] = [];
  const seen: Record<string, number> = {};
  const gap = (what: string, error: Error) => {
    if (!(error instanceof SourceError)) throw error;
    gaps.push(`${what}: ${error.message}`);
  };
  const context: ReadContext<'keyValue', never, MemberSample> = {
    earlier,
    read: { keyValue: stores },
    now: new Date('2026-02-20'),
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
        gap(what, error as Error);
        return fallback;
      }
    },
  };
  const facts = await collect(context, args);
  return { facts, gaps, notes, seen };
}

test('queries every store, and counts each member, including one that does not respond', async () => {
  const { facts, gaps, seen } = await collectFrom([
    keeping('etcd', store([leader('n1'), member('n2'), silent('n3')])),
    keeping('events', store([leader('e1')])),
  ]);
  expect(facts.stores.map(({ name }) => name)).toEqual(['etcd', 'events']);
  expect(seen).toEqual({ etcd: 3, events: 1 });
  expect(gaps).toEqual([]);
});

test('a member that rejects us is a gap: its state is not known', async () => {
  const error = new SourceError('etcd', 'refused', 'n2:2379 requires a client certificate that it trusts');
  const { gaps, seen } = await collectFrom([
    keeping('etcd', store([leader('n1'), silent('n2', '', { error })])),
  ]);
  expect(gaps).toEqual(['etcd/n2: n2:2379 requires a client certificate that it trusts']);
  expect(seen).toEqual({ etcd: 1 });
});

const late = new SourceError('etcd', 'unreachable', 'did not respond within 3 s');
const denied = new SourceError('etcd', 'refused', 'requires a user with permission to do this (403)');

test('an unanswered query is a gap, and the other responses are kept', async () => {
  const unanswered = [{ query: 'alarm list', error: late, isDenied: false } as const];
  const { facts, gaps, notes } = await collectFrom([keeping('etcd', store([leader('n1', { unanswered })]))]);
  expect(facts.stores[0]?.members).toHaveLength(1);
  expect(gaps).toEqual(['etcd/n1: alarm list: did not respond within 3 s']);
  expect(notes).toEqual([]);
});

test('a denied query is a note if other responses replace it, and a gap otherwise', async () => {
  const deny = (...queries: readonly ports.StoreQuery[]) =>
    queries.map((query) => ({ query, error: denied, isDenied: true }));
  const ask = (...queries: readonly ports.StoreQuery[]) =>
    collectFrom([keeping('etcd', store([leader('n1', { unanswered: deny(...queries) })]))]);
  expect(await ask('status')).toMatchObject({
    gaps: [],
    notes: ['The status of n1 (etcd) is not available to this user; other responses were used instead'],
  });
  expect(await ask('alarm list')).toMatchObject({ gaps: [], notes: [expect.stringContaining('alarm list')] });
  expect((await ask('metrics')).gaps).toHaveLength(1);
  expect((await ask('status', 'metrics')).gaps).toHaveLength(2);
});

test('without a quorum, missing alarm lists are not separate gaps', async () => {
  const unanswered = [{ query: 'alarm list', error: late, isDenied: false } as const];
  const { gaps } = await collectFrom([
    keeping('etcd', store([leader('n1', { unanswered }), silent('n2'), silent('n3')], { hasQuorum: false })),
  ]);
  expect(gaps).toEqual([]);
});

test('an unreachable member is a gap only if it is not configured and the others have a quorum', async () => {
  const away = (known: Partial<ports.StoreMember>) =>
    silent('n3', 'n3 has no address: the name was not found', { failureMode: 'unreachable', ...known });
  const ask = (isConfigured: boolean, hasQuorum: boolean) =>
    collectFrom([
      keeping('etcd', store([leader('n1'), member('n2'), away({ isConfigured })], { hasQuorum })),
    ]);
  expect((await ask(false, true)).gaps).toEqual(['etcd/n3: n3 has no address: the name was not found']);
  expect((await ask(true, true)).gaps).toEqual([]);
  expect((await ask(false, false)).gaps).toEqual([]);
});

test('if no endpoint responds, those that refuse connections are down, and the others are gaps', async () => {
  const endpoints = (['not-listening', 'unreachable'] as const).map((failureMode, at) => ({
    address: `n${at}:2379`,
    error: new SourceError('etcd', 'unreachable', failureMode),
    failureMode,
  }));
  const { gaps, seen } = await collectFrom([keeping('etcd', store([], { endpoints }))]);
  expect(gaps).toEqual(['n1:2379: unreachable']);
  expect(seen).toEqual({ etcd: 1 });
});

test('an endpoint that does not say which member it is, is a gap', async () => {
  const { endpoints } = store([leader('n1')]);
  const proxy = { address: 'proxy:2379' };
  const { gaps } = await collectFrom([
    keeping('etcd', store([leader('n1')], { endpoints: [...endpoints, proxy] })),
  ]);
  expect(gaps).toEqual(['etcd/proxy:2379: it does not report which member it is']);
});

test('members that follow different leaders are queried again: an election may have been in progress', async () => {
  const settled = store([
    old('n1', { isLeader: true, url: 'http://n1:4001' }),
    old('n2', { url: 'http://n2:4001' }),
  ]);
  const [one, other] = settled.endpoints;
  const electing = { ...settled, endpoints: [one!, { ...other!, leaderId: 'f00' }] };
  const answers = [electing, settled];
  const electingStore = {
    ...keeping('etcd', settled),
    members: () => Promise.resolve(answers.shift() ?? settled),
  };
  const { facts } = await collectFrom([electingStore], {}, 60_000);
  expect(answers).toEqual([]);
  expect(facts.stores[0]?.endpoints).toEqual(settled.endpoints);
});

test('members without a leader are queried again if a majority responds', async () => {
  const settled = store([old('n2', { isLeader: true }), old('n3'), silent('n1')]);
  const electing = store([old('n2', { hasLeader: false }), old('n3'), silent('n1')], {
    hasQuorum: false,
  });
  const answers = [electing, settled];
  const members = () => Promise.resolve(answers.shift() ?? settled);
  const { facts } = await collectFrom([{ ...keeping('etcd', settled), members }], {}, 60_000);
  expect(facts.stores[0]?.hasQuorum).toBe(true);

  let asked = 0;
  const dead = store([old('n2'), silent('n3'), silent('n1')], { hasQuorum: false });
  const ask = () => Promise.resolve(++asked === 1 ? dead : settled);
  const { facts: first } = await collectFrom([{ ...keeping('etcd', dead), members: ask }], {}, 60_000);
  expect(first.stores[0]?.hasQuorum).toBe(false);
});

test('disks are read twice, and the difference is what they did in between', async () => {
  const [n1, n2] = [leader('n1'), member('n2')];
  const later = new Map([[n1.url!, { fsyncs: { slow: 840, total: 418_300 } }]]);
  const watched = { ...keeping('etcd', store([n1, n2])), diskCounters: () => Promise.resolve(later) };
  const { facts } = await collectFrom([watched], {}, 3_000);
  expect(facts.stores[0]?.interval?.disks).toEqual({ [n1.id]: { fsyncs: { slow: 4, total: 100 } } });
});

test('each store gets the earlier samples of its members, the newest first', async () => {
  const sample = (store: string, hour: number) => ({
    store,
    memberId: 'a1',
    dbSizeBytes: hour,
    at: new Date(`2026-02-19T0${hour}:00:00Z`),
  });
  const earlier = [sample('etcd', 1), sample('events', 2), sample('etcd', 3)];
  const { facts } = await collectFrom([keeping('etcd', store([leader('n1')]))], {}, SHORT_MS, earlier);
  expect(facts.stores[0]?.earlier).toEqual([
    { memberId: 'a1', dbSizeBytes: 3, ageMs: 21 * 3_600_000 },
    { memberId: 'a1', dbSizeBytes: 1, ageMs: 23 * 3_600_000 },
  ]);
});

test('a member is remembered once, by its id, if it reports its size or its disk', () => {
  const n1 = leader('n1');
  const { id, dbSizeBytes, disk } = n1;
  const samples = samplesOf([store([n1, n1, old('n2'), silent('n3')])]);
  expect(samples).toEqual([{ store: 'etcd', memberId: id, dbSizeBytes, disk }]);
  expect(samples.map((sample) => sampleSchema.parse(sample))).toEqual(samples);
  expect(samples.map(sampleTarget)).toEqual([`etcd/${id}`]);
});

test('a bug in a source is a bug, not a gap', async () => {
  await expect(collectFrom([keeping('etcd', new TypeError('x is not a function'))])).rejects.toThrow(
    TypeError,
  );
});

test('only the requested stores are read, and an unknown name is a gap', async () => {
  const stores = [keeping('etcd', store([leader('n1')])), keeping('events', store([leader('e1')]))];
  expect((await collectFrom(stores, { source: 'events' })).seen).toEqual({ events: 1 });
  expect((await collectFrom(stores, { source: 'events, ectd' })).gaps).toEqual([
    '--source ectd: no source of keys has this name; did you mean etcd?',
  ]);
});

test('waiting continues while members do not respond, and ends when they are in the expected state', async () => {
  const answers = [
    new SourceError('etcd', 'unreachable', 'electing'),
    store([member('n1', { healthy: false })]),
  ];
  const electing: ports.KeyValueStore = {
    ...keeping('etcd', store([leader('n1')])),
    maintain: true,
    diskCounters: () => Promise.resolve(new Map()),
    members: () => {
      const answer = answers.shift() ?? store([leader('n1')]);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  const areWell = ({ members }: ports.StoreMembers) => members.every(({ healthy }) => healthy);
  await untilMembers(electing, areWell, { signal, withinMs: 30_000, otherwise: 'never' });
  expect(answers).toEqual([]);
});

test('waiting ends with its own message at the deadline, with the reason of an aborted signal, and immediately with a bug', async () => {
  const never = () => false;
  const options = { signal, withinMs: 20, otherwise: 'n1 was not healthy within 20 ms' };
  await expect(untilMembers(keeping('etcd', store([])), never, options)).rejects.toMatchObject({
    kind: 'unreachable',
    message: 'n1 was not healthy within 20 ms',
  });
  const over = AbortSignal.abort(new SourceError('order', 'refused', 'frozen'));
  await expect(untilMembers(keeping('etcd', store([])), never, { ...options, signal: over })).rejects.toThrow(
    'frozen',
  );
  await expect(untilMembers(keeping('etcd', new TypeError('bug')), never, options)).rejects.toThrow('bug');
});

test('a store that cannot be queried at all is a gap, and the others are kept', async () => {
  const refused = new SourceError('events', 'refused', 'the client certificate cannot be read');
  const { facts, gaps } = await collectFrom([
    keeping('events', refused),
    keeping('etcd', store([leader('n1'), member('n2')])),
  ]);
  expect(facts.stores.map(({ name }) => name)).toEqual(['etcd']);
  expect(gaps).toEqual(['events: the client certificate cannot be read']);
});

test('disk counters that are not reported again are a gap: a slow disk would go unnoticed', async () => {
  const [n1, n2] = [leader('n1'), member('n2')];
  const { disk = {} } = n2;
  const etcd = keeping('etcd', store([n1, n2]));
  const failed = new SourceError('etcd', 'unreachable', 'connection refused');
  const results = await Promise.all(
    [
      async () => new Map([[n1.url ?? '', disk]]),
      async () => new Map([n1, n2].map(({ url = '' }) => [url, { commits: { slow: 0, total: 200_000 } }])),
      () => Promise.reject(failed),
    ].map((diskCounters) => collectFrom([{ ...etcd, diskCounters }], {}, 3_000)),
  );
  const what = 'disk counters (second reading)';
  expect(results.map(({ gaps }) => gaps)).toEqual([
    [`etcd/n2: ${what}: it did not report them again`],
    ['n1', 'n2'].map((name) => `etcd/${name}: ${what}: it did not report them again`),
    [`etcd: ${what}: connection refused`],
  ]);
  expect(results.every(({ facts }) => facts.stores[0]?.members.length === 2)).toBe(true);
});

test('a fact that one member does not report and another one does is a gap, unless the version explains it', async () => {
  const { dbSizeBytes: _size, clockAheadMs: _clock, ...n2 } = member('n2');
  const { raftAppliedIndex: _index, ...n3 } = member('n3', { version: '3.3.27' });
  const { gaps } = await collectFrom([keeping('etcd', store([leader('n1'), n2, n3]))]);
  expect(gaps).toEqual(['etcd/n2: database size and clock: it does not report this, but other members do']);
});

test('the one member that was upgraded and reports less than the old ones is a gap', async () => {
  const { disk: _disk, leaderChanges: _changes, ...n3 } = member('n3', { version: '3.10.0' });
  const members = [leader('n1', { version: '3.9.1' }), member('n2', { version: '3.9.1' })];
  const { gaps } = await collectFrom([keeping('etcd', store([...members, n3]))]);
  expect(gaps).toEqual([
    'etcd/n3: leader changes, fsyncs and backend commits: it does not report this, but other members do',
  ]);
});

test.each([
  ['members of two versions', [leader('n1'), member('n2'), member('n3', { version: '3.5.9' })]],
  ['members of etcd 2', [old('n1', { isLeader: true }), old('n2'), old('n3')]],
  ['one of three members upgraded from etcd 2', [leader('n1'), old('n2'), old('n3')]],
] as const)('%s are not incomplete', async (_, members) => {
  const { gaps, notes } = await collectFrom([keeping('etcd', store(members))]);
  expect({ gaps, notes }).toEqual({ gaps: [], notes: [] });
});

test('a size that no member has in its status is a gap, because etcd 3 reports it', async () => {
  const ask = async (known: Partial<ports.StoreMember>) => {
    const { dbSizeBytes: _, ...n1 } = leader('n1', known);
    return (await collectFrom([keeping('etcd', store([n1]))])).gaps;
  };
  expect(await ask({})).toEqual(['etcd/n1: database size: it does not report this']);
  expect(await ask({ version: '2.3.8' })).toEqual([]);
  expect(await ask({ unanswered: [{ query: 'status', error: denied, isDenied: true }] })).toEqual([]);
});

test('the quorum is a gap if no member reports its quorum read', async () => {
  const { hasQuorum: _, ...known } = store([leader('n1'), member('n2')]);
  const { gaps } = await collectFrom([keeping('etcd', known)]);
  expect(gaps).toEqual(['etcd: quorum read: no member reports its result']);
});

test('an endpoint that does not report its cluster and leader is a gap: it may follow another one', async () => {
  const known = store([leader('n1'), member('n2')]);
  const endpoints = known.endpoints.map(({ clusterId, leaderId, ...one }, at) =>
    at === 0 ? { ...one, clusterId: clusterId ?? '', leaderId: leaderId ?? '' } : one,
  );
  const { gaps } = await collectFrom([keeping('etcd', { ...known, endpoints })]);
  expect(gaps).toEqual([
    'etcd/n2.example.com:2379: it does not report which cluster it belongs to and which leader it follows, but other endpoints do',
  ]);
});
