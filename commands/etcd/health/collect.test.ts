import { expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { collect, untilMembers } from './collect.ts';
import { leader, member, silent, store } from './sightings.ts';

const { signal } = new AbortController();

function keeping(name: string, answer: ports.StoreMembers | Error): ports.KeyValueStore {
  return {
    name,
    tree: () => Promise.reject(new Error('no key is read')),
    members: () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)),
  };
}

async function look(stores: readonly ports.KeyValueStore[], args: Parameters<typeof collect>[1] = {}) {
  const gaps: string[] = [];
  const seen: Record<string, number> = {};
  const gap = (what: string, error: Error) => {
    if (!(error instanceof SourceError)) throw error;
    gaps.push(`${what}: ${error.message}`);
  };
  const context: ReadContext<'keyValue'> = {
    read: { keyValue: { stores } },
    now: new Date('2026-02-20'),
    signal,
    gap,
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
  return { facts, gaps, seen };
}

test('asks every store, and counts each member: one that is silent was looked at', async () => {
  const { facts, gaps, seen } = await look([
    keeping('etcd', store([leader('n1'), member('n2'), silent('n3')])),
    keeping('events', store([leader('e1')])),
  ]);
  expect(facts.stores.map(({ name }) => name)).toEqual(['etcd', 'events']);
  expect(seen).toEqual({ etcd: 3, events: 1 });
  expect(gaps).toEqual([]);
});

test('a member that answers and refuses is a gap: nobody knows how it is', async () => {
  const error = new SourceError('etcd', 'refused', 'n2:2379 asks for a client certificate that it trusts');
  const { gaps, seen } = await look([keeping('etcd', store([leader('n1'), silent('n2', '', { error })]))]);
  expect(gaps).toEqual(['etcd/n2: n2:2379 asks for a client certificate that it trusts']);
  expect(seen).toEqual({ etcd: 1 });
});

test('a store of which nobody answers is one gap, and takes nothing from what the others tell', async () => {
  const nobody = new SourceError('etcd', 'unreachable', 'none of 3 endpoints answers');
  const { facts, gaps } = await look([keeping('etcd', nobody), keeping('events', store([leader('e1')]))]);
  expect(facts.stores.map(({ name }) => name)).toEqual(['events']);
  expect(gaps).toEqual(['etcd: none of 3 endpoints answers']);
});

test('a bug in a source is a bug, not a gap', async () => {
  await expect(look([keeping('etcd', new TypeError('x is not a function'))])).rejects.toThrow(TypeError);
});

test('only the stores that were asked for are asked, and one that is not there is a gap which names those that are', async () => {
  const stores = [keeping('etcd', store([leader('n1')])), keeping('events', store([leader('e1')]))];
  expect((await look(stores, { source: 'events' })).seen).toEqual({ events: 1 });
  expect((await look(stores, { source: 'events, ectd' })).gaps).toEqual([
    '--source ectd: no source of that name keeps keys here; there is: etcd, events',
  ]);
});

test('waiting goes on while members do not answer, and ends when they are as they should be', async () => {
  const answers = [
    new SourceError('etcd', 'unreachable', 'electing'),
    store([member('n1', { healthy: false })]),
  ];
  const electing: ports.KeyValueStore = {
    ...keeping('etcd', store([leader('n1')])),
    members: () => {
      const answer = answers.shift() ?? store([leader('n1')]);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  const areWell = ({ members }: ports.StoreMembers) => members.every(({ healthy }) => healthy);
  await untilMembers(electing, areWell, { signal, withinMs: 30_000, otherwise: 'never' });
  expect(answers).toEqual([]);
});

test('waiting ends in its own words when the time is over, with the reason of an order that is over, and with a bug at once', async () => {
  const never = () => false;
  const options = { signal, withinMs: 20, otherwise: 'n1 was not well within 20 ms' };
  await expect(untilMembers(keeping('etcd', store([])), never, options)).rejects.toMatchObject({
    kind: 'unreachable',
    message: 'n1 was not well within 20 ms',
  });
  const over = AbortSignal.abort(new SourceError('order', 'refused', 'frozen'));
  await expect(untilMembers(keeping('etcd', store([])), never, { ...options, signal: over })).rejects.toThrow(
    'frozen',
  );
  await expect(untilMembers(keeping('etcd', new TypeError('bug')), never, options)).rejects.toThrow('bug');
});
