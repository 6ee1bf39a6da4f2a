import { expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import {
  clusterNode,
  clusterSource,
  condition,
  defaultKubeletConfig,
  oneDisk,
} from '../../shared/fixture-clusters.ts';
import { container, pod } from './builders.ts';
import { collect, type CollectArgs } from './collect.ts';
import type { DiskSample } from './growth.ts';

const now = new Date('2026-11-26T12:00:00Z');

async function collectFrom(
  clusters: readonly ports.Cluster[],
  args: CollectArgs = {},
  { leftMs = (): number => 60_000, signal = new AbortController().signal } = {},
) {
  const gaps: string[] = [];
  const kinds: SourceError['kind'][] = [];
  const notes: string[] = [];
  const seen: Record<string, number> = {};
  const gap = (what: string, error: Error) => {
    if (!(error instanceof SourceError)) throw error;
    kinds.push(error.kind);
    gaps.push(`${what}: ${error.message}${error.places === undefined ? '' : ` (${error.places} places)`}`);
  };
  const context: ReadContext<'clusters', never, DiskSample> = {
    earlier: [],
    read: { clusters },
    now,
    signal,
    gap,
    leftMs,
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
  const { nodes } = await collect(context, args);
  return { nodes, gaps, kinds, notes, seen };
}

const named = (...names: readonly string[]) => names.map((name) => clusterNode(name));
const healthy = (...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, oneDisk(0.5)]));
const denied = (permission: string) =>
  new SourceError('lab', 'refused', `permission denied (403): needs ${permission}`);
const lab = (known: Partial<Parameters<typeof clusterSource>[0]> = {}) =>
  clusterSource({ name: 'lab', nodes: named('n1', 'n2', 'n3'), stats: healthy('n1', 'n2', 'n3'), ...known });
async function* failing(error: SourceError, ...pages: readonly (readonly ports.ClusterNode[])[]) {
  yield* pages;
  throw error;
}

test('reads every page, and keeps only numbers of each response', async () => {
  const { nodes, gaps, seen } = await collectFrom([
    lab({
      pods: [
        pod('agent', { node: 'n2', volumes: [{ name: 's', hostPath: '/var/run/docker.sock' }] }),
        pod('web', { node: 'n2' }),
      ],
      events: [
        {
          about: { kind: 'Node', name: 'n3' },
          reason: 'EvictionThresholdMet',
          message: 'Attempting to reclaim ephemeral-storage',
          type: 'Warning',
          count: 3,
          lastAt: now,
        },
      ],
    }),
  ]);
  expect(nodes.map(({ name }) => name)).toEqual(['n1', 'n2', 'n3']);
  expect(nodes[1]?.pods?.builders.map((one) => one.pod)).toEqual(['ci/agent']);
  expect(nodes[2]?.events).toEqual({ breachedAt: now });
  expect(seen).toEqual({ lab: 3 });
  expect(gaps).toEqual([]);
});

test('a missing permission is one gap for all nodes', async () => {
  const { gaps, seen, nodes } = await collectFrom([
    {
      ...lab({
        nodes: [
          ...named('n1', 'n3'),
          clusterNode('n2', { conditions: [condition('Ready', 'True'), condition('DiskPressure', 'True')] }),
        ],
      }),
      kubeletStats: () => Promise.reject(denied('`get nodes/proxy`')),
      kubeletConfig: () => Promise.reject(denied('`get nodes/proxy`')),
      events: () => failing(denied('`list events`')) as never,
    },
  ]);
  expect(gaps).toEqual([
    'lab: events: permission denied (403): needs `list events`',
    'Disk usage and limits of 3 nodes in lab (n1, n2 and n3) are unknown: permission denied (403): needs `get nodes/proxy` (3 places)',
  ]);
  expect(nodes.every(({ areEventsComplete }) => !areEventsComplete)).toBe(true);
  // Each node counts once, here as a gap.
  expect(seen).toEqual({});
});

test('reasons that differ only in the name of the node are one gap, and so are many different ones', async () => {
  const names = Array.from({ length: 30 }, (_, at) => `n${at + 10}`);
  const silent = (message: (name: string) => string) =>
    collectFrom([
      {
        ...lab({ nodes: named(...names) }),
        kubeletStats: ({ name }) => Promise.reject(new SourceError('lab', 'unreachable', message(name))),
      },
    ]);
  expect((await silent((name) => `${name}:10250 did not respond`)).gaps).toEqual([
    'Disk usage of 30 nodes in lab (n10, n11, n12 and 27 more) is unknown: the node:10250 did not respond (30 places)',
  ]);
  expect((await silent((name) => `192.0.2.${name.slice(1)}:10250 did not respond`)).gaps).toEqual([
    'Disk usage of 30 nodes in lab (n10, n11, n12 and 27 more) is unknown: 192.0.2.10:10250 did not respond, and similar reasons (30 places)',
  ]);
});

