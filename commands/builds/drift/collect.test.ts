import { describe, expect, test } from 'vitest';
import { type ports, SourceError } from '../../kit.ts';
import { buildSource } from '../../shared/fixture-builds.ts';
import { clusterPod, clusterSource, podContainer } from '../../shared/fixture-clusters.ts';
import { engineSource } from '../../shared/fixture-engines.ts';
import { collect, type CollectArgs } from './collect.ts';
import { expectedOf } from './expected.ts';
import type { Context } from './facts.ts';

const NOW = new Date('2026-11-26T12:00:00Z');

const pod = (name: string, address: string | undefined, known: Partial<ports.Pod> = {}): ports.Pod =>
  clusterPod(name, {
    labels: { app: 'api' },
    ...(address !== undefined && { addresses: [address] }),
    containers: [podContainer('api', { ports: [{ port: 8080, name: 'http' }] })],
    ...known,
  });

const endpoint = (name: string, address: string, known: Partial<ports.Endpoint> = {}): ports.Endpoint => ({
  addressType: address.includes(':') ? 'IPv6' : 'IPv4',
  addresses: [address],
  isReady: true,
  isServing: true,
  isTerminating: false,
  pod: { namespace: 'shop', name, uid: `uid-of-${name}` },
  ports: [{ port: 8080 }],
  ...known,
});

interface World {
  readonly pods?: readonly ports.Pod[];
  readonly endpoints?: readonly ports.Endpoint[];
  readonly service?: Partial<ports.ClusterService>;
  readonly port?: string | number;
  readonly answers?: Readonly<Record<string, number>>;
  readonly replicas?: ports.ReplicaLocation;
  readonly refusing?: boolean;
  readonly engines?: readonly ports.ContainerEngines[];
  readonly rollouts?: readonly ports.Rollout[];
  readonly expected?: ports.BuildService['expected'];
  readonly container?: string;
}

async function run(world: World, args: CollectArgs = {}) {
  const {
    pods = [],
    endpoints = [],
    service = {},
    port,
    answers = {},
    replicas,
    engines = [],
    refusing,
  } = world;
  const { rollouts = [], expected, container } = world;
  const gaps: string[] = [];
  const notes: string[] = [];
  const asked: string[] = [];
  const builds = buildSource({
    services: [
      {
        name: 'shop/api',
        replicas: replicas ?? {
          kind: 'kubernetes',
          namespace: 'shop',
          service: 'api',
          ...(port !== undefined && { port }),
        },
        build: { kind: 'auto' },
        ...(expected && { expected }),
        ...(container !== undefined && { container }),
      },
    ],
    answers: Object.fromEntries(
      Object.entries(answers).map(([place, number]) => [place, { status: 200, body: `{"build":${number}}` }]),
    ),
  });
  const cluster = clusterSource({
    name: 'lab',
    nodes: [],
    pods,
    services: [
      {
        namespace: 'shop',
        name: 'api',
        type: 'ClusterIP',
        selector: { app: 'api' },
        ports: [{ port: 80, protocol: 'TCP', targetPort: 'http' }],
        ...service,
      },
    ],
    endpoints: { 'shop/api': endpoints },
    rollouts,
  });
  const context: Context = {
    read: {
      builds: [
        {
          ...builds,
          ask: async (query) => {
            asked.push(`${query.host}:${query.port}`);
            if (refusing)
              throw new SourceError(
                'builds',
                'unreachable',
                `${query.host}:${query.port} refused the connection`,
              );
            return builds.ask(query);
          },
        },
      ],
      clusters: [cluster],
      engines,
    },
    now: NOW,
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: (_, __, read) => read(),
    gap: (what, error) => void gaps.push(`${what}: ${error.message}`),
    note: (text) => void notes.push(text),
    saw: () => undefined,
  };
  const { services } = await collect(context, args);
  const found = services.flatMap((one) => one.replicas);
  return {
    services,
    gaps,
    notes,
    asked: asked.toSorted(),
    replicas: found.map(({ name, state, build }) => `${name} ${state} ${build?.number ?? '-'}`),
  };
}

