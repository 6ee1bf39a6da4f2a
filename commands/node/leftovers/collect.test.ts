import { describe, expect, test } from 'vitest';
import { type ports, SourceError } from '../../kit.ts';
import { clusterNode, clusterSource, oneDisk } from '../../shared/fixture-clusters.ts';
import { engineSource, stoppedContainer } from '../../shared/fixture-engines.ts';
import { unusedImage } from './builders.ts';
import { collect, type CollectArgs } from './collect.ts';
import type { Context } from './facts.ts';

const now = new Date('2026-11-26T12:00:00Z');
const HOUR_MS = 3_600_000;
const old = new Date('2026-11-20T12:00:00Z');
const ARGS: CollectArgs = { olderMs: 3_600_000, include: [] };

const down = (source: string) =>
  new SourceError(source, 'unreachable', 'no response', { code: 'ECONNREFUSED' });

function contextOf(engines: readonly ports.ContainerEngines[], clusters?: readonly ports.Cluster[]) {
  const gaps: { what: string; because: string; unrelated: boolean }[] = [];
  const notes: string[] = [];
  const gap: Context['gap'] = (what, { message }, { unrelated = false } = {}) =>
    void gaps.push({ what, because: message, unrelated });
  const context: Context = {
    read: { engines, ...(clusters && { clusters }) },
    now,
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: async (what, fallback, read) => {
      try {
        return await read();
      } catch (error) {
        gap(what, error as Error);
        return fallback;
      }
    },
    gap,
    note: (text) => void notes.push(text),
    saw: () => undefined,
  };
  return { context, gaps, notes };
}

const builders = (known: Partial<ports.ContainerEngines> = {}): ports.ContainerEngines => ({
  ...engineSource({
    name: 'builders',
    engines: ['build-1', 'build-2'].map((name) => ({
      name,
      node: `${name}.example.internal`,
      containers: [stoppedContainer(`on-${name}`, old)],
      sizes: { [stoppedContainer(`on-${name}`, old).id]: 5_000 },
    })),
  }),
  ...known,
});

const laptop = engineSource({ name: 'laptop', engines: [{ name: 'laptop' }] });

const nodesOf = (...names: readonly string[]) =>
  clusterSource({
    name: 'lab',
    nodes: names.map((name, at) =>
      clusterNode(name, { addresses: [{ type: 'InternalIP', address: `192.0.2.${at + 1}` }] }),
    ),
    stats: Object.fromEntries(names.map((name) => [name, oneDisk(0.13)])),
  });

describe('selecting engines', () => {
  const targets = async (node: string | undefined, clusters?: readonly ports.Cluster[]) => {
    const { context, gaps } = contextOf([builders(), laptop], clusters);
    const { engines } = await collect(context, { ...ARGS, node });
    return { targets: engines.map(({ target }) => target), gaps };
  };

  test('reads all by default; the only engine of a source has the name of the source', async () => {
    expect((await targets(undefined)).targets).toEqual(['builders:build-1', 'builders:build-2', 'laptop']);
  });

  test.each(['build-2', 'builders:build-2', 'build-2.example.internal'])('one named %s', async (name) => {
    expect(await targets(name)).toEqual({ targets: ['builders:build-2'], gaps: [] });
  });

  test.each(['ip-192-0-2-2', 'lab:ip-192-0-2-2'])(
    'one on the node %s, which has another name',
    async (name) => {
      const source = engineSource({ name: 'builders', engines: [{ name: 'build-2', node: '192.0.2.2' }] });
      const { context, gaps } = contextOf([source, laptop], [nodesOf('other', 'ip-192-0-2-2')]);
      const { engines } = await collect(context, { ...ARGS, node: name });
      expect(engines.map(({ target }) => target)).toEqual(['builders:build-2']);
      expect(gaps).toEqual([]);
    },
  );

  test('an unknown name is a gap that suggests the nearest name', async () => {
    const { targets: found, gaps } = await targets('build-3');
    expect(found).toEqual([]);
    expect(gaps).toEqual([
      {
        what: '--node build-3',
        because: expect.stringContaining('did you mean build-') as unknown,
        unrelated: false,
      },
    ]);
  });
});