test('an unreachable cluster is one gap, and the others are read', async () => {
  const gone = new SourceError('gone', 'unreachable', 'gone.example.com:6443 did not respond');
  const { gaps, seen } = await collectFrom([
    {
      ...clusterSource({ name: 'gone', nodes: [] }),
      nodes: () => failing(gone),
      pods: () => Promise.reject(new Error('requested although nodes failed')) as never,
      events: () => Promise.reject(new Error('requested although nodes failed')) as never,
    },
    lab(),
  ]);
  expect(gaps).toEqual(['gone: gone.example.com:6443 did not respond']);
  expect(seen).toEqual({ lab: 3 });
});

test('the pages before a list fails are kept, and the gap says how many nodes were read', async () => {
  const expired = new SourceError('lab', 'malformed', 'the list expired (410) 3 times');
  const { gaps, seen } = await collectFrom([{ ...lab(), nodes: () => failing(expired, named('n1', 'n2')) }]);
  expect(gaps).toEqual(['lab: nodes after the first 2: the list expired (410) 3 times']);
  expect(seen).toEqual({ lab: 2 });
});

test('a cluster without nodes is a gap', async () => {
  expect((await collectFrom([lab({ nodes: [] })])).gaps).toEqual(['lab: it has no nodes']);
});

test('a virtual node is a note, not a gap', async () => {
  const { gaps, notes, seen } = await collectFrom([
    lab({ nodes: [...named('n1'), clusterNode('vk', { kind: 'virtual' })] }),
  ]);
  expect(gaps).toEqual([]);
  expect(notes).toEqual(['lab: vk is a virtual node and has no disk']);
  expect(seen).toEqual({ lab: 1 });
});

test('a node with two reasons counts once', async () => {
  const { gaps, seen } = await collectFrom([
    {
      ...lab(),
      kubeletStats: ({ name }) =>
        name === 'n2' ? Promise.reject(denied('`get nodes/proxy`')) : Promise.resolve(oneDisk(0.5)),
      kubeletConfig: ({ name }) =>
        name === 'n1'
          ? Promise.resolve(defaultKubeletConfig())
          : Promise.reject(new SourceError('lab', 'unreachable', 'bad gateway (502)')),
    },
  ]);
  expect(gaps).toHaveLength(2);
  expect(gaps.join('\n')).toMatch(/Limits of 2 nodes in lab \(n2 and n3\) are unknown: bad gateway/);
  // n2 is counted with the other gap.
  expect(gaps.some((gap) => gap.includes('places'))).toBe(false);
  expect(seen).toEqual({ lab: 1 });
});

const fargate = (name: string) => clusterNode(name, { isServerless: true });
const unreachable = () => Promise.reject(new SourceError('lab', 'unreachable', 'did not respond'));
/** Only the kubelet of `f1` has the overridden methods. */
const withFargate = (known: Partial<ports.Cluster>, names: readonly string[] = ['n1']) => {
  const base = lab({ nodes: [...named(...names), fargate('f1')], stats: healthy(...names) });
  const forOne = <K extends 'kubeletStats' | 'kubeletConfig'>(method: K): ports.Cluster[K] =>
    ((node, options) =>
      (node.name === 'f1' ? (known[method] ?? base[method]) : base[method])(
        node,
        options,
      )) as ports.Cluster[K];
  return {
    ...base,
    ...known,
    kubeletStats: forOne('kubeletStats'),
    kubeletConfig: forOne('kubeletConfig'),
  };
};

test.each([
  ['measures nothing (404)', {}],
  ['does not respond, although others do', { kubeletStats: unreachable, kubeletConfig: unreachable }],
])('a serverless node whose kubelet %s is a note, not a gap', async (_, known) => {
  const { gaps, notes, seen } = await collectFrom([withFargate(known)]);
  expect(gaps).toEqual([]);
  expect(notes).toEqual(['lab: f1 is serverless: its cloud manages the disk and does not show it']);
  expect(seen).toEqual({ lab: 1 });
});