describe('the replicas of a Service', () => {
  test('are asked once, although they have endpoints for IPv4 and IPv6', async () => {
    const result = await run({
      pods: [pod('a', '10.0.0.1')],
      endpoints: [endpoint('a', 'fd00::1'), endpoint('a', '10.0.0.1')],
      answers: { '10.0.0.1:8080': 7 },
    });
    expect(result).toMatchObject({ asked: ['10.0.0.1:8080'], replicas: ['a serving 7'], gaps: [] });
  });

  test('include pods without an endpoint, which get no requests', async () => {
    const result = await run({
      pods: [pod('a', '10.0.0.1'), pod('b', '10.0.0.2'), pod('ended', '10.0.0.3', { phase: 'Succeeded' })],
      endpoints: [endpoint('a', '10.0.0.1')],
      answers: { '10.0.0.1:8080': 7, '10.0.0.2:8080': 6 },
    });
    expect(result.replicas).toEqual(['a serving 7', 'b not-ready 6']);
    expect(result.notes.join()).toContain('b of shop/api is ready but in no EndpointSlice');
  });

  test('include endpoints that are no pods, and those of a Service without a selector', async () => {
    const { pod: _, ...external } = endpoint('x', '192.0.2.7');
    const result = await run({
      service: { selector: {} },
      pods: [pod('a', '10.0.0.1')],
      endpoints: [external],
      answers: { '192.0.2.7:8080': 7 },
    });
    expect(result).toMatchObject({ replicas: ['192.0.2.7 serving 7'], gaps: [] });
  });

  test('are not asked while they are deleted or do not run', async () => {
    const waiting = podContainer('api', {
      status: { isReady: false, state: { kind: 'waiting', reason: 'CrashLoopBackOff' } },
    });
    const result = await run({
      pods: [
        pod('a', '10.0.0.1'),
        pod('gone', '10.0.0.2', { deletingSince: NOW }),
        pod('new', '10.0.0.3', { containers: [waiting] }),
      ],
      endpoints: [
        endpoint('a', '10.0.0.1'),
        endpoint('gone', '10.0.0.2', { isReady: false, isTerminating: true }),
        endpoint('new', '10.0.0.3', { isReady: false, isServing: false }),
      ],
      answers: { '10.0.0.1:8080': 7 },
    });
    expect(result).toMatchObject({
      asked: ['10.0.0.1:8080'],
      replicas: ['a serving 7', 'gone terminating -', 'new not-ready -'],
      gaps: [],
    });
  });

  test('may have a named port with another number in each pod, or one that the Service does not have', async () => {
    const other = pod('b', '10.0.0.2', {
      containers: [podContainer('api', { ports: [{ port: 9090, name: 'http' }] })],
    });
    const world = {
      pods: [pod('a', '10.0.0.1'), other],
      endpoints: [endpoint('a', '10.0.0.1'), endpoint('b', '10.0.0.2', { ports: [{ port: 9090 }] })],
    };
    expect((await run(world)).asked).toEqual(['10.0.0.1:8080', '10.0.0.2:9090']);
    expect((await run({ ...world, port: 'http' })).asked).toEqual(['10.0.0.1:8080', '10.0.0.2:9090']);
    expect((await run({ ...world, port: 8081 })).asked).toEqual(['10.0.0.1:8081', '10.0.0.2:8081']);
  });

  test('are unknown if they have several ports and none is configured', async () => {
    const result = await run({
      pods: [pod('a', '10.0.0.1')],
      endpoints: [endpoint('a', '10.0.0.1', { ports: [{ port: 8080 }, { port: 9090 }] })],
    });
    expect(result.gaps).toEqual(['shop/api: a: it has several ports (8080 and 9090): set `port`']);
  });

  test.each<[string, World, RegExp]>([
    ['of the type ExternalName', { service: { type: 'ExternalName' } }, /ExternalName/],
    ['with another name', { service: { name: 'apis' } }, /did you mean apis\?/],
    ['without any replicas', {}, /it has no replicas/],
    [
      'with replicas that are all being deleted',
      { pods: [pod('a', '10.0.0.1', { deletingSince: NOW })], endpoints: [endpoint('a', '10.0.0.1')] },
      /it has no replicas/,
    ],
  ])('are a gap for one %s', async (_, world, message) => {
    expect((await run(world)).gaps.join()).toMatch(message);
  });
});

