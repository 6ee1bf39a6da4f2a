import { describe, expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { engineSource } from '../../shared/fixture-engines.ts';
import {
  clusterNode,
  clusterPod,
  clusterSource,
  podContainer,
  workload,
} from '../../shared/fixture-clusters.ts';
import { ago, backingOff, ended, NOW, probe, runningFor } from './builders.ts';
import { collect } from './collect.ts';
import type { Context, Facts } from './facts.ts';

const signal = AbortSignal.timeout(2 ** 31 - 1);

async function collectFrom(
  clusters: readonly ports.Cluster[],
  args: Parameters<typeof collect>[1] = {},
  {
    engines,
    ...known
  }: Partial<
    Pick<Context, 'earlier' | 'leftMs' | 'signal'> & { readonly engines: readonly ports.ContainerEngines[] }
  > = {},
) {
  const gaps: string[] = [];
  const notes: string[] = [];
  const seen: Record<string, number> = {};
  const gap: ReadContext['gap'] = (what, error) => void gaps.push(`${what}: ${error.message}`);
  const facts = await collect(
    {
      read: { clusters, ...(engines && { engines }) },
      now: NOW,
      signal,
      leftMs: () => 60_000,
      gap,
      attempt: (_, __, work) => work(),
      note: (text) => void notes.push(text),
      saw: (source, count = 1) => void (seen[source] = (seen[source] ?? 0) + count),
      earlier: [],
      ...known,
    },
    args,
  );
  return { facts, gaps, notes, seen };
}

const last = ended({ minutes: 7 }, { minutes: 4 }, { exitCode: 0, reason: 'Completed' });
const looping = runningFor({ minutes: 2 }, { restarts: 11, last });

function loopingPod(name: string, known: Partial<ports.Pod> = {}): ports.Pod {
  return clusterPod(name, {
    createdAt: ago({ days: 2 }),
    controller: { kind: 'ReplicaSet', name: 'web-5d8f7c9b4' },
    labels: { 'pod-template-hash': '5d8f7c9b4' },
    containers: [podContainer('app', { liveness: probe(), status: looping })],
    ...known,
  });
}

const kill: ports.ClusterEvent = {
  about: { kind: 'Pod', namespace: 'shop', name: 'web-1', uid: 'uid-of-web-1', container: 'app' },
  reason: 'Killing',
  message: 'Container app failed liveness probe, will be restarted',
  type: 'Normal',
  count: 9,
};

function source(known: Partial<Parameters<typeof clusterSource>[0]> = {}): ports.Cluster {
  return clusterSource({
    name: 'lab',
    nodes: [clusterNode('node-a')],
    pods: [loopingPod('web-1'), clusterPod('calm-1'), clusterPod('calm-2'), clusterPod('calm-3')],
    events: [kill],
    logs: { 'shop/web-1/app': ['starting', 'stopping'] },
    workloads: [workload('web')],
    adjust: { allowed: true, managed: false },
    ...known,
  });
}

const restartedIn = ({ clusters }: Facts) => clusters.flatMap(({ restarted }) => restarted);

function failing(cluster: ports.Cluster, method: keyof ports.Cluster, error: SourceError): ports.Cluster {
  const streams: readonly string[] = ['nodes', 'pods', 'events'];
  const stream = () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) });
  return { ...cluster, [method]: streams.includes(method) ? stream : () => Promise.reject(error) };
}

const denied = new SourceError('lab', 'refused', 'denied');
const down = new SourceError('lab', 'unreachable', 'no response from 192.0.2.1:6443');

test('keeps only the containers that restart, with what explains it', async () => {
  const { facts, gaps, notes, seen } = await collectFrom([source()]);
  expect({ gaps, notes, seen }).toEqual({ gaps: [], notes: [], seen: { lab: 4 } });
  expect(facts.clusters).toMatchObject([{ name: 'lab', containers: 4, areEventsComplete: true }]);
  expect(restartedIn(facts)).toMatchObject([
    {
      namespace: 'shop',
      pod: 'web-1',
      container: 'app',
      kind: 'main',
      owner: { kind: 'Deployment', name: 'web' },
      node: { name: 'node-a', kubeletVersion: 'v1.33.4' },
      status: { restarts: 11 },
      events: { kills: { probe: 'liveness', count: 9 } },
      log: ['starting', 'stopping'],
      workload: { kind: 'Deployment', name: 'web' },
      adjust: { allowed: true },
    },
  ]);
});