test('a serverless node whose kubelet reports its disk is judged even without its limits', async () => {
  const { gaps, notes, seen, nodes } = await collectFrom([
    withFargate({ kubeletStats: () => Promise.resolve(oneDisk(0.5)), kubeletConfig: unreachable }),
  ]);
  expect(gaps).toEqual([]);
  expect(notes).toEqual(['lab: f1 is serverless and does not show its limits; judged by the defaults']);
  expect(seen).toEqual({ lab: 2 });
  expect(nodes[1]?.fileSystems).toBeDefined();
});

test.each([
  [
    'a permission is missing',
    withFargate({ kubeletStats: () => Promise.reject(denied('`get nodes/proxy`')) }),
  ],
  ['no kubelet is reachable', { ...withFargate({}, []), kubeletStats: unreachable }],
  ['kubelets are not asked', withFargate({ kubelets: 'none' })],
])('a serverless node is a gap like any other if %s', async (_, cluster) => {
  const { gaps } = await collectFrom([cluster]);
  expect(gaps.join()).toContain('f1');
});

test('`kubelets: none` is one gap that says what to configure', async () => {
  const { gaps, kinds } = await collectFrom([lab({ kubelets: 'none' })]);
  expect(gaps).toEqual([
    'Disk usage and limits of 3 nodes in lab (n1, n2 and n3) are unknown: kubelets are not queried (`kubelets: none`). Set `kubelets` to `direct` or `proxy` (3 places)',
  ]);
  // Not `missing`: that would mean that there is nothing to check.
  expect(kinds).toEqual(['refused']);
});

test('a kubelet that measures no image file system is a gap on Linux, but not on Windows', async () => {
  const { nodeFs } = oneDisk(0.5);
  const blind = { ...(nodeFs && { nodeFs }), imageFs: {}, pods: [] };
  const { gaps, seen } = await collectFrom([
    lab({
      nodes: [clusterNode('n1'), clusterNode('w1', { operatingSystem: 'windows' })],
      stats: { n1: blind, w1: blind },
    }),
  ]);
  expect(gaps).toEqual(['Disks of lab:n1: its kubelet measures no image file system']);
  expect(seen).toEqual({ lab: 1 });
});

test('on a node that is short of disk, a claim on another disk is not a suspect', async () => {
  const engine = pod('agent', {
    node: 'n1',
    containers: [
      container('dind', { image: 'docker:dind', mounts: [{ volume: 'data', path: '/var/lib/docker' }] }),
    ],
    volumes: [{ name: 'data', claim: 'cache' }],
  });
  const builderWhere = async (capacityBytes: number) => {
    const volumes = [{ name: 'data', bytes: 9, claim: 'cache', capacityBytes }];
    const used = { namespace: 'ci', name: 'agent', uid: 'u', containers: [], volumes };
    const { nodes } = await collectFrom([
      lab({ pods: [engine], stats: { ...healthy('n2', 'n3'), n1: oneDisk(0.12, { pods: [used] }) } }),
    ]);
    expect(nodes[0]).not.toHaveProperty('claimsElsewhere');
    return nodes[0]?.pods?.builders[0];
  };
  expect(await builderWhere(200 * 1_024 ** 3)).toMatchObject({ isUncounted: false });
  expect(await builderWhere(100 * 1_024 ** 3)).toMatchObject({ isUncounted: true });
});

test('more free bytes than the capacity is a gap', async () => {
  const fs = { availableBytes: 160 * 1_024 ** 3 };
  const { gaps } = await collectFrom([lab({ stats: { ...healthy('n2', 'n3'), n1: oneDisk(0.5, { fs }) } })]);
  expect(gaps.join()).toContain('more available bytes than the capacity of its node file system');
});

test('old measurements and limits that cannot be parsed are gaps', async () => {
  const measuredAt = new Date('2026-11-26T09:00:00Z');
  const evictionHard = { 'nodefs.available': { unreadable: 'ten percent' } };
  const { gaps, seen } = await collectFrom([
    lab({
      stats: { ...healthy('n2', 'n3'), n1: oneDisk(0.5, { fs: { measuredAt } }) },
      configs: { n2: { evictionHard, evictionSoft: {}, evictionMinimumReclaim: {} } },
    }),
  ]);
  expect(gaps).toEqual([
    'Disks of lab:n1: its kubelet last measured its disks 3 hours ago (2026-11-26 09:00 UTC)',
    'Disks of lab:n2: its limit for nodefs.available cannot be parsed: ten percent',
  ]);
  expect(seen).toEqual({ lab: 1 });
});