describe('a failing request affects no other engine and no other request', () => {
  test('an engine that is down is one gap', async () => {
    const source = builders({
      info: async ({ engine }) =>
        engine === 'build-1'
          ? Promise.reject(down('builders'))
          : builders().info({ engine, signal: AbortSignal.abort() }),
    });
    const { context, gaps } = contextOf([source]);
    const { engines } = await collect(context, ARGS);
    expect(engines.map(({ target }) => target)).toEqual(['builders:build-2']);
    expect(gaps.map(({ what }) => what)).toEqual(['builders:build-1']);
  });

  test('if df fails, containers and their sizes are still reported', async () => {
    const { context, gaps } = contextOf([builders({ usage: () => Promise.reject(down('builders')) })]);
    const { engines } = await collect(context, ARGS);
    expect(engines[0]?.containers.leftovers).toMatchObject([{ name: 'on-build-1', bytes: 5_000 }]);
    expect(gaps[0]).toMatchObject({
      what: 'builders:build-1: images, volumes and build cache',
      unrelated: false,
    });
  });

  test('if sizes cannot be read, containers are reported with unknown size', async () => {
    const { context, gaps } = contextOf([
      builders({ containerSizes: () => Promise.reject(down('builders')) }),
    ]);
    const { engines } = await collect(context, ARGS);
    expect(engines[0]?.containers.leftovers).toMatchObject([{ name: 'on-build-1' }]);
    expect(engines[0]?.containers.leftovers[0]).not.toHaveProperty('bytes');
    expect(gaps).toHaveLength(2);
  });

  test('sizes are requested only for leftovers', async () => {
    const asked: (readonly string[])[] = [];
    const { context } = contextOf([
      builders({
        containers: async function* () {
          yield [stoppedContainer('left', old), stoppedContainer('kept', old, { labels: { keep: '' } })];
        },
        containerSizes: async ({ ids }) => {
          asked.push(ids);
          return new Map();
        },
      }),
    ]);
    await collect(context, ARGS);
    expect(asked).toEqual([[stoppedContainer('left', old).id], [stoppedContainer('left', old).id]]);
  });

  test('an engine that only refuses to describe itself is still read', async () => {
    const info = () => Promise.reject(new SourceError('builders', 'refused', 'forbidden'));
    const { context, gaps } = contextOf([builders({ info })], [nodesOf('build-2.example.internal')]);
    const { engines } = await collect(context, ARGS);
    expect(engines.map(({ containers }) => containers.leftovers.map(({ name }) => name))).toEqual([
      ['on-build-1'],
      ['on-build-2'],
    ]);
    expect(engines[1]).toMatchObject({ node: { name: 'build-2.example.internal' } });
    expect(engines[1]).not.toHaveProperty('product');
    expect(gaps.map(({ what }) => what)).toEqual([
      'builders:build-1: description',
      'builders:build-2: description',
    ]);
  });

  test('an engine that refuses everything is one gap', async () => {
    const refused = new SourceError('builders', 'refused', 'forbidden');
    const { context, gaps } = contextOf([
      builders({
        info: () => Promise.reject(refused),
        containers: async function* () {
          yield await Promise.reject(refused);
        },
      }),
    ]);
    expect((await collect(context, ARGS)).engines).toEqual([]);
    expect(gaps.map(({ what }) => what)).toEqual(['builders:build-1', 'builders:build-2']);
  });

  test('an engine that counts stopped containers and lists none is not clear', async () => {
    const engine = { name: 'laptop', info: { running: 0, stopped: 40 } };
    const { context, gaps } = contextOf([engineSource({ name: 'laptop', engines: [engine] })]);
    const { engines } = await collect(context, ARGS);
    expect(engines[0]?.containers.isComplete).toBe(false);
    expect(gaps).toMatchObject([{ because: 'laptop counts 40 stopped containers, but lists none' }]);
  });

  test('if the list ends early, what was read before is reported', async () => {
    const { context, gaps } = contextOf([
      builders({
        containers: async function* () {
          yield [stoppedContainer('first', old)];
          throw down('builders');
        },
      }),
    ]);
    const { engines } = await collect(context, ARGS);
    expect(engines[0]?.containers).toMatchObject({ isComplete: false, leftovers: [{ name: 'first' }] });
    expect(gaps.map(({ what }) => what)).toContain('builders:build-1: containers');
  });

  test('ten thousand that could not be inspected are one gap', async () => {
    const { context, gaps } = contextOf([
      builders({
        engines: [{ name: 'build-1', address: 'ssh://build-1', host: 'build-1' }],
        containers: async function* () {
          for (let at = 0; at < 10_000; at += 1) {
            const { details: _, ...container } = stoppedContainer(`c${at}`, old);
            yield [{ ...container, error: 'the engine closed the connection' }];
          }
        },
      }),
    ]);
    await collect(context, ARGS);
    expect(gaps).toMatchObject([
      {
        what: 'builders:build-1: 10000 containers (c0, c1, c2, c3, c4 and 9995 more)',
        because: 'it could not be inspected: the engine closed the connection',
      },
    ]);
  });
});