test('knows who creates a pod', async () => {
  const container = podContainer('app', { status: looping });
  const containers = [container];
  const pods = [
    loopingPod('bare', { labels: {}, containers }),
    loopingPod('set-0', { controller: { kind: 'StatefulSet', name: 'set' }, containers }),
    clusterPod('alone', { containers }),
    clusterPod('etcd-node-a', { isMirror: true, containers }),
  ];
  const { facts } = await collectFrom([source({ pods })]);
  expect(restartedIn(facts).map(({ owner }) => `${owner.kind} ${owner.name}`)).toEqual([
    'ReplicaSet web-5d8f7c9b4',
    'StatefulSet set',
    'Pod alone',
    'Static etcd',
  ]);
});

test('resolves a ReplicaSet to its Deployment', async () => {
  const controller = { kind: 'Deployment', name: 'web' };
  const replicaSets = [workload('web-5d8f7c9b4', { kind: 'ReplicaSet', controller })];
  const { facts } = await collectFrom([source({ pods: [loopingPod('web-1', { labels: {} })], replicaSets })]);
  expect(restartedIn(facts)[0]).toMatchObject({
    owner: { kind: 'ReplicaSet' },
    workload: { kind: 'Deployment' },
  });
});

test('reads where the manifests of static pods are, if kubelets are queried', async () => {
  const pods = [
    clusterPod('etcd-node-a', { isMirror: true, containers: [podContainer('etcd', { status: looping })] }),
  ];
  const config = {
    evictionHard: {},
    evictionSoft: {},
    evictionMinimumReclaim: {},
    staticPodPath: '/srv/manifests',
  };
  const asked = source({ pods, configs: { 'node-a': config } });
  expect(restartedIn((await collectFrom([asked])).facts)[0]?.node?.staticPodPath).toBe('/srv/manifests');
  const unasked = await collectFrom([{ ...asked, kubelets: 'none' }]);
  expect(restartedIn(unasked.facts)[0]?.node?.staticPodPath).toBeUndefined();
  expect(unasked.gaps).toEqual([]);
});

test('keeps a probe that never works of a container that has not restarted', async () => {
  const pods = [clusterPod('web-1', { containers: [podContainer('app', { liveness: probe() })] })];
  const error = {
    ...kill,
    reason: 'Unhealthy',
    message: 'Liveness probe errored: exec failed',
    count: 1_440,
  };
  const { facts } = await collectFrom([source({ pods, events: [error] })]);
  expect(restartedIn(facts)[0]?.events.errors).toMatchObject([{ message: 'exec failed', count: 1_440 }]);
});

test('keeps a new pod whose probe was changed, even before its containers have started', async () => {
  const { status: _, ...unstarted } = podContainer('app', { liveness: probe() });
  const pods = [
    clusterPod('web-1', {
      phase: 'Pending',
      containers: [unstarted],
      adjusted: { by: 'm1', at: ago({ minutes: 1 }) },
    }),
    clusterPod('other-1', { phase: 'Pending', containers: [unstarted] }),
  ];
  const { facts, gaps } = await collectFrom([source({ pods })]);
  expect(restartedIn(facts).map(({ pod }) => pod)).toEqual(['web-1']);
  expect(gaps).toEqual([]);
});