test('nodes that are judged differently are one note per cluster', async () => {
  const none = { evictionHard: {}, evictionSoft: {}, evictionMinimumReclaim: {} };
  const { gaps, notes } = await collectFrom([
    lab({
      nodes: [
        ...named('n1', 'n2'),
        clusterNode('n3', { conditions: [condition('Ready', 'Unknown')] }),
        clusterNode('n4', { conditions: [] }),
      ],
      stats: healthy('n1', 'n2', 'n3', 'n4'),
      configs: { n1: none, n2: none },
    }),
  ]);
  expect(gaps).toEqual([]);
  expect(notes).toEqual([
    'lab: n4 does not report whether it is ready; judged by what its kubelet measures',
    'lab: n3 is not ready; judged by what its kubelet measures',
    'lab: n1 and n2 have no disk limit in evictionHard: their kubelets neither evict pods nor report DiskPressure; judged only by free space',
  ]);
});

test('nodes are selected by their full names, without the domain, or as findings name them', async () => {
  const nodes = [clusterNode('n1.example.com', { pool: 'blue' }), clusterNode('n2', { pool: 'green' })];
  const cluster = lab({ nodes, stats: healthy('n1.example.com', 'n2') });
  const namesFor = async (args: CollectArgs) =>
    (await collectFrom([cluster], args)).nodes.map(({ name }) => name);
  expect(await namesFor({ node: 'n1' })).toEqual(['n1.example.com']);
  expect(await namesFor({ node: 'lab:n2,n1.example.com' })).toEqual(['n1.example.com', 'n2']);
  expect(await namesFor({ pool: 'green' })).toEqual(['n2']);
  expect((await collectFrom([cluster], { node: 'n1,n3' })).gaps).toEqual([
    '--node n3: not found; did you mean n2?',
  ]);
  expect((await collectFrom([cluster], { pool: 'gren' })).gaps).toEqual([
    '--pool gren: not found; did you mean green?',
  ]);
});

test('at most twenty kubelets of a cluster are queried at the same time, and in the end all of them', async () => {
  const names = Array.from({ length: 70 }, (_, at) => `n${at}`);
  let asking = 0;
  let most = 0;
  const { seen } = await collectFrom([
    {
      ...lab({ nodes: named(...names), stats: {} }),
      kubeletStats: async () => {
        asking += 1;
        most = Math.max(most, asking);
        await new Promise(setImmediate);
        asking -= 1;
        return oneDisk(0.5);
      },
    },
  ]);
  expect(most).toBe(20);
  expect(seen).toEqual({ lab: 70 });
});

test('shortly before the deadline no more kubelets are queried: the others are counted, and the responses are kept', async () => {
  const names = Array.from({ length: 50 }, (_, at) => `n${at + 10}`);
  let answered = 0;
  const { gaps, seen } = await collectFrom(
    [
      {
        ...lab({ nodes: named(...names) }),
        kubeletStats: async () => {
          answered += 1;
          return oneDisk(0.5);
        },
      },
    ],
    {},
    { leftMs: () => (answered < 30 ? 60_000 : 500) },
  );
  const asked = seen['lab'] ?? 0;
  expect(asked).toBeGreaterThanOrEqual(30);
  expect(gaps).toHaveLength(1);
  expect(gaps[0]).toMatch(
    /^Disk usage and limits of \d+ nodes in lab \(.*\) are unknown: not queried before the deadline/,
  );
  expect(gaps[0]).toContain(`(${50 - asked} places)`);
});

test('a kubelet that is interrupted at the deadline does not affect the responses of others', async () => {
  const deadline = new AbortController();
  const { gaps, seen } = await collectFrom(
    [
      {
        ...lab(),
        kubeletStats: ({ name }, { signal }) =>
          name === 'n2'
            ? new Promise((_, reject) => {
                signal.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
                queueMicrotask(() =>
                  deadline.abort(new SourceError('deadline', 'unreachable', 'not finished in time')),
                );
              })
            : Promise.resolve(oneDisk(0.5)),
      },
    ],
    {},
    { signal: deadline.signal },
  );
  expect(gaps).toEqual(['Disk usage of lab:n2 is unknown: not finished in time']);
  expect(seen).toEqual({ lab: 2 });
});

test('an error that is not from a source is thrown', async () => {
  const broken = {
    ...lab(),
    kubeletStats: () => Promise.reject(new TypeError('undefined is not a function')),
  };
  await expect(collectFrom([broken])).rejects.toThrow(TypeError);
});
