import { expect, onTestFinished, test } from 'vitest';
import { openEngines } from '../../../test/world/docker/open-engines.ts';
import { serveEngine, type ServedEngineOptions } from '../../../test/world/docker/served-engine.ts';
import {
  serviceObject,
  swarmId,
  swarmNodeObject,
  taskObject,
  type ServedSwarm,
} from '../../../test/world/docker/swarm.ts';
import type { SourceRecorder } from '../../ports/recorder.ts';

const { signal } = new AbortController();
const CANARY = 'canary-7d1e5b90';
const HOST_PORT = { Protocol: 'tcp', TargetPort: 8080, PublishedPort: 18_080, PublishMode: 'host' };

async function open(options: ServedEngineOptions, recorder?: SourceRecorder) {
  const served = await serveEngine(options);
  onTestFinished(served.close);
  const { engines } = openEngines({ url: served.url }, recorder);
  return { served, read: (service: string) => engines.swarmService({ engine: 'lab', service, signal }) };
}

const NODES = [
  swarmNodeObject('swarm-1', { address: '127.0.0.1', managerAddress: '10.0.0.1:2377' }),
  swarmNodeObject('swarm-2', { address: '10.0.0.2' }),
];

const swarm = (known: Partial<ServedSwarm> = {}): ServedSwarm => ({
  services: [serviceObject('api'), serviceObject('api-canary')],
  tasks: [
    taskObject('a', { service: 'api', node: 'swarm-1', ports: [HOST_PORT] }),
    taskObject('b', { service: 'api', node: 'swarm-2', slot: 2 }),
    taskObject('c', { service: 'api-canary', node: 'swarm-2' }),
  ],
  nodes: NODES,
  ...known,
});

test('reads a service, its tasks and the addresses of their nodes in three requests', async () => {
  const { read, served } = await open({ swarm: swarm() });

  expect(await read('api')).toEqual({
    id: swarmId('api'),
    name: 'api',
    image: `registry.example/api:209@sha256:${'2'.repeat(64)}`,
    labels: {},
    replicas: 2,
    tasks: [
      expect.objectContaining({
        slot: 1,
        node: 'swarm-1',
        // Its status says 127.0.0.1: https://github.com/moby/moby/issues/30119
        nodeAddress: '10.0.0.1',
        state: 'running',
        desiredState: 'running',
        startedAt: new Date('2026-11-26T11:01:00.123Z'),
        hostPorts: [{ port: 8080, published: 18_080, protocol: 'tcp' }],
      }),
      expect.objectContaining({ slot: 2, node: 'swarm-2', nodeAddress: '10.0.0.2', hostPorts: [] }),
    ],
  });
  expect(served.requests.map((request) => request.replace(/\?.*/, '')).toSorted()).toEqual([
    'GET /v1.47/nodes',
    'GET /v1.47/services',
    'GET /v1.47/tasks',
    'GET /version',
  ]);
});

test('does not take a service for another whose name only begins like it', async () => {
  const { read } = await open({ swarm: swarm({ services: [serviceObject('api-canary')] }) });

  await expect(read('api')).rejects.toMatchObject({
    kind: 'missing',
    message: expect.stringContaining('has no service api') as string,
  });
});

test('reads an update, labels, a failed task and a global service', async () => {
  const { read } = await open({
    swarm: swarm({
      services: [
        serviceObject('agent', {
          replicas: 'global',
          labels: { version: '209', team: 'a' },
          containerLabels: { version: '208', stage: 'prod' },
          update: {
            State: 'paused',
            StartedAt: '2026-11-26T11:00:00Z',
            Message: 'update paused due to failure or early termination of task x',
          },
        }),
      ],
      tasks: [
        taskObject('d', {
          service: 'agent',
          node: 'swarm-2',
          slot: 0,
          state: 'rejected',
          desiredState: 'shutdown',
          error: 'No such image: registry.example/api:210',
        }),
      ],
    }),
  });

  const found = await read('agent');

  expect(found).not.toHaveProperty('replicas');
  expect(found.labels).toEqual({ version: '209', team: 'a', stage: 'prod' });
  expect(found.update).toEqual({
    state: 'paused',
    startedAt: new Date('2026-11-26T11:00:00Z'),
    message: 'update paused due to failure or early termination of task x',
  });
  expect(found.tasks).toEqual([
    expect.objectContaining({
      state: 'rejected',
      desiredState: 'shutdown',
      error: 'No such image: registry.example/api:210',
    }),
  ]);
  expect(found.tasks[0]).not.toHaveProperty('slot');
  expect(found.tasks[0]).not.toHaveProperty('startedAt');
});