describe('an endpoint that is no pod', () => {
  const external = (address: string, port: number, name?: string): ports.Endpoint => {
    const { pod: _, ...rest } = endpoint('x', address);
    return { ...rest, ports: [{ port, ...(name !== undefined && { name }) }] };
  };
  const of = (...endpoints: readonly ports.Endpoint[]): World => ({ service: { selector: {} }, endpoints });

  test('may be one of several programs on a machine, and each is asked', async () => {
    const result = await run({
      ...of(external('192.0.2.7', 8080), external('192.0.2.7', 9090)),
      answers: { '192.0.2.7:8080': 7, '192.0.2.7:9090': 6 },
    });
    expect(result.replicas).toEqual(['192.0.2.7:8080 serving 7', '192.0.2.7:9090 serving 6']);
  });

  test('is one replica if its ports are in several slices, and one port is asked', async () => {
    const slices = of(external('192.0.2.7', 8080, 'http'), external('192.0.2.7', 9090, 'metrics'));
    const answers = { '192.0.2.7:8080': 7, '192.0.2.7:8081': 7 };
    for (const port of ['http', 8081])
      expect(await run({ ...slices, port, answers })).toMatchObject({
        replicas: ['192.0.2.7 serving 7'],
        gaps: [],
      });
  });

  test('is not the pod with its name in another namespace', async () => {
    const { services } = await run({
      pods: [pod('a', '10.0.0.1', { labels: {} })],
      endpoints: [endpoint('a', '10.9.0.1', { pod: { namespace: 'other', name: 'a' } })],
      answers: { '10.9.0.1:8080': 7 },
    });
    expect(services[0]?.replicas).toMatchObject([{ name: 'a', build: { number: '7' } }]);
    expect(services[0]?.replicas[0]).not.toHaveProperty('pod');
  });
});

describe('pods', () => {
  test('at one address can not be told apart', async () => {
    const result = await run({
      pods: [pod('a', '10.0.0.1'), pod('b', '10.0.0.1')],
      endpoints: [endpoint('a', '10.0.0.1'), endpoint('b', '10.0.0.1')],
      answers: { '10.0.0.1:8080': 7 },
    });
    expect(result.asked).toEqual([]);
    expect(result.gaps.join()).toMatch(/a: it has the same address and port as b, so which of them responds/);
  });

  test('that are not ready and run something else are mentioned', async () => {
    const result = await run({
      pods: [pod('a', '10.0.0.1'), pod('b', '10.0.0.2')],
      endpoints: [endpoint('a', '10.0.0.1'), endpoint('b', '10.0.0.2', { isReady: false })],
      answers: { '10.0.0.1:8080': 7, '10.0.0.2:8080': 6 },
    });
    expect(result.notes.join()).toContain("b runs 6, but isn't ready and gets no requests");
  });
});

describe('of several containers in a pod', () => {
  const sidecar = podContainer('proxy', { image: 'registry.example/proxy:1.20' });
  const withSidecar = (name: string, ports: ports.PodContainer['ports'] = []) =>
    pod(name, '10.0.0.1', {
      controller: { kind: 'StatefulSet', name: 'api', uid: 'uid-of-api' },
      containers: [sidecar, podContainer('api', { image: 'registry.example/api:7', ports })],
    });
  const set: ports.Rollout = {
    kind: 'StatefulSet',
    namespace: 'shop',
    name: 'api',
    uid: 'uid-of-api',
    labels: {},
    annotations: {},
    matchLabels: { app: 'api' },
    replicas: 1,
    isPaused: false,
    isObserved: true,
    status: { total: 1, updated: 1, ready: 1, available: 1 },
    conditions: [],
    template: {
      labels: { app: 'api' },
      containers: [
        { name: 'proxy', kind: 'main', image: 'registry.example/proxy:1.20' },
        { name: 'api', kind: 'main', image: 'registry.example/api:7' },
      ],
    },
  };
  const world = (own: ports.Pod, more: World = {}): World => ({
    pods: [own],
    endpoints: [endpoint('a', '10.0.0.1')],
    rollouts: [set],
    expected: { kind: 'image-tag' },
    answers: { '10.0.0.1:8080': 7 },
    ...more,
  });
  const containerOf = ({ services }: Awaited<ReturnType<typeof run>>) =>
    services[0]?.kubernetes?.workloads[0]?.container?.name;

  test('the one with the port counts, also in the template', async () => {
    const result = await run(world(withSidecar('a', [{ port: 8080 }])));
    expect([containerOf(result), result.services[0]?.expected?.value, result.gaps]).toEqual(['api', '7', []]);
  });

  test('none counts if none has the port; one may be configured', async () => {
    const unknown = await run(world(withSidecar('a')));
    expect(containerOf(unknown)).toBeUndefined();
    expect(unknown.gaps.join()).toContain('its image is unknown: set `container`');
    const configured = await run(world(withSidecar('a'), { container: 'api' }));
    expect([containerOf(configured), configured.gaps]).toEqual(['api', []]);
    expect(containerOf(await run(world(withSidecar('a'), { container: 'gone' })))).toBeUndefined();
  });

  test('one that was injected into the pods is not in the template', async () => {
    const [, own] = set.template.containers;
    const injected = { ...set, template: { ...set.template, containers: [own!] } };
    const result = await run(world(withSidecar('a', [{ port: 8080 }]), { rollouts: [injected] }));
    expect(containerOf(result)).toBe('api');
    const ofProxy = pod('a', '10.0.0.1', {
      controller: { kind: 'StatefulSet', name: 'api', uid: 'uid-of-api' },
      containers: [podContainer('proxy', { ports: [{ port: 8080 }] }), podContainer('api')],
    });
    expect(containerOf(await run(world(ofProxy, { rollouts: [injected] })))).toBeUndefined();
  });
});

