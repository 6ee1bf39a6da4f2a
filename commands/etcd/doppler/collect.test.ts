import { expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { type Asked, collectFor } from './collect.ts';
import { DOPPLER } from './services.ts';
import { announced, deployment, doppler, members, tree } from './sightings.ts';

const THREE = members(['etcd_z1_0', 'etcd_z2_0', 'etcd_z3_0']);
const KEY = announced('z1/doppler_z1/id-1', '10.0.1.1');
const cf = deployment([doppler({ name: 'doppler_z1/0', id: 'id-1', address: '10.0.1.1' })]);

const LOST = new SourceError('etcd', 'unreachable', 'etcdserver: request timed out (errorCode 300)');

interface Kept {
  readonly name?: string;
  /** What a look at a directory answers; `look` counts from 1. */
  readonly tree?: (prefix: string, look: number) => ports.KeyTree;
  readonly members?: () => ports.StoreMembers;
}

/** A store, and in which order it was asked. */
function store({ name = 'etcd', ...kept }: Kept = {}) {
  const asked: string[] = [];
  const answer = async <T>(what: string, give: () => T): Promise<T> => {
    asked.push(what);
    return give();
  };
  const made: ports.KeyValueStore = {
    name,
    tree: (prefix) =>
      answer(prefix, () => {
        const look = asked.filter((one) => one === prefix).length;
        if (kept.tree) return kept.tree(prefix, look);
        return tree(prefix, prefix === '/doppler/meta' ? [KEY] : [], [], look > 1);
      }),
    maintain: false,
    members: () => answer('members', kept.members ?? (() => THREE)),
    diskCounters: () => Promise.resolve(new Map()),
  };
  return { ...made, asked };
}

function keeper(name: string, answer: readonly ports.Deployment[] | Error): ports.ProcessKeeper {
  const deployments = () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer));
  return { name, kind: 'bosh', deployments };
}