describe('ignores', () => {
  test.each<[string, Partial<ports.Pod>]>([
    ['pods that have ended', { phase: 'Failed' }],
    ['pods that are being deleted', { deletingSince: ago({ minutes: 1 }) }],
    ['ephemeral containers', { containers: [podContainer('debug', { kind: 'ephemeral', status: looping })] }],
    [
      'restarts that are days ago',
      {
        createdAt: ago({ days: 9 }),
        containers: [podContainer('app', { status: runningFor({ days: 6 }, { restarts: 9, last }) })],
      },
    ],
  ])('%s', async (_, known) => {
    const { facts, gaps } = await collectFrom([source({ pods: [loopingPod('web-1', known)] })]);
    expect(restartedIn(facts)).toEqual([]);
    expect(gaps).toEqual([]);
  });
});

describe('a gap', () => {
  test.each<[keyof ports.Cluster, string]>([
    ['pods', 'lab: pods: denied'],
    ['events', 'lab: events: denied'],
    ['nodes', 'lab: nodes: denied'],
  ])('%s', async (method, expected) => {
    const { gaps } = await collectFrom([failing(source(), method, denied)]);
    expect(gaps).toEqual([expected]);
  });

  test('of logs that could not be read, but not of those that no longer exist', async () => {
    const withError = (kind: 'unreachable' | 'missing') =>
      collectFrom([failing(source(), 'previousLog', new SourceError('lab', kind, 'no log'))]);
    expect(await withError('unreachable')).toMatchObject({
      gaps: ['lab: logs of previous instances: no log'],
      notes: [],
    });
    expect(await withError('missing')).toMatchObject({ gaps: [], notes: [] });
  });

  test('none of logs without the permission to read them, which is optional', async () => {
    const needs = new SourceError('lab', 'refused', 'permission denied (403): needs `get pods/log`');
    const pods = ['web-1', 'web-2'].map((name) => loopingPod(name));
    const { facts, gaps, notes } = await collectFrom([failing(source({ pods }), 'previousLog', needs)]);
    expect(restartedIn(facts)).toHaveLength(2);
    expect(gaps).toEqual([]);
    expect(notes).toEqual([
      'lab: logs of previous instances: permission denied (403): needs `get pods/log`. It is optional: the role `wrench-logs` grants it',
    ]);
  });

  test.each<keyof ports.Cluster>(['workload', 'adjustPermission', 'kubeletConfig'])(
    '%s is none, only a note',
    async (method) => {
      const pods = [
        loopingPod('web-1'),
        clusterPod('etcd-node-a', {
          isMirror: true,
          containers: [podContainer('etcd', { status: looping })],
        }),
      ];
      const { facts, gaps, notes } = await collectFrom([failing(source({ pods }), method, denied)]);
      expect(gaps).toEqual([]);
      expect(notes.join()).toContain('denied');
      expect(restartedIn(facts)).toHaveLength(2);
    },
  );

  test('one for a cluster that does not respond, and what the others say is kept', async () => {
    const silent = (['nodes', 'pods', 'events'] as const).reduce(
      (one, method) => failing(one, method, down),
      source(),
    );
    const { facts, gaps } = await collectFrom([silent, source({ name: 'other' })]);
    expect(gaps).toEqual(['lab: no response from 192.0.2.1:6443']);
    expect(facts.clusters.map(({ name }) => name)).toEqual(['other']);
  });

  test('a list that ends early', async () => {
    const cluster = source();
    const pods = async function* (options: Parameters<typeof cluster.pods>[0]) {
      for await (const page of cluster.pods(options)) {
        yield page;
        throw down;
      }
    };
    const { facts, gaps } = await collectFrom([{ ...cluster, pods }]);
    expect(gaps).toEqual(['lab: pods after the first 2: no response from 192.0.2.1:6443']);
    expect(restartedIn(facts)).toHaveLength(1);
  });

  test.each<[string, ports.PodContainer['status']]>([
    ['no counter', { isReady: true, state: { kind: 'running', startedAt: ago({ days: 1 }) } }],
    ['no start', { restarts: 3, isReady: true, state: { kind: 'running' } }],
    ['no state', { restarts: 3, isReady: true, state: { kind: 'unknown' } }],
    ['no status', undefined],
  ])('a status that says too little: %s', async (_, status) => {
    const { status: __, ...bare } = podContainer('app');
    const pods = [clusterPod('web-1', { containers: [{ ...bare, ...(status && { status }) }] })];
    const { gaps } = await collectFrom([source({ pods })]);
    expect(gaps).toEqual([
      'lab: restart counts: no restart count, or no plausible start time, of shop/web-1 (app)',
    ]);
  });

  test('a container that seems to have started before its pod: the clock of its node is behind', async () => {
    const pod = (known: Partial<ports.Pod>) =>
      clusterPod('web-1', {
        createdAt: ago({ hours: 2 }),
        containers: [podContainer('app', { status: runningFor({ days: 3 }, { restarts: 9, last }) })],
        ...known,
      });
    const gapsOf = async (one: ports.Pod) => (await collectFrom([source({ pods: [one] })])).gaps;
    expect((await gapsOf(pod({}))).join()).toContain('no plausible start time, of shop/web-1 (app)');
    // A mirror may be created again, and clocks differ a little.
    expect(await gapsOf(pod({ isMirror: true }))).toEqual([]);
    expect(await gapsOf(pod({ createdAt: new Date(ago({ days: 3 }).getTime() + 200_000) }))).toEqual([]);
  });

  test('a cluster without pods', async () => {
    expect((await collectFrom([source({ pods: [] })])).gaps).toEqual(['lab: it has no pods']);
  });
});