test('1,000 replicas that are down are one gap', async () => {
  const addresses = Array.from(
    { length: 1_000 },
    (_, at) => `http://10.1.${Math.floor(at / 250)}.${at % 250}:80`,
  );
  const { gaps } = await run({ replicas: { kind: 'addresses', addresses } });
  expect(gaps).toHaveLength(1);
  expect(gaps[0]).toMatch(/and 997 more: nothing responded/);
});

test('a gap names an address once', async () => {
  const addresses = ['http://10.1.0.1:8080'];
  const { gaps } = await run({ replicas: { kind: 'addresses', addresses }, refusing: true });
  expect(gaps).toEqual(['shop/api: 10.1.0.1:8080: refused the connection']);
});

test('replicas that fail alike at different addresses are one gap', async () => {
  const addresses = ['http://10.1.0.1:8080', 'http://10.1.0.2:8080'];
  const { gaps } = await run({ replicas: { kind: 'addresses', addresses }, refusing: true });
  expect(gaps).toContain('shop/api: 10.1.0.1:8080 and 10.1.0.2:8080: refused the connection');
});

test('an unknown service is a gap with the nearest name, and a short name is enough', async () => {
  expect((await run({}, { service: 'shop/apo' })).gaps).toEqual([
    'shop/apo: no service has this name; did you mean shop/api?',
  ]);
  expect((await run({ answers: {} }, { service: 'api' })).gaps.join()).toContain('it has no replicas');
});