test('a dangling image without a creation time is a gap', async () => {
  const { createdAt: _, ...undated } = unusedImage('built without a date', { tags: [] });
  const usage = async () => ({ images: [undated], volumes: [], buildCache: [] });
  const { context, gaps } = contextOf([
    builders({ engines: [{ name: 'build-1', address: 'ssh://b', host: 'b' }], usage }),
  ]);
  await collect(context, ARGS);
  expect(gaps).toEqual([
    {
      what: 'builders:build-1: 1 dangling image',
      because: 'the engine does not say when they were created',
      unrelated: false,
    },
  ]);
});

describe('the clock of an engine', () => {
  const notesWith = async (clockBehindMs: number) => {
    const { context, notes } = contextOf([
      engineSource({ name: 'lab', engines: [{ name: 'lab', info: { clockBehindMs } }] }),
    ]);
    await collect(context, ARGS);
    return notes;
  };

  test('that is behind is noted: recently stopped containers seem old', async () => {
    expect(await notesWith(3 * HOUR_MS)).toEqual([
      'lab: its clock is 3 hours behind, so ages are overestimated by that much',
    ]);
  });

  test.each([
    ['right', 0],
    ['a little behind', 60_000],
    ['ahead', -HOUR_MS],
  ])('that is %s is not', async (_, behindMs) => {
    expect(await notesWith(behindMs)).toEqual([]);
  });
});

describe('the node of an engine', () => {
  test('is shown with the available bytes of its kubelet', async () => {
    const { context } = contextOf([builders()], [nodesOf('build-2')]);
    const { engines } = await collect(context, ARGS);
    expect(engines.map(({ node }) => node)).toEqual([
      undefined,
      {
        cluster: 'lab',
        name: 'build-2',
        by: 'name',
        containerRuntime: 'containerd://2.1.4',
        availableBytes: oneDisk(0.13).imageFs?.availableBytes,
      },
    ]);
  });

  test('is unknown if two have its name, which is noted', async () => {
    const clusters = [nodesOf('build-2'), { ...nodesOf('build-2'), name: 'spare' }];
    const { context, notes } = contextOf([builders()], clusters);
    const { engines } = await collect(context, ARGS);
    expect(engines[1]).not.toHaveProperty('node');
    expect(notes).toEqual([
      'builders:build-2 matches several nodes, so none is shown: lab:build-2 and spare:build-2',
    ]);
  });

  test('does not affect the verdict: a cluster that is down is an unrelated gap', async () => {
    const cluster: ports.Cluster = {
      ...nodesOf('build-2'),
      nodes: async function* () {
        yield [];
        throw down('lab');
      },
    };
    const { context, gaps } = contextOf([builders()], [cluster]);
    const { engines } = await collect(context, ARGS);
    expect(engines).toHaveLength(2);
    expect(gaps).toEqual([{ what: 'lab: nodes', because: 'no response', unrelated: true }]);
  });

  test('is queried again while a fix is verified, until its kubelet has a new measurement', async () => {
    const measured = (at: string, free: number) => oneDisk(free, { fs: { measuredAt: new Date(at) } });
    const answers = [measured('2026-11-26T11:59:50Z', 0.13), measured('2026-11-26T12:00:00Z', 0.5)];
    let asked = 0;
    const cluster: ports.Cluster = {
      ...nodesOf('build-2'),
      kubeletStats: async () => answers[Math.min(asked++, 1)]!,
    };
    const { context } = contextOf([builders()], [cluster]);
    await collect(context, ARGS);
    expect(asked).toBe(1);
    asked = 0;
    const { engines } = await collect({ ...context, isVerification: true }, ARGS);
    expect(asked).toBe(2);
    expect(engines[1]?.node?.availableBytes).toBe(answers[1]?.imageFs?.availableBytes);
  });
});
