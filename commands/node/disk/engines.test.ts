import { expect, test } from 'vitest';
import { type ports, SourceError } from '../../kit.ts';
import { clusterNode, oneDisk } from '../../shared/fixture-clusters.ts';
import { engineSource } from '../../shared/fixture-engines.ts';
import { events, node } from './builders.ts';
import { withEngines } from './engines.ts';
import type { Context, NodeFacts } from './facts.ts';

const full = (name: string, free = 0.08, known: Partial<NodeFacts> = {}) =>
  node(name, { fileSystems: oneDisk(free), ...known });
const blocked = (name: string) =>
  node(name, {
    ...events({
      reason: 'ImageGCFailed',
      message:
        'unable to delete 5d4a891a1320 (must be forced) - image is being used by stopped container 3f000cecf70d',
    }),
  });

type Info = ports.ContainerEngines['info'];

async function ask(
  nodes: readonly NodeFacts[],
  sources: readonly ports.ContainerEngines[],
  {
    leftMs = 60_000,
    listed = nodes.map(({ name, cluster }) => ({ ...clusterNode(name), cluster })),
    info,
  }: {
    readonly leftMs?: number;
    readonly listed?: Parameters<typeof withEngines>[2];
    readonly info?: (original: Info) => Info;
  } = {},
) {
  const asked: string[] = [];
  const gaps: string[] = [];
  const notes: string[] = [];
  const unexpected = () => {
    throw new Error('not expected');
  };
  const context: Context = {
    earlier: [],
    read: {
      clusters: [],
      engines: sources.map((source) => ({
        ...source,
        info: async (query) => {
          asked.push(query.engine);
          return (info?.(source.info) ?? source.info)(query);
        },
      })),
    },
    now: new Date('2026-11-26T12:00:00Z'),
    signal: new AbortController().signal,
    leftMs: () => leftMs,
    gap: (what, error, { unrelated } = {}) =>
      void gaps.push(`${unrelated ? 'unrelated' : 'related'} ${what}: ${error.message}`),
    note: (text) => void notes.push(text),
    saw: unexpected,
    attempt: unexpected,
  };
  const found = await withEngines(context, nodes, listed);
  expect(found.map(({ name }) => name)).toEqual(nodes.map(({ name }) => name));
  return {
    engines: Object.fromEntries(found.flatMap(({ name, engines }) => (engines ? [[name, engines]] : []))),
    asked,
    gaps,
    notes,
  };
}

const builders = (...names: readonly string[]) =>
  engineSource({
    name: 'builders',
    engines: names.map((name) => ({ name, info: { stopped: 14, running: 3 } })),
  });

test('only the engine of a node that is short of disk is queried', async () => {
  const result = await ask([full('n1'), node('n2')], [builders('n1', 'n2', 'n3')]);

  expect(result).toEqual({
    engines: {
      n1: [{ target: 'builders:n1', by: 'name', answer: { product: 'docker', stopped: 14, running: 3 } }],
    },
    asked: ['n1'],
    gaps: [],
    notes: [],
  });
});

test('a node with DiskPressure that could not be measured is short of disk', async () => {
  const { fileSystems: _, ...unmeasured } = node('n1', { diskPressure: { status: 'True' } });

  expect((await ask([unmeasured], [builders('n1')])).asked).toEqual(['n1']);
});

test('no engine is queried if no node is short, not even for its host name', async () => {
  const local = engineSource({ name: 'local', engines: [{ name: 'local', info: { hostname: 'n1' } }] });
  const { asked, gaps } = await ask([node('n1'), node('n2')], [builders('n1'), withoutNode(local)]);

  expect({ asked, gaps }).toEqual({ asked: [], gaps: [] });
});

test('the engine of a node whose images cannot be collected is named, but not queried while there is space', async () => {
  const { engines, asked } = await ask([blocked('n1'), node('n2')], [builders('n1', 'n2')]);

  expect(engines).toEqual({ n1: [{ target: 'builders:n1', by: 'name' }] });
  expect(asked).toEqual([]);
});

test('of many nodes, the 10 with the least space are queried', async () => {
  const names = Array.from({ length: 14 }, (_, at) => `n${at}`);
  const nodes = names.map((name, at) => full(name, 0.14 - at / 100));
  const { engines, asked } = await ask(nodes, [builders(...names)]);

  expect(asked.toSorted()).toEqual(names.slice(4).toSorted());
  expect(engines['n0']).toEqual([{ target: 'builders:n0', by: 'name' }]);
});

function withoutNode(source: ports.ContainerEngines): ports.ContainerEngines {
  return { ...source, engines: source.engines.map(({ name, address, host }) => ({ name, address, host })) };
}

test('an engine without a configured node is matched by its own host name', async () => {
  const local = engineSource({
    name: 'local',
    engines: [{ name: 'local', info: { hostname: 'n1', stopped: 2 } }],
  });
  const { engines, asked } = await ask([full('n1.example.internal')], [withoutNode(local)]);

  expect(engines['n1.example.internal']).toMatchObject([
    { target: 'local', by: 'name without the domain', answer: { stopped: 2 } },
  ]);
  expect(asked).toEqual(['local']);
});

test('an engine that may run on several nodes is shown for none, and a note says so', async () => {
  const { engines, asked, notes } = await ask([full('n1.eu'), node('n1.us')], [builders('n1')]);

  expect({ engines, asked }).toEqual({ engines: {}, asked: [] });
  expect(notes).toEqual([
    'builders:n1 matches several nodes, so it is shown for none of them: prod:n1.eu and prod:n1.us',
  ]);
});

test('a node that was not requested can be the one that an engine runs on', async () => {
  const listed = ['n1.eu', 'n1'].map((name) => ({ ...clusterNode(name), cluster: 'prod' }));

  expect((await ask([full('n1.eu')], [builders('n1')], { listed })).engines).toEqual({});
});

test.each<readonly [string, number, () => Promise<never>, string]>([
  [
    'refuses',
    60_000,
    () => Promise.reject(new SourceError('builders', 'refused', 'permission denied')),
    'permission denied',
  ],
  ['hangs and ignores its signal', 2_020, () => new Promise(() => {}), 'no response within 0.02 s'],
  ['could only be queried too late', 1_999, () => new Promise(() => {}), 'not queried before the deadline'],
])('an engine that %s does not change the verdict', async (_, leftMs, answer, because) => {
  const { engines, gaps } = await ask([full('n1'), full('n2')], [builders('n1', 'n2')], {
    leftMs,
    info: (original) => (query) => (query.engine === 'n1' ? answer() : original(query)),
  });

  expect(gaps[0]).toBe(`unrelated builders:n1: container engine: ${because}`);
  expect(engines['n1']).toEqual([{ target: 'builders:n1', by: 'name', answer: { error: because } }]);
  expect(Object.keys(engines)).toEqual(['n1', 'n2']);
});

test('a bug is not reported as an engine that does not respond', async () => {
  const failing = ask([full('n1')], [builders('n1')], {
    info: () => () => Promise.reject(new TypeError('bug')),
  });

  await expect(failing).rejects.toThrow('bug');
});