describe('containers and tasks', () => {
  const container = (known: Partial<ports.EngineContainer>): ports.EngineContainer => ({
    id: 'a'.repeat(64),
    name: 'api',
    image: 'registry.example/api:7',
    imageId: `sha256:${'b'.repeat(64)}`,
    labels: {},
    state: 'running',
    ...known,
  });
  const on = (...containers: readonly ports.EngineContainer[]): World => ({
    replicas: { kind: 'containers', name: 'api', port: 8080 },
    engines: [engineSource({ name: 'hosts', engines: [{ name: 'host-1', containers }] })],
  });
  const published = [{ port: 8080, published: 32_768, address: '0.0.0.0', protocol: 'tcp' }];

  test('are asked at the port that they publish, or at that of their host', async () => {
    expect((await run(on(container({ ports: published })))).asked).toEqual(['host-1:32768']);
    expect((await run(on(container({ usesHostNetwork: true })))).asked).toEqual(['host-1:8080']);
    expect((await run(on(container({ state: 'exited', ports: published })))).asked).toEqual([]);
  });

  test.each(['127.0.0.1', '127.8.0.1', '::1', 'localhost'])(
    'that are published on %s of another machine are not asked at that address of this one',
    async (address) => {
      const own = container({ ports: [{ ...published[0]!, address }] });
      const remote = await run({ ...on(own), answers: { [`${address}:32768`]: 7 } });
      expect(remote.asked).toEqual([]);
      expect(remote.gaps.join()).toContain(`its port 8080 is published on ${address} of its host only`);
      const local = engineSource({
        name: 'here',
        engines: [{ name: 'here', host: '127.0.0.1', containers: [own] }],
      });
      expect((await run({ ...on(), engines: [local] })).asked).toEqual([`${address}:32768`]);
    },
  );

  test('are asked at another address of their host if there is one', async () => {
    const two = ['127.0.0.1', '10.0.0.9'].map((address) => ({ ...published[0]!, address }));
    expect((await run(on(container({ ports: two })))).asked).toEqual(['10.0.0.9:32768']);
  });

  test('on two engines at one address can not be told apart', async () => {
    const own = container({ ports: published });
    const engines = ['one', 'two'].map((name) => ({ name, host: 'host-1', containers: [own] }));
    const result = await run({ ...on(), engines: [engineSource({ name: 'hosts', engines })] });
    expect(result.asked).toEqual([]);
    expect(result.gaps.join()).toContain('which of them responds is unknown');
  });

  test('that have exited are mentioned, and say nothing about what is expected', async () => {
    const engines = [
      { name: 'host-1', containers: [container({ ports: published, image: 'registry.example/api:7' })] },
      { name: 'host-2', containers: [container({ state: 'exited', image: 'registry.example/api:6' })] },
    ];
    const result = await run({
      ...on(),
      expected: { kind: 'image-tag' },
      engines: [engineSource({ name: 'hosts', engines })],
      answers: { 'host-1:32768': 7 },
    });
    expect([result.gaps, result.services[0]?.expected?.value]).toEqual([[], '7']);
    expect(result.notes.join()).toContain('host-2/api is not ready');
  });

  test('have labels that say what is expected', () => {
    const found = { targets: [], labels: [{ build: '7' }, { build: '7' }] };
    const expected = { kind: 'label', name: 'build' } as const;
    expect(expectedOf({ expected }, found, undefined)?.value?.value).toBe('7');
    expect(expectedOf({ expected }, found, '8')?.value?.value).toBe('8');
    expect(
      expectedOf({ expected }, { ...found, labels: [{ build: '7' }, { build: '8' }] }, undefined)?.because,
    ).toContain('different values');
    expect(expectedOf({ expected }, { targets: [] }, undefined)?.because).toContain('nothing has the label');
  });

  test('are a gap if they publish nothing', async () => {
    expect((await run(on(container({})))).gaps.join()).toContain("its port 8080 isn't published on the host");
  });

  test('of a Swarm are asked on their nodes, unless the Swarm publishes one port for all', async () => {
    const task = (slot: number, hostPorts: ports.SwarmTask['hostPorts']): ports.SwarmTask => ({
      id: `task-${slot}`,
      slot,
      node: `node-${slot}`,
      nodeAddress: `10.2.0.${slot}`,
      state: 'running',
      desiredState: 'running',
      image: 'registry.example/api:7',
      hostPorts,
    });
    const service: ports.SwarmService = {
      id: 's',
      name: 'api',
      image: 'registry.example/api:7',
      labels: {},
      tasks: [task(1, [{ port: 8080, published: 8080, protocol: 'tcp' }]), task(2, [])],
    };
    const result = await run({
      replicas: { kind: 'swarm', service: 'api', port: 8080 },
      engines: [
        engineSource({
          name: 'swarm',
          engines: [{ name: 'worker' }, { name: 'manager', swarmServices: [service] }],
        }),
      ],
      answers: { '10.2.0.1:8080': 7 },
    });
    expect(result.replicas).toEqual(['api.1 serving 7', 'api.2 serving -']);
    expect(result.gaps.join()).toContain("isn't published on its node");

    const swarms = (id: string) =>
      run({
        replicas: { kind: 'swarm', service: 'api', port: 8080 },
        engines: [
          engineSource({ name: 'east', engines: [{ name: 'east-1', swarmServices: [service] }] }),
          engineSource({ name: 'west', engines: [{ name: 'west-1', swarmServices: [{ ...service, id }] }] }),
        ],
        answers: { '10.2.0.1:8080': 7 },
      });
    // Two managers of one Swarm, and two Swarms.
    expect((await swarms('s')).replicas).toEqual(['api.1 serving 7', 'api.2 serving -']);
    expect((await swarms('other')).gaps.join()).toContain('east-1 and west-1 manage different Swarms');
  });
});