describe('selects', () => {
  const pods = [
    loopingPod('web-1'),
    loopingPod('web-2', { namespace: 'ops' }),
    loopingPod('job-1', { controller: { kind: 'Job', name: 'backup-29401380' } }),
  ];
  const namesIn = ({ facts }: { readonly facts: Facts }) => restartedIn(facts).map(({ pod }) => pod);

  test('a namespace, which need not be in every cluster', async () => {
    const clusters = [source({ pods }), source({ name: 'other', pods: [loopingPod('web-9')] })];
    const ops = await collectFrom(clusters, { namespace: 'ops' });
    expect(namesIn(ops)).toEqual(['web-2']);
    expect(ops.gaps).toEqual([]);
    expect((await collectFrom(clusters, { namespace: 'opps' })).gaps).toEqual([
      'opps: there are no pods in this namespace',
    ]);
  });

  test('pods and workloads by name', async () => {
    expect(namesIn(await collectFrom([source({ pods })], { pod: 'web' }))).toEqual(['web-1', 'web-2']);
    expect(namesIn(await collectFrom([source({ pods })], { pod: 'ops/web,job-1' }))).toEqual([
      'web-2',
      'job-1',
    ]);
    for (const pod of ['backup', 'backup-29401380'])
      expect(namesIn(await collectFrom([source({ pods })], { pod }))).toEqual(['job-1']);
    expect((await collectFrom([source({ pods })], { pod: 'webb' })).gaps).toEqual([
      '--pod webb: no pod or workload has this name',
    ]);
  });
});

test('keeps the worst of very many, and counts the others', async () => {
  const pods = Array.from({ length: 2_050 }, (_, at) =>
    loopingPod(`web-${at}`, {
      containers: [
        podContainer('app', { status: at % 2 === 0 ? looping : backingOff({ restarts: 500 + at, last }) }),
      ],
    }),
  );
  const { facts, gaps, seen } = await collectFrom([source({ pods })]);
  expect(restartedIn(facts)).toHaveLength(2_000);
  expect(facts.clusters[0]?.unkept).toBe(50);
  expect(gaps).toEqual([
    'lab: causes of some containers that restart: too many: 50 that restarted less than others are not judged',
  ]);
  expect(seen).toEqual({ lab: 2_050 });
});

test('reads a limited number of logs, one of each workload first', async () => {
  const asked: string[] = [];
  const setOf = (at: number) => ({ controller: { kind: 'StatefulSet', name: `set-${at}` } });
  const pods = Array.from({ length: 30 }, (_, at) => loopingPod(`web-${at}`, at < 15 ? {} : setOf(at)));
  const previousLog: ports.Cluster['previousLog'] = async ({ pod }, { lines }) => {
    asked.push(`${pod} ${lines}`);
    return [];
  };
  await collectFrom([{ ...source({ pods }), previousLog }]);
  expect(asked).toHaveLength(20);
  expect(asked.filter((one) => /^web-(?:\d|1[0-4]) /.test(one))).toEqual(
    [0, 1, 2, 3, 4].map((at) => `web-${at} 40`),
  );
});