async function look(
  stores: readonly ports.KeyValueStore[],
  keepers?: readonly ports.ProcessKeeper[],
  asked: Asked = {},
  betweenLooksMs = 1,
  signal = new AbortController().signal,
) {
  const gaps: string[] = [];
  const seen: Record<string, number> = {};
  const gap = (what: string, error: Error) => {
    if (!(error instanceof SourceError)) throw error;
    gaps.push(`${what}: ${error.message}`);
  };
  const context: ReadContext<'keyValue', 'processes'> = {
    read: { keyValue: { stores }, ...(keepers && { processes: { keepers } }) },
    now: new Date('2016-12-06T19:42:26Z'),
    signal,
    gap,
    leftMs: () => 60_000,
    note: () => undefined,
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
  const facts = await collectFor(DOPPLER, betweenLooksMs)(context, asked);
  return { facts, gaps, seen };
}

test('both places of dopplers are looked at twice, and the members are asked in between', async () => {
  const etcd = store();
  const { facts, gaps, seen } = await look([etcd], [keeper('bosh', [cf])]);
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

test('the second look waits for its time, and the deadline cuts that short with a gap', async () => {
  const ends = new AbortController();
  const etcd = store({
    members: () => {
      queueMicrotask(() => ends.abort(new SourceError('deadline', 'unreachable', 'not finished within 5 s')));
      return THREE;
    },
  });
  const { facts, gaps } = await look([etcd], undefined, {}, 3_600_000, ends.signal);
  expect(etcd.asked).toEqual(['/doppler/meta', '/healthstatus/doppler', 'members']);
  expect(facts.stores[0]).toHaveProperty('earlier');
  expect(facts.stores[0]).not.toHaveProperty('later');
  expect(gaps).toEqual([
    'etcd: /doppler/meta, /healthstatus/doppler, a second time: not finished within 5 s',
  ]);
});

test('without a quorum the keys are a gap, and the members still tell what is wrong', async () => {
  const lost = { ...THREE, hasQuorum: false, quorumError: 'etcdserver: request timed out' };
  const etcd = store({
    tree: () => {
      throw LOST;
    },
    members: () => lost,
  });
  const { facts, gaps } = await look([etcd], [keeper('bosh', [cf])]);
  expect(facts.stores).toEqual([{ name: 'etcd', members: lost }]);
  expect(gaps).toEqual([
    'etcd: /doppler/meta, /healthstatus/doppler: etcdserver: request timed out (errorCode 300)',
  ]);
  expect(etcd.asked.at(-1)).toBe('members');
});

test('a quorum that is lost between the two looks leaves the second one unseen', async () => {
  const etcd = store({
    tree: (prefix, times) => {
      if (times > 1) throw LOST;
      return tree(prefix, []);
    },
  });
  const { facts, gaps } = await look([etcd]);
  expect(facts.stores[0]).toMatchObject({ name: 'etcd', members: THREE });
  expect(facts.stores[0]).not.toHaveProperty('later');
  expect(gaps[0]).toMatch(/^etcd: .* a second time: etcdserver: request timed out/);
});

test('members that may not be asked are a gap, and the keys are judged all the same', async () => {
  const etcd = store({
    members: () => {
      throw new SourceError('etcd', 'refused', 'user may not list members');
    },
  });
  const { facts, gaps } = await look([etcd]);
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

test('a store that knows no directories is passed over in silence where another one does', async () => {
  const { facts, gaps } = await look([store(), store(UNFIT)]);
  expect(facts.stores.map(({ name }) => name)).toEqual(['etcd']);
  expect(gaps).toEqual([]);
});

test('where no store knows directories, that is said', async () => {
  const { facts, gaps } = await look([store(UNFIT)]);
  expect(facts.stores).toEqual([]);
  expect(gaps).toEqual(['kubernetes: this etcd 3.6 has no v2 keys']);
});

test('one of several etcds can be asked alone, and one that is not there is a gap which names those that are', async () => {
  const two = [store(), store({ name: 'etcd-old' })];
  const { facts, gaps } = await look(two, undefined, { source: 'etcd-old, ectd' });
  expect(facts.stores.map(({ name }) => name)).toEqual(['etcd-old']);
  expect(gaps).toEqual(['--source ectd: no source of that name keeps keys here; there is: etcd, etcd-old']);
});

test('where no source keeps processes, nobody tells who should be there', async () => {
  const { facts, gaps } = await look([store()]);
  expect(facts).toMatchObject({ deployments: [], instances: 'nobody-tells' });
  expect(gaps).toEqual([]);
});

test('what a deployment could not tell is a gap, and then not everybody was seen', async () => {
  const error = new SourceError('bosh', 'unreachable', 'task 1181 did not end within 60 s');
  const late = { ...cf, gaps: [{ what: 'late', error }] };
  const { facts, gaps } = await look([store()], [keeper('bosh', [late])]);
  expect(facts.instances).toBe('partly');
  expect(gaps).toEqual(['bosh: late: task 1181 did not end within 60 s']);
});

test('a director that does not answer takes nothing from what another one tells', async () => {
  const silent = new SourceError('bosh', 'unreachable', 'no answer within 5 s');
  const { facts, gaps } = await look([store()], [keeper('bosh', silent), keeper('other', [cf])]);
  expect(facts).toMatchObject({ deployments: [cf], instances: 'partly' });
  expect(gaps).toEqual(['bosh: no answer within 5 s']);
});

test('of the deployments that were not asked for, nobody hears', async () => {
  const error = new SourceError('bosh', 'unreachable', 'task 1181 did not end within 60 s');
  const late = deployment([], { name: 'late', gaps: [{ what: 'late', error }] });
  const { facts, gaps, seen } = await look([store()], [keeper('bosh', [cf, late])], { deployment: 'cf' });
  expect(facts).toMatchObject({ deployments: [cf], instances: 'partly' });
  expect(gaps).toEqual([]);
  expect(seen).toEqual({ etcd: 1, bosh: 1 });
});

test.each([
  ['cg', 'did you mean cf?'],
  ['kubernetes', 'there is: cf'],
])('a deployment %s that is not there is a gap: %s', async (name, hint) => {
  const { facts, gaps } = await look([store()], [keeper('bosh', [cf])], { deployment: name });
  expect(facts).toMatchObject({ deployments: [], instances: 'partly' });
  expect(gaps).toEqual([`--deployment ${name}: no deployment of that name was seen; ${hint}`]);
});

test('a bug in a source is a bug, not a gap', async () => {
  const etcd = store({
    tree: () => {
      throw new TypeError('x is not a function');
    },
  });
  await expect(look([etcd])).rejects.toThrow('x is not a function');
});