test('a port that is published by the routing mesh does not reach one task', async () => {
  const ports = [
    { ...HOST_PORT, PublishMode: 'ingress' },
    { ...HOST_PORT, PublishedPort: 0 },
  ];
  const tasks = [taskObject('a', { service: 'api', node: 'swarm-1', ports })];
  const { read } = await open({ swarm: swarm({ tasks }) });

  expect((await read('api')).tasks[0]!.hostPorts).toEqual([]);
});

test.each([
  [
    'the only node is the host of the engine',
    [swarmNodeObject('swarm-1', { address: '0.0.0.0' })],
    '127.0.0.1',
  ],
  [
    'a loopback address means another machine on each',
    [swarmNodeObject('swarm-1', { address: '127.0.0.1' }), NODES[1]!],
    undefined,
  ],
  [
    'an IPv6 address',
    [swarmNodeObject('swarm-1', { managerAddress: '[fd00::1]:2377' }), NODES[1]!],
    'fd00::1',
  ],
  ['a name is no address', [swarmNodeObject('swarm-1', { address: 'metadata' }), NODES[1]!], undefined],
  ['no node has its id', [NODES[1]!], undefined],
])('the address of a node: %s', async (_, nodes, address) => {
  const { read } = await open({ swarm: swarm({ nodes }) });

  expect((await read('api')).tasks[0]!.nodeAddress).toBe(address);
});

test('an engine that is no manager of a Swarm refuses, which is not an outage of it', async () => {
  const { read } = await open({});

  await expect(read('api')).rejects.toMatchObject({
    kind: 'refused',
    message: 'lab is not a manager of a Swarm: configure the engine of a manager',
  });
});

test.each([
  ['services', { status: 500, message: 'rpc error: code = DeadlineExceeded' }, 'unreachable'],
  ['tasks', { status: 403, message: 'denied by the plugin' }, 'refused'],
  ['nodes', 'html', 'malformed'],
] as const)('a service is never read in part: %s fail', async (list, fault, kind) => {
  const { read, served } = await open({ swarm: swarm() });
  served.setFault(`/${list}`, fault);

  await expect(read('api')).rejects.toMatchObject({ kind });
});

test.each([
  ['a task without a state', { tasks: [{ ID: 't', ServiceID: swarmId('api'), DesiredState: 'running' }] }],
  ['a service without an image', { services: [{ ID: 'x', Spec: { Name: 'api' } }] }],
])('%s is an error, not a healthy service', async (_, known) => {
  const { read } = await open({ swarm: swarm(known) });

  await expect(read('api')).rejects.toMatchObject({ kind: 'malformed' });
});

test('records what it reads, without environment variables', async () => {
  const recorded: string[] = [];
  const recorder: SourceRecorder = {
    http: async (question, send, recordable = (body) => body) => {
      const answer = await send(question);
      recorded.push(JSON.stringify(recordable(JSON.parse(answer.text))));
      return answer;
    },
    certificate: (_, read) => read(),
    observe: (_, observe) => observe(),
  };
  const services = [serviceObject('api', { env: [`TOKEN=${CANARY}`] })];
  const { read } = await open({ swarm: swarm({ services }) }, recorder);

  await read('api');

  const text = recorded.join('\n');
  expect(text).not.toContain(CANARY);
  for (const read of ['registry.example/api:209', '"Replicas":2', '10.0.0.1:2377', '"PublishedPort":18080'])
    expect(text).toContain(read);
});