describe('events', () => {
  test('of very many containers are read again for those that restart', async () => {
    const others = Array.from({ length: 5_000 }, (_, at) => ({
      ...kill,
      about: { ...kill.about, name: `gone-${at}`, uid: `uid-of-gone-${at}` },
    }));
    const { facts, gaps } = await collectFrom([source({ events: [...others, kill] })]);
    expect(restartedIn(facts)[0]?.events.kills?.count).toBe(9);
    expect(facts.clusters[0]?.areEventsComplete).toBe(true);
    expect(gaps).toEqual([]);
  });

  test('that take long do not hold up the pods', async () => {
    const cluster = source();
    const listed = Promise.withResolvers<void>();
    const slow: ports.Cluster = {
      ...cluster,
      pods: async function* (options) {
        yield* cluster.pods(options);
        listed.resolve();
      },
      events: async function* (options) {
        await listed.promise;
        yield* cluster.events(options);
      },
    };
    const { facts, gaps, notes } = await collectFrom([slow], {}, { leftMs: () => 0 });
    expect(restartedIn(facts)[0]?.events.kills?.count).toBe(9);
    expect(gaps).toEqual([]);
    expect(notes).toEqual([
      "The events of lab took long to read, so probes that can't run are only reported for containers that restart",
    ]);
  });
});

test('only the container whose probe was changed is kept without restarts', async () => {
  const fresh = runningFor({ seconds: 20 }, { restarts: 0 });
  const pod = clusterPod('web-1', {
    adjusted: { by: 'm0123456789abcdef', at: ago({ minutes: 1 }), container: 'app' },
    containers: ['app', 'proxy'].map((name) => podContainer(name, { liveness: probe(), status: fresh })),
  });
  const { facts } = await collectFrom([source({ pods: [pod] })]);
  expect(restartedIn(facts).map(({ container }) => container)).toEqual(['app']);
});

describe('an API server that never responds', () => {
  const never = ({ signal: stop }: { readonly signal: AbortSignal }) => ({
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise<never>((_, reject) => {
          stop.addEventListener('abort', () => reject(stop.reason as Error), { once: true });
        }),
    }),
  });
  const hanging: ports.Cluster = { ...source({ name: 'lab' }), nodes: never, pods: never, events: never };

  test('leaves half of the time to the engines', async () => {
    const asked = engineSource({ name: 'cp-1', engines: [{ name: 'cp-1' }] });
    const { facts, gaps, notes } = await collectFrom([hanging], {}, { leftMs: () => 100, engines: [asked] });
    expect(facts).toMatchObject({ silent: ['lab'], clusters: [] });
    expect(gaps).toEqual(['lab: the API server did not respond within 1 second']);
    expect(notes.join()).toContain('cp-1 runs no container of a kubelet');
  });

  test('does not make engines wait for another cluster that takes long', async () => {
    const isAsked = Promise.withResolvers<void>();
    const slow = source({ name: 'other' });
    const pods: ports.Cluster['pods'] = async function* (query) {
      yield* slow.pods(query);
      await isAsked.promise;
    };
    const engine = engineSource({ name: 'cp-1', engines: [{ name: 'cp-1' }] });
    const asked: ports.ContainerEngines = {
      ...engine,
      containers: (query) => {
        isAsked.resolve();
        return engine.containers(query);
      },
    };
    const silent = (['nodes', 'pods', 'events'] as const).reduce(
      (one, method) => failing(one, method, down),
      source(),
    );
    const { facts } = await collectFrom([silent, { ...slow, pods }], {}, { engines: [asked] });
    expect(facts).toMatchObject({ silent: ['lab'], clusters: [{ name: 'other', containers: 4 }] });
  });
});
